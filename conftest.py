"""Runs the examples of the README and of the docs as tests. Those in docstrings: ``tests/docs/test_docstrings.py``."""

from __future__ import annotations

from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser, SkipParser

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/*.md"],
    excludes=["docs/generated/*.md", "docs/_build/**"],
    fixtures=["tmp_path"],
).pytest()
