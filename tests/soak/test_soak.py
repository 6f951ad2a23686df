"""A short soak, so that it does not rot: both programs as processes, faults, kills, and the checker at the end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.soak.run import Options, run

pytestmark = pytest.mark.skipif("QUAYBRIDGE_TEST_MATRIX" not in os.environ, reason="it takes minutes: QUAYBRIDGE_TEST_MATRIX=1")


def test_a_short_soak_loses_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    report = run(Options(seconds=10, seed=7, names=6, actors=2, pace=0.3, patience=90, quiet=4, renewal=4), tmp_path)
    assert report.differences == []
    assert report.counters["namespaces made"] > 3
    assert report.counters["images pushed"] > 3
    assert report.counters["checks asked for"] > 20
