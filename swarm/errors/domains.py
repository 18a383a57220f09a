"""Errors of domains and the map that they make."""

from swarm.errors.catalogue import Severity, SwarmError


class DomainsEmpty(SwarmError):
    code = "DOMAINS_EMPTY"
    severity = Severity.HIGH
    text = "There is no domain to freeze"
    advice = 'run `swarm domains {run_id} --add <name> --globs "[…]"` first'
    when = "`domains --freeze` of an empty map"
    run_id: str


class DomainsFrozen(SwarmError):
    code = "DOMAINS_FROZEN"
    severity = Severity.HIGH
    text = "The domain map is frozen"
    advice = "run `swarm domains {run_id} --unfreeze --reason '…'` before changing it"
    when = "`domains --add/--edit/--remove` on a frozen map"
    run_id: str


class DomainsWaveUnfinished(SwarmError):
    code = "DOMAINS_WAVE_UNFINISHED"
    severity = Severity.HIGH
    text = "Wave {number} ({phase}) is {status}; its map stays frozen"
    advice = "{remedy}"
    when = "`domains --unfreeze` while a wave is in flight, or after a failed one without `--force`"
    number: int
    phase: str
    status: str
    remedy: str
    run_id: str


class DomainsInvalidName(SwarmError):
    code = "DOMAINS_INVALID_NAME"
    severity = Severity.MEDIUM
    text = "'{received}' cannot be the name of a domain"
    advice = "use letters, digits, `_` and `-`, at most 64 characters"
    when = "a domain's name does not match `^[A-Za-z0-9_-]{1,64}$`"
    received: str


class DomainsInvalidOwnershipClass(SwarmError):
    code = "DOMAINS_INVALID_OWNERSHIP_CLASS"
    severity = Severity.MEDIUM
    text = "'{received}' is not an ownership class"
    advice = "use one of: owned, bridge, shared, coordinator"
    when = "`--ownership`, or a file of domains, names another class"
    received: str


class DomainsInvalidGlob(SwarmError):
    code = "DOMAINS_INVALID_GLOB"
    severity = Severity.MEDIUM
    text = "The glob '{received}' is refused: {problem}"
    advice = (
        "write a repository-relative pattern such as `src/**/*.py`; several plain globs are better than a clever glob"
    )
    when = "a glob does not compile, explodes into too many, or could run away"
    received: str
    problem: str


class DomainExists(SwarmError):
    code = "DOMAIN_EXISTS"
    severity = Severity.MEDIUM
    text = "The map already has a domain '{name}'"
    advice = "change it with `swarm domains {run_id} --edit {name} …`"
    when = "`domains --add` with a name that is taken"
    name: str
    run_id: str


class DomainNotFound(SwarmError):
    code = "DOMAIN_NOT_FOUND"
    severity = Severity.MEDIUM
    text = "The map has no domain '{name}'"
    advice = "it has: {names}"
    when = "`--edit`, `--remove`, `--before` or a filter names a domain that is not in the map"
    name: str
    names: str
