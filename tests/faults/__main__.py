"""``python -m tests.faults``: the whole matrix; writes ``docs/generated/faults.md``; exit code 1 when a cell broke.

``--ports`` or ``--wire`` runs one level only, and writes nothing. The cells on the ports are shared among all processors.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from pathlib import Path

from tests.conftest import scrub_environment
from tests.faults import killing
from tests.faults.breaks import BREAKS
from tests.faults.cells import FAMILIES, run
from tests.faults.known import HTTP_GAPS, PORT_GAPS
from tests.faults.report import PortCount, page
from tests.faults.scenarios import BY_NAME, SCENARIOS
from tests.faults.wirecells import Batch, WireCell, used_rows

PAGE = Path(__file__).parents[2] / "docs" / "generated" / "faults.md"


def say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def ports() -> list[PortCount]:
    counts = []
    with multiprocessing.get_context("spawn").Pool(initializer=scrub_environment) as pool:
        for family in FAMILIES:
            mine = pool.starmap(count, [(family, scenario.name) for scenario in SCENARIOS], chunksize=1)
            say(f"{family}: {sum(c.run for c in mine)} cells, {sum(c.broken for c in mine)} broken")
            counts += mine
    return counts


def count(family: str, name: str) -> PortCount:
    """All cells of one kind of fault in one scenario."""
    scenario = BY_NAME[name]
    report = run(scenario, FAMILIES[family](scenario))
    known = {cell for cell in report.broken if any(gap.names(family, name, cell) for gap in PORT_GAPS)}
    for cell in report.broken.keys() - known:
        say(f"BROKEN {family}, {name}, {cell}: {'; '.join(report.broken[cell])[:500]}")
    return PortCount(family, name, report.run, len(report.broken), len(known))


def folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="faults-"))


def wire() -> list[WireCell]:
    rows, unnamed = used_rows(folder())
    found = [WireCell(line, "none", 1, ("no row names this request",)) for line in unnamed]
    for kind in BREAKS:
        cells = [cell for cell in Batch([(kind, row) for row in rows if kind.fits(row)]).run(folder()) if cell.met]
        found += cells
        say(f"{kind.name}: {len(cells)} cells, {sum(bool(cell.broken) for cell in cells)} broken")
        for cell in cells:
            if cell.broken:
                say(f"BROKEN {kind.name}, {cell.row}: {'; '.join(cell.broken)[:500]}")
    return found


def kills() -> list[killing.Killed]:
    found = [killing.run(folder(), before=before) for before in (True, False)]
    for chain in found:
        say(f"killed {chain.when}: {chain.kills} kills; {'; '.join(chain.broken) or 'held'}")
    return found


def main(arguments: list[str]) -> int:
    scrub_environment()
    counts = [] if "--wire" in arguments else ports()
    cells = [] if "--ports" in arguments else wire()
    chains = [] if "--ports" in arguments else kills()
    if not arguments:
        PAGE.write_text(page(counts, cells, chains), encoding="utf-8")
        say(f"written: {PAGE}")
    known = [cell for cell in cells if cell.broken and any(gap.names(cell.fault, cell.row, "") for gap in HTTP_GAPS)]
    broken = sum(count.broken - count.known for count in counts) + sum(bool(cell.broken) for cell in cells) - len(known)
    return 1 if broken or any(chain.broken for chain in chains) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
