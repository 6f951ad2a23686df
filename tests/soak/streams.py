"""ImageStreams that come and go, and repositories that must not go with them."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from attrs import frozen
from tests.soak import damage, records
from tests.soak.diary import Counters, Page
from tests.soak.ground import Ground

IMAGES = "/apis/image.openshift.io/v1/namespaces"
STREAMS = ("app", "web", "db", "api")
IGNORE = "quaybridge.io/ignore"


@frozen
class Streams:
    ground: Ground
    chance: random.Random
    counters: Counters

    def come(self, page: Page) -> None:
        free = sorted(set(STREAMS) - page.streams - page.ignored)
        found = self.ground.organization(page.organization)
        # Spared: a wrong default permission would give its repository wrong rights, which stay if it goes before the next check.
        rules = [(rule.delegate.partition("+")[2], rule.role) for rule in found.prototypes] if found else []
        wrong = any(role != damage.ROLES.get(account, role) for account, role in rules)
        if free and not wrong and not page.taken:
            name = self.chance.choice(free)
            page.ever.add(name)
            self.ground.oc("POST", f"{IMAGES}/{page.name}/imagestreams", {"metadata": {"name": name}})
            page.streams.add(name)
            if name in page.gone:
                page.again[name] = datetime.now(UTC)
            self.counters.count("ImageStreams made again" if name in page.gone else "ImageStreams made")

    def go(self, page: Page) -> None:
        """Spared: one on whose repository a robot has a wrong role, which stays there if no check comes first."""
        for name in self._one(page.streams):
            if name not in damage.wrong_roles(page, self.ground.organization(page.organization)):
                self._delete(page, name)
                page.streams.discard(name)
                self.counters.count("ImageStreams deleted")

    def _delete(self, page: Page, name: str) -> None:
        """The repository goes along if its description is still the mark; else it must stay."""
        page.excuse(name)
        found = self.ground.organization(page.organization)
        row = found.repositories.get(name) if found else None
        if page.removes and row is not None and not page.blocked:
            if row.description == records.mark(self.ground, page):
                page.doubt(name)
            else:
                page.kept.add(name)
                self.counters.count("ImageStreams deleted, whose repository must stay")
        self.ground.oc("DELETE", f"{IMAGES}/{page.name}/imagestreams/{name}")
        page.gone |= {name} if page.removes else set()
        page.again.pop(name, None)

    def opt_out(self, page: Page) -> None:
        """One is left alone from now on, and its repository is as it was until the ImageStream itself is deleted."""
        found = self.ground.organization(page.organization)
        if not page.removes or page.blocked or found is None or not records.is_up_to_date(self.ground, page):
            return
        for name in self._one(set(page.usable) & found.repositories.keys() - damage.wrong_roles(page, found)):
            page.kept.add(name)
            page.excuse(name)
            annotations = {IGNORE: "true"}
            self.ground.oc("PATCH", f"{IMAGES}/{page.name}/imagestreams/{name}", {"metadata": {"annotations": annotations}})
            page.streams.discard(name)
            page.ignored.add(name)
            self.counters.count("ImageStreams ignored")

    def ignored_goes(self, page: Page) -> None:
        for name in self._one(page.ignored):
            self._delete(page, name)
            page.ignored.discard(name)
            self.counters.count("ImageStreams deleted that were ignored")

    def _one(self, of: set[str]) -> list[str]:
        """One of them, or none where there are none."""
        return [self.chance.choice(sorted(of))] if of else []
