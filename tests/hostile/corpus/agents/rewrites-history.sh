$commit --allow-empty -m one
$commit --amend --allow-empty -m another
git checkout -q --orphan gone
$commit --allow-empty -m beginning
git branch -f "swarm-was-here"
