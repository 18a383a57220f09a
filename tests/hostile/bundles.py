"""Bundles made byte by byte: agents' work that is well made, and every way in which it can be an attack."""

import hashlib
import zlib
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from tests.conftest import Repo

REF: Final = "refs/heads/swarm/0123abcd/w1-code"
COMMIT, TREE, BLOB, TAG = 1, 2, 3, 4
OFFSET_DELTA, NAMED_DELTA = 6, 7
NAMES: Final = {COMMIT: "commit", TREE: "tree", BLOB: "blob", TAG: "tag"}
MIB: Final = 1 << 20
WHO: Final = b"A <a@b> 1700000000 +0000"


class Thing(NamedTuple):
    """An object of git: its kind and its content."""

    kind: int
    body: bytes

    @property
    def id(self) -> str:
        return hashlib.sha1(f"{NAMES[self.kind]} {len(self.body)}\0".encode() + self.body).hexdigest()

    @property
    def packed(self) -> bytes:
        return entry(self.kind, len(self.body), self.body)


class Entry(NamedTuple):
    """A line of a tree."""

    mode: str
    name: bytes
    id: str


def number(value: int, first: int = 0, bits: int = 7) -> bytes:
    """Write a size as packs have it; `first` holds the kind above its four bits."""
    made = bytearray([first | (value & ((1 << bits) - 1))])
    value >>= bits
    while value:
        made[-1] |= 0x80
        made.append(value & 0x7F)
        value >>= 7
    return bytes(made)


def entry(kind: int, size: int, body: bytes, base: bytes = b"") -> bytes:
    """Write an object of a pack, with the size that it shall promise."""
    return number(size, kind << 4, 4) + base + zlib.compress(body)


def delta(size: int, made: int, steps: bytes, base: bytes, kind: int = NAMED_DELTA) -> bytes:
    """Write a delta that promises to make `made` bytes of `size` bytes."""
    body = number(size) + number(made) + steps
    return entry(kind, len(body), body, base)


def pack(entries: Sequence[bytes], *, count: int | None = None, version: int = 2) -> bytes:
    """Write a pack with its checksum."""
    body = b"PACK" + version.to_bytes(4) + (len(entries) if count is None else count).to_bytes(4) + b"".join(entries)
    return body + hashlib.sha1(body).digest()


def tree(entries: Sequence[Entry], *, in_order: bool = True) -> Thing:
    """Make a tree, in git's order unless asked otherwise."""
    lines = sorted(entries, key=lambda one: one.name + (b"/" if one.mode == "40000" else b""))
    return Thing(
        TREE,
        b"".join(
            e.mode.encode() + b" " + e.name + b"\0" + bytes.fromhex(e.id) for e in (lines if in_order else entries)
        ),
    )


def commit(of: str, *parents: str, who: bytes = WHO) -> Thing:
    """Make a commit of a tree."""
    lines = [f"tree {of}".encode(), *(f"parent {parent}".encode() for parent in parents)]
    return Thing(COMMIT, b"\n".join([*lines, b"author " + who, b"committer " + who, b"", b"work\n"]))


class Forge:
    """A workshop of bundles for a repository: `base` is the wave's commit."""

    def __init__(self, repo: Repo) -> None:
        self.base = repo.head
        self.before = repo.git("rev-parse", "HEAD~1")
        self.entries = [
            Entry(words[0].removeprefix("0"), words[3].encode(), words[2])
            for line in repo.git("ls-tree", "HEAD").splitlines()
            if (words := line.split())
        ]
        self.readme = next(one.id for one in self.entries if one.name == b"README.md")
        # An object that the repository holds, and that is not in the wave's commit.
        self.secret = repo.git("rev-parse", "HEAD~1:secret.txt")

    def header(
        self,
        tip: str,
        *,
        signature: str = "# v2 git bundle",
        bases: Sequence[str] | None = None,
        refs: Sequence[str] | None = None,
        more: Sequence[str] = (),
    ) -> bytes:
        """Write a header; what is left out is as it should be."""
        lines = [signature, *more, *(f"-{base}" for base in ([self.base] if bases is None else bases))]
        lines += [f"{tip} {REF}"] if refs is None else refs
        return "\n".join(lines).encode() + b"\n\n"

    def bundle(self, tip: str, things: Sequence[Thing | bytes]) -> bytes:
        """Write a bundle of some objects."""
        return self.header(tip) + pack([one.packed if isinstance(one, Thing) else one for one in things])

    def with_entries(
        self, *changed: Entry, things: Sequence[Thing] = (), without: bytes = b"", in_order: bool = True
    ) -> bytes:
        """Write a bundle whose commit has some entries in the place of those of their names."""
        names = {one.name for one in changed} | {without}
        whole = tree([*(one for one in self.entries if one.name not in names), *changed], in_order=in_order)
        made = commit(whole.id, self.base)
        return self.bundle(made.id, [made, whole, *things])

    def file(self, name: bytes, body: bytes = b"new\n", mode: str = "100644") -> bytes:
        """Write a bundle whose commit has a new file at the root."""
        blob = Thing(BLOB, body)
        return self.with_entries(Entry(mode, name, blob.id), things=[blob])

    def below(self, name: bytes, mode: str = "100644", body: bytes = b"new\n") -> bytes:
        """Write a bundle whose commit has a new file in a new folder."""
        blob = Thing(BLOB, body)
        folder = tree([Entry(mode, name, blob.id)])
        return self.with_entries(Entry("40000", b"new", folder.id), things=[folder, blob])

    def edited(self) -> list[Thing]:
        """Return the objects of a harmless edit: commit, tree, blob."""
        blob = Thing(BLOB, b"# Retitled\n")
        whole = tree(
            [*(one for one in self.entries if one.name != b"README.md"), Entry("100644", b"README.md", blob.id)]
        )
        return [commit(whole.id, self.base), whole, blob]

    def thin(self) -> bytes:
        """Write a harmless edit whose blob is a delta against a blob of the repository."""
        made, whole, _ = self.edited()
        # Copy nothing, insert all of it.
        return self.bundle(made.id, [made, whole, delta(12, 11, b"\x0b# Retitled\n", bytes.fromhex(self.readme))])


def edit(forge: Forge, **keys: object) -> bytes:
    things = forge.edited()
    return forge.header(things[0].id, **keys) + pack([one.packed for one in things])  # type: ignore[arg-type]


def packed(forge: Forge, change: Callable[[bytes], bytes]) -> bytes:
    things = forge.edited()
    return forge.header(things[0].id) + change(pack([one.packed for one in things]))


def among(forge: Forge, *extra: bytes, count: int | None = None, version: int = 2) -> bytes:
    things = forge.edited()
    return forge.header(things[0].id) + pack([*(one.packed for one in things), *extra], count=count, version=version)


def beside(forge: Forge, *strays: Thing) -> bytes:
    things = forge.edited()
    return forge.bundle(things[0].id, [*things, *strays])


def led_by(forge: Forge, tip: Thing | str, *more: Thing) -> bytes:
    return forge.bundle(
        tip if isinstance(tip, str) else tip.id, [*([] if isinstance(tip, str) else [tip]), *forge.edited(), *more]
    )


def of_parents(forge: Forge, *parents: str) -> bytes:
    _, whole, blob = forge.edited()
    made = commit(whole.id, *parents)
    return forge.bundle(made.id, [made, whole, blob])


def of_two(forge: Forge) -> bytes:
    first, whole, blob = forge.edited()
    second = commit(whole.id, first.id)
    return forge.bundle(second.id, [second, first, whole, blob])


def raw_commit(forge: Forge, change: Callable[[bytes], bytes]) -> bytes:
    made, whole, blob = forge.edited()
    forged = Thing(COMMIT, change(made.body))
    return forge.bundle(forged.id, [forged, whole, blob])


def tagged(forge: Forge) -> bytes:
    things = forge.edited()
    tag = Thing(TAG, f"object {things[0].id}\ntype commit\ntag v1\ntagger {WHO.decode()}\n\nx\n".encode())
    return forge.bundle(tag.id, [tag, *things])


def modules(forge: Forge) -> bytes:
    return forge.file(b".gitmodules", b'[submodule "x"]\n\tpath = x\n\turl = --upload-pack=touch PWNED\n')


def bombs(forge: Forge, count: int) -> bytes:
    """A chain of deltas, each of which makes almost the limit."""
    base = bytes.fromhex(forge.readme)
    return among(forge, *(delta(12, MIB - 1, b"\x01x", base) for _ in range(count)))


Made = Callable[[Forge], bytes]
HOSTILE: Final[dict[str, tuple[str, Made]]] = {
    "empty": ("header", lambda _: b""),
    "no_bundle": ("header", lambda _: b"PK\x03\x04" + b"x" * 5000),
    "version_4": ("header", lambda f: edit(f, signature="# v4 git bundle")),
    "endless_header": ("header", lambda f: edit(f, more=[f"-{f.base}"] * 200)),
    "header_without_end": ("header", lambda f: edit(f).partition(b"\n\n")[0]),
    "capability_of_version_2": ("header", lambda f: edit(f, more=["@object-format=sha1"])),
    "filter": ("header", lambda f: edit(f, signature="# v3 git bundle", more=["@filter=blob:none"])),
    "another_format": ("header", lambda f: edit(f, signature="# v3 git bundle", more=["@object-format=sha256"])),
    "strange_line": ("header", lambda f: edit(f, more=["PACK"])),
    "capital_id": ("header", lambda f: edit(f, bases=[f.base.upper()])),
    "long_id": ("header", lambda f: edit(f, refs=[f"{'a' * 64} {REF}"])),
    "no_base": ("base", lambda f: edit(f, bases=[])),
    "two_bases": ("base", lambda f: edit(f, bases=[f.base, f.before])),
    "older_base": ("base", lambda f: edit(f, bases=[f.before])),
    "no_ref": ("refs", lambda f: edit(f, refs=[])),
    "two_refs": ("refs", lambda f: edit(f, refs=[f"{f.edited()[0].id} {name}" for name in (REF, "refs/heads/main")])),
    "head": ("refs", lambda f: edit(f, refs=[f"{f.edited()[0].id} HEAD"])),
    "ref_of_a_branch": ("refs", lambda f: edit(f, refs=[f"{f.edited()[0].id} refs/heads/main"])),
    "ref_that_climbs": ("refs", lambda f: edit(f, refs=[f"{f.edited()[0].id} {REF}/../../../config"])),
    "ref_of_another_agent": ("refs", lambda f: edit(f, refs=[f"{f.edited()[0].id} {REF.replace('code', 'rest')}"])),
    "no_pack": ("pack", lambda f: packed(f, lambda _: b"")),
    "no_objects": ("size", lambda f: f.header(f.edited()[0].id) + pack([])),
    "half_a_pack": ("pack", lambda f: packed(f, lambda body: body[: len(body) // 2])),
    "another_checksum": ("pack", lambda f: packed(f, lambda body: body[:-1] + bytes([body[-1] ^ 1]))),
    "bytes_behind": ("pack", lambda f: packed(f, lambda body: body + b"\0" * 20)),
    "two_packs": ("pack", lambda f: packed(f, lambda body: body + body)),
    "version_of_the_pack": ("pack", lambda f: among(f, version=9)),
    "fewer_objects": ("pack", lambda f: among(f, count=9)),
    "more_objects": ("pack", lambda f: among(f, count=2)),
    "million_objects": ("size", lambda f: among(f, count=1_000_000)),
    "kind_0": ("pack", lambda f: among(f, entry(0, 1, b"x"))),
    "kind_5": ("pack", lambda f: among(f, entry(5, 1, b"x"))),
    "less_than_promised": ("pack", lambda f: among(f, entry(BLOB, 9, b"x"))),
    "no_zlib": ("pack", lambda f: among(f, number(1, BLOB << 4, 4) + b"x" * 30)),
    "endless_number": ("pack", lambda f: among(f, b"\xbf" + b"\xff" * 40)),
    "endless_distance": ("pack", lambda f: among(f, number(1, OFFSET_DELTA << 4, 4) + b"\xff" * 40)),
    "delta_without_sizes": ("pack", lambda f: among(f, entry(NAMED_DELTA, 1, b"\x80", bytes.fromhex(f.readme)))),
    "promised_giant": ("size", lambda f: among(f, entry(BLOB, 1 << 40, b"x"))),
    "zeros": ("size", lambda f: among(f, entry(BLOB, 2 * MIB, b"\0" * 2 * MIB))),
    "more_than_promised": ("size", lambda f: among(f, entry(BLOB, 1, b"\0" * 2 * MIB))),
    "delta_bomb": ("size", lambda f: among(f, delta(12, 1 << 33, b"\x01x", bytes.fromhex(f.readme)))),
    "many_delta_bombs": ("size", lambda f: bombs(f, 300)),
    "delta_of_nothing": ("fsck", lambda f: among(f, delta(12, 1, b"\x01x", b"\x11" * 20))),
    "delta_that_lies": ("fsck", lambda f: among(f, delta(12, 9, b"\x01x", bytes.fromhex(f.readme)))),
    "delta_from_before_the_pack": ("fsck", lambda f: among(f, delta(1, 1, b"\x01x", b"\xff\x7f", OFFSET_DELTA))),
    "dot_git": ("fsck", lambda f: f.file(b".git")),
    "dot_git_of_others": ("fsck", lambda f: f.file(b".GiT ")),
    "short_name": ("fsck", lambda f: f.file(b"GIT~1")),
    "hidden_dot_git": ("fsck", lambda f: f.file(".g\u200cit".encode())),
    "folder_dot_git": (
        "fsck",
        lambda f: f.with_entries(Entry("40000", b".git", f.edited()[1].id), things=[f.edited()[1]]),
    ),
    "dots": ("fsck", lambda f: f.below(b"..")),
    "dot": ("fsck", lambda f: f.below(b".")),
    "slash": ("fsck", lambda f: f.file(b"../PWNED")),
    "no_name": ("fsck", lambda f: f.file(b"")),
    "twice": ("fsck", lambda f: f.with_entries(*[Entry("100644", b"two", f.readme)] * 2)),
    "no_order": ("fsck", lambda f: f.with_entries(Entry("100644", b"aaa", f.readme), in_order=False)),
    "strange_mode": ("stray objects", lambda f: f.file(b"new", mode="170755")),
    "mode_that_git_reads_as_another": ("fsck", lambda f: f.file(b"new", mode="100666")),
    "empty_folder": ("fsck", lambda f: f.with_entries(Entry("40000", b"new", tree([]).id), things=[tree([])])),
    "missing_blob": ("fsck", lambda f: f.with_entries(Entry("100644", b"new", "1" * 40))),
    "blob_as_folder": ("fsck", lambda f: f.with_entries(Entry("40000", b"new", f.readme))),
    "no_author": ("fsck", lambda f: raw_commit(f, lambda body: body.replace(b"author ", b"autor "))),
    "nul_in_a_commit": ("fsck", lambda f: raw_commit(f, lambda body: body.replace(b"author A", b"author \0A"))),
    "submodule_with_a_command": ("fsck", modules),
    "linked_gitmodules": ("fsck", lambda f: f.file(b".gitmodules", b"README.md", "120000")),
    "stray_blob": ("stray objects", lambda f: beside(f, Thing(BLOB, b"hidden"))),
    "stray_commit": ("stray objects", lambda f: beside(f, commit(f.edited()[1].id, f.base, who=b"B <b@b> 1 +0000"))),
    "stray_tag": (
        "stray objects",
        lambda f: beside(f, Thing(TAG, f"object {f.base}\ntype commit\ntag v\ntagger {WHO.decode()}\n\nx\n".encode())),
    ),
    "stray_copy": ("stray objects", lambda f: beside(f, Thing(BLOB, b"# A project\n"))),
    "tip_is_the_base": ("history", lambda f: led_by(f, f.base)),
    "tip_is_missing": ("history", lambda f: led_by(f, "1" * 40)),
    "tip_is_a_blob": ("history", lambda f: led_by(f, Thing(BLOB, b"x"))),
    "tip_is_a_tree": ("history", lambda f: led_by(f, tree([Entry("100644", b"a", f.readme)]))),
    "tip_is_a_tag": ("history", tagged),
    "two_commits": ("history", of_two),
    "merge": ("history", lambda f: of_parents(f, f.base, f.before)),
    "parent_twice": ("history", lambda f: of_parents(f, f.base, f.base)),
    "root": ("history", of_parents),
    "older_parent": ("history", lambda f: of_parents(f, f.before)),
    "object_of_another_branch": ("history", lambda f: f.with_entries(Entry("100644", b"new", f.secret))),
    "absolute_link": ("links", lambda f: f.file(b"new", b"/etc/passwd", "120000")),
    "link_that_climbs": ("links", lambda f: f.file(b"new", b"../PWNED", "120000")),
    "link_that_climbs_later": ("links", lambda f: f.below(b"deep", "120000", b"../src/../../PWNED")),
    "link_into_git": ("links", lambda f: f.file(b"new", b"./.git/hooks", "120000")),
    "link_of_a_drive": ("links", lambda f: f.file(b"new", b"C:\\Windows", "120000")),
    "long_link": ("links", lambda f: f.file(b"new", b"a/" * 3000 + b"a", "120000")),
    "gitlink": ("links", lambda f: f.with_entries(Entry("160000", b"new", f.before))),
    "backslash": ("paths", lambda f: f.file(b"..\\PWNED")),
    "drive": ("paths", lambda f: f.file(b"C:PWNED")),
    "control": ("paths", lambda f: f.file(b"new\x1b[2J")),
    "line_break": ("paths", lambda f: f.file(b"new\nRun: forged")),
}
HARMLESS: Final[dict[str, tuple[dict[str, str], Made]]] = {
    "edit": ({"README.md": "M"}, edit),
    "edit_of_version_3": (
        {"README.md": "M"},
        lambda f: edit(f, signature="# v3 git bundle", more=["@object-format=sha1"]),
    ),
    "subject_of_the_base": ({"README.md": "M"}, lambda f: edit(f, bases=[f"{f.base} start: of it"])),
    "thin": ({"README.md": "M"}, Forge.thin),
    "new_file": ({"new": "A"}, lambda f: f.file(b"new")),
    "program": ({"new": "A"}, lambda f: f.file(b"new", mode="100755")),
    "link": ({"new/deep": "A"}, lambda f: f.below(b"deep", "120000", b"../README.md")),
    "removed": ({"README.md": "D"}, lambda f: f.with_entries(without=b"README.md")),
    "name_of_bytes": ({"new\U0010ffff": "A"}, lambda f: f.file(b"new\xff")),
    "no_change": ({}, lambda f: f.bundle(commit(tree(f.entries).id, f.base).id, [commit(tree(f.entries).id, f.base)])),
}
