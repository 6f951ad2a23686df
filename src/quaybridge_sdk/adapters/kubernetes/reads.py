"""The reads of the ports, out of the stores."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from quaybridge_sdk.adapters.kubernetes import objects
from quaybridge_sdk.adapters.kubernetes.answers import SYSTEM
from quaybridge_sdk.adapters.kubernetes.kinds import (
    GENERATIONS,
    Accepts,
    Kind,
    Unreadable,
    deletions_parser,
    integration_parser,
    tenure_parser,
)
from quaybridge_sdk.adapters.kubernetes.objects import Json, Key
from quaybridge_sdk.adapters.kubernetes.stores import Store
from quaybridge_sdk.errors import InvalidIntegrationError, UnreachableError
from quaybridge_sdk.model.cleanup import Tenure
from quaybridge_sdk.model.deletion import Deletion
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import DESTINATION_ANNOTATION, Build, Namespace, ServiceAccount
from quaybridge_sdk.model.state import ClusterState
from quaybridge_sdk.ports import Change

Listener: TypeAlias = Callable[[Change], None]

UNDER_WAY = frozenset({"New", "Pending", "Running"})
"""The phases of a Build that may still push."""


def _accounts_parser(needed: Accepts) -> Callable[[Json], ServiceAccount | None]:
    """Keeps the accounts that are needed anyway, and those whose annotation asks for a robot."""

    def parse(item: Json) -> ServiceAccount | None:
        account = objects.parse_service_account(item)
        return account if account.role is not None or needed(*objects.key_of(item)) else None

    return parse


class CachedReads:
    """Implements :class:`~quaybridge_sdk.ports.ClusterReader` over stores that somebody else fills."""

    def __init__(self, owns_secret: Accepts, needs_account: Accepts) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._listeners_lock = threading.Lock()
        self._namespaces: Store[Namespace] = self._store(Kind.NAMESPACE, objects.parse_namespace)
        self._accounts: Store[ServiceAccount] = self._store(Kind.SERVICE_ACCOUNT, _accounts_parser(needs_account))
        self._secrets: Store[str] = self._store(Kind.SECRET, objects.parse_pull_secret, owns_secret)
        self._streams: Store[bool] = self._store(Kind.IMAGE_STREAM, objects.parse_image_stream)
        self._builds: Store[Build] = self._store(Kind.BUILD, objects.parse_build)
        self._integrations: Sequence[Store[QuayIntegration | Unreadable]] = [
            self._store(Kind.INTEGRATION, integration_parser(*generation)) for generation in GENERATIONS
        ]
        self._tenures: Sequence[Store[Tenure]] = [
            Store(tenure_parser(*generation), self._tenure_changed) for generation in GENERATIONS
        ]
        self._remembered: Sequence[Store[tuple[Deletion, ...]]] = [
            self._store(Kind.DELETION, deletions_parser(group)) for group, _ in GENERATIONS
        ]
        self._deletions: Mapping[str, tuple[Deletion, ...]] = {}
        self._ignored: frozenset[str] = frozenset()
        self._known: tuple[QuayIntegration, ...] = ()
        self._leaving: frozenset[str] = frozenset()
        self._staying: frozenset[str] = frozenset()
        self._known_lock = threading.Lock()
        self._stores: Mapping[Kind, Store[Any]] = {
            Kind.NAMESPACE: self._namespaces,
            Kind.SERVICE_ACCOUNT: self._accounts,
            Kind.SECRET: self._secrets,
            Kind.IMAGE_STREAM: self._streams,
            Kind.BUILD: self._builds,
        }

    def _store(self, kind: Kind, parse: Callable[[Json], Any], accepts: Accepts | None = None) -> Store[Any]:
        def reduced(item: Json) -> Any:
            return parse(item) if accepts is None or accepts(*objects.key_of(item)) else None

        return Store(reduced, lambda key: self._announce(kind, key))

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """``listener`` is told each change, on a watching thread: it must not block. Returns what ends the subscription."""
        with self._listeners_lock:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._listeners_lock:
                self._listeners = tuple(each for each in self._listeners if each is not listener)

        return unsubscribe

    def _announce(self, kind: Kind, key: Key) -> None:
        if kind is Kind.INTEGRATION:
            self._integrations_changed()
        if kind is Kind.NAMESPACE:
            self._namespace_changed(key[1])
        if kind is Kind.DELETION:
            self._deletions_changed()
            return
        namespace, name = key
        self._tell(Change(kind.value, name if kind is Kind.NAMESPACE else namespace, name))

    def _tell(self, change: Change) -> None:
        for listener in self._listeners:
            listener(change)

    def _namespace_changed(self, name: str) -> None:
        with self._known_lock:
            found = self._namespaces.get("", name)
            if (found is not None and found.ignored) != (name in self._ignored):
                self._ignored ^= {name}

    def ignored(self) -> frozenset[str]:
        """The namespaces that an annotation takes out; the very same object for as long as nothing changes."""
        return self._ignored

    def is_ignored_stream(self, namespace: str, name: str) -> bool:
        """Whether an annotation takes the ImageStream out."""
        return self._streams.get(namespace, name) is False

    def _deletions_changed(self) -> None:
        """Tells each namespace of whose name something is remembered now, and was not before, or is no longer."""
        with self._known_lock:
            before = self._deletions
            found: dict[str, tuple[Deletion, ...]] = {}
            for deletion in (deletion for store in self._remembered for entry in store.all() for deletion in entry):
                found[deletion.namespace] = (*found.get(deletion.namespace, ()), deletion)
            self._deletions = found
        for namespace in sorted(found.keys() | before.keys()):
            if found.get(namespace) != before.get(namespace):
                self._tell(Change(Kind.DELETION.value, namespace, namespace))

    def deletions(self, namespace: str) -> tuple[Deletion, ...]:
        """What is remembered of organizations of earlier namespaces of this name."""
        return self._deletions.get(namespace, ())

    def all_deletions(self) -> tuple[Deletion, ...]:
        """All that is remembered, by namespace."""
        return tuple(deletion for _, found in sorted(self._deletions.items()) for deletion in found)

    def integrations_complete(self) -> bool:
        """Whether there is no QuayIntegration that cannot be read."""
        return not self.invalid_integrations()

    def cluster_uid(self) -> str:
        """Raises UnreachableError while the namespaces have not been read."""
        namespace = self._namespaces.get("", "kube-system")
        if namespace is None:
            raise UnreachableError("the namespace kube-system, whose UID stands for the cluster, is not known yet", system=SYSTEM)
        return namespace.uid

    def state(self, namespace: str) -> ClusterState | None:
        found = self._namespaces.get("", namespace)
        if found is None:
            return None
        return ClusterState(
            found,
            self._accounts.within(namespace),
            self._secrets.within(namespace),
            frozenset(name for name, minded in self._streams.within(namespace).items() if minded),
            self.deletions(namespace),
            any(build.phase in UNDER_WAY for build in self._builds.within(namespace).values()),
        )

    def integrations(self) -> tuple[QuayIntegration, ...]:
        """All well-formed ones that are not leaving, of both generations, by key; the very same tuple while nothing changes."""
        return self._known

    def tenures(self) -> tuple[Tenure, ...]:
        """All QuayIntegrations of both generations, by key, whatever is wrong with them."""
        return tuple(sorted((tenure for store in self._tenures for tenure in store.all()), key=lambda tenure: tenure.key))

    def _tenure_changed(self, key: Key) -> None:
        """One that begins to leave counts no more, and all that it covered is due; so it is when it is gone."""
        with self._known_lock:
            before, found = self._leaving, self.tenures()
            self._leaving = frozenset(tenure.key for tenure in found if tenure.leaving)
            self._staying = frozenset(tenure.key for tenure in found if not tenure.leaving)
            changed = before != self._leaving
        if changed:
            self._announce(Kind.INTEGRATION, key)

    def _integrations_changed(self) -> None:
        with self._known_lock:  # so that of two changes the later one is read last
            found = [item for store in self._integrations for item in store.all() if isinstance(item, QuayIntegration)]
            staying = (integration for integration in found if integration.key in self._staying)
            self._known = tuple(sorted(staying, key=lambda integration: integration.key))

    def invalid_integrations(self) -> Mapping[str, InvalidIntegrationError]:
        """Those that cannot be read and are not leaving, by key."""
        found = (item for store in self._integrations for item in store.all() if isinstance(item, Unreadable))
        return {item.key: item.error() for item in found if item.key in self._staying}

    def build(self, namespace: str, name: str) -> Build | None:
        return self._builds.get(namespace, name)

    def all_builds(self) -> tuple[Build, ...]:
        """All managed Builds of the cluster."""
        return tuple(self._builds.all())

    def builds(self, namespace: str) -> tuple[Build, ...]:
        start = f"{namespace}/"
        return tuple(
            build
            for build in self._builds.all()
            if build.namespace == namespace or (build.annotations or {}).get(DESTINATION_ANNOTATION, "").startswith(start)
        )

    def service_account(self, namespace: str, name: str) -> ServiceAccount | None:
        return self._accounts.get(namespace, name)

    def namespaces(self) -> tuple[Namespace, ...]:
        return tuple(self._namespaces.all())

    def image_stream_version(self, namespace: str, name: str) -> str | None:
        """The resourceVersion of an ImageStream, None when none is known."""
        version = self._streams.version(namespace, name)
        return None if version is None else str(version)

    def uid(self, kind: str, namespace: str, name: str) -> str:
        """The UID of a Namespace, Build or QuayIntegration, "" when it is not known: for the events about them."""
        if kind == "Namespace":
            found: Namespace | Build | None = self._namespaces.get("", name)
        elif kind == "Build":
            found = self._builds.get(namespace, name)
        else:
            return next((item.uid for item in self.tenures() if kind == "QuayIntegration" and item.name == name), "")
        return found.uid if found else ""
