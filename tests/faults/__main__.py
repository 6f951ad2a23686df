"""``python -m tests.faults``: the whole matrix; writes ``docs/generated/faults.md``; exit code 1 when a cell broke.

``--ports`` or ``--wire`` runs one level only, and writes nothing.
"""

from __future__ import annotations

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
from tests.faults.scenarios import SCENARIOS
from tests.faults.wirecells import Batch, WireCell, used_rows

PAGE = Path(__file__).parents[2] / "docs" / "generated" / "faults.md"


def say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    sys.stderr.flush()


def ports() -> list[PortCount]:
    counts = []
    for family, cells in FAMILIES.items():
        for scenario in SCENARIOS:
            report = run(scenario, cells(scenario))
            known = {name for name in report.broken if any(gap.names(family, scenario.name, name) for gap in PORT_GAPS)}
            for name in report.broken.keys() - known:
                say(f"BROKEN {family}, {scenario.name}, {name}: {'; '.join(report.broken[name])[:500]}")
            counts.append(PortCount(family, scenario.name, report.run, len(report.broken), len(known)))
        mine = [count for count in counts if count.family == family]
        say(f"{family}: {sum(c.run for c in mine)} cells, {sum(c.broken for c in mine)} broken")
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
