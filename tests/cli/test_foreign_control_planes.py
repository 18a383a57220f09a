"""Control planes that somebody else wrote: nothing in them leads a command out of the workspace, or without an end."""

import json
import os
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from swarm.runtimes import processes
from tests.conftest import Repo, Swarm, Workspace
from tests.sweeping import swept

LOOKS = (("status",), ("runs",), ("findings",), ("events",), ("attempts",), ("ledger", "verify"), ("doctor",))
SUPER_JOURNAL = bytes.fromhex("d9d505f920a163d7")


def sql(database: Path, *statements: str, values: tuple[object, ...] = ()) -> None:
    with closing(sqlite3.connect(database)) as conn:
        conn.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            conn.execute(statement, values)
        conn.commit()


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file of the user beside the repository."""
    file = tmp_path / "outside.txt"
    file.write_text("mine\n")
    return file


ENDLESS = "WITH RECURSIVE endless (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM endless) SELECT n FROM endless"


@pytest.mark.parametrize(
    "statements",
    [
        ("ALTER TABLE runs RENAME TO other", f"CREATE VIEW runs AS {ENDLESS}"),
        (f"CREATE VIEW more AS {ENDLESS}",),
        ("CREATE TRIGGER more AFTER INSERT ON events BEGIN DELETE FROM findings; END",),
        ("CREATE INDEX more ON findings (hex(zeroblob(length(description) * 1000000)))",),
        ("CREATE TABLE more (id INTEGER PRIMARY KEY AUTOINCREMENT)",),
        ("ALTER TABLE waves ADD COLUMN more TEXT AS (hex(zeroblob(100000000))) VIRTUAL",),
        ("DROP TABLE leases", "CREATE TABLE leases (id INTEGER CHECK (length(hex(zeroblob(100000000))) > id))"),
        ("DROP INDEX one_open_wave_per_run", "CREATE INDEX one_open_wave_per_run ON waves (number)"),
    ],
)
def test_a_schema_that_swarm_did_not_make_is_refused_before_a_row_is_read(
    swarm: Swarm, workspace: Workspace, statements: tuple[str, ...]
) -> None:
    sql(workspace.db, *statements)
    before = workspace.db.read_bytes()
    for words in (*LOOKS[:3], ("dispatch", workspace.run, "health-audit-a"), ("init", ".")):
        assert swarm(*words, exit=1).code == "CONTROL_PLANE_FOREIGN"
    assert workspace.db.read_bytes() == before


def test_pages_that_lead_to_each_other_are_read_for_a_bounded_time(swarm: Swarm, workspace: Workspace) -> None:
    with closing(sqlite3.connect(workspace.db)) as conn:
        # Many rows fill interior pages, whose cells are then led to a single page, level by level.
        conn.executemany("INSERT INTO kv VALUES (?, ?)", ((f"build:{number}", "x" * 900) for number in range(20_000)))
        conn.commit()
        (root,) = conn.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'kv'").fetchone()
        (size,) = conn.execute("PRAGMA page_size").fetchone()
    body = bytearray(workspace.db.read_bytes())
    at = (root - 1) * size
    assert body[at] == 5
    (cells,) = struct.unpack_from(">H", body, at + 3)
    first = struct.unpack_from(">I", body, at + struct.unpack_from(">H", body, at + 12)[0])[0]
    for cell in range(cells):
        place = at + struct.unpack_from(">H", body, at + 12 + 2 * cell)[0]
        struct.pack_into(">I", body, place, root if cell else first)
    workspace.db.write_bytes(body)
    assert swarm("status", exit=None).exit in {0, 1}
    assert swarm("doctor", exit=None).exit in {0, 1}


@pytest.mark.parametrize("ending", ["-journal", "-wal", "-shm", ".lock"])
def test_a_link_beside_the_database_is_not_written_through(
    swarm: Swarm, workspace: Workspace, outside: Path, ending: str
) -> None:
    link = workspace.db.with_name(workspace.db.name + ending)
    link.unlink(missing_ok=True)
    link.symlink_to(outside)
    for words in (("status",), ("dispatch", workspace.run, "health-audit-a"), ("audit", ".")):
        answer = swarm(*words, exit=1)
        assert answer.code == "CONTROL_PLANE_FOREIGN"
        assert f"{link.name} beside it is no regular file" in answer.err
    assert (outside.read_text(), link.is_symlink()) == ("mine\n", True)


def test_a_journal_that_names_a_file_deletes_nothing(swarm: Swarm, workspace: Workspace, outside: Path) -> None:
    name = os.fsencode(outside)
    journal = workspace.db.with_name(f"{workspace.db.name}-journal")
    head = SUPER_JOURNAL + struct.pack(">IIIII", 0, 0, 1, 512, 4096)
    # As SQLite ends a journal of a transaction over several databases: page, name, length, sum, magic.
    end = struct.pack(">I", 0) + name + struct.pack(">II", len(name), sum(name)) + SUPER_JOURNAL
    journal.write_bytes(head.ljust(512, b"\0") + end)
    answer = swarm("status", exit=1)
    assert answer.code == "CONTROL_PLANE_FOREIGN"
    assert f"{journal.name} beside it names another file" in answer.err
    assert outside.read_text() == "mine\n"


def test_backups_are_not_written_through_a_link(swarm: Swarm, repo: Repo, workspace: Workspace, tmp_path: Path) -> None:
    import gzip

    data = Path(__file__).parent.parent / "data"
    workspace.db.write_bytes(gzip.decompress(next(iter(sorted(data.glob("*v1*.gz")))).read_bytes()))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "control-plane-mine.tmp").write_text("mine\n")
    (workspace.folder / "backups").symlink_to(elsewhere)
    assert swarm("runs", exit=1).code == "CONTROL_PLANE_FOREIGN"
    assert [file.name for file in elsewhere.iterdir()] == ["control-plane-mine.tmp"]


def test_a_row_of_another_form_is_named_and_not_used(swarm: Swarm, dispatched: Workspace) -> None:
    columns = {
        "waves": ("shared_tree", "dispatch_sha"),
        "agent_runs": ("prompt_path", "output_path", "worktree_path", "worktree_branch", "domain", "work"),
        "runs": ("commit_sha", "save_point_tag", "branch"),
    }
    before = tree(dispatched.folder)
    whole = dispatched.db.read_bytes()
    for table, name in [(table, name) for table, names in columns.items() for name in names]:
        for value in ("../../x", "", "-x y", "/tmp/swarm-1-a/wave-1/../../../x", "a\nb", "x..y"):
            sql(dispatched.db, f"UPDATE {table} SET {name} = ? WHERE rowid = 1", values=(value,))
            answer = swarm("collect", exit=1)
            assert (answer.code, f"A row of {table}" in answer.err) == ("CONTROL_PLANE_ROW_REFUSED", True), (
                name,
                value,
            )
            assert name in answer.err
            dispatched.db.write_bytes(whole)
    assert tree(dispatched.folder) == before


def tree(folder: Path) -> list[str]:
    return sorted(str(file) for file in folder.rglob("*") if not file.name.endswith((".lock", "control-plane.db")))


def test_a_path_of_another_workspace_is_read_as_a_path_of_this(
    swarm: Swarm, dispatched: Workspace, tmp_path: Path
) -> None:
    theirs = tmp_path / "theirs" / dispatched.run / "wave-1" / "code"
    theirs.mkdir(parents=True)
    (theirs / "output.json").write_text("theirs")
    output = str(theirs / "output.json")
    sql(dispatched.db, "UPDATE agent_runs SET output_path = ? WHERE domain = 'code'", values=(output,))
    dispatched.answer("rest")
    assert swarm("status", "--format", "json").data["assessment"]["state"] != "READY TO COLLECT"
    swarm("launch", "--runtime", "ruff")
    assert ((theirs / "output.json").read_text(), dispatched.output("code").is_file()) == ("theirs", True)


def test_a_folder_of_a_run_that_is_a_link_leads_nowhere(swarm: Swarm, dispatched: Workspace, tmp_path: Path) -> None:
    wave = dispatched.folder / dispatched.run / "wave-1"
    wave.rename(tmp_path / "moved")
    wave.symlink_to(tmp_path / "moved")
    before = tree(tmp_path / "moved")
    assert swarm("launch", "--runtime", "ruff", exit=1).code == "CONTROL_PLANE_FOREIGN"
    assert tree(tmp_path / "moved") == before


@pytest.mark.parametrize("place", ["wave-1/code", "wave-1/launch.lock", "wave-1/rest.md", "worktrees"])
def test_a_link_among_the_files_of_a_wave_is_not_written_through(
    swarm: Swarm, dispatched: Workspace, tmp_path: Path, place: str
) -> None:
    link = dispatched.folder / dispatched.run / place
    target = tmp_path / "target"
    if link.exists():
        link.rename(target)
    else:
        target.write_text("mine\n")
    link.symlink_to(target)
    before = [(str(file), file.is_dir() or file.read_bytes()) for file in sorted([target, *target.rglob("*")])]
    for verb in ("launch", "audit", "collect"):
        swarm(verb, *(["."] if verb == "audit" else []), exit=None)
    assert [(str(file), file.is_dir() or file.read_bytes()) for file in sorted([target, *target.rglob("*")])] == before


def test_a_commit_of_a_finding_is_no_option_of_git(swarm: Swarm, collected: Workspace, outside: Path) -> None:
    sql(collected.db, "UPDATE findings SET anchor_commit = ?", values=(f"--output={outside}",))
    for words in (
        ("findings",),
        ("show", "F-1"),
        ("dispatch", collected.run, "health-audit-b"),
        ("verify-unverified",),
    ):
        swarm(*words, exit=None)
    assert swarm("collect", exit=1).code == "CONTROL_PLANE_ROW_REFUSED"
    assert outside.read_text() == "mine\n"


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("waves", "violations", "[1]"),
        ("waves", "violations", "{"),
        ("waves", "result", "[]"),
        ("waves", "phase", "no-phase"),
        ("waves", "status", "no-status"),
        ("agent_runs", "status", "no-status"),
        ("waves", "violations", "[" * 100_000),
    ],
)
def test_a_document_or_a_word_of_another_form_is_a_typed_error(
    swarm: Swarm, collected: Workspace, table: str, column: str, value: str
) -> None:
    sql(collected.db, f"UPDATE {table} SET {column} = ?", values=(value,))
    assert swarm("status", exit=1).code == "CONTROL_PLANE_ROW_REFUSED"


def test_an_open_attempt_that_names_process_one_ends_nothing(
    swarm: Swarm, dispatched: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, _: sent.append(group))
    monkeypatch.setattr(os, "kill", lambda pid, number: number and sent.append(pid))
    for number, pid in enumerate((1, 0, -1, os.getpid(), os.getppid()), 1):
        record = dispatched.output("code").parent / f"attempt-{number}" / "record.json"
        sql(
            dispatched.db,
            "INSERT INTO attempts (agent_run_id, ordinal, runtime, argv, prompt_sha256, host, supervisor_pid, pid,"
            " pid_start, created, record_path) VALUES (1, ?, 'x', '[]', '', ?, 1, ?, ?, '', ?)",
            values=(number, processes.host(), pid, processes.start_of(pid) if pid > 0 else "0", str(record)),
        )
        swarm("resume", dispatched.run, exit=None)
        sql(dispatched.db, "DELETE FROM attempts")
    assert sent == []


# What an undo would give to git, or write to, if nobody looked at the payload that names it.
FORGED = {
    "commit": "--output=x",
    "tip": "../../x",
    "branch": "main",
    "salvage": "refs/heads/main",
    "name": "-x y",
    "work": "refs/heads/main",
}


def forge(place: Workspace, forged: dict[str, object]) -> None:
    with closing(sqlite3.connect(place.db)) as conn:
        conn.execute("DROP TRIGGER the_ledger_is_not_edited")
        (payload,) = conn.execute("SELECT payload FROM events WHERE kind = 'cleaned'").fetchone()
        facts = json.loads(payload)
        facts["items"] = [item | forged for item in facts["items"]]
        conn.execute("UPDATE events SET payload = ? WHERE kind = 'cleaned'", (json.dumps(facts),))
        conn.commit()


@pytest.mark.parametrize("key", swept(FORGED, first=2))
def test_an_undo_takes_no_name_of_a_forged_step(swarm: Swarm, repo: Repo, collected: Workspace, key: str) -> None:
    swarm("clean", "--force", "--apply", "--reason", "tidy")
    before = repo.git("for-each-ref")
    forge(collected, {key: FORGED[key]})
    for words in (("undo",), ("undo", "--apply", "--reason", "x")):
        assert swarm(*words, exit=1).code == "CONTROL_PLANE_ROW_REFUSED"
    assert repo.git("for-each-ref") == before


def test_an_undo_brings_trees_back_in_the_workspace_alone(swarm: Swarm, collected: Workspace, tmp_path: Path) -> None:
    swarm("clean", "--force", "--apply", "--reason", "tidy")
    forge(collected, {"path": str(tmp_path / "outside" / "w1-code")})
    swarm("undo", "--apply", "--reason", "x", exit=None)
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("payload", swept(["[]", "{}", "1", '{"items": 1}', '{"items": [1]}']))
def test_a_step_of_another_form_is_a_typed_error(swarm: Swarm, collected: Workspace, payload: str) -> None:
    swarm("clean", "--force", "--apply", "--reason", "tidy")
    sql(
        collected.db,
        "DROP TRIGGER the_ledger_is_not_edited",
        f"UPDATE events SET payload = '{payload}' WHERE kind = 'cleaned'",
    )
    assert swarm("undo", exit=1).code == "CONTROL_PLANE_ROW_REFUSED"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE agent_runs SET started = 'x', status = 'running'", ("status",)),
        ("UPDATE sightings SET severity = 'x'", ("ledger", "replay", "--check")),
        ("UPDATE waves SET snapshot_id = 77", ("receipt",)),
        ("UPDATE findings SET severity = 'x'", ("findings",)),
        ("UPDATE findings SET severity = 'x'", ("show", "{finding}")),
        ("UPDATE domains SET ownership = 'x'", ("domains",)),
        ("UPDATE domains SET globs = 'a' || char(0) || 'b'", ("domains",)),
        ("UPDATE snapshots SET map = ''", ("receipt",)),
        ("UPDATE sightings SET finding = 4611686018427387904", ("history", "{finding}")),
        ("UPDATE waves SET ended = 'x'", ("report", "-o", "page.html")),
    ],
)
def test_a_time_a_word_a_map_or_a_reference_that_is_none_is_a_typed_error(
    swarm: Swarm, collected: Workspace, statement: str, words: tuple[str, ...]
) -> None:
    with closing(sqlite3.connect(collected.db)) as conn:
        conn.execute("PRAGMA ignore_check_constraints = ON")
        conn.execute(statement)
        conn.commit()
        (finding,) = conn.execute("SELECT min(finding_id) FROM findings").fetchone()
    assert swarm(*(word.format(finding=finding) for word in words), exit=1).code == "CONTROL_PLANE_ROW_REFUSED"


def test_doctor_names_a_value_that_its_own_schema_cannot_read(swarm: Swarm, collected: Workspace) -> None:
    sql(collected.db, "UPDATE domains SET globs = 'a' || char(0) || 'b'")
    answer = swarm("doctor", exit=None)
    assert "SQLite says: malformed JSON" in answer.out
