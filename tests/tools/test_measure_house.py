"""The measurer counts what a small tree holds, and never runs the tree."""

from pathlib import Path

import pytest

from tools.measure_house import circles, main, measured, rows

CART = '''"""A cart, told in one line."""

import os
from typing import TYPE_CHECKING

from shop import prices
from .prices import told_price, raise_error

if TYPE_CHECKING:
    from shop.till import Till


class Cart:
    # One comment of its own.
    def total(self, items, *, rate=1, **more):
        one_item = items[0]  # and one behind code
        return told_price(one_item)
'''
PRICES = """def told_price(item):
    return item


def raise_error():
    raise ValueError
"""
TILL = "from shop.cart import Cart\nraise SystemExit('this module was run')\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    files = {
        "__init__.py": "",
        "cart.py": CART,
        "prices.py": PRICES,
        "till.py": TILL,
        "broken.py": "def (:\n",
        "later/__init__.py": "from shop.later.left import A\n",
        "later/left.py": "from . import right\nA = 1\n",
        "later/right.py": "from ..later import left\n",
    }
    for name, text in files.items():
        file = tmp_path / "shop" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path / "shop"


def test_a_tree_is_measured_without_running_it(shop: Path) -> None:
    assert rows(measured(shop)) == {
        "modules / lines": "7 / 29",
        "module lines: median, p90, max": "2, 17, 17",
        "function lines: median, p90, max": "2, 3, 3",
        "parameters: mean, p90": "1.3, 3",
        "import statements: median, p90": "1, 4",
        "own fan-out: mean, p90, max": "0.7, 1, 1",
        "comment / docstring lines": "6.9 % / 3.4 %",
        "classes a module": "0.14",
        "largest flat folder": "4 (shop)",
        "import circles": "1",
        "`told` in names, docstrings, comments": "1, 1, 0",
        "`one` in names, docstrings, comments": "1, 1, 2",
    }


def test_an_import_leads_to_the_module_however_it_is_written(shop: Path) -> None:
    own = measured(shop).own
    assert own["shop.cart"] == {"shop.prices"}
    assert own["shop.till"] == {"shop.cart"}
    assert own["shop.later.right"] == {"shop.later.left"}


def test_modules_that_import_each_other_are_a_circle(shop: Path) -> None:
    assert circles(measured(shop).own) == [{"shop.later.left", "shop.later.right"}]


def test_a_package_below_another_keeps_the_names_that_its_imports_use(shop: Path) -> None:
    assert set(measured(shop / "later").own) == {"shop.later", "shop.later.left", "shop.later.right"}


def test_an_empty_folder_has_measures_too(tmp_path: Path) -> None:
    assert rows(measured(tmp_path))["modules / lines"] == "0 / 0"


def test_each_tree_has_a_column(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(shop), str(shop / "later")]) == 0
    head, rule, first, *_ = capsys.readouterr().out.splitlines()
    assert head == "|  | shop | later |"
    assert rule == "| --- | --- | --- |"
    assert first == "| modules / lines | 7 / 29 | 3 / 4 |"


def test_a_path_that_is_no_folder_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "missing")]) == 2
    assert capsys.readouterr().err == (
        f"usage: python tools/measure_house.py PATH [PATH…]\nno folder: {tmp_path / 'missing'}\n"
    )
