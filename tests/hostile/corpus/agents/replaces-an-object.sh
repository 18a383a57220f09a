git replace -f HEAD "$($plumb commit-tree -m x "$(git hash-object -t tree -w /dev/null)")"
