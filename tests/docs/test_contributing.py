"""CONTRIBUTING.md names every target of the Makefile and every variable that the tests read."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_every_target_is_listed() -> None:
    assert set(re.findall(r"^\| `make ([a-z]+)` \|", PAGE, re.MULTILINE)) == set(
        re.findall(r"^([a-z]+):.*##", MAKEFILE, re.MULTILINE)
    )


def test_every_variable_of_the_tests_is_listed() -> None:
    read = r"QUAYBRIDGE_TEST_[A-Z_]*[A-Z]"
    found = {name for file in (ROOT / "tests").rglob("*.py") for name in re.findall(read, file.read_text(encoding="utf-8"))}
    assert found
    assert set(re.findall(rf"^\| `({read})(?:=1)?` \|", PAGE, re.MULTILINE)) == found


def test_clean_removes_all_that_git_ignores() -> None:
    ignored = set((ROOT / ".gitignore").read_text(encoding="utf-8").split()) - {"__pycache__/", "*.egg-info/", ".coverage*"}
    removed = MAKEFILE.partition("\nclean:")[2].replace("$(VENV)", ".venv").split()
    assert {name.rstrip("/") for name in ignored} <= set(removed)
    assert {".coverage", ".coverage.*"} <= set(removed)
