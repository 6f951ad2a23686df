"""A sample of the matrix on the wire: each kind of fault once, all in one world; `make matrix` runs all of it."""

from __future__ import annotations

from pathlib import Path

from tests.faults.breaks import BREAKS, Break
from tests.faults.routes import ROWS, Row
from tests.faults.wirecells import Batch, used_rows

SAMPLE = (
    "PUT /api/v1/organization/{organization}/robots/{robot}",
    "LIST /api/v1/namespaces",
    "WATCH /api/v1/namespaces",
)
"""The first that a fault fits is struck by it, in a namespace of its own."""


def struck_by(kind: Break) -> Row:
    rows = {row.name: row for row in ROWS}
    return next(rows[name] for name in SAMPLE if kind.fits(rows[name]))


def test_every_request_of_the_bridge_has_a_row(tmp_path: Path) -> None:
    rows, unnamed = used_rows(tmp_path)
    assert unnamed == []
    assert {row.name for row in rows} >= set(SAMPLE)


def test_the_bridge_gets_over_each_of_them(tmp_path: Path) -> None:
    cells = Batch([(kind, struck_by(kind)) for kind in BREAKS]).run(tmp_path)
    assert {cell.fault for cell in cells if cell.met} == {kind.name for kind in BREAKS}
    assert {cell.fault: cell.broken for cell in cells if cell.broken} == {}
