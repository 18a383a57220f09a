mkdir .githooks
printf '#!/bin/sh\ntouch PWNED\n' > .githooks/post-checkout
chmod +x .githooks/post-checkout
git add -A && $commit -m hooks
git config core.hooksPath .githooks
