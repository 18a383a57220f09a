"""Header of a git bundle, read by ourselves and within a bound: git would read a header of any length.

Format: gitformat-bundle(5), versions 2 and 3.
"""

import re
from pathlib import Path
from typing import Final, NamedTuple

from swarm.git.bundle_fault import BundleFault

LONGEST_HEADER: Final = 4096
_SIGNATURES: Final = (b"# v2 git bundle", b"# v3 git bundle")
_CAPABILITY: Final = b"@object-format="
# A prerequisite may be followed by the subject of its commit, which nobody needs.
_PREREQUISITE: Final = re.compile(rb"-([0-9a-f]{40}|[0-9a-f]{64})(?: .*)?")
_REF: Final = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) (\S+)")
HASHES: Final = {40: "sha1", 64: "sha256"}


class Header(NamedTuple):
    """The commit that a bundle's only ref leads to, and the offset at which its pack begins."""

    tip: str
    length: int


def read_header(file: Path, base: str, ref: str) -> Header:
    """Read the header of a bundle that builds on a commit and holds a single ref. Raises BundleFault, OSError."""
    with file.open("rb") as stream:
        begin = stream.read(LONGEST_HEADER)
    text, end, _ = begin.partition(b"\n\n")
    signature, *lines = text.split(b"\n")
    if signature not in _SIGNATURES:
        raise BundleFault("header", "it is no git bundle of version 2 or 3")
    if not end:
        raise BundleFault("header", f"its header does not end within {LONGEST_HEADER:,} bytes")
    lines = _without_capabilities(lines, HASHES[len(base)], may_have=signature == _SIGNATURES[1])
    bases = [found[1].decode() for line in lines if (found := _PREREQUISITE.fullmatch(line))]
    named = [(found[1].decode(), found[2]) for line in lines if (found := _REF.fullmatch(line))]
    if len(bases) + len(named) != len(lines):
        raise BundleFault("header", "a line of its header is no prerequisite and no ref")
    if bases != [base]:
        held = f"{bases[0][:12]}" if len(bases) == 1 else f"{len(bases):,} commits"
        raise BundleFault("base", f"it builds on {held}, and not on the wave's commit {base[:12]} alone")
    if len(named) != 1 or named[0][1] != ref.encode():
        held = named[0][1].decode("utf-8", "replace") if len(named) == 1 else f"{len(named):,} refs"
        raise BundleFault("refs", f"it holds {held}, and not {ref} alone")
    if len(named[0][0]) != len(base):
        raise BundleFault("header", "its ref is an id of another object format")
    return Header(named[0][0], len(text) + len(end))


def _without_capabilities(lines: list[bytes], hash_name: str, *, may_have: bool) -> list[bytes]:
    capabilities = [line for line in lines if line.startswith(b"@")]
    # A filter would leave objects out.
    allowed = [_CAPABILITY + hash_name.encode()] if may_have else []
    if any(line not in allowed for line in capabilities):
        raise BundleFault("header", "it asks for a capability that is not the repository's own object format")
    return [line for line in lines if not line.startswith(b"@")]
