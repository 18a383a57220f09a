"""The stories that are broken off: every mutating verb, each from the state in which its user calls it.

An agent is a shell script that copies the answer which was prepared for its domain and phase, and makes the edit
that was prepared with it.
"""

import gzip
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from soak.calls import Answer, call, environment, git, swarm

KEPT = Path(__file__).parents[1] / "tests" / "data" / "control-plane-v1.db.gz"
SOURCE = {
    "src/app.py": "import os\n\n\ndef load(path, seen=[]):\n    return open(path).read()\n",
    "src/tool.py": "def run():\n    return eval('1')\n",
    "docs/guide.md": "# A guid\n",
    "README.md": "# A project\n",
    "swarms/.gitignore": "*\n",
}
MAP = [
    {"name": "code", "globs": ["src/**"]},
    {"name": "docs", "globs": ["docs/**"]},
    {"name": "rest", "globs": ["**"]},
]
FINDINGS = {
    "code": {"file": "src/app.py", "line": 4, "quote": "def load(path, seen=[]):", "symbol": "load"},
    "docs": {"file": "docs/guide.md", "line": 1, "quote": "# A guid", "category": "docs"},
    "rest": {"file": "README.md", "line": 1, "quote": "# A project", "category": "docs"},
}
EDITS = {
    "code": "sed 's/seen=..)/seen=None)/' src/app.py > src/app.new && mv src/app.new src/app.py",
    "docs": "printf '# A guide\\n' > docs/guide.md",
    "rest": "printf '# The project\\n' > README.md",
}
AGENT = 'if [ -e "$1/$2.sh" ]; then . "$1/$2.sh"; fi; cp "$1/$2.json" "$3.new" && mv "$3.new" "$3"'
CONFIG = """[runtimes.played]
kind = "command"
argv = ["sh", "-c", '{agent}', "agent", "{answers}", "{{phase}}-{{domain}}", "{{output_file}}"]

[sandbox]
backend = "none"
reason = "the agents copy answers that lie beside the repository"

[[verify.steps]]
name = "check"
kind = "test"
argv = ["sh", "-c", "test -e README.md && echo 1 ran"]
count_pattern = '^(\\d+) ran'
"""


def nothing(root: Path) -> None:
    """Do nothing by hand."""


class Scene(NamedTuple):
    """A call that is broken off. It begins where another scene ended well, after what a person did by hand."""

    name: str
    words: tuple[str, ...]
    after: str | None
    by_hand: Callable[[Path], None] = nothing
    exit: int = 0
    # What the call may say the second time, where the first had done its work before it was killed: a code, or words.
    already: tuple[str, ...] = ()
    # Whether attempts and logs are compared: those of a try that was broken off are evidence, and stay.
    tries: bool = True
    # Whether a call after the last commit is a second one, which begins anew.
    is_anew: bool = False
    # Whether what the scene begins with is a true story: a kept database has no repository.
    is_whole: bool = True
    # The beginning of a file's path that a second call may add: an upgrade broken off between two versions has its
    # middle version copied before the second call goes on.
    may_add: str | None = None
    # The only points at which it is killed, where the others are those of other scenes.
    only: tuple[str, ...] = ()

    def was_done(self, answer: Answer) -> bool:
        """Say whether the second call is refused because the first one had come to its end."""
        return any(word in answer.out for word in self.already)


def make(root: Path) -> None:
    """Make the repository in which every story begins."""
    (root.parent / "answers").mkdir()
    for name, text in SOURCE.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-f", *(name for name in SOURCE if not name.startswith("swarms/")))
    git(root, "commit", "-q", "-m", "start")
    (root.parent / "map.json").write_text(json.dumps(MAP))
    (root / "swarms" / "swarm.toml").write_text(CONFIG.format(agent=AGENT, answers=root.parent / "answers"))
    for domain, finding in FINDINGS.items():
        reports = {"id": "1", "severity": "HIGH", "category": "bug", "description": "It is wrong.", **finding}
        answer(root, "health-audit-a", domain, stage="A", findings=[reports])


def answer(root: Path, phase: str, domain: str, edit: str | None = None, **keys: object) -> None:
    """Prepare what an agent will say, and do."""
    place = root.parent / "answers"
    body = {"domain": domain, "summary": "Done.", **keys}
    (place / f"{phase}-{domain}.json").write_text(json.dumps(body))
    script = place / f"{phase}-{domain}.sh"
    script.unlink(missing_ok=True)
    if edit is not None:
        script.write_text(edit + "\n")


def mends(root: Path) -> None:
    """Let every amend agent mend the finding that is its own."""
    for finding in swarm(root, "findings", "--status", "open")["findings"]:
        domain = finding["domain"]
        fixes = [{"finding_id": finding["findingId"], "description": "Mended."}]
        answer(root, "health-amend-a", domain, EDITS[domain], fixes=fixes, files_changed=[])


def reviews(root: Path) -> None:
    """Let every agent confirm what was found in its domain."""
    for finding in swarm(root, "findings", "--status", "open")["findings"]:
        said = {"finding_id": finding["findingId"], "verdict": "confirmed", "quote": finding["quote"], "reason": "So."}
        answer(root, AUDIT, finding["domain"], reviews=[said])


def reviewed(root: Path) -> None:
    """Let the reviewers come to their end."""
    call(root, "launch")


def one_fails(root: Path) -> None:
    """Let the agent of `code` leave an edit and fail: the wave has failed. The next time it will do well."""
    script = root.parent / "answers" / "health-audit-a-code.sh"
    script.write_text("echo '# half done' > src/tool.py; exit 3\n")
    call(root, "launch")
    call(root, "collect")
    script.unlink()


def one_is_invalid(root: Path) -> None:
    """Let the agent of `code` answer nonsense; a person corrects it beside the workspace."""
    right = root.parent / "answers" / "health-audit-a-code.json"
    corrected = right.read_text()
    right.write_text('{"domain": "code", "summary": 1}')
    call(root, "launch")
    call(root, "collect")
    right.write_text(corrected)
    (root.parent / "corrected.json").write_text(corrected)


def an_older_control_plane(root: Path) -> None:
    """Put a control plane of version 1 in the workspace."""
    (root / "swarms").mkdir(exist_ok=True)
    (root / "swarms" / "control-plane.db").write_bytes(gzip.decompress(KEPT.read_bytes()))


def swarm_dies(root: Path, point: str, *words: str) -> None:
    """Call swarm, and let it be killed at a point."""
    subprocess.run(
        [sys.executable, "-m", "swarm", *words],
        cwd=root,
        env={**environment(root.parent), "SWARM_FAILPOINT": point},
        capture_output=True,
        check=False,
    )


def a_dispatch_dies(root: Path) -> None:
    """Leave worktrees of no agent, and a half-written file."""
    swarm_dies(root, "commit.before", "dispatch", "health-audit-a", "--isolate")
    run = next(place for place in (root / "swarms").iterdir() if place.is_dir() and place.name != "backups")
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        dead = ended.pid
    os.close(os.open(run / f".digest.md.{dead}-x.tmp", os.O_CREAT | os.O_WRONLY, 0o600))


def a_launch_dies(root: Path) -> None:
    """Leave an attempt that is open and that nobody supervises."""
    swarm_dies(root, "commit.after:2", "launch", "--jobs", "1")


def asked(root: Path) -> None:
    """Let an agent wait for a decision."""
    with closing(sqlite3.connect(root / "swarms" / "control-plane.db")) as conn, conn:
        conn.execute(
            "INSERT INTO permissions (attempt_id, request, kind, target, tool, relation, recommended, asked)"
            " VALUES (1, 'r', 'edit', 'src/app.py', 't', 'inside', 'once', '2026-01-01T00:00:00.000Z')"
        )


def edited_by_hand(root: Path) -> None:
    """Let the user edit a tracked file, which a rewind by force must keep."""
    (root / "README.md").write_text("# Mine\n")


def named(root: Path, words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a call, in which `@` stands for the first finding."""
    if "@" not in words:
        return words
    first = swarm(root, "findings", "--status", "all")["findings"][0]["findingId"]
    return tuple(first if word == "@" else word for word in words)


def decisions(root: Path) -> None:
    """Export decisions, and take them back, so that a file can bring them again."""
    with closing(sqlite3.connect(root / "swarms" / "control-plane.db")) as conn:
        fingerprints = [item for (item,) in conn.execute("SELECT fingerprint FROM findings ORDER BY id")]
    entries = "".join(
        f'\n[decisions."{fingerprint}"]\ndecision = "rejected"\nreason = "meant so"\nauthor = "Ada"\n'
        for fingerprint in fingerprints
    )
    (root.parent / "decisions.toml").write_text("version = 1\n" + entries)


def the_guide_breaks_the_build(root: Path) -> None:
    """Let the build fail where the agent of `docs` has mended what it was given."""
    place = root / "swarms" / "swarm.toml"
    place.write_text(place.read_text().replace("test -e README.md", "! grep -q guide docs/guide.md"))


def left_over(root: Path) -> None:
    """Let something lie in an agent's tree that is nowhere else."""
    tree = next((root / "swarms").glob("*/worktrees/w2-code"))
    (tree / "notes.txt").write_text("mine\n")


AGAIN = ("--apply", "--reason", "again")
AUDIT, AMEND = "health-audit-a", "health-amend-a"
IN_FLIGHT = ("DISPATCH_WAVE_IN_FLIGHT",)

SCENES = (
    Scene("init", ("init", ".", "--new", "--domains-from", "../map.json"), None, is_anew=True),
    Scene("freeze", ("domains", "--freeze"), "init", already=("MAP_FROZEN",)),
    Scene("unfreeze", ("domains", "--unfreeze", "--reason", "to edit"), "freeze", already=("MAP_NOT_FROZEN",)),
    Scene("edit the map", ("domains", "--add", "web", "--globs", '["web/**"]'), "init", already=("DOMAIN_EXISTS",)),
    Scene("set the timeout", ("runs", "--set-timeout", "60"), "freeze"),
    Scene("audit", ("audit", ".", "--fail-on", "CRITICAL"), None, tries=False, is_anew=True),
    Scene("dispatch", ("dispatch", AUDIT, "--isolate", "--runtime", "played"), "freeze", already=IN_FLIGHT),
    Scene("dispatch, one tree", ("dispatch", AUDIT, "--isolate", "--runtime", "ruff"), "freeze", already=IN_FLIGHT),
    Scene("dispatch, sparse", ("dispatch", AUDIT, "--isolate", "--sparse"), "freeze", already=IN_FLIGHT),
    Scene("launch", ("launch",), "dispatch", tries=False),
    Scene("wait", ("wait", "--timeout", "30s"), "dispatch", a_launch_dies, exit=3),
    Scene("reply", ("permissions", "reply", "1", "once"), "launch", asked, already=("PERMISSION_CLOSED",)),
    Scene("launch, one tree", ("launch",), "dispatch, one tree", tries=False),
    Scene("collect", ("collect",), "launch", already=("COLLECT_NO_WAVE",)),
    Scene("import decisions", ("triage", "--import", "../decisions.toml"), "collect", decisions, is_anew=True),
    Scene("export decisions", ("findings", "--export", "../exported.toml"), "reject"),
    Scene("reject", ("reject", "--ids", "@", "--reason", "none"), "collect"),
    Scene("defer", ("defer", "--ids", "@", "--reason", "later", "--expires", "2999-01-01"), "collect"),
    Scene(
        "close",
        ("close", "--ids", "@", "--reason", "seen", "--verified-how", "independent", "--evidence", "the line"),
        "collect",
        already=("(fixed)",),
    ),
    Scene(
        "reopen",
        ("reopen", "--ids", "@", "--reason", "not so", "--evidence", "the line"),
        "close",
        already=("(unverified)",),
    ),
    Scene(
        "go past a gate",
        ("advance", "--override", "--reason", "it must be"),
        "collect",
        already=("no wave of health-audit-b yet",),
    ),
    Scene(
        "grant", ("lease", "grant", "--domain", "rest", "--file", "src/app.py", "--reason", "it calls it"), "collect"
    ),
    Scene("show", ("show", "@"), "collect"),
    Scene("report", ("report", "-o", "../report.html"), "collect"),
    Scene("receipt", ("receipt", "--output", "../receipts"), "collect"),
    Scene("dispatch, review", ("dispatch", AUDIT, "--review"), "collect", reviews, already=IN_FLIGHT),
    Scene("collect, review", ("collect",), "dispatch, review", reviewed, already=("COLLECT_NO_WAVE",)),
    Scene("approve", ("approve", "--all"), "collect"),
    Scene("approve the confirmed", ("approve", "--all", "--confirmed"), "collect, review"),
    Scene("look at the approved", ("verify-approved",), "approve"),
    Scene(
        "dispatch, amend", ("dispatch", AMEND, "--isolate", "--runtime", "played"), "approve", mends, already=IN_FLIGHT
    ),
    Scene("launch, amend", ("launch",), "dispatch, amend", tries=False),
    Scene("collect, amend", ("collect",), "launch, amend", already=("COLLECT_NO_WAVE",)),
    Scene("merge", ("merge",), "collect, amend", tries=False),
    # Its steps are verbs with scenes of their own: what a later call finds of it is what they have committed.
    Scene(
        "fix",
        ("fix", "@", "--runtime", "played"),
        "collect",
        mends,
        already=("FIX_NOTHING_TO_FIX",),
        tries=False,
        only=("commit.after",),
    ),
    Scene(
        "merge without culprits",
        ("merge", "--drop-culprits"),
        "collect, amend",
        the_guide_breaks_the_build,
        tries=False,
    ),
    Scene("publish", ("merge", "--publish"), "collect, amend", tries=False),
    Scene("publish what was merged", ("merge", "--publish"), "merge", tries=False),
    Scene("verify", ("verify",), "publish", tries=False, is_anew=True),
    Scene("look again", ("verify-fixed",), "verify"),
    Scene("look at the recurring", ("verify-recurring",), "verify"),
    Scene("look at the unverified", ("verify-unverified",), "verify"),
    Scene("advance", ("advance",), "verify", already=("no wave of health-audit-a yet",)),
    Scene("clean", ("clean", "--force", *AGAIN), "advance", left_over),
    Scene("undo, of clean", ("undo", *AGAIN), "clean"),
    Scene("rewind", ("rewind", "latest", "--force", *AGAIN), "publish", edited_by_hand),
    Scene("undo, of rewind", ("undo", *AGAIN), "rewind"),
    Scene("resume", ("resume", *AGAIN), "dispatch", one_fails),
    Scene("redrive", ("redrive", "1", *AGAIN), "dispatch", one_fails, already=("RECOVERY_NOT_APPLICABLE",)),
    Scene("revalidate", ("revalidate", "--domain", "code:../corrected.json", *AGAIN), "dispatch", one_is_invalid),
    Scene(
        "migrate", ("runs",), None, an_older_control_plane, is_whole=False, may_add="swarms/backups/control-plane-v2-"
    ),
    Scene("repair", ("doctor", "--fix", *AGAIN), "freeze", a_dispatch_dies, tries=False),
)
