"""Work that comes in as a git bundle: whatever is in it, it is refused with its reason or is a single plain commit."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from swarm.git import quarantine
from swarm.git.bundle_fault import BundleFault
from swarm.git.diff import changes
from swarm.git.pack_walk import PackFacts, PackLimits, walk_pack
from swarm.git.quarantine import admit, quarantined
from swarm.git.repository import Repository, repository_at
from tests.conftest import SOURCE, Repo
from tests.hostile.bundles import BLOB, HARMLESS, HOSTILE, MIB, REF, Forge, Thing, entry, pack
from tests.hostile.law import files_below


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Repository, Forge, Path]:
    """A repository with two commits, of which the first has a file that the wave's commit lacks."""
    root = tmp_path_factory.mktemp("bundles").resolve()
    repo = Repo(root / "repo")
    repo.root.mkdir()
    repo.git("init", "-q", "-b", "main")
    repo.commit({**SOURCE, "secret.txt": "of another time\n"}, "start")
    (repo.root / "secret.txt").unlink()
    repo.git("rm", "-q", "--cached", "secret.txt")
    repo.git("commit", "-qm", "without")
    return repository_at(repo.root), Forge(repo), root


@contextmanager
def nothing_enters(repository: Repository) -> Iterator[None]:
    """Hold the git folder: neither an object nor a ref nor anything else of it changes."""
    before = files_below([repository.common_dir])
    yield
    assert files_below([repository.common_dir]) == before


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_bundle_is_refused_with_its_reason_and_nothing_of_it_enters(
    name: str, place: tuple[Repository, Forge, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, forge, _ = place
    monkeypatch.setenv("SWARM_LARGEST_FILE", "1")
    kind, made = HOSTILE[name]
    (tmp_path / "bundle").write_bytes(made(forge))
    with (
        nothing_enters(repository),
        pytest.raises(BundleFault) as refused,
        quarantined(repository, tmp_path / "bundle", forge.base, REF),
    ):
        pytest.fail("it was taken")
    assert (refused.value.kind, refused.value.words != "") == (kind, True), refused.value


@pytest.mark.parametrize("name", HARMLESS)
def test_a_harmless_bundle_is_checked_without_a_change_and_then_admitted(
    name: str, place: tuple[Repository, Forge, Path], tmp_path: Path
) -> None:
    repository, forge, _ = place
    touched, made = HARMLESS[name]
    (tmp_path / "bundle").write_bytes(made(forge))
    with nothing_enters(repository), quarantined(repository, tmp_path / "bundle", forge.base, REF) as checked:
        pass
    with quarantined(repository, tmp_path / "bundle", forge.base, REF) as checked:
        admit(repository, checked)
    seen = changes(repository.git, forge.base, checked.commit, renames=False)
    assert {change.new_path: change.letter for change in seen} == touched


def test_a_large_bundle_enters_as_a_pack(
    place: tuple[Repository, Forge, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, forge, _ = place
    monkeypatch.setattr(quarantine, "_MOST_LOOSE", 1)
    (tmp_path / "bundle").write_bytes(forge.file(b"packed"))
    with quarantined(repository, tmp_path / "bundle", forge.base, REF) as checked:
        admit(repository, checked)
    assert [change.new_path for change in changes(repository.git, forge.base, checked.commit)] == ["packed"]


@pytest.mark.parametrize("kind", ["folder", "pipe", "missing"])
def test_what_is_no_file_is_no_bundle_and_is_not_waited_for(
    kind: str, place: tuple[Repository, Forge, Path], tmp_path: Path
) -> None:
    import os

    file = tmp_path / "bundle"
    if kind == "folder":
        file.mkdir()
    elif kind == "pipe":
        os.mkfifo(file)
    repository, forge, _ = place
    with pytest.raises((BundleFault, OSError)), quarantined(repository, file, forge.base, REF):
        pytest.fail("it was taken")


# --- the walk ---------------------------------------------------------------------------------------------

LIMITS = PackLimits(1000, MIB, 4 * MIB)
BODIES = st.lists(st.tuples(st.sampled_from([1, 2, 3, 4]), st.binary(max_size=400)), min_size=1, max_size=12)


@given(bodies=BODIES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_walk_counts_what_a_pack_holds(bodies: list[tuple[int, bytes]], tmp_path: Path) -> None:
    file = tmp_path / "pack"
    file.write_bytes(b"before" + pack([Thing(*one).packed for one in bodies]))
    total = sum(len(body) for _, body in bodies)
    assert walk_pack(file, 6, "sha1", LIMITS) == PackFacts(len(bodies), total)


@given(data=st.data(), bodies=BODIES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_walk_refuses_a_pack_in_which_a_byte_is_another(
    data: st.DataObject, bodies: list[tuple[int, bytes]], tmp_path: Path
) -> None:
    whole = bytearray(pack([Thing(*one).packed for one in bodies]))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    (tmp_path / "pack").write_bytes(bytes(whole))
    with pytest.raises(BundleFault):
        walk_pack(tmp_path / "pack", 0, "sha1", LIMITS)


@given(body=st.binary(max_size=300))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_walk_ends_with_a_fault_for_whatever_follows_the_head(body: bytes, tmp_path: Path) -> None:
    (tmp_path / "pack").write_bytes(pack([body], count=5))
    with pytest.raises(BundleFault):
        walk_pack(tmp_path / "pack", 0, "sha1", LIMITS)


def test_the_walk_inflates_no_more_than_is_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0
    inflater = zlib.decompressobj

    class Counted:
        def __init__(self) -> None:
            self._of = inflater()

        def __getattr__(self, name: str) -> object:
            return getattr(self._of, name)

        def decompress(self, piece: bytes, most: int) -> bytes:
            nonlocal made
            out = self._of.decompress(piece, most)
            made += len(out)
            return out

    monkeypatch.setattr(zlib, "decompressobj", Counted)
    (tmp_path / "pack").write_bytes(pack([entry(BLOB, 100, b"\0" * 64 * MIB)]))
    with pytest.raises(BundleFault) as refused:
        walk_pack(tmp_path / "pack", 0, "sha1", LIMITS)
    assert (refused.value.kind, made) == ("size", 101)
