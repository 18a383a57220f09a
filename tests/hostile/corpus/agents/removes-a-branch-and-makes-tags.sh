git branch keep && git branch -D keep
git tag evil HEAD && git $identity notes add -m note HEAD
git update-ref refs/heads/evil HEAD
