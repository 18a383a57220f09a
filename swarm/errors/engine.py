"""Errors of the engine and its workers."""

from typing import ClassVar

from swarm.errors.catalogue import ExtraMissing, Severity, SwarmError


class ScaleUnavailable(ExtraMissing):
    code = "SCALE_UNAVAILABLE"
    severity = Severity.MEDIUM
    text = "An engine needs `{package}`, which is not installed"
    advice = "install the extra `scale` by the installer of swarm; the hint is its command"
    exit_code = 2
    when = "an engine was asked for without the extra `scale`, or without `nats-server`"
    extra: ClassVar[str] = "scale"
    package: str


class EngineUnknown(SwarmError):
    code = "ENGINE_UNKNOWN"
    severity = Severity.MEDIUM
    text = "There is no engine: {problem}"
    advice = "`swarm engine up` makes one and starts it"
    when = "an engine that nobody made here, an unusable record of one, or a name that `[engines]` does not have"
    problem: str


class EngineUnreachable(SwarmError):
    code = "ENGINE_UNREACHABLE"
    severity = Severity.HIGH
    text = "The engine at {url} does not answer: {problem}"
    advice = "`swarm engine status` shows whether it runs, `swarm engine up` starts it on its own machine"
    when = "an engine does not start, does not run, or cannot be reached"
    url: str
    problem: str


class WorkerClock(SwarmError):
    code = "WORKER_CLOCK"
    severity = Severity.HIGH
    text = "By the clock of this machine, which says {moment}, the certificate of the engine at {url} {problem}"
    advice = "Compare `date -u` with the engine's machine, and set the clock that is wrong"
    when = "a clock is off, so that TLS takes the certificate of an engine for one of another time"
    url: str
    problem: str
    moment: str


class EngineRefused(SwarmError):
    code = "ENGINE_REFUSED"
    severity = Severity.HIGH
    text = "The engine does not do that: {problem}"
    advice = "`swarm engine status` lists its workers; `swarm engine invite NAME --tag TAG` gives out credentials"
    when = "a worker's name that is taken or unknown, credentials that were revoked or are none, a missing permission"
    problem: str


class EngineFull(SwarmError):
    code = "ENGINE_FULL"
    severity = Severity.HIGH
    text = "The engine has no room: {problem}"
    advice = (
        "`swarm launch RUN --on ENGINE` takes in the results that wait, which makes room;"
        " `nats stream edit` raises the bound of a stream"
    )
    when = "objects of a worker beyond the bound of its bucket, or more than an engine's disk or account may hold"
    problem: str


class EngineNoWorker(SwarmError):
    code = "ENGINE_NO_WORKER"
    severity = Severity.HIGH
    text = "No worker of the engine takes orders for {tag}: {there}"
    advice = "`swarm engine invite NAME --tag {tag}` opens the engine to a worker; `[launch.tags]` maps domains to tags"
    when = "`launch --on` with orders whose tags no worker has; the message names the tags that there are"
    tag: str
    there: str


class ResultForged(SwarmError):
    code = "RESULT_FORGED"
    severity = Severity.HIGH
    text = "A message is not what its sender should send: {problem}"
    advice = "nothing of it was used; `swarm engine revoke NAME` closes the engine to a worker"
    when = (
        "an order without the coordinator's signature, or a result of another form, another attempt or another worker"
    )
    problem: str


class ObjectCorrupt(SwarmError):
    code = "BASE_CORRUPT"
    severity = Severity.HIGH
    text = "The object {digest} cannot be used: {problem}"
    advice = "repeat `swarm launch --on ENGINE`, which sends what is missing again"
    when = "an object that the engine should keep is missing, too large, or another than its digest says"
    digest: str
    problem: str
