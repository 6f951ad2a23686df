"""The measured tables: their grammar, their one set of limits, and that a reader of the plain Markdown finds them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from benchmarks import bridge
from benchmarks.figures import counted
from tests.docs.test_generated import load

DOCS = Path(__file__).parents[2] / "docs"
MEASURED = ("figures", "budget")
conf = load("conf")


@pytest.mark.parametrize(("number", "text"), [(0, "0 calls"), (1, "1 call"), (2, "2 calls"), (1200, "1,200 calls")])
def test_counted(number: int, text: str) -> None:
    assert counted(number, "call") == text


@pytest.mark.parametrize("name", MEASURED)
def test_page_is_good_english(name: str) -> None:
    assert not re.findall(r"\b1 (?:calls|connections)", (DOCS / f"generated/{name}.md").read_text(encoding="utf-8"))


def test_limit_is_said_once_and_is_the_one_of_the_code() -> None:
    """The page has no figure of its own for it, so the two cannot differ."""
    table = (DOCS / "generated/figures.md").read_text(encoding="utf-8")
    assert f"| {bridge.ALLOWED_CALLS} calls, {bridge.ALLOWED_SECONDS:.1f} s |" in table
    page = (DOCS / "figures.md").read_text(encoding="utf-8")
    assert f"{bridge.LATENCY} s / {bridge.PROCESSORS} processors" in page
    assert not re.findall(r"\b3[0-9](?:\.[0-9])? s\b", page)


@pytest.mark.parametrize("name", MEASURED)
def test_table_is_shown_by_the_site_and_linked_on_github(name: str) -> None:
    page = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert f"](generated/{name}.md)" in page
    shown = conf.measured(page)
    assert (DOCS / f"generated/{name}.md").read_text(encoding="utf-8") in shown
    assert "On GitHub" not in shown
