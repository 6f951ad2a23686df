"""An administrator who deletes the QuayIntegration that asks for a cleanup, looks at what is left of it, and makes it again.

Faults, kills and the other integration's users go on meanwhile; only its own users pause, so that it is known what must be there.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping

from attrs import evolve, frozen
from tests.soak import records
from tests.soak.builds import BUILDS, SOURCE
from tests.soak.checker import FINALIZER, Checker, changes
from tests.soak.diary import Counters, Left, Page, Phase
from tests.soak.ground import Ground, RefusedError
from tests.soak.scene import INTEGRATIONS, make_integration
from tests.soak.workload import watch_it_go

from quaybridge_sdk.adapters.kubernetes.cleanup import OURS
from quaybridge_sdk.model.state import Applied
from quaybridge_sdk.testing.quay.snapshots import OrganizationSnapshot

SECOND = "second"
READY_SECONDS = 60.0
PATIENCE = 240.0
"""Seconds for a cleanup, and for taking all up again: retries wait, and a leader that was killed holds its lease for a while."""

Organizations = Mapping[str, OrganizationSnapshot]


@frozen
class Renewal:
    """``pages``: those of that integration. ``differences``: where to write what is not as it should be."""

    ground: Ground
    pages: tuple[Page, ...]
    chance: random.Random
    counters: Counters
    checker: Checker
    differences: list[str]
    over: threading.Event

    def act(self, seconds: float, pause: float) -> None:
        """Now and then for so many ``seconds``, with that ``pause`` on average; soon again where it had to be put off."""
        ended, done = time.monotonic() + seconds, True
        while not self.over.wait(self.chance.uniform(0.5, 1.5) * (pause if done else pause / 8)) and time.monotonic() < ended:
            with self.ground.second_gate.closed():
                done = self._is_possible()
                if done:
                    self._renew()
            self.counters.count("cleanups put off", not done)

    def _is_possible(self) -> bool:
        """Spared: while a stranger has an organization of its names. It may bear another cluster's mark, and an integration that
        has no record in the cluster any more is a new one, which then writes nothing at all.
        """
        return not any(page.taken for page in self.pages) and self._until(self._is_ready, READY_SECONDS, patient=False)

    def _renew(self) -> None:
        made = {page.name: found for page in self._covered() if (found := records.record(self.ground, page)) is not None}
        before = self._organizations()
        self.ground.oc("DELETE", f"{INTEGRATIONS}/{SECOND}")
        if not self._until(lambda: SECOND not in self.ground.objects("quayintegrations"), PATIENCE):
            self.differences.append("the QuayIntegration that was deleted does not go")
            return
        self.counters.count("QuayIntegrations deleted with a cleanup")
        self._look(made, before)
        self._forget()
        left = self._organizations()
        make_integration(self.ground, SECOND)
        self.counters.count("QuayIntegrations made again, not taken up in time", not self._until(self._is_taken_up, PATIENCE))
        after = self._organizations()
        self._tell(f"{name}: taken up with changes: {changes(found, there)}" for name, found in left.items()
                   if (there := after.get(name)) is None or _unmarked(there) != _unmarked(found))  # fmt: skip
        self.counters.count("QuayIntegrations made again")

    def _is_ready(self) -> bool:
        """Nothing is on its way: all namespaces are right, and recorded as they are."""
        for page in self.pages:
            watch_it_go(self.ground, page)
        going = any(page.phase is Phase.GOING for page in self.pages)
        right = not going and not self.checker.of(self.pages) and not self.checker.remembered(SECOND)
        return right and all(self._is_recorded(page) for page in self._covered())

    def _covered(self) -> Iterator[Page]:
        return (page for page in self.pages if page.phase is Phase.LIVE and not page.blocked)

    def _is_recorded(self, page: Page) -> bool:
        found, there = records.record(self.ground, page), self.ground.objects("secrets", page.name)
        texts = found.secrets if found else {}
        same = all(records.fingerprint(there.get(name)) == text for name, text in texts.items())
        return bool(texts) and same and records.is_up_to_date(self.ground, page)

    def _organizations(self) -> Organizations:
        found = self.ground.stage.quay.organizations()
        names = {page.organization for page in self.pages}
        return {name: organization for name, organization in found.items() if name in names}

    def _look(self, made: Mapping[str, Applied], before: Organizations) -> None:
        """Nothing of the bridge's is left in the cluster, all is as it was in Quay, and so it stays."""
        for seconds in (0, self.chance.uniform(0, 4)):
            time.sleep(seconds)
            self._tell(text for page in self.pages for text in self._rest(page, made.get(page.name)))
        after = self._organizations()
        self._tell(f"{name}: its QuayIntegration's deletion changed it in Quay" for name in before.keys() | after.keys()
                   if _shape(before.get(name)) != _shape(after.get(name)))  # fmt: skip

    def _rest(self, page: Page, made: Applied | None) -> Iterator[str]:
        namespace = self.ground.objects("namespaces").get(page.name, {}).get("metadata") or {}
        if FINALIZER in (namespace.get("finalizers") or ()):
            yield f"{page.name}: a cleanup has left the finalizer"
        if made is None:
            return
        if over := set(OURS) & (namespace.get("annotations") or {}).keys():
            yield f"{page.name}: a cleanup has left {sorted(over)}"
        if over := made.secrets.keys() & self.ground.objects("secrets", page.name).keys():
            yield f"{page.name}: a cleanup has left the Secrets {sorted(over)}"
        for name, account in self.ground.objects("serviceaccounts", page.name).items():
            links = {entry["name"] for key in ("secrets", "imagePullSecrets") for entry in account.get(key) or ()}
            if over := made.secrets.keys() & links:
                yield f"{page.name}: a cleanup has left links of {name} to {sorted(over)}"

    def _forget(self) -> None:
        """What was in quarantine is nobody's any more: it stays, until somebody who was told so deletes it in Quay."""
        for page in self.pages:
            if page.phase is Phase.ABSENT and page.left is Left.QUARANTINED:
                page.left, page.frozen = Left.KEPT, self.ground.organization(page.organization)
                self.counters.count("quarantined organizations that nothing remembers any more")
                try:
                    self.ground.quay("DELETE", f"organization/{page.organization}")
                except RefusedError:
                    continue
                page.left, page.frozen = Left.NOTHING, None

    def _is_taken_up(self) -> bool:
        return not self.checker.of(self.pages) and self._is_rewritten()

    def _is_rewritten(self) -> bool:
        """Whether the webhook knows of the integration: what the users expect when they go on."""
        page = self.pages[0]
        name, to = f"probe-{page.number()}", {"kind": "ImageStreamTag", "name": "probe:latest"}
        body = {"metadata": {"name": name}, "spec": {**SOURCE, "output": {"to": to}}}
        try:
            made = self.ground.oc("POST", f"{BUILDS}/{page.name}/builds", body)
            self.ground.oc("DELETE", f"{BUILDS}/{page.name}/builds/{name}")
        except RefusedError:
            return False
        return bool(made["spec"]["output"]["to"]["kind"] == "DockerImage")

    def _tell(self, texts: Iterator[str]) -> None:
        self.differences.extend(text for text in texts if text not in self.differences)

    def _until(self, holds: Callable[[], bool], seconds: float, *, patient: bool = True) -> bool:
        """``patient``: also when the soak is over, since nobody else would bring it to its end."""
        started = time.monotonic()
        while not (held := holds()) and time.monotonic() - started < seconds and (patient or not self.over.is_set()):
            time.sleep(0.3)
        return held


def _unmarked(found: OrganizationSnapshot) -> OrganizationSnapshot:
    """Without its mark, which a first look puts right where somebody has edited it; the checker looks at that."""
    return evolve(found, email="")


def _shape(found: OrganizationSnapshot | None) -> OrganizationSnapshot | None:
    """Without the tokens: one may just have been renewed, because somebody had asked for it."""
    if found is None:
        return None
    return evolve(found, robots={name: evolve(robot, token_sha256="") for name, robot in found.robots.items()})
