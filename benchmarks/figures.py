"""What a benchmark answers, and the table that the documentation shows."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

PAGE = Path(__file__).parents[1] / "docs" / "generated" / "figures.md"


@frozen
class Figure:
    """One row: what was measured, the limit, and the Go operator's figure (measured on real servers and 2 cores)."""

    what: str
    measured: str
    limit: str
    incumbent: str
    met: bool


def counted(number: int, noun: str) -> str:
    """``1 call``, ``2 calls``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def table(figures: Iterable[Figure]) -> str:
    """The rows in Markdown."""
    head = ["| what | measured | limit | Go operator | |", "| --- | --- | --- | --- | --- |"]
    rows = [f"| {f.what} | {f.measured} | {f.limit} | {f.incumbent} | {'met' if f.met else 'MISSED'} |" for f in figures]
    load = f"Measured on {os.cpu_count()} cores; the load average at the end was {os.getloadavg()[0]:.1f}."
    return "\n".join([*head, *rows, "", load]) + "\n"
