#!/usr/bin/env bash
# Fixes findings of the named rules, and leaves the verified fix as a patch. The checkout stays as it is.
set -euo pipefail

patch=$RUNNER_TEMP/swarm/fix.patch
rm -f -- "$patch"
cd -- "$SWARM_INPUT_PATH"
branch=swarm-fix-${GITHUB_RUN_ID:-0}-${GITHUB_RUN_ATTEMPT:-0}
arguments=("--rule=$SWARM_INPUT_FIX" "--branch=$branch")
if [ "$SWARM_INPUT_ACCEPT_NO_TESTS" = true ]; then
    arguments+=(--accept no_tests --reason "the input fix-accept-no-tests of the action")
fi

code=0
swarm fix "${arguments[@]}" || code=$?
if git rev-parse --quiet --verify "refs/heads/$branch" >/dev/null; then
    git diff --binary HEAD "refs/heads/$branch" >"$patch"
    echo "patch=$patch" >>"$GITHUB_OUTPUT"
    if [ "$SWARM_INPUT_SUMMARY" = true ]; then
        echo "A verified fix is in the output \`patch\`: $(git diff --shortstat HEAD "refs/heads/$branch")." >>"$GITHUB_STEP_SUMMARY"
    fi
elif [ "$code" != 0 ]; then
    echo "::warning title=swarm fix::nothing was fixed (exit code $code); the log of this step says why"
fi
