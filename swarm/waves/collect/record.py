"""What was closed, reopened or proved while a wave was being judged: it is newer than what the wave saw, and stays."""

from collections.abc import Mapping

from swarm.rules.findings import Observation
from swarm.store.observations import SeenFurther
from swarm.waves.collect.reconcile import Moved, Reconciled


def brought_up(found: Reconciled, now: Mapping[int, str]) -> Reconciled:
    """Return what to write of a wave; `now` is what is observed of findings, by row, that were judged otherwise since.

    What was closed, or proved to be mended, stays fixed: that the wave saw it is counted, as of one before. What was
    reopened is seen from there. Where the wave was silent it says nothing. The counts stay: they are what it saw.
    """
    seen = {one.id: one for one in found.seen if one.id in now}
    fixed = [one for one in seen.values() if now[one.id] == Observation.FIXED]
    return found._replace(
        seen=[
            one._replace(regressions=0) if one.id in seen else one
            for one in found.seen
            if now.get(one.id) != Observation.FIXED
        ],
        further=[*found.further, *(SeenFurther(one.severity, one.sightings, one.last_wave, one.id) for one in fixed)],
        not_seen=[one for one in found.not_seen if one.id not in now],
        relocated=[one for one in found.relocated if one.id not in now],
        moved=[
            *(move for move in found.moved if move.row_id not in now),
            *(
                Moved(row, now[row], Observation.RECURRING, one.match_note)
                for row, one in seen.items()
                if now[row] not in {Observation.FIXED, Observation.RECURRING}
            ),
        ],
    )
