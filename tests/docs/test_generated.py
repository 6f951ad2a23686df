"""The generated pages are those that the code makes now, and each is shown somewhere."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from quaybridge_sdk import errors

DOCS = Path(__file__).parents[2] / "docs"
MEASURED = {"budget.md", "faults.md", "figures.md"}
"""Made by measuring, not by generating."""


def load(name: str) -> ModuleType:
    """A module of the docs folder, which is no package."""
    spec = importlib.util.spec_from_file_location(f"quaybridge_docs_{name}", DOCS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load("generate")


@pytest.mark.parametrize("name", sorted(generate.PAGES))
def test_page_is_fresh(name: str) -> None:
    made = generate.NOTE + generate.PAGES[name]().rstrip("\n") + "\n"
    assert (DOCS / "generated" / name).read_text(encoding="utf-8") == made, "stale: run `python docs/generate.py`"


def test_pages_are_what_main_writes() -> None:
    assert set(generate.pages()) == set(generate.PAGES)


def test_nothing_else_lies_there() -> None:
    assert {file.name for file in (DOCS / "generated").iterdir()} - MEASURED == set(generate.PAGES)


@pytest.mark.parametrize("name", sorted({*generate.PAGES, *MEASURED}))
def test_page_is_shown(name: str) -> None:
    assert any(f"generated/{name}" in page.read_text(encoding="utf-8") for page in DOCS.glob("*.md"))


def test_cells_with_bars_do_not_break_a_table() -> None:
    assert generate.table(("a",), [("x|y",)]) == "| a |\n| --- |\n| x\\|y |\n"


def test_every_leaf_of_the_error_tree_says_who_must_act() -> None:
    leaves = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.QuaybridgeError)]
    for leaf in (c for c in leaves if not c.__subclasses__()):
        assert generate.who_must_act(leaf) in ("whoever wrote the value", "the administrator", "nobody")
