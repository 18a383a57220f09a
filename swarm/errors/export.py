"""Errors of `export`."""

from swarm.errors.catalogue import Severity, SwarmError


class ExportUnreachable(SwarmError):
    code = "EXPORT_UNREACHABLE"
    severity = Severity.MEDIUM
    text = "{url} could not be reached: {problem}"
    advice = "check that an endpoint of OTLP over HTTP listens there; `--otel FILE` writes the spans to a file"
    when = "no connection to an OTLP endpoint came about, or no answer came in time"
    url: str
    problem: str


class ExportRefused(SwarmError):
    code = "EXPORT_REFUSED"
    severity = Severity.MEDIUM
    text = "{url} answered with status {status}, and took no span"
    advice = "check its path and the headers of OTEL_EXPORTER_OTLP_HEADERS; a second export brings the same spans again"
    when = "an OTLP endpoint did not take a request"
    url: str
    status: int
