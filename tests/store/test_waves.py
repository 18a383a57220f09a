"""JSON columns of `waves`: a wave reads back the records that were written."""

import pytest

from swarm.store import waves
from swarm.store.connection import Store
from swarm.store.wave_documents import (
    LeftOutFix,
    Sentinel,
    Violation,
    WaveResult,
    result_from,
    result_text,
    sentinel_from,
    sentinel_text,
)
from tests.store import rows


@pytest.mark.parametrize("primary", [None, {}, {"a\nb": "?? 33188 1 2"}])
def test_a_sentinel_is_read_as_it_was_written(primary: dict[str, str] | None) -> None:
    kept = Sentinel({"config": "-abc"}, primary, {"w1-code": "def"})
    assert sentinel_from(sentinel_text(kept)) == kept


def test_a_wave_reads_back_its_violations_and_its_result(store: Store) -> None:
    violations = (Violation("src/a.py", "rest", "code"), Violation(".git/config", "the wave", "coordinator"))
    result = WaveResult(
        new=3,
        files=7,
        open_by_severity={"HIGH": 3},
        dropped=("rest: not taken",),
        skipped_fixes=(LeftOutFix("F-00000001", "code", "unowned", "owned by rest"),),
    )
    with store.mutation() as conn:
        rows.add_run(conn)
        wave = rows.add_wave(conn)
        waves.record_probe(conn, wave.id, degraded=False, violations=violations)
        waves.record_result(conn, wave.id, result)
    (read,) = waves.all_of(store.conn, rows.RUN)
    assert (read.violations, read.result) == (violations, result)


def test_a_result_of_an_older_version_says_that_open_findings_were_not_counted() -> None:
    older = '{"new": 2, "recurring": 0, "fixed": 1, "unverified": 0, "recurred_while_closed": 0}'
    read = result_from(older)
    assert read == WaveResult(new=2, fixed=1)
    assert read.open_by_severity is None
    assert '"openBySeverity": null' in result_text(read)
