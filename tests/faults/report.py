"""The page of the matrix: what was run, and what held."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.faults.killing import Killed
from tests.faults.known import HTTP_GAPS, PORT_GAPS
from tests.faults.ports import PortCount
from tests.faults.wirecells import WireCell

HEAD = """Each cell is one run of the bridge with one fault. It holds when, after the fault's end, both sides are as after a run
without a fault, nothing was written outside the bridge's own, no image was lost, no token was shown, and the number of calls
stayed bounded.
"""


def page(counts: Sequence[PortCount], cells: Sequence[WireCell], chains: Sequence[Killed], when: str) -> str:
    """``when``: the day, and how long it took."""
    parts = [HEAD, when, _sum(counts, cells, chains), "## On the ports", _ports(counts), "## On the wire", _wire(cells)]
    parts += ["## The process is killed", _chains(chains), "## Known gaps", _gaps()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _sum(counts: Sequence[PortCount], cells: Sequence[WireCell], chains: Sequence[Killed]) -> str:
    ran, broken = sum(count.run for count in counts), sum(count.broken for count in counts)
    struck = sum(bool(cell.broken) for cell in cells)
    rows = [
        ("on the ports", ran, ran - broken),
        ("on the wire", len(cells), len(cells) - struck),
        ("kill -9", sum(chain.kills for chain in chains), sum(chain.kills for chain in chains if not chain.broken)),
    ]
    return _table(("Level", "Cells run", "Cells held"), rows)


def _ports(counts: Sequence[PortCount]) -> str:
    families = list(dict.fromkeys(count.family for count in counts))
    found = {(count.scenario, count.family): count for count in counts}
    rows = []
    for scenario in dict.fromkeys(count.scenario for count in counts):
        row = [found[scenario, family] for family in families]
        rows.append((scenario, *(f"{c.run - c.broken} of {c.run}" if c.broken else str(c.run) for c in row)))
    return "Cells held; «n of m» where some broke.\n\n" + _table(("Scenario", *families), rows)


def _wire(cells: Sequence[WireCell]) -> str:
    faults = list(dict.fromkeys(cell.fault for cell in cells))
    found = {(cell.row, cell.fault): "**broken**" if cell.broken else "held" for cell in cells}
    rows = [(f"`{row}`", *(found.get((row, fault), "") for fault in faults)) for row in dict.fromkeys(cell.row for cell in cells)]
    return "Each fault strikes twice in a row. Empty: it makes no sense there.\n\n" + _table(("Request", *faults), rows)


def _chains(chains: Sequence[Killed]) -> str:
    rows = [(chain.when, chain.kills, "; ".join(chain.broken) or "held") for chain in chains]
    return _table(("Killed", "Kills in one namespace's life", "End"), rows)


def _gaps() -> str:
    rows = [(gap.family, gap.scenario.replace("|", " or "), gap.why) for gap in (*PORT_GAPS, *HTTP_GAPS)]
    return _table(("Fault", "Scenario or request", "Why"), rows) if rows else "None."


def _table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    titles = [str(title) for title in head]
    lines = [titles, ["---"] * len(titles), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
