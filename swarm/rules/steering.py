"""Files that steer a proof: they choose how work is verified, so no agent edits one without a lease, whatever the map.

Lock files are left out: they name versions of dependencies, and swarm runs what is installed in the checkout.
"""

import re
from typing import Final

# At any depth: a package in a folder has its own configuration, and runners look in every folder above a test.
_NAMES: Final = frozenset(
    {
        *("swarm.toml", "pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "noxfile.py", "conftest.py"),
        *("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", ".coveragerc", "mypy.ini", ".mypy.ini"),
        *("ruff.toml", ".ruff.toml", ".flake8", ".pylintrc", "pylintrc", "pyrightconfig.json", ".bandit"),
        *("sitecustomize.py", "usercustomize.py", "pyvenv.cfg"),
        *("package.json", "deno.json", "deno.jsonc", "bunfig.toml", ".npmrc", ".yarnrc", ".yarnrc.yml", ".babelrc"),
        *("pnpm-workspace.yaml", "lerna.json", "nx.json", "turbo.json", ".eslintignore", "biome.json", "biome.jsonc"),
        *("cargo.toml", "build.rs", "clippy.toml", ".clippy.toml", "rustfmt.toml", ".rustfmt.toml"),
        *("rust-toolchain", "rust-toolchain.toml", "nextest.toml", "go.mod", "go.work"),
        *("makefile", "gnumakefile", "justfile", ".pre-commit-config.yaml", ".semgrepignore"),
        *(".gitlab-ci.yml", ".travis.yml", "azure-pipelines.yml", "jenkinsfile"),
    }
)
_SHAPES: Final = re.compile(
    r"(?:jest|vitest|vite|babel|ava|playwright|cypress|karma|webpack|rollup|eslint)"
    r"(?:\.[\w-]+)*\.(?:config|workspace|setup|conf)\.(?:[cm]?[jt]s|json)"
    r"|tsconfig(?:\.[\w.-]+)?\.json|\.(?:mocharc|eslintrc|jestrc|babelrc|swcrc|nycrc|taprc)(?:\.\w+)?"
    r"|\.(?:golangci|semgrep)\.(?:ya?ml|toml|json)|.+\.pth"
)
_FOLDERS: Final = re.compile(
    r"(?:.*/)?(?:\.github/(?:workflows|actions)|\.circleci|\.cargo|\.config|\.venv|node_modules|\.husky)/.*"
)
# A module of such a name takes the place of the runner, of its checker, or of what Python runs at its start.
_RUNNERS: Final = re.compile(
    r"(?:.*/)?(?:pytest|_pytest|pluggy|iniconfig|unittest|doctest|nose2|coverage|mypy|ruff|sitecustomize|usercustomize)"
    r"(?:\.py|\.so|\.pyd|\.pyc|\..+\.so|/.*\.(?:py|so|pyd|pyc))"
)


_TESTS: Final = re.compile(r"(?:.*[^a-z])?(?:tests?|specs?|__tests__)(?:[^a-z].*)?")


def holds_tests(path: str) -> bool:
    """Say whether a path names a test or a folder of tests, as far as names go."""
    return _TESTS.fullmatch(path.casefold()) is not None


def steers(path: str) -> bool:
    """Say whether a file chooses how work is verified, by its path alone; letter case is no difference."""
    folded = path.casefold()
    name = folded.rpartition("/")[2]
    return (
        name in _NAMES
        or _SHAPES.fullmatch(name) is not None
        or _FOLDERS.fullmatch(folded) is not None
        or _RUNNERS.fullmatch(folded) is not None
    )
