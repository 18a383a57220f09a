"""`swarm.toml`: runtimes, severities, prompts, limits and proof of a repository or a workspace."""

import os
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from swarm import errors
from swarm.engines_config import HostsConfig, hosts_config
from swarm.rules.chains import Chains, Manifests, chains_from
from swarm.rules.record_forms import Surface
from swarm.rules.sandbox_policy import Settings, settings_of
from swarm.rules.stalls import Limits
from swarm.trust import ConfigPlace, Trust, digest_of, executable_parts, harmless_parts
from swarm.verify_config import VerifyConfig, verify_config
from swarm.worktrees_config import WorktreesConfig, worktrees_config

FILE_NAME: Final = "swarm.toml"
MOST_BYTES: Final = 1024 * 1024
MANIFEST_BYTES: Final = 64 * 1024
PROMPT_BYTES: Final = 60 * 1024
ATTEMPT_SECONDS: Final = 1800
ATTEMPTS: Final = 2


class RuntimeConfig(NamedTuple):
    """A `[runtimes.NAME]` table: a command, a tool that writes SARIF, or changes of a bundled coding agent.

    For an agent, `argv` takes the place of its program's name, and `arguments` are added to those that it is given.
    `accepts` are the exit codes with which the tool succeeded, empty for the usual ones. `corrections` is how often an
    answer that does not fit its form goes back.
    """

    name: str
    kind: str
    argv: tuple[str, ...] = ()
    version_argv: tuple[str, ...] = ()
    environment: tuple[str, ...] = ()
    sandbox: Settings = Settings()
    accepts: tuple[int, ...] = ()
    model: str | None = None
    max_turns: int | None = None
    arguments: tuple[str, ...] = ()
    corrections: int = 1


class SandboxConfig(NamedTuple):
    """The `[sandbox]` table: the backend, why there shall be none, and settings for all, by domain and by phase."""

    backend: Literal["auto", "bwrap", "landlock", "none"] = "auto"
    reason: str | None = None
    settings: Settings = Settings()
    domains: Mapping[str, Settings] = {}
    phases: Mapping[str, Settings] = {}


class RecordsConfig(NamedTuple):
    """The `[records]` table: where records lie, and the surface of the product that runs of swarm are about."""

    root: Path | None = None
    surface: Surface = "library"


class Withheld(NamedTuple):
    """Executable parts of a configuration that nobody has trusted, by name, and the digest that would do."""

    path: Path
    digest: str
    parts: Mapping[str, Any]

    def refusal(self, part: str) -> "errors.ConfigUntrusted":
        """Return the error for the use of a part."""
        word = shlex.quote(str(self.path))
        return errors.ConfigUntrusted(path=str(self.path), part=part, digest=self.digest, word=word)


class Config(NamedTuple):
    """The settings in force. `source` is their file, `None` for the defaults; `place` is what its trust hangs on.

    `user_source` is the file of the user, whose settings hold where that file has none.
    `withheld` are executable parts that are not in force, because the file is not trusted. `analyzers` may run code of
    the repository; `local_programs` are programs of the repository, by analyzer. `require_signed` is the public key, or
    its file, that must have signed the plan of what is launched, `sign_with` the key that signs plans. `is_unenclosed`
    says that the command line asks for no sandbox.
    """

    source: Path | None = None
    place: ConfigPlace | None = None
    withheld: Withheld | None = None
    runtimes: Mapping[str, RuntimeConfig] = {}
    severities: Mapping[str, Mapping[str, str]] = {}
    categories: Mapping[str, Mapping[str, str]] = {}
    ruff_select: Mapping[str, tuple[str, ...]] = {}
    ruff_unsafe_fixes: bool = False
    jobs: int | None = None
    attempt_seconds: int = ATTEMPT_SECONDS
    attempts: int = ATTEMPTS
    stalls: Limits = Limits()
    on_attention: tuple[str, ...] = ()
    require_signed: str | None = None
    sign_with: str | None = None
    prompt_bytes: int = PROMPT_BYTES
    reads: Mapping[str, tuple[str, ...]] = {}
    verify: VerifyConfig = VerifyConfig()
    worktrees: WorktreesConfig = WorktreesConfig()
    sandbox: SandboxConfig = SandboxConfig()
    default_runtime: str | None = None
    chains: Chains = Chains()
    manifests: Manifests = Manifests()
    user_source: Path | None = None
    analyzers: tuple[str, ...] = ()
    trusts_everything: bool = False
    local_programs: Mapping[str, str] = {}
    records: RecordsConfig = RecordsConfig()
    hosts: HostsConfig = HostsConfig()
    is_unenclosed: bool = False

    def without_sandbox(self, reason: str) -> "Config":
        """Return the settings under which nothing is enclosed, for a reason that each attempt keeps."""
        return self._replace(sandbox=self.sandbox._replace(backend="none", reason=reason), is_unenclosed=True)

    def with_model(self, runtime: str, model: str | None) -> "Config":
        """Return the settings under which a coding agent is asked for a model."""
        if model is None:
            return self
        own = self.runtimes.get(runtime) or RuntimeConfig(runtime, "agent")
        return self._replace(runtimes={**self.runtimes, runtime: own._replace(model=model)})

    def hold_to_trusted(self, name: str) -> None:
        """Refuse to go on without a part, or without any part of a table. Raises ConfigUntrusted."""
        for part in self.withheld.parts if self.withheld else ():
            if self.withheld and f"{part}.".startswith(f"{name}."):
                raise self.withheld.refusal(f"[{part}]")


class Unjudged(NamedTuple):
    """A `swarm.toml` as it was read: where, its whole table, and its executable parts with their digest."""

    place: ConfigPlace
    document: Mapping[str, Any]
    executable: Mapping[str, Any]
    digest: str


def find(*folders: Path) -> Unjudged | None:
    """Return the first `swarm.toml` of some folders, read once: what is shown, trusted and used is the same text.

    Raises ConfigInvalid, naming the key.
    """
    for folder in folders:
        file = folder / FILE_NAME
        try:
            file.stat()
            return _read(file)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ValueError) as error:
            raise errors.ConfigInvalid(path=str(file), problem=str(error)) from error
    return None


def _read(file: Path) -> Unjudged:
    from swarm.documents import check, parse_toml, read_owned

    text, owner = read_owned(file, MOST_BYTES)
    document = parse_toml(text)
    if problem := check(document, "swarm-toml"):
        raise errors.ConfigInvalid(path=str(file), problem=problem)
    # The path is not resolved at its end: a link in a stranger's repository to a file that the user has trusted
    # elsewhere would run the argv of that file among the stranger's files.
    place = ConfigPlace(file.parent.resolve() / file.name, file.resolve(), owner)
    document = _with_manifests(file.parent, document)
    parts = executable_parts(document)
    return Unjudged(place, document, parts, digest_of(parts))


def _with_manifests(folder: Path, document: dict[str, Any]) -> dict[str, Any]:
    """Return a document with the texts of the agent manifests that it names: who trusts it, trusts what they say."""
    from swarm.documents import read_named

    tables = document.get("agents")
    if not tables:
        return document
    texts = {}
    for path in sorted({path for table in tables.values() for path in table.values()}):
        try:
            texts[path] = read_named(folder / path, MANIFEST_BYTES)
        except (OSError, ValueError) as error:
            raise errors.FileNotFound(path=str(folder / path), problem=str(error)) from error
    return {**document, "agents": {**tables, "texts": texts}}


def of_user(environment: Mapping[str, str]) -> Path:
    """Return the folder of the user's own `swarm.toml`."""
    named = environment.get("XDG_CONFIG_HOME", "")
    # The XDG specification says to ignore a relative path, which would lie wherever the caller stands.
    base = Path(named) if os.path.isabs(named) else Path(os.path.expanduser("~")) / ".config"  # noqa: PTH111, PTH117
    return base / "swarm"


def judged(found: Unjudged | None, trust: Trust, own: Unjudged | None = None, *, own_counts: bool = False) -> Config:
    """Return the settings of a file over those of the user's own; without trust those that run nothing.

    `own_counts` says that the user's own file needs no record. Raises ConfigInvalid, naming the key.
    """
    document: Mapping[str, Any] = {}
    withheld = None
    for layer, counts in ((own, own_counts), (found, False)):
        if layer is None:
            continue
        if counts or not layer.executable or trust.covers(layer.place, layer.digest):
            document = _over(document, layer.document)
        else:
            document = _over(document, harmless_parts(layer.document))
            withheld = Withheld(layer.place.path, layer.digest, layer.executable)
    if (upper := found or own) is None:
        return Config(trusts_everything=trust.everything)
    settings = _settings(upper.place, document)._replace(trusts_everything=trust.everything)
    return settings._replace(withheld=withheld, user_source=own.place.path if own else None)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return two documents as one: tables are joined, and of two other values the upper one holds."""
    joined = {
        key: _over(below[key], value) if isinstance(value, dict) and isinstance(below.get(key), dict) else value
        for key, value in above.items()
    }
    return {**below, **joined}


def _settings(place: ConfigPlace, document: Mapping[str, Any]) -> Config:
    file = place.path
    launch, prompts = document.get("launch", {}), document.get("prompts", {})
    tables: dict[str, Any] = document.get("runtimes", {})
    ruff = tables.get("ruff", {})
    return Config(
        source=file,
        place=place,
        runtimes={name: _runtime(name, table) for name, table in tables.items() if name != "ruff"},
        severities=document.get("severities", {}),
        categories=document.get("categories", {}),
        ruff_select={phase: tuple(rules) for phase, rules in ruff.get("select", {}).items()},
        ruff_unsafe_fixes=ruff.get("unsafe_fixes", False),
        jobs=launch.get("jobs"),
        attempt_seconds=launch.get("timeout_seconds", ATTEMPT_SECONDS),
        attempts=launch.get("attempts", ATTEMPTS),
        stalls=Limits(**launch.get("stalls", {})),
        require_signed=launch.get("require_signed"),
        sign_with=launch.get("sign_with"),
        on_attention=tuple(document.get("notify", {}).get("on_attention", ())),
        prompt_bytes=prompts.get("max_bytes", PROMPT_BYTES),
        reads={domain: tuple(globs) for domain, globs in document.get("reads", {}).items()},
        verify=verify_config(file, document.get("verify", {})),
        worktrees=worktrees_config(document.get("worktrees", {})),
        sandbox=_sandbox(document.get("sandbox", {})),
        default_runtime=document.get("defaults", {}).get("runtime"),
        chains=chains_from(document.get("chains", {})),
        manifests=Manifests(**document.get("agents", {})),
        analyzers=tuple(document.get("analyzers", {}).get("use", ())),
        records=_records(file, document.get("records", {})),
        hosts=hosts_config(file, document),
    )


def _records(file: Path, table: dict[str, Any]) -> RecordsConfig:
    root = table.get("root")
    return RecordsConfig(
        None if root is None else file.parent / Path(root).expanduser(), table.get("surface", "library")
    )


def _runtime(name: str, table: dict[str, Any]) -> RuntimeConfig:
    return RuntimeConfig(
        name=name,
        kind=table.get("kind", "agent"),
        argv=tuple(table.get("argv", ())),
        version_argv=tuple(table.get("version_argv", ())),
        environment=tuple(table.get("environment", ())),
        sandbox=settings_of(table),
        accepts=tuple(table.get("accepts", ())),
        model=table.get("model"),
        max_turns=table.get("max_turns"),
        arguments=tuple(table.get("arguments", ())),
        corrections=table.get("corrections", 1),
    )


def _sandbox(table: dict[str, Any]) -> SandboxConfig:
    return SandboxConfig(
        table.get("backend", "auto"),
        table.get("reason"),
        settings_of(table),
        {name: settings_of(own) for name, own in table.get("domains", {}).items()},
        {name: settings_of(own) for name, own in table.get("phases", {}).items()},
    )
