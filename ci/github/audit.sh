#!/usr/bin/env bash
# Audits, and leaves the verdict to the last step of the action, so that the reports are uploaded in between.
# Inputs come by the environment alone: whatever they hold, they are words of a command and never text of a script.
set -euo pipefail

reports=$RUNNER_TEMP/swarm/reports
rm -rf -- "$reports"
mkdir -p "$reports"
cd -- "$SWARM_INPUT_PATH"

# A checkout of depth 1 lacks the merge base, and every finding would be new.
fetch() {
    if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
        git fetch --quiet --no-tags --unshallow origin "$@" || true
    else
        git fetch --quiet --no-tags origin "$@" || true
    fi
}

is_here() {
    git cat-file -e "$1^{commit}" 2>/dev/null
}

default=${SWARM_DEFAULT_BRANCH:-}
baseline=$SWARM_INPUT_BASELINE
if [ -z "$baseline" ] && [ -n "${GITHUB_BASE_REF:-}" ]; then
    fetch "+refs/heads/$GITHUB_BASE_REF:refs/remotes/origin/$GITHUB_BASE_REF"
    baseline=origin/$GITHUB_BASE_REF
elif [ -z "$baseline" ] && [[ "${SWARM_EVENT_BEFORE:-}" =~ ^[0-9a-f]*[1-9a-f][0-9a-f]*$ ]]; then
    is_here "$SWARM_EVENT_BEFORE" || fetch
    # A push with force can leave no trace of the commit before it.
    if is_here "$SWARM_EVENT_BEFORE"; then
        baseline=$SWARM_EVENT_BEFORE
    fi
fi
# The first push of a branch or a tag, a run by hand: what the default branch has is not new.
if [ -z "$baseline" ] && [ -n "$default" ] && [ "${GITHUB_REF:-}" != "refs/heads/$default" ]; then
    fetch "+refs/heads/$default:refs/remotes/origin/$default"
    if git merge-base HEAD "refs/remotes/origin/$default" >/dev/null 2>&1; then
        baseline=origin/$default
    fi
fi
[ -n "$baseline" ] || echo "::notice title=swarm audit::there is no commit to compare with: every finding counts as new"

arguments=(--report "sarif:$reports/swarm.sarif" --report "markdown:$reports/summary.md"
    --report "github:$reports/annotations")
[ -z "$baseline" ] || arguments+=("--baseline=$baseline")
[ "$SWARM_INPUT_FAIL_ON" = never ] || arguments+=("--fail-on=$SWARM_INPUT_FAIL_ON")

code=0
swarm audit "${arguments[@]}" . || code=$?
# Only findings are forgiven: an audit that did not come to its end is never green.
if [ "$SWARM_INPUT_FAIL_ON" = never ] && [ "$code" = 1 ] && [ -e "$reports/swarm.sarif" ]; then
    code=0
fi

new=
if [ -e "$reports/annotations" ]; then
    # A line without a file says what was not looked at.
    new=$(grep -c '^::[a-z]* file=' "$reports/annotations" || true)
    [ "$SWARM_INPUT_ANNOTATIONS" != true ] || cat "$reports/annotations"
fi
if [ "$SWARM_INPUT_SUMMARY" = true ] && [ -e "$reports/summary.md" ]; then
    # A summary of more than 1 MiB is refused as a whole.
    head -c 1000000 "$reports/summary.md" >>"$GITHUB_STEP_SUMMARY"
fi
sarif=
[ ! -e "$reports/swarm.sarif" ] || sarif=$reports/swarm.sarif
{
    echo "exit-code=$code"
    echo "new=$new"
    echo "sarif=$sarif"
} >>"$GITHUB_OUTPUT"
