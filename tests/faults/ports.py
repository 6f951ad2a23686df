"""One row of the matrix on the ports: what a worker process of it does."""

from __future__ import annotations

import sys
import time

from attrs import frozen
from tests.faults.cells import FAMILIES, run
from tests.faults.known import PORT_GAPS
from tests.faults.scenarios import BY_NAME


@frozen
class PortCount:
    """The cells of one kind of fault in one scenario; ``known`` of the broken ones have a row in the table of known gaps."""

    family: str
    scenario: str
    run: int
    broken: int
    known: int


def say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def count(family: str, name: str) -> PortCount:
    """All cells of one kind of fault in one scenario."""
    scenario = BY_NAME[name]
    report = run(scenario, FAMILIES[family](scenario))
    known = {cell for cell in report.broken if any(gap.names(family, name, cell) for gap in PORT_GAPS)}
    for cell in report.broken.keys() - known:
        say(f"BROKEN {family}, {name}, {cell}: {'; '.join(report.broken[cell])[:500]}")
    return PortCount(family, name, report.run, len(report.broken), len(known))
