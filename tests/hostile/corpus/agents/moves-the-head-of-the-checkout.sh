git -C "$repository" checkout -q --detach HEAD
git -C "$repository" symbolic-ref HEAD refs/heads/nowhere
