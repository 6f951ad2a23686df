"""Runs the interactive examples that stand in docstrings."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

SRC = Path(__file__).parents[2] / "src"
MODULES = sorted(
    ".".join(file.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")
    for file in SRC.rglob("*.py")
    if ">>> " in file.read_text(encoding="utf-8")
)


def test_examples() -> None:
    for name in MODULES:
        result = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS)
        assert result.attempted > 0, f"{name}: the example is not where doctest looks"
        assert result.failed == 0, f"{name}: see the captured output"
