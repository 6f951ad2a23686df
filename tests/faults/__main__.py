"""``python -m tests.faults``: the whole matrix; writes ``docs/generated/faults.md``; exit code 1 when a cell broke.

``--ports`` or ``--wire`` runs one level only, and writes nothing. The cells on the ports are shared among all processors.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.conftest import scrub_environment
from tests.faults import killing
from tests.faults.breaks import BREAKS
from tests.faults.cells import FAMILIES
from tests.faults.known import HTTP_GAPS
from tests.faults.ports import PortCount, count, say
from tests.faults.report import page
from tests.faults.scenarios import SCENARIOS
from tests.faults.wirecells import Batch, WireCell, used_rows

PAGE = Path(__file__).parents[2] / "docs" / "generated" / "faults.md"


def ports() -> list[PortCount]:
    counts = []
    with multiprocessing.get_context("spawn").Pool(initializer=scrub_environment) as pool:
        for family in FAMILIES:
            mine = pool.starmap(count, [(family, scenario.name) for scenario in SCENARIOS], chunksize=1)
            say(f"{family}: {sum(c.run for c in mine)} cells, {sum(c.broken for c in mine)} broken")
            counts += mine
    return counts


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
    started = time.monotonic()
    counts = [] if "--wire" in arguments else ports()
    cells = [] if "--ports" in arguments else wire()
    chains = [] if "--ports" in arguments else kills()
    if not arguments:
        PAGE.write_text(page(counts, cells, chains, _when(time.monotonic() - started)), encoding="utf-8")
        say(f"written: {PAGE}")
    known = [cell for cell in cells if cell.broken and any(gap.names(cell.fault, cell.row, "") for gap in HTTP_GAPS)]
    broken = sum(count.broken - count.known for count in counts) + sum(bool(cell.broken) for cell in cells) - len(known)
    return 1 if broken or any(chain.broken for chain in chains) else 0


def _when(seconds: float) -> str:
    processors = os.cpu_count() or 1
    return f"Run on {time.strftime('%Y-%m-%d', time.gmtime())}, in {seconds / 60:.0f} minutes on {processors} processors."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
