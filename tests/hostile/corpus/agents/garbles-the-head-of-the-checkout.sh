echo garbage > "$(git rev-parse --git-common-dir)/HEAD"
