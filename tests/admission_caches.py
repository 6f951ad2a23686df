"""The caches that admission reads, held in memory, and the reviews that are posted in the tests."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

from quaybridge_sdk.model.integration import FailurePolicy, QuayIntegration, SecretKey, parse_endpoint
from quaybridge_sdk.model.openshift import ServiceAccount
from quaybridge_sdk.ports import Change

RECORDINGS = Path(__file__).parent / "cassettes/admission"

INTEGRATION = QuayIntegration(
    name="quay",
    cluster_id="peer",
    credentials=SecretKey("quay", "token"),
    endpoint=parse_endpoint("127.0.0.1:8085"),
    allowlist=frozenset({"peer-a", "peer-b"}),
)
"""As it was when the admission reviews were recorded."""

SECRET = "builder-quay-peer"


@define
class Caches:
    """Implements AdmissionReader and ChangeFeed. Every account there is was made by a test."""

    known: tuple[QuayIntegration, ...] = (INTEGRATION,)
    accounts: dict[tuple[str, str], ServiceAccount] = field(factory=dict)
    listeners: list[Callable[[Change], None]] = field(factory=list)
    subscribed: threading.Event = field(factory=threading.Event)
    looked: threading.Semaphore = field(factory=lambda: threading.Semaphore(0))
    broken: Exception | None = None
    out: frozenset[str] = frozenset()
    streams_out: frozenset[tuple[str, str]] = frozenset()

    def integrations(self) -> tuple[QuayIntegration, ...]:
        return self.known

    def ignored(self) -> frozenset[str]:
        return self.out

    def is_ignored_stream(self, namespace: str, name: str) -> bool:
        return (namespace, name) in self.streams_out

    def service_account(self, namespace: str, name: str) -> ServiceAccount | None:
        self.looked.release()
        if self.broken is not None:
            raise self.broken
        return self.accounts.get((namespace, name))

    def subscribe(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        self.subscribed.set()
        return lambda: self.listeners.remove(listener)

    def tell(self, change: Change) -> None:
        for listener in tuple(self.listeners):
            listener(change)

    def link(self, namespace: str, secret: str = SECRET, account: str = "builder") -> None:
        """The reconcile has come to this account."""
        self.accounts[namespace, account] = ServiceAccount(account, (f"{account}-dockercfg-7x", secret), (secret,))
        self.tell(Change("serviceaccount", namespace, account))


def linked_caches(*integrations: QuayIntegration) -> Caches:
    """Caches in which all is as the recordings had it, with other integrations if some are given."""
    caches = Caches(integrations or (INTEGRATION,))
    for namespace in ("peer-a", "peer-b", "facts1"):
        caches.link(namespace)
    return caches


def policy(found: FailurePolicy) -> QuayIntegration:
    return evolve(INTEGRATION, failure_policy=found)


def recorded(case: str) -> Any:
    """A recorded AdmissionReview."""
    return json.loads((RECORDINGS / f"{case}.request.json").read_bytes())


def changed(case: str, *path: str, to: Any) -> Any:
    """A recorded AdmissionReview with one value replaced; ``...`` takes it out."""
    review = copy.deepcopy(recorded(case))
    found = review
    for step in path[:-1]:
        found = found[step]
    if to is ...:
        found.pop(path[-1], None)
    else:
        found[path[-1]] = to
    return review
