#!/usr/bin/env bash
# Installs swarm into an environment of its own, and puts `swarm` alone on PATH: later steps keep their Python.
set -euo pipefail

requirement=${SWARM_REQUIREMENT:-"${GITHUB_ACTION_PATH}[analyzers]"}
environment=$RUNNER_TEMP/swarm/environment
programs=$RUNNER_TEMP/swarm/bin

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "::error title=swarm::swarm needs Python 3.11 or newer: put a step actions/setup-python before this action"
    exit 2
fi
mkdir -p "$programs"
python3 -m venv "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check -- "$requirement"
ln -sf "$environment/bin/swarm" "$programs/swarm"
echo "$programs" >>"$GITHUB_PATH"
"$programs/swarm" --version
