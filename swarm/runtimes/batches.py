"""Batches of files, each for a process of an analyzer of the table."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from swarm.runtimes import data_config
from swarm.runtimes.analyzer_table import AnalyzerRow
from swarm.runtimes.files_read import given_of
from swarm.runtimes.runtime import Job
from swarm.runtimes.sourced import parts_of

# Bytes of the files' names in one argument list; Linux allows 128 KiB for a single argument and 2 MiB for all.
_MOST_ARGUMENT_BYTES: Final = 96 * 1024


class FileBatch(NamedTuple):
    """Files that are given to one process, and the configuration that holds for them.

    A batch `beside` others is given at the same time as those before and behind it that are, too.
    """

    config: str
    files: tuple[str, ...]
    beside: bool = False


def batches_of(row: AnalyzerRow, job: Job) -> Iterator[FileBatch]:
    """Yield the files of a job in batches: within the bound of an argument list, and of the row's own bound."""
    if row.whole:
        yield FileBatch(data_config.NONE, tuple(job.files))
        return
    for config, files in data_config.by_config(row, job.tree, given_of(row, job)).items():
        if row.sources:
            parts = parts_of(job.tree, files, config, os.cpu_count() or 1)
            divided = [batch for part in parts for batch in _divided(part, {}, row.batch_bytes)]
            yield from (FileBatch(config, batch, beside=len(divided) > 1) for batch in divided)
            continue
        sizes = {file: _bytes_of(job.tree / file) for file in files} if row.batch_bytes else {}
        # The largest last: when the time is over, most files are done.
        ordered = sorted(files, key=lambda file: sizes.get(file, 0))
        yield from (FileBatch(config, batch) for batch in _divided(ordered, sizes, row.batch_bytes))


def _divided(files: Iterable[str], sizes: Mapping[str, int], most: int) -> Iterator[tuple[str, ...]]:
    batch: list[str] = []
    named = content = 0
    for file in files:
        length = len(file.encode("utf-8", "surrogateescape")) + len("./ ")
        named, content = named + length, content + sizes.get(file, 0)
        if batch and (named > _MOST_ARGUMENT_BYTES or content > most > 0):
            yield tuple(batch)
            batch, named, content = [], length, sizes.get(file, 0)
        batch.append(file)
    if batch:
        yield tuple(batch)


def _bytes_of(file: Path) -> int:
    try:
        return file.lstat().st_size
    except OSError:
        return 0
