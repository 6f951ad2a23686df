"""What users do, at random: each actor has names of its own, so that it knows what must be there."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable

import httpx
from attrs import frozen
from tests.soak import builds, damage
from tests.soak.diary import Counters, Left, Page, Phase
from tests.soak.ground import Ground, RefusedError

from quaybridge_sdk.mapping.ownership import email_mark
from quaybridge_sdk.testing.registry_client import RegistryError

NAMESPACES = "/api/v1/namespaces"
IMAGES = "/apis/image.openshift.io/v1/namespaces"
POLICY = "quaybridge.io/deletion-policy"
STREAMS = ("app", "web", "db", "api")


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
            self.watch_it_go(page)
        else:
            deeds, weights = zip(*self._deeds(), strict=True)
            self.chance.choices(deeds, weights)[0](page)

    def _deeds(self) -> tuple[tuple[Callable[[Page], None], int], ...]:
        ground, chance, counters = self.ground, self.chance, self.counters
        hands = damage.Hands(ground, chance, counters)
        maker = builds.Maker(ground, chance, counters)
        return (
            (self.go, 12), (self.stream_comes, 14), (self.stream_goes, 5), (self.annotate, 6),
            (maker.push, 16), (maker.build, 20), (maker.fail, 2), (maker.forge, 1), (maker.prune, 4),
            (hands.in_quay, 14), (hands.in_cluster, 10), (hands.accounts, 5), (hands.take, 2),
        )  # fmt: skip

    # -- namespaces

    def come(self, page: Page) -> None:
        """The new namespace gets what its forerunner has left only if that was quarantined, or is given over by hand."""
        kept = page.left is Left.KEPT
        # Spared: what the earlier namespace had as a robot for another account would stay: it bears the mark of that namespace.
        alone = page.frozen is not None and damage.EXTRA not in page.frozen.robots
        adopted = kept and alone and not page.strangers and self.chance.random() < 0.6
        annotations = {"quaybridge.io/adopt": page.organization} if adopted else {}
        made = self.ground.oc("POST", NAMESPACES, {"metadata": {"name": page.name, "annotations": annotations}})
        page.begin(made["metadata"]["uid"])
        page.policy, page.adopted, page.blocked = "", adopted, (kept and not adopted) or page.strangers
        page.frozen = page.frozen if page.blocked else None
        self.counters.count("namespaces made again" if page.left is not Left.NOTHING else "namespaces made")
        self.counters.count("namespaces whose organization is somebody else's", page.blocked)
        self.stream_comes(page)

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
        empty = found is None or not any(row.tags for row in found.repositories.values())
        self.ground.oc("DELETE", f"{NAMESPACES}/{page.name}")
        page.phase = Phase.GOING
        self.counters.count(f"namespaces deleted, {page.policy or 'Delete'}")
        if page.cluster_id and not page.blocked:
            page.left = self._what_is_left(page.policy, empty)

    def _what_is_left(self, policy: str, empty: bool) -> Left:
        if policy == "Quarantine":
            return Left.QUARANTINED
        return Left.KEPT if policy == "Retain" or (policy == "DeleteIfEmpty" and not empty) else Left.NOTHING

    def watch_it_go(self, page: Page) -> None:
        """Once it is gone, what is kept must not change any more."""
        if page.name in self.ground.objects("namespaces"):
            return
        page.phase = Phase.ABSENT
        if page.left is Left.KEPT and page.frozen is None:
            page.frozen = self.ground.organization(page.organization)

    def annotate(self, page: Page) -> None:
        what = self.chance.choice((POLICY, POLICY, "quaybridge.io/check"))
        value: str | None = str(page.number())
        if what == POLICY:
            value = self.chance.choice(("Retain", "DeleteIfEmpty", "Quarantine", "Quarantine", None))
        self.ground.oc("PATCH", f"{NAMESPACES}/{page.name}", {"metadata": {"annotations": {what: value}}})
        if what == POLICY:
            page.policy = value or ""
        self.counters.count("namespaces annotated")

    # -- ImageStreams

    def stream_comes(self, page: Page) -> None:
        free = sorted(set(STREAMS) - page.streams)
        found = self.ground.organization(page.organization)
        # Spared: a wrong default permission would give its repository wrong rights, which stay if it goes before the next check.
        rules = [(rule.delegate.partition("+")[2], rule.role) for rule in found.prototypes] if found else []
        wrong = any(role != damage.ROLES.get(account, role) for account, role in rules)
        if free and not wrong and not page.taken:
            name = self.chance.choice(free)
            page.ever.add(name)
            self.ground.oc("POST", f"{IMAGES}/{page.name}/imagestreams", {"metadata": {"name": name}})
            page.streams.add(name)
            self.counters.count("ImageStreams made")

    def stream_goes(self, page: Page) -> None:
        if page.streams:
            name = self.chance.choice(sorted(page.streams))
            page.excuse(name)
            self.ground.oc("DELETE", f"{IMAGES}/{page.name}/imagestreams/{name}")
            page.streams.discard(name)
            self.counters.count("ImageStreams deleted")
