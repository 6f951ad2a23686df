"""What users do, at random: each actor has names of its own, so that it knows what must be there."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import nullcontext

import httpx
from attrs import frozen
from tests.soak import builds, damage, records
from tests.soak.checks import Checks
from tests.soak.diary import Counters, Left, Page, Phase
from tests.soak.ground import Ground, RefusedError
from tests.soak.streams import Streams

from quaybridge_sdk.mapping.ownership import email_mark
from quaybridge_sdk.testing.quay.snapshots import OrganizationSnapshot
from quaybridge_sdk.testing.registry_client import RegistryError

NAMESPACES = "/api/v1/namespaces"
POLICY = "quaybridge.io/deletion-policy"


@frozen
class Actor:
    """Goes from name to name, and does one thing at each, until it is over."""

    ground: Ground
    pages: tuple[Page, ...]
    chance: random.Random
    counters: Counters
    pace: float

    def act(self, over: threading.Event) -> None:
        while not over.wait(self.chance.uniform(0.3, 1.7) * self.pace):
            page = self.chance.choice(self.pages)
            try:
                with self.ground.second_gate.passing() if page.cluster_id == "second" else nullcontext():
                    self._step(page)
            except RefusedError:
                self.counters.count("refused to the user")
            except (RegistryError, httpx.TransportError):
                self.counters.count("pushes refused")

    def _step(self, page: Page) -> None:
        if page.phase is Phase.ABSENT and page.taken and self.chance.random() < 0.5:
            damage.Hands(self.ground, self.chance, self.counters).give_back(page)
        elif page.phase is Phase.ABSENT:
            self.come(page)
        elif page.phase is Phase.GOING:
            watch_it_go(self.ground, page)
        else:
            records.settle(self.ground, page)
            deeds, weights = zip(*self._deeds(), strict=True)
            self.chance.choices(deeds, weights)[0](page)

    def _deeds(self) -> tuple[tuple[Callable[[Page], None], int], ...]:
        ground, chance, counters = self.ground, self.chance, self.counters
        hands = damage.Hands(ground, chance, counters)
        maker, checks = builds.Maker(ground, chance, counters), Checks(ground, chance, counters)
        streams = Streams(ground, chance, counters)
        return (
            (self.go, 12), (streams.come, 14), (streams.go, 9), (streams.opt_out, 1), (streams.ignored_goes, 1),
            (self.annotate, 4), (checks.ask, 2), (checks.role, 5), (checks.hurry, 1),
            (maker.push, 16), (maker.build, 20), (maker.fail, 2), (maker.forge, 1), (maker.prune, 4),
            (hands.in_quay, 14), (hands.in_cluster, 10), (hands.accounts, 5), (hands.take, 2),
        )  # fmt: skip

    def come(self, page: Page) -> None:
        """The new namespace gets what its forerunner has left only if that was quarantined, or is given over by hand."""
        kept = page.left is Left.KEPT
        # Spared: what was in quarantine, and is read-only since nothing remembers it any more.
        open_ = page.frozen is not None and all(row.state == "NORMAL" for row in page.frozen.repositories.values())
        # Spared: what the earlier namespace had as a robot for another account would stay: it bears the mark of that namespace.
        alone = page.frozen is not None and damage.EXTRA not in page.frozen.robots
        adopted = kept and alone and open_ and not page.strangers and self.chance.random() < 0.6
        annotations = {"quaybridge.io/adopt": page.organization} if adopted else {}
        made = self.ground.oc("POST", NAMESPACES, {"metadata": {"name": page.name, "annotations": annotations}})
        page.begin(made["metadata"]["uid"])
        page.policy, page.adopted, page.blocked = "", adopted, (kept and not adopted) or page.strangers
        page.frozen = page.frozen if page.blocked else None
        self.counters.count("namespaces made again" if page.left is not Left.NOTHING else "namespaces made")
        self.counters.count("namespaces whose organization is somebody else's", page.blocked)
        Streams(self.ground, self.chance, self.counters).come(page)

    def go(self, page: Page) -> None:
        """Only from a state of which is known what must be left: the organization is ours, or somebody else's, or not there."""
        found = self.ground.organization(page.organization) if page.cluster_id else None
        mark = email_mark(found.email) if found else None
        edited = (
            found is not None
            and found.email == page.edited_mail
            and any(page.uid in r.description for r in found.robots.values())
        )
        ours = (mark is not None and mark.namespace_uid == page.uid) or edited
        if edited and page.policy == "Quarantine":
            return  # Spared: the robots, which alone still tell whose it is, would go
        if page.stays or not (page.blocked or ours or (found is None and page.left is Left.NOTHING)):
            return
        if not ours and not page.blocked and page.policy not in ("", "Delete"):
            return
        if page.policy and not self._is_clear(page, found):
            return
        empty = found is None or not any(row.tags for row in found.repositories.values())
        self.ground.oc("DELETE", f"{NAMESPACES}/{page.name}")
        page.phase = Phase.GOING
        self.counters.count(f"namespaces deleted, {page.policy or 'Delete'}")
        if page.cluster_id and not page.blocked:
            page.left = self._what_is_left(page.policy, empty)

    def _is_clear(self, page: Page, found: OrganizationSnapshot | None) -> bool:
        """Spared: repositories that are just going, so that it cannot be told whether one with an image is left; and a wrong
        role, which whoever gets the organization later would get as well.
        """
        mark, there = records.mark(self.ground, page), found.repositories if found else {}
        going = {name for name in there.keys() - page.streams - page.ignored if there[name].description == mark}
        return not (damage.wrong_roles(page, found) or page.again or (page.removes and going))

    def _what_is_left(self, policy: str, empty: bool) -> Left:
        if policy == "Quarantine":
            return Left.QUARANTINED
        return Left.KEPT if policy == "Retain" or (policy == "DeleteIfEmpty" and not empty) else Left.NOTHING

    def annotate(self, page: Page) -> None:
        value: str | None = self.chance.choice(("Retain", "DeleteIfEmpty", "Quarantine", "Quarantine", None))
        self.ground.oc("PATCH", f"{NAMESPACES}/{page.name}", {"metadata": {"annotations": {POLICY: value}}})
        page.policy = value or ""
        self.counters.count("namespaces annotated")


def watch_it_go(ground: Ground, page: Page) -> None:
    """Once a namespace that is being deleted is gone, what is kept must not change any more."""
    if page.phase is not Phase.GOING or page.name in ground.objects("namespaces"):
        return
    page.phase = Phase.ABSENT
    if page.left is Left.KEPT and page.frozen is None:
        page.frozen = ground.organization(page.organization)
