"""Shell scripts that source others, divided among processes of shellcheck: reported as by a single process."""

import json
import os
import subprocess

import pytest

from swarm.runtimes import programs
from tests.conftest import Repo, Swarm

LIBRARY = "#!/bin/sh\nfrom_library=1\nexport from_library\n"
LIBRARIES = ("lib.sh", "sub/deep.sh", "with blank/my lib.sh", "with blank/it's.sh")
# Where shellcheck follows, `from_library` is no variable without a value; where not, it is reported.
FOLLOWED = (
    ". ./lib.sh",
    "source lib.sh",
    '\\. "./lib.sh"',
    'x=1; . lib".sh"; echo $x',
    '. "$(dirname "$0")/lib.sh"',
    '. "${0%%/*}/sub/deep.sh"',
    '. "$(cd "$(dirname "${BASH_SOURCE[0]}")" &&\n  pwd)/lib.sh"',
    '# shellcheck source=sub/deep.sh\n. "$1"',
    "# shellcheck source-path=sub\n. deep.sh",
    '# shellcheck source-path=SCRIPTDIR/../sub source-path=x\n. "$1/deep.sh"',
    '# shellcheck source=SCRIPTDIR/../lib.sh\n. "$1"',
    ". ./linked.sh",
    ". folder/deep.sh",
    '. "$1/with blank/my lib.sh"',
    ". ./with\\ blank/my\\ lib.sh",
    ". './with blank/my lib.sh'",
    '. "./with blank/it\'s.sh"',
    ". ./sub/../lib.sh",
    ". li\\\nb.sh",
    ". through.sh",
    "source -- lib.sh",
    ". /lib.sh",
    "if . ./lib.sh; then :; fi",
    '(. ./lib.sh; echo "$from_library")',
    "[ -e lib.sh ]&&. ./lib.sh",
)
NOT_FOLLOWED = ("cat lib.sh", ". ./absent.sh", ". ../lib.sh", "echo . lib.sh", "# source of lib.sh", '. "$1"')
PLAIN = 'cd "$1"\nls $2'


@pytest.fixture
def scripts(repo: Repo) -> Repo:
    if programs.bundled("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    bodies = [*FOLLOWED, *NOT_FOLLOWED, *[PLAIN] * 40]
    files = {f"bin/{n}.sh": f'#!/bin/bash\n{body}\necho "$from_library"\n' for n, body in enumerate(bodies)}
    (repo.root / "linked.sh").symlink_to("sub/deep.sh")
    (repo.root / "folder").symlink_to("sub")
    repo.git("rm", "-q", "-r", ".")
    repo.commit({**files, **dict.fromkeys(LIBRARIES, LIBRARY), "through.sh": "#!/bin/sh\n. ./lib.sh\n"})
    return repo


def in_one_process(repo: Repo) -> set[tuple[str, int, str]]:
    """Return what shellcheck reports where all scripts are given to a single process."""
    files = [f"./{file}" for file in repo.git("ls-files", "-z", "*.sh").split("\0") if file not in {"", "linked.sh"}]
    program = programs.bundled("shellcheck") or ""
    argv = [program, "--format=json1", "--norc", "--exclude=SC1091", "--", *files]
    done = subprocess.run(argv, cwd=repo.root, capture_output=True, check=False)
    return {
        (each["file"].removeprefix("./"), each["line"], f"SC{each['code']}")
        for each in json.loads(done.stdout)["comments"]
    }


def test_divided_scripts_are_reported_as_by_a_single_process(
    swarm: Swarm, scripts: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = in_one_process(scripts)
    is_open = {file for file, _, rule in whole if rule == "SC2154"}
    # The script that names a folder to search keeps its directives to itself.
    assert is_open == {f"bin/{n}.sh" for n in range(len(FOLLOWED), len(FOLLOWED) + len(NOT_FOLLOWED) + 40)}
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    found = swarm("audit", ".", "--format", "json", exit=1).data["digest"]["findings"]
    assert {(each["file"], each["line"], each["ruleId"]) for each in found} == whole
    assert len([*(scripts.root / "swarms").rglob("analyzer.shellcheck/attempt-1/stdout*.log")]) == 4
