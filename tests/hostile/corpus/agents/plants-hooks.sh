hooks=$(git rev-parse --git-common-dir)/hooks
mkdir -p "$hooks"
for hook in pre-commit post-checkout post-index-change reference-transaction post-merge pre-auto-gc; do
  printf '#!/bin/sh\ntouch "%s/PWNED"\n' "$tree" > "$hooks/$hook"
  chmod +x "$hooks/$hook"
done
