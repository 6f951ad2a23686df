"""The matrix on the ports, a part of each row: `python -m tests.faults` runs all of it."""

from __future__ import annotations

import itertools
import os
import zlib

import pytest
from tests.faults.cells import FAMILIES, clean, run
from tests.faults.known import PORT_GAPS
from tests.faults.scenarios import SCENARIOS, Scenario

pytestmark = pytest.mark.skipif("QUAYBRIDGE_TEST_MATRIX" not in os.environ, reason="it takes minutes: QUAYBRIDGE_TEST_MATRIX=1")

STRIDES = {"error once": 7, "outage": 29, "killed": 7, "duplicated": 5, "stale cache": 5, "lost events": 3}
"""Of so many cells one is run here; the numbers share no divisor with those of the errors, so each error has its turn."""


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_without_a_fault_it_ends_as_it_should(scenario: Scenario) -> None:
    found = clean(scenario)
    assert found.complaints == ()
    assert {*found.ending.left.values()} - {"()"} == scenario.ends


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("family", FAMILIES)
def test_it_ends_so_with_a_fault_too(family: str, scenario: Scenario) -> None:
    stride = STRIDES[family]
    first = zlib.crc32(f"{family} {scenario.name}".encode()) % stride
    cells = itertools.islice(FAMILIES[family](scenario), first, None, stride)
    report = run(scenario, (cell for cell in cells if not any(gap.names(family, scenario.name, cell.name) for gap in PORT_GAPS)))
    assert report.broken == {}
