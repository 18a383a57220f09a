git init -q src/inner
(cd src/inner && $commit --allow-empty -m inner)
git -C src/inner config core.fsmonitor "touch $tree/PWNED"
