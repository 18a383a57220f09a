"""`swarm audit`: what its answer rests on. Nothing looked at, files not read, and refused reports are never clean."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from swarm.runtimes import programs
from swarm.waves.audit import wave_of_head
from tests.cli.errors.refusal import raises
from tests.conftest import Repo, Swarm
from tests.sweeping import swept

AGENT = """\
import json, os
own = os.environ["SWARM_DOMAIN"]
found = [{"id": "1", "severity": "HIGH", "category": "bug", "file": PLACE, "description": "A hole."}]
with open(os.environ["SWARM_OUTPUT_FILE"], "w") as output:
    json.dump({"domain": own, "stage": "A", "summary": "s", "findings": found}, output)
"""


@pytest.fixture
def bare(repo: Repo) -> Repo:
    """A repository without any file that an analyzer reads."""
    repo.git("rm", "-q", "-r", ".")
    repo.commit({"app.rs": "fn main() {}\n", "main.go": "package main\n"})
    return repo


def test_an_audit_that_has_nothing_to_look_at_is_refused_and_makes_nothing(swarm: Swarm, bare: Repo) -> None:
    for options in ((), ("--fail-on", "new"), ("--fail-on", "CRITICAL")):
        answer = swarm("audit", ".", *options, exit=2)
        assert answer.out == ""
        assert answer.err.startswith(
            "ERROR [AUDIT_NOTHING_TO_LOOK_AT]: No analyzer that is installed here reads a file of "
            f"{bare.root}: 1 Go, 1 Rust\n"
        )
    named = swarm("audit", ".", "--runtime", "ruff", exit=2).err
    assert f"[AUDIT_NOTHING_TO_LOOK_AT]: ruff reads no file of {bare.root}: 1 Go, 1 Rust\n" in named
    assert not (bare.root / "swarms").exists()


def test_an_audit_of_documents_alone_names_what_would_read_them(swarm: Swarm, repo: Repo) -> None:
    repo.git("rm", "-q", "-r", ".")
    repo.commit({"README.md": "# R\n", "query.sql": "SELECT 1\n", "data.csv": "1\n"})
    answer = swarm("audit", ".", exit=2).err
    assert ": 1 .csv, 1 Markdown, 1 SQL\n" in answer
    assert re.search(r"rumdl for Markdown \(`.* install .*rumdl.*`, with \.?rumdl\.toml\)", answer), answer
    assert re.search(r"sqlfluff for SQL \(`.* install .*sqlfluff.*`, with \.sqlfluff\)", answer), answer


def test_an_analyzer_that_the_repository_configures_and_that_runs_its_code_is_named_with_what_it_needs(
    swarm: Swarm, bare: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare.commit({"app.py": "x = 1\n", "go.mod": "module x\n"})
    monkeypatch.delenv("SWARM_TRUST")
    answer = swarm("audit", ".")
    (line,) = [line for line in answer.out.splitlines() if line.startswith("  go-vet reads Go (1): ")]
    assert line.endswith('`use = ["go-vet"]` under [analyzers] of swarm.toml, then `swarm trust`')


def test_kinds_of_files_that_are_not_listed_are_counted(swarm: Swarm, bare: Repo) -> None:
    bare.commit({"app.py": "x = 1\n", **{f"a.{suffix}": "" for suffix in ("kt", "lua", "rb", "zig", "php")}})
    lines = [line for line in swarm("audit", ".").out.splitlines() if line.startswith("Looked at by nobody")]
    assert lines == ["Looked at by nobody: 7 files (1 .kt, 1 .lua, 1 .php, 1 .rb, 1 .zig, 2 in 2 other kinds)"]


def test_a_file_is_no_repository_and_its_folder_is_named(swarm: Swarm, bare: Repo) -> None:
    assert swarm("audit", "main.go", exit=1).err == (
        "ERROR [REPO_NOT_FOUND]: No repository at main.go\n"
        "  Path: main.go\n"
        "  Next: main.go is a file, and REPO a folder: leave it out, as in `swarm audit`, or name the folder of the file\n"
    )


def test_of_two_first_audits_at_once_the_second_finds_the_run_of_the_first(
    swarm: Swarm, repo: Repo, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped = wave_of_head.mapped

    def mapped_later(*words: Any) -> Any:
        monkeypatch.setattr(wave_of_head, "mapped", mapped)
        swarm("audit", ".", exit=1)
        return mapped(*words)

    repo.commit({"app.py": "import os\n"})
    monkeypatch.setattr(wave_of_head, "mapped", mapped_later)
    assert swarm("audit", ".", "--format", "json", exit=1).code == "RUN_OPEN"
    (run,) = swarm("runs", "--format", "json").data
    assert run["waveCount"] == 1


def test_a_link_is_no_file_that_somebody_looked_at(swarm: Swarm, bare: Repo) -> None:
    bare.write({"app/[slug]/page.py": "import os\n", "app/(group)/page.py": "import os\n", "app/{x}/page.py": ""})
    for name, target in {"link.py": "app/{x}/page.py", "out.py": "/etc/passwd", "dead.py": "nowhere"}.items():
        (bare.root / name).symlink_to(target)
    bare.commit()
    out = swarm("audit", ".", exit=1).out
    assert re.search(r"\nLooked at by ruff [\d.]+: 3 files\nLooked at by nobody: 2 files \(1 Go, 1 Rust\)\n", out)
    # A path that the digest shows is found again, though its characters mean something in a glob.
    slug, group = "app/[slug]/page.py", "app/(group)/page.py"
    shown = {
        slug: [slug],
        "app/[slug]": [slug],
        "./app/[slug]/": [slug],
        "app/(group)": [group],
        "./app/**": [group, slug],
    }
    for path, files in shown.items():
        found = swarm("findings", "--path", path, "--format", "json", exit=1).data["findings"]
        assert [finding["file"] for finding in found] == files


def test_a_script_that_names_python_in_its_first_line_is_looked_at(swarm: Swarm, bare: Repo) -> None:
    bare.commit({"bin/tool": "#!/usr/bin/env python3.11\nimport os\n", "bin/other": "import os\n"})
    for _ in range(2):
        assert "bin/tool:2:8  LOW  F401  `os` imported but unused" in swarm("audit", ".", exit=1).out
    bare.commit({"bin/tool": "#!/usr/bin/env python3.11\n"})
    assert swarm("audit", ".", "--format", "json").data["changed"]["fixed"] == 1


def test_a_minified_file_is_looked_at_by_nobody_and_named_as_what_it_is(swarm: Swarm, bare: Repo) -> None:
    unused = "function f(){var x;return 1}"
    bare.commit({"app.js": f"{unused}\n", "public/bundle.js": f"/*! MIT */\n{unused * 200}\n"})
    audit = swarm("audit", ".", exit=1).out
    assert "app.js:1:" in audit
    assert "bundle.js" not in audit
    assert "Looked at by nobody: 3 files (1 Go, 1 Rust, 1 minified JavaScript)\n" in audit
    # Nobody looks at the bundle any more, which proves nothing about what was found in it.
    bare.commit({"public/bundle.js": f"{unused}\n"})
    assert "public/bundle.js:1:" in swarm("audit", ".", exit=1).out
    bare.commit({"public/bundle.js": unused * 200})
    data = swarm("findings", "--path", "public", "--format", "json", exit=1).data
    swarm("audit", ".", exit=1)
    after = swarm("findings", "--path", "public", "--format", "json", exit=1).data
    assert [each["findingId"] for each in after["findings"]] == [each["findingId"] for each in data["findings"]]
    assert {each["status"] for each in after["findings"]} == {"unverified"}


def test_files_that_the_configuration_excludes_are_not_looked_at(swarm: Swarm, bare: Repo) -> None:
    bare.commit({"app.py": "import os\n", "ruff.toml": 'exclude = ["app.py"]\n'})
    assert swarm("audit", ".", exit=2).code == "AUDIT_NOTHING_TO_LOOK_AT"
    assert swarm("audit", ".", "--fail-on", "new", exit=2).code == "AUDIT_NOTHING_TO_LOOK_AT"


def test_a_folder_without_a_file_to_look_at_is_refused(swarm: Swarm, bare: Repo) -> None:
    bare.commit({"src/app.py": "x = 1\n", "web/app.rs": "fn main() {}\n"})
    swarm("audit", "src")
    assert swarm("audit", "web", exit=2).code == "AUDIT_NOTHING_TO_LOOK_AT"


@raises("FILES_NOT_READ")
@pytest.mark.parametrize(
    "content", swept([b"def f(x:\n    case $x in\n    a) echo ;;\n", b'x = "\xff\xfe"\n']), ids=["syntax", "encoding"]
)
def test_a_file_that_could_not_be_read_is_named_whatever_the_gate(swarm: Swarm, bare: Repo, content: bytes) -> None:
    (bare.root / "bad.py").write_bytes(content)
    bare.commit({"ok.py": "x = 1\n"})
    for options in ((), ("--fail-on", "new"), ("--fail-on", "CRITICAL"), ("--format", "markdown")):
        answer = swarm("audit", ".", *options, exit=3)
        assert "ERROR [FILES_NOT_READ]: 1 of the files to be analyzed could not be read: bad.py\n" in answer.err
    # The parser stumbles again and again over what follows the first error: one finding says it.
    where = re.search(r"`swarm (findings \S+ --rule \S+)` lists the errors", answer.err)
    assert where, answer.err
    assert [each["file"] for each in swarm(*where[1].split(), "--format", "json", exit=1).data["findings"]] == [
        "bad.py"
    ]
    seen = swarm("audit", ".", "--format", "json", exit=3).data["lookedAt"]
    assert seen["notRead"] == ["bad.py"]
    assert [by["files"] for by in seen["by"]] == [1]


def test_a_header_that_blinds_its_sources_is_named_with_their_number(swarm: Swarm, bare: Repo) -> None:
    bare.commit(
        {
            "lib/compat.h": "int f(int a {\n",
            "lib/all.h": '#include "compat.h"\n',
            "one.c": '#include "lib/compat.h"\nint one;\n',
            "two.c": '#include "lib/all.h"\nint two;\n',
            "three.c": "int three;\n",
        }
    )
    answer = swarm("audit", ".", exit=3)
    assert "Looked at by cppcheck" in answer.out
    (line,) = [line for line in answer.out.splitlines() if line.startswith("Looked at by cppcheck")]
    assert line.endswith(": 1 of 3 files (2 blinded by lib/compat.h, which it cannot read)")
    said = (
        "2 of the files to be analyzed could not be read: one.c, two.c; 2 include lib/compat.h, which could not be read"
    )
    assert f"ERROR [FILES_NOT_READ]: {said}\n" in answer.err
    assert answer.out.count("lib/compat.h:") == 1
    (by,) = swarm("audit", ".", "--format", "json", exit=3).data["lookedAt"]["by"]
    assert (by["files"], by["asked"], by["notEnded"], by["blindedBy"]) == (1, 3, 0, {"lib/compat.h": 2})


def test_files_that_an_analyzer_had_no_time_for_are_not_called_unreadable(
    swarm: Swarm, bare: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Ends itself at the second file, as a crash or the end of its time does.
    script = tmp_path / "cppcheck"
    script.write_text(
        "#!/bin/sh\n[ $1 = --version ] && { echo 2.22.0; exit; }\n"
        'for file; do case $file in *b.c) kill -9 $$;; *.c) echo "Check time: $file: 0.1s";; esac; done\n'
    )
    script.chmod(0o755)
    monkeypatch.setattr(programs, "bundled", lambda name: str(script) if name == "cppcheck" else None)
    bare.commit({"a.c": "int a;\n", "b.c": "int b;\n"})
    answer = swarm("audit", ".", "--runtime", "cppcheck", exit=3)
    (line,) = [line for line in answer.out.splitlines() if line.startswith("Looked at by cppcheck")]
    assert line.endswith(": 1 of 2 files (1 not ended: it crashed, or had no time)")
    assert (
        "ERROR [FILES_NOT_READ]: 1 of the files to be analyzed could not be read: b.c; an analyzer crashed at 1 of them,"
        " or had no time for them\n"
        "  Next: give analyzers more time by `timeout_seconds` under [launch] of swarm.toml, or exclude them in the"
        " analyzer's configuration\n"
    ) in answer.err
    seen = swarm("audit", ".", "--runtime", "cppcheck", "--format", "json", exit=3).data["lookedAt"]
    assert (seen["notRead"], seen["notEnded"]) == (["b.c"], ["b.c"])


def test_files_beside_a_dockerfile_are_no_dockerfiles(swarm: Swarm, bare: Repo) -> None:
    bare.commit(
        {"Dockerfile.dockerignore": "*.pyc\n", "Dockerfile.tmpl": "{{ .From }}\n", "Dockerfile.dev": "FROM a:1\n"}
    )
    seen = swarm("audit", ".", "--format", "json").data["lookedAt"]
    assert seen["nobody"] == {".dockerignore": 1, "Dockerfile template": 1, "Go": 1, "Rust": 1}


def test_the_summary_says_who_looked_at_how_many_files(swarm: Swarm, bare: Repo) -> None:
    bare.commit({"a.py": "x = 1\n", "b.py": "y = 1\n", "README.md": "# R\n"})
    data = swarm("audit", ".", "--format", "json").data
    assert [by["files"] for by in data["lookedAt"]["by"]] == [2]
    assert data["lookedAt"]["by"][0]["name"].startswith("ruff ")
    assert data["lookedAt"]["nobody"] == {"Go": 1, "Markdown": 1, "Rust": 1}
    said = swarm("audit", ".").out
    assert "Looked at by nobody: 3 files (1 Go, 1 Markdown, 1 Rust)\n" in said


def test_reports_of_which_all_were_refused_are_never_clean(swarm: Swarm, bare: Repo) -> None:
    bare.commit({"agent.py": AGENT.replace("PLACE", json.dumps("/etc/passwd"))})
    argv = json.dumps(["python3", str(bare.root / "agent.py")])
    bare.commit({"swarm.toml": f'[runtimes.a]\nkind = "command"\nargv = {argv}\n'})
    for options in ((), ("--fail-on", "new"), ("--fail-on", "CRITICAL")):
        answer = swarm("audit", ".", "--runtime", "a", *options, exit=1)
        assert "No findings.\n" not in answer.out
        assert "⚠ reported and refused: backend: '/etc/passwd'" in answer.out
    assert "\nNo findings, but 2 reports were refused.\n" in swarm("findings", exit=1).out


def test_a_violation_is_in_the_summary(swarm: Swarm, bare: Repo) -> None:
    text = AGENT.replace("PLACE", json.dumps("app.rs")) + 'open("main.go", "a").write("x")\n'
    bare.commit({"agent.py": text})
    argv = json.dumps(["python3", str(bare.root / "agent.py")])
    bare.commit({"swarm.toml": f'[runtimes.a]\nkind = "command"\nargv = {argv}\n'})
    answer = swarm("audit", ".", "--runtime", "a", exit=None)
    assert answer.exit != 0
    assert "⚠ violation: main.go" in answer.out
