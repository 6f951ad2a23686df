"""One namespace that asks for check after check when all is quiet: what it costs, and what the others notice of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from attrs import define, field
from tests.soak import records
from tests.soak.checks import Checks
from tests.soak.damage import NAMESPACES, wrong_roles
from tests.soak.diary import Page
from tests.soak.figures import bridge_calls
from tests.soak.ground import Ground

from quaybridge_sdk.reconcile.pace import BURST, SECONDS_A_PASS

ASKED_SECONDS = 20.0
"""So long texts are put at most, until there were as many passes as a full bucket allows, and a second more."""

MOST_SECONDS = SECONDS_A_PASS + 5
"""After so long the last text was followed; another namespace is right, too, even if its own bucket is empty still."""


@define
class Burst:
    """Over the namespace of ``page``; one of ``others`` after the other loses a pull secret meanwhile. No fault, and no actor."""

    ground: Ground
    checks: Checks
    page: Page
    others: tuple[Page, ...]
    worst: float = 0.0
    wrong: list[str] = field(factory=list)

    def go(self) -> tuple[str, list[str]]:
        """A line for the report, and what was not as it should be."""
        start, started = len(self.ground.stage.quay.requests), time.monotonic()
        texts = self._ask(start)
        self.checks.change_role(self.page)
        self.checks.ask(self.page)
        followed = self._until(self._is_followed, "the last check of a burst was not followed, or a role is wrong")
        passes, most = self._passes(start), BURST + int((time.monotonic() - started) / SECONDS_A_PASS) + 1
        if passes > most:
            self.wrong.append(f"{passes} passes over {self.page.name} have called Quay in a burst, not {most} at most")
        calls = bridge_calls(self.ground.stage.quay, start)
        line = f"burst of {texts} checks: {passes} passes ({most} at most), {calls} calls in all; the last followed after"
        return f"{line} {followed:.1f} s; other namespaces right after {self.worst:.1f} s at most", self.wrong

    def _ask(self, start: int) -> int:
        """The number of texts that were put; now and then another namespace loses a secret meanwhile."""
        texts, ended = 0, time.monotonic() + ASKED_SECONDS
        while time.monotonic() < ended:
            for _ in range(25):
                self.checks.ask(self.page)
            texts += 25
            if texts % 100 == 0:
                self._break(self.others[texts // 100 % len(self.others)])
            if self._passes(start) >= BURST:
                ended = min(ended, time.monotonic() + 1)
        return texts

    def _break(self, other: Page) -> None:
        secret = other.secret("builder")
        self.ground.oc("DELETE", f"{NAMESPACES}/{other.name}/secrets/{secret}")
        there = self._until(lambda: self.ground.credentials(other.name, secret) is not None, f"{other.name} waits for a secret")
        self.worst = max(self.worst, there)

    def _is_followed(self) -> bool:
        found = records.record(self.ground, self.page)
        wrong = wrong_roles(self.page, self.ground.organization(self.page.organization))
        return found is not None and found.check == self.page.check and not wrong & self.page.streams

    def _until(self, holds: Callable[[], bool], what: str) -> float:
        """The seconds that it took."""
        started = time.monotonic()
        while not holds():
            if time.monotonic() - started > MOST_SECONDS:
                self.wrong.append(f"after {MOST_SECONDS:g} s: {what}")
                break
            time.sleep(0.02)
        return time.monotonic() - started

    def _passes(self, start: int) -> int:
        """Only a check that is asked for reads the roles of a robot on single repositories."""
        path = f"/organization/{self.page.organization}/robots/builder/permissions"
        return sum(1 for entry in self.ground.stage.quay.requests[start:] if entry.path.endswith(path))
