"""Sphinx' settings. Build with ``make docs``: warnings are errors."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).parent
_PROJECT = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project = _PROJECT["name"]
author = "the quaybridge authors"
release = version = _PROJECT["version"]

extensions = ["myst_parser"]
exclude_patterns = ["_build", "generated"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"quaybridge {release}"

_MEASURED = re.compile(r"^<!-- measured: (generated/[\w-]+\.md) -->\nOn GitHub .*$", re.MULTILINE)


def measured(text: str) -> str:
    """Puts figures where a page has a ``<!-- measured: generated/x.md -->`` line, or says that there are none yet. The next line
    is for readers on GitHub, who see only that.

    Sphinx' own ``include`` would fail without the file, also inside ``only``.
    """

    def figures(found: re.Match[str]) -> str:
        file = HERE / found[1]
        return file.read_text(encoding="utf-8") if file.is_file() else "*Nothing was measured yet.*"

    return _MEASURED.sub(figures, text)


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""

    def read(_: Sphinx, __: str, source: list[str]) -> None:
        source[0] = measured(source[0])

    app.connect("source-read", read)
