"""Division of shell scripts among processes, each with all that its scripts may source."""

from pathlib import Path

from swarm.runtimes.sourced import parts_of

PLAIN = "#!/bin/sh\n"


def write(tree: Path, scripts: dict[str, str]) -> list[str]:
    for name, body in scripts.items():
        (tree / name).write_text(f"{PLAIN}{body}")
    return list(scripts)


def chain(length: int) -> dict[str, str]:
    """Scripts that each source the next."""
    return {f"lib{n}.sh": f". ./lib{n + 1}.sh\n" for n in range(length)}


def test_scripts_are_divided_by_their_size_and_stay_in_order(tmp_path: Path) -> None:
    files = write(tmp_path, {f"{n:02}.sh": "x\n" * (2000 if n == 0 else 1) for n in range(32)})
    large, other = parts_of(tmp_path, files, "", 2)
    assert (large[0], len(large), len(other)) == ("00.sh", 14, 18)
    assert sorted([*large, *other]) == files
    assert (sorted(large), sorted(other)) == ([*large], [*other])


def test_few_scripts_are_one_part(tmp_path: Path) -> None:
    files = write(tmp_path, {f"{n:02}.sh": "" for n in range(31)})
    assert parts_of(tmp_path, files, "", 2) == [tuple(files)]


def test_a_script_that_many_source_is_in_each_part(tmp_path: Path) -> None:
    files = write(tmp_path, {"lib.sh": "", **{f"{n:02}.sh": ". ./lib.sh\n" for n in range(47)}})
    parts = parts_of(tmp_path, files, "", 2)
    assert [len(part) for part in parts] == [25, 24]
    assert [part[0] for part in parts] == ["lib.sh", "lib.sh"]


def test_scripts_that_source_most_others_are_divided_into_fewer_parts_or_not_at_all(tmp_path: Path) -> None:
    files = write(tmp_path, {**chain(30), **{f"{n:02}.sh": ". ./lib0.sh\n" for n in range(50)}})
    assert len(parts_of(tmp_path, files, "", 4)) == 2
    files = files[:45]
    assert parts_of(tmp_path, files, "", 2) == [tuple(files)]


def test_what_the_configuration_names_is_sourced_by_every_script(tmp_path: Path) -> None:
    files = write(tmp_path, {"lib.sh": "", **{f"{n:02}.sh": "" for n in range(39)}})
    (tmp_path / ".shellcheckrc").write_text("source=lib.sh\n")
    assert [part[0] for part in parts_of(tmp_path, files, ".shellcheckrc", 2)] == ["lib.sh", "lib.sh"]


def test_more_paths_than_are_worth_a_look_are_one_part(tmp_path: Path) -> None:
    sources = "".join(f". ./{n}\n" for n in range(700))
    files = write(tmp_path, {f"{n:02}.sh": sources for n in range(32)})
    assert parts_of(tmp_path, files, "", 2) == [tuple(files)]
