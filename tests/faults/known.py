"""The cells that are known to break, each with the reason. A row in which every cell holds is to be struck out."""

from __future__ import annotations

import re

from attrs import frozen


@frozen
class Gap:
    """Patterns for the family (or fault), the scenario (or route) and the cell; ``why`` is the defect behind them."""

    family: str
    scenario: str
    cell: str
    why: str

    def names(self, family: str, scenario: str, cell: str) -> bool:
        pairs = ((self.family, family), (self.scenario, scenario), (self.cell, cell))
        return all(re.fullmatch(pattern, text) for pattern, text in pairs)


PORT_GAPS: tuple[Gap, ...] = ()
HTTP_GAPS: tuple[Gap, ...] = ()
