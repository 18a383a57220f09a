"""The corpus itself: each file is fed to a test, and none is large."""

from pathlib import Path

import pytest

from tests.hostile import test_configs, test_outputs, test_played_agents, test_sarif, test_texts
from tests.hostile.cases import CORPUS, LARGEST, cases, texts

# Each folder with an index, and the module whose tests feed all that the index lists.
FED = {
    "outputs": test_outputs.OUTPUTS,
    "sarif": test_sarif.LOGS,
    "agents": test_played_agents.AGENTS,
    **{f"configs/{name}": cases(f"configs/{name}") for name in test_configs.FAMILIES},
}
# Lists that are read whole, and what every agent begins with.
LISTS = {"paths/refused.toml", "paths/taken.toml", "names.toml", "agents/harness"}


def files() -> set[Path]:
    return {file for file in CORPUS.rglob("*") if file.is_file()}


def test_every_file_of_the_corpus_is_fed_to_a_test_and_every_index_names_files_that_are_there() -> None:
    fed = {case.file for listed in FED.values() for case in listed} | {case.file for case in texts()}
    indexes = {CORPUS / f"{folder}.toml" for folder in FED}
    assert files() == fed | indexes | {CORPUS / name for name in LISTS}
    assert len(test_texts.TEXTS) == len(texts())


def test_no_two_cases_of_a_folder_have_one_name() -> None:
    names = {folder: [case.file.name for case in listed] for folder, listed in FED.items()}
    assert {folder: len(set(name)) for folder, name in names.items()} == {
        folder: len(name) for folder, name in names.items()
    }


@pytest.mark.parametrize("file", sorted(files()), ids=lambda file: file.name)
def test_no_file_of_the_corpus_is_giant(file: Path) -> None:
    assert file.stat().st_size <= LARGEST
