"""A proof proves the commit: however a project is installed in its checkout, the tests import the tree under proof."""

import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Repo, Swarm
from tests.sweeping import swept

PACKAGE = Path("parts/shop/code")
GOOD = "def price(n):\n    return n * 2\n"
BROKEN = "def price(n):\n    return n * 3\n"
TEST = """\
import subprocess, sys, unittest
from {module} import price

class TestPrice(unittest.TestCase):
    def test_price(self):
        self.assertEqual(price(2), 4)

    def test_price_in_a_process_of_its_own(self):
        script = "from {module} import price; assert price(2) == 4"
        self.assertEqual(subprocess.run([sys.executable, "-c", script]).returncode, 0)
"""
Install = Callable[[Path, Path], None]


def path_file(site: Path, root: Path) -> None:
    """uv, hatch, pdm, poetry and setuptools with a folder of packages."""
    (site / "__editable__.shop-0.pth").write_text(f"{root / PACKAGE}\n", encoding="utf-8")


def path_file_through_a_link(site: Path, root: Path) -> None:
    """The same where the checkout is known by another way."""
    alias = root.parent / "alias"
    alias.symlink_to(root)
    (site / "_shop.pth").write_text(f"{alias / PACKAGE}\n", encoding="utf-8")


def develop(site: Path, root: Path) -> None:
    """`setup.py develop`."""
    (site / "easy-install.pth").write_text(f"{root / PACKAGE}\n", encoding="utf-8")
    (site / "shop.egg-link").write_text(f"{root / PACKAGE}\n.\n", encoding="utf-8")


def finder_with_globals(site: Path, root: Path) -> None:
    """Setuptools with a folder a package: the finder's module holds the mapping."""
    finder = f"""\
import sys
from importlib.util import spec_from_file_location
MAPPING = {{'shop': {str(root / PACKAGE / "shop")!r}}}
class Finder:
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in MAPPING:
            return spec_from_file_location(name, MAPPING[name] + '/__init__.py')
def install():
    sys.meta_path.append(Finder)
"""
    (site / "__editable___shop_0_finder.py").write_text(finder, encoding="utf-8")
    line = "import __editable___shop_0_finder as finder; finder.install()\n"
    (site / "__editable__.shop-0.pth").write_text(line, encoding="utf-8")


def finder_with_a_class(site: Path, root: Path) -> None:
    """`editables`, for hatch in its exact mode: the class holds the mapping."""
    finder = f"""\
import sys
from importlib.util import spec_from_file_location
class Finder:
    redirections = {{}}
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name in cls.redirections:
            return spec_from_file_location(name, cls.redirections[name])
Finder.redirections['shop'] = {str(root / PACKAGE / "shop/__init__.py")!r}
sys.meta_path.append(Finder)
"""
    (site / "_editable_impl_shop.py").write_text(finder, encoding="utf-8")
    (site / "_editable_impl_shop.pth").write_text("import _editable_impl_shop\n", encoding="utf-8")


def finder_in_front(site: Path, root: Path) -> None:
    """scikit-build-core: an instance before all other finders."""
    finder = f"""\
import sys
from importlib.util import spec_from_file_location
class Finder:
    def __init__(self, known):
        self.known = known
    def find_spec(self, name, path=None, target=None):
        if name in self.known['files']:
            return spec_from_file_location(name, self.known['files'][name][0])
sys.meta_path.insert(0, Finder({{'files': {{'shop': [{str(root / PACKAGE / "shop/__init__.py")!r}]}}}}))
"""
    (site / "_shop_editable.py").write_text(finder, encoding="utf-8")
    (site / "_shop_editable.pth").write_text("import _shop_editable\n", encoding="utf-8")


def link(site: Path, root: Path) -> None:
    """`flit install --symlink`."""
    (site / "shop").symlink_to(root / PACKAGE / "shop")


def folder_of_links(site: Path, root: Path) -> None:
    """Setuptools in its strict mode."""
    links = root / "build" / "__editable__.shop-0" / "shop"
    links.mkdir(parents=True)
    (links / "__init__.py").symlink_to(root / PACKAGE / "shop" / "__init__.py")
    (site / "__editable__.shop-0.pth").write_text(f"{links.parent}\n", encoding="utf-8")


LAYOUTS = (
    path_file,
    path_file_through_a_link,
    develop,
    finder_with_globals,
    finder_with_a_class,
    finder_in_front,
    link,
    folder_of_links,
)


@pytest.fixture
def site(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The packages of the environment in the checkout."""
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    venv.create(repo.root / ".venv", symlinks=True)
    (found,) = (repo.root / ".venv" / "lib").glob("python*/site-packages")
    return found


@pytest.fixture
def project(repo: Repo) -> Repo:
    repo.git("rm", "-rq", "tests")
    repo.commit(
        {
            ".gitignore": ".venv\nbuild\n*.egg-info\n",
            "pyproject.toml": "[project]\nname = 'root'\nversion = '0'\n",
            f"{PACKAGE}/shop/__init__.py": GOOD,
            "tests/__init__.py": "",
            "tests/test_price.py": TEST.format(module="shop"),
        }
    )
    repo.git("checkout", "-qb", "broken")
    repo.commit({f"{PACKAGE}/shop/__init__.py": BROKEN})
    repo.git("checkout", "-q", "main")
    return repo


@pytest.mark.parametrize("install", swept(LAYOUTS, first=2))
def test_the_code_of_the_commit_is_tested_not_that_of_the_checkout(
    project: Repo, swarm: Swarm, site: Path, install: Install
) -> None:
    install(site, project.root)
    swarm("init", ".")
    assert swarm("verify", "--commit", "broken", "--format", "json", exit=1).data["verdict"] == "fail"
    project.write({f"{PACKAGE}/shop/__init__.py": BROKEN})
    assert swarm("verify", "--format", "json").data["verdict"] == "pass"


def test_an_import_that_cannot_be_led_to_the_tree_is_never_a_pass(project: Repo, swarm: Swarm, site: Path) -> None:
    finder = f"""\
import sys
from importlib.util import spec_from_file_location
def made(place):
    class Finder:
        def find_spec(self, name, path=None, target=None):
            return spec_from_file_location(name, place()) if name == 'shop' else None
    return Finder()
sys.meta_path.insert(0, made(lambda: {str(project.root / PACKAGE / "shop/__init__.py")!r}))
"""
    (site / "_opaque.py").write_text(finder, encoding="utf-8")
    (site / "_opaque.pth").write_text("import _opaque\n", encoding="utf-8")
    swarm("init", ".")
    answer = swarm("verify", "--format", "json", exit=1)
    file = f"{PACKAGE}/shop/__init__.py"
    assert (answer.data["verdict"], answer.data["steps"][0]["exitCode"]) == ("fail", 0)
    assert answer.data["note"] == (
        f"the tree under proof lacks an import path to {file}, which was imported from the checkout"
    )
    log = Path(answer.data["steps"][0]["log"]) / "stderr.log"
    assert log.read_text(encoding="utf-8").endswith(f"1 modules of the checkout were imported: {file}\n")


def test_generated_modules_of_the_checkout_are_no_part_of_the_commit(project: Repo, swarm: Swarm, site: Path) -> None:
    path_file(site, project.root)
    project.commit({".gitignore": ".venv\ngenerated\n", "tests/test_price.py": TEST.format(module="stubs")})
    project.write({"generated/stubs.py": GOOD})
    (site / "generated.pth").write_text(f"{project.root / 'generated'}\n", encoding="utf-8")
    swarm("init", ".")
    note = swarm("verify", "--format", "json", exit=1).data["note"]
    assert (
        note == "the tree under proof lacks an import path to generated/stubs.py, which was imported from the checkout"
    )


def test_members_of_a_workspace_are_all_led_to_the_tree(project: Repo, swarm: Swarm, site: Path) -> None:
    project.commit({f"{PACKAGE}/shop/__init__.py": "from prices.base import price\n", "libs/prices/base.py": GOOD})
    project.git("checkout", "-qb", "worse")
    project.commit({"libs/prices/base.py": BROKEN})
    project.git("checkout", "-q", "main")
    path_file(site, project.root)
    (site / "_prices.pth").write_text(f"{project.root / 'libs'}\n", encoding="utf-8")
    swarm("init", ".")
    assert swarm("verify", "--commit", "worse", "--format", "json", exit=1).data["verdict"] == "fail"
    assert swarm("verify", "--format", "json").data["verdict"] == "pass"


def test_the_environment_keeps_its_own_start_and_the_metadata_of_its_installs(
    project: Repo, swarm: Swarm, site: Path
) -> None:
    develop(site, project.root)
    metadata = {f"{PACKAGE}/shop.egg-info/PKG-INFO": "Metadata-Version: 2.1\nName: shop\nVersion: 7\n"}
    project.write(metadata)
    (site / "sitecustomize.py").write_text("import sys\nsys.started = True\n", encoding="utf-8")
    test = "from importlib.metadata import version; import sys; assert (version('shop'), sys.started) == ('7', True)\n"
    project.commit({"tests/test_price.py": test + TEST.format(module="shop")})
    swarm("init", ".")
    assert swarm("verify", "--format", "json").data["verdict"] == "pass"
