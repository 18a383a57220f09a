"""Artifact locations as paths of the repository (SARIF 2.1.0: 3.4, 3.14.14 originalUriBaseIds, 3.24 artifact)."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from itertools import islice
from typing import Any, Final, NamedTuple, Protocol

from swarm.rules.safe_paths import safe_path
from swarm.sarif.paths import folded, on_this_host, path_of_uri, without_dots
from swarm.sarif.problems import PATH_UNSAFE, Refused, shortened
from swarm.sarif.roots import likely_root
from swarm.sarif.values import at, item, objects, whole, word

# Longer chains are an attack: each step makes the path longer.
MOST_BASES: Final = 32
MOST_ROOTS: Final = 16
_MOST_RESULTS: Final = 2000
LONGEST_URI: Final = 4096
_BEHIND_PATH: Final = re.compile("[?#]")
_ODD: Final = re.compile(r"^[A-Za-z]:|[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Files(Protocol):
    """The files that a log is about."""

    def inside(self, path: str) -> str | None:
        """Return an absolute path of this machine relative to the repository, `None` where it is not below it."""

    def holds(self, path: str) -> bool:
        """Say whether the repository has a file of this path."""

    def content(self, path: str) -> bytes | None:
        """Return the content of a file, `None` where it cannot be read."""


class NoFiles:
    """Stands for the files of a log of which nothing but the log is known."""

    def inside(self, path: str) -> str | None:
        """Know no absolute path."""
        del path
        return None

    def holds(self, path: str) -> bool:
        """Know no file."""
        del path
        return False

    def content(self, path: str) -> bytes | None:
        """Know no content."""
        del path
        return None


class _Base(NamedTuple):
    """A base of relative URIs: its folder, absolute or relative to nothing known, and the part below its own base.

    `depth` counts the bases that it is made of.
    """

    folder: str
    below: str
    is_absolute: bool
    depth: int


_NO_BASE: Final = _Base("", "", is_absolute=False, depth=0)


class ArtifactPaths:
    """The artifacts and the bases of a run. Each location is resolved a single time."""

    def __init__(self, run: Mapping[str, Any], files: Files) -> None:
        self._files = files
        self._results = run.get("results")
        self._artifacts = run.get("artifacts")
        bases = run.get("originalUriBaseIds")
        self._bases: Mapping[str, Any] = bases if isinstance(bases, dict) else {}
        self._known_bases: dict[str, _Base] = {}
        self._known: dict[tuple[str, str], str | None] = {}
        # The first invocation that names a folder: the standard has one for each, and tools write a single one.
        folders = (at(step, "workingDirectory") for step in objects(run.get("invocations")))
        self._folder = next(filter(None, map(self._absolute, folders)), "")
        self._roots = self._foreign_roots(run)

    def path_of(self, location: Any) -> str | None:
        """Return the path of an artifact location, `None` where it names no file. Raises Refused."""
        uri, base = word(location, "uri"), word(location, "uriBaseId")
        if not uri and (listed := self._listed(location)):
            uri, base = word(listed, "uri"), word(listed, "uriBaseId")
        if not uri:
            return None
        if len(uri) > LONGEST_URI:
            raise Refused("", f"its URI is longer than {LONGEST_URI} characters", PATH_UNSAFE)
        if (uri, base) not in self._known:
            self._known[uri, base] = self._resolved(uri, base)
        return self._known[uri, base]

    def _listed(self, location: Any) -> dict[str, Any]:
        """Return the location of an artifact by its index; a part of an archive stands in the archive."""
        artifact = item(self._artifacts, at(location, "index"))
        for _ in range(MOST_BASES):
            found: dict[str, Any] = at(artifact, "location") or {}
            if word(found, "uri") or whole(artifact.get("parentIndex")) is None:
                return found
            artifact = item(self._artifacts, artifact.get("parentIndex"))
        return {}

    def _resolved(self, uri: str, base_id: str) -> str | None:
        path = path_of_uri(uri)
        if path is None:
            # Some tools write paths, not URIs: a file may have a colon in its name, and `file://` a path behind it.
            return next(filter(self._files.holds, (uri, on_this_host(uri))), None)
        base = _NO_BASE if path.startswith("/") or not base_id else self._base(base_id)
        candidates = self._candidates(path, base)
        if not path.startswith("/"):
            # Some tools write paths, whose percent signs are their own; others add a query or a fragment.
            spellings = (uri.replace("\\", "/"), path_of_uri(_BEHIND_PATH.split(uri, 1)[0]))
            candidates += [found for other in spellings if other for found in self._candidates(other, base)]
        for candidate in candidates:
            if self._files.holds(candidate):
                return candidate
        if (likely := self._below_likely_root(self._whole(path, base))) is not None:
            candidates.insert(0, likely)
        elif not candidates and self._files.inside(f"{path.rstrip('/')}/.root") == ".root":
            # The root itself: the result is about the whole repository.
            return None
        chosen = candidates[0] if candidates else path
        if problem := _outside(chosen):
            raise Refused("", f"'{shortened(uri)}': {problem}", PATH_UNSAFE)
        return chosen or None

    def _whole(self, path: str, base: _Base) -> str:
        """Return the absolute path that a location means on the machine of the log, else a relative path."""
        whole_path = without_dots(f"{base.folder}{path}")
        return whole_path if whole_path.startswith("/") or not self._folder else without_dots(f"{self._folder}/{path}")

    def _below_likely_root(self, path: str) -> str | None:
        if not path.startswith("/") or (root := self._likely_root) is None:
            return None
        return path[len(root) + 1 :] if folded(path).startswith(f"{root}/") else None

    @cached_property
    def _likely_root(self) -> str | None:
        return likely_root(self._absolute_paths(), self._files.holds)

    def _absolute_paths(self) -> Iterator[str]:
        """Yield the absolute paths of the first results' places."""
        for result in islice(objects(self._results), _MOST_RESULTS):
            for place in objects(result.get("locations"))[:1]:
                location = at(place, "physicalLocation", "artifactLocation")
                named = location if word(location, "uri") else self._listed(location)
                with suppress(Refused):
                    path = path_of_uri(word(named, "uri")[:LONGEST_URI]) or ""
                    base = self._base(word(named, "uriBaseId")) if word(named, "uriBaseId") else _NO_BASE
                    if path and (found := self._whole(path, base)).startswith("/"):
                        yield found

    def _candidates(self, path: str, base: _Base) -> list[str]:
        """Return the paths that a location can mean, the surest first."""
        whole_path = without_dots(f"{base.folder}{path}")
        if not whole_path.startswith("/"):
            # A tool that ran in a folder of the tree may mean its own folder, or the root.
            within = self._below(without_dots(f"{self._folder}/{path}")) if self._folder and not base.folder else []
            return [*within, whole_path]
        found = self._below(whole_path)
        # Of a foreign machine nothing but the parts below the base are known.
        return [*found, without_dots(f"{base.below}{path}")] if base.is_absolute and not found else found

    def _below(self, path: str) -> list[str]:
        found = [] if (own := self._files.inside(path)) is None else [own]
        return found + [path[len(root) + 1 :] for root in self._roots if folded(path).startswith(f"{root}/")]

    def _base(self, base_id: str) -> _Base:
        """Return the folder of a base id. Raises Refused."""
        chain: list[str] = []
        name = base_id
        why = ""
        while name and name not in self._known_bases and not why:
            if name in chain:
                why = "leads back to itself"
            chain.append(name)
            name = word(self._bases.get(name), "uriBaseId") if len(chain) <= MOST_BASES else ""
        known = self._known_bases.get(name, _NO_BASE)
        if why or len(chain) + known.depth > MOST_BASES:
            raise Refused("", f"its uriBaseId '{shortened(base_id)}' {why or f'has more than {MOST_BASES} bases'}")
        for one in reversed(chain):
            known = self._known_bases[one] = self._based_on(known, self._bases.get(one))
        return known

    def _based_on(self, parent: _Base, location: Any) -> _Base:
        uri = (location if isinstance(location, str) else word(location, "uri"))[:LONGEST_URI]
        path = path_of_uri(uri) or ""
        if path and not path.endswith("/"):
            path += "/"
        if path.startswith("/"):
            return _Base(path, "", is_absolute=True, depth=parent.depth + 1)
        return _Base(parent.folder + path, parent.below + path, parent.is_absolute, parent.depth + 1)

    def _absolute(self, location: Any) -> str:
        """Return the absolute path of a folder, `""` where the log does not say it."""
        try:
            base = self._base(word(location, "uriBaseId"))
        except Refused:
            return ""
        path = without_dots(base.folder + (path_of_uri(word(location, "uri")[:LONGEST_URI]) or ""))
        return path.rstrip("/") if path.startswith("/") else ""

    def _foreign_roots(self, run: Mapping[str, Any]) -> list[str]:
        """Return the folders that the log says the repository lies in, on whatever machine, the surest first."""
        mapped = [self._absolute(at(one, "mappedTo")) for one in objects(run.get("versionControlProvenance"))]
        bases = [self._absolute({"uriBaseId": name}) for name in list(self._bases)[:MOST_ROOTS]]
        # The shortest base first: the others are folders in it.
        found = [*mapped[:MOST_ROOTS], *sorted(bases, key=len), self._folder]
        roots = dict.fromkeys(map(folded, found))
        return [root for root in roots if root][:MOST_ROOTS]


def _outside(path: str) -> str | None:
    if path.startswith("/"):
        return "it is outside of the repository"
    try:
        # Names with colons and control characters may be those of the commit, and are judged where it is known.
        safe_path(_ODD.sub("_", path), (), frozenset())
    except ValueError as error:
        return str(error) if path else None
    return None
