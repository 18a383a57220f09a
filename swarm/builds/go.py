"""Go: vet and the tests."""

from pathlib import Path

from swarm.builds.adapter import BuildStep
from swarm.builds.checkout import Checkout
from swarm.builds.project_files import is_file, names_below
from swarm.builds.recorders import Runner


class Go:
    """Proves a Go module or workspace."""

    name = "go"

    def probe(self, tree: Path) -> int:
        """Return how much of a Go module the tree is."""
        if not is_file(tree, "go.mod") and not is_file(tree, "go.work"):
            return 0
        return 80 if any(name.endswith("_test.go") for name in names_below(tree)) else 50

    def steps(self, tree: Path, checkout: Checkout) -> list[BuildStep]:
        """Return lint and tests."""
        del tree, checkout
        return [
            BuildStep("go-vet", "lint", ("go", "vet", "./...")),
            BuildStep("go-test", "test", ("go", "test", "-v", "./..."), tool="go", runner=Runner.GO),
        ]
