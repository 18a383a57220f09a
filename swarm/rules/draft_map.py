"""Draft of a domain map, from the folders and suffixes of most repositories."""

from collections.abc import Iterable, Mapping
from typing import Final

from swarm.rules.domains import Domain, Ownership
from swarm.rules.ownership import OwnershipMap

_TESTS: Final = (
    "**/test/**",
    "**/tests/**",
    "**/__tests__/**",
    "**/testing/**",
    "**/spec/**",
    "**/e2e/**",
    "**/fixtures/**",
    "**/test_*.py",
    "**/*_test.py",
    "**/conftest.py",
    "**/*_test.go",
    "**/*.{test,spec}.{js,jsx,ts,tsx,mjs,cjs}",
)
_CI_TOOLING: Final = (
    ".github/**",
    ".gitlab/**",
    ".circleci/**",
    ".ci/**",
    ".buildkite/**",
    "ci/**",
    "scripts/**",
    "tools/**",
    "benchmarks/**",
    "**/Makefile",
    "**/*.mk",
    "**/Dockerfile*",
    "**/*.Dockerfile",
    "**/docker-compose*.{yml,yaml}",
    ".gitlab-ci.yml",
    ".travis.yml",
    ".pre-commit-config.yaml",
    "noxfile.py",
    "tox.ini",
    "Jenkinsfile",
)
_DOCS: Final = (
    "docs/**",
    "doc/**",
    "examples/**",
    "**/*.md",
    "**/*.rst",
    "**/*.adoc",
    "LICENSE*",
    "COPYING*",
    "AUTHORS*",
)
_FRONTEND: Final = (
    "frontend/**",
    "web/**",
    "ui/**",
    "client/**",
    "public/**",
    "static/**",
    "**/*.{tsx,jsx,vue,svelte,css,scss,sass,less,html}",
)
_BACKEND: Final = (
    "backend/**",
    "server/**",
    "api/**",
    "cmd/**",
    "internal/**",
    "pkg/**",
    "src/**",
    "lib/**",
    "**/*.{py,pyi,pyx,go,rs,java,kt,scala,rb,php,cs,fs,swift,ex,exs,erl,hs,ml,clj,lua,pl,r,jl}",
    "**/*.{c,h,cc,cpp,cxx,hpp,m,mm,js,mjs,cjs,ts,mts,cts,sql,proto,sh}",
)
_SHARED: Final = ("*.{toml,json,yaml,yml,cfg,ini,lock,txt}", ".editorconfig", ".gitattributes", ".gitignore")
# The first match wins: a test of the backend belongs to `tests`, so special domains stand before general ones.
_DRAFT: Final = (
    Domain("tests", Ownership.OWNED, _TESTS, "Tests and what they need"),
    Domain("ci-tooling", Ownership.OWNED, _CI_TOOLING, "Continuous integration, scripts, containers"),
    Domain("docs", Ownership.OWNED, _DOCS, "Documentation and examples"),
    Domain("frontend", Ownership.OWNED, _FRONTEND, "What a user sees"),
    Domain("backend", Ownership.OWNED, _BACKEND, "The program itself"),
    Domain("shared", Ownership.SHARED, _SHARED, "Configuration at the root; no agent, edits are recorded"),
)
# Last and owned, not unassigned: a file that nobody owns is a file that no agent audits.
REST: Final = Domain("rest", Ownership.OWNED, ("**",), "Everything else, so that no file is left unlooked at")


def draft_with_counts(paths: Iterable[str]) -> tuple[list[Domain], Mapping[str, int]]:
    """Return a map of the domains that have a file, and the number of files of each of them.

    The map ends in an owned catch-all, for files still to come too: together the domains own all files.
    """
    owned, unowned = OwnershipMap(_DRAFT).divide(paths)
    # A domain without a file takes no file from another domain, so a map without that domain has the same counts.
    domains = [domain for domain in _DRAFT if owned[domain.name]]
    return [*domains, REST], {**{domain.name: len(owned[domain.name]) for domain in domains}, REST.name: len(unowned)}


def counted(domains: Iterable[Domain], paths: Iterable[str]) -> tuple[Mapping[str, int], list[str]]:
    """Return the number of files of each domain, and the files without an owner."""
    owned, unowned = OwnershipMap(domains).divide(paths)
    return {name: len(files) for name, files in owned.items()}, unowned
