"""The reads of the ports, out of the stores."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from quaybridge_sdk.adapters.kubernetes import objects
from quaybridge_sdk.adapters.kubernetes.answers import SYSTEM
from quaybridge_sdk.adapters.kubernetes.kinds import GENERATIONS, Accepts, Kind, Unreadable, integration_parser
from quaybridge_sdk.adapters.kubernetes.objects import Json, Key
from quaybridge_sdk.adapters.kubernetes.stores import Store
from quaybridge_sdk.errors import InvalidIntegrationError, UnreachableError
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import DESTINATION_ANNOTATION, Build, Namespace, ServiceAccount
from quaybridge_sdk.model.state import ClusterState
from quaybridge_sdk.ports import Change

Listener: TypeAlias = Callable[[Change], None]


class CachedReads:
    """Implements :class:`~quaybridge_sdk.ports.ClusterReader` over stores that somebody else fills."""

    def __init__(self, owns_secret: Accepts, needs_account: Accepts) -> None:
        self._listeners: tuple[Listener, ...] = ()
        self._listeners_lock = threading.Lock()
        self._namespaces: Store[Namespace] = self._store(Kind.NAMESPACE, objects.parse_namespace)
        self._accounts: Store[ServiceAccount] = self._store(Kind.SERVICE_ACCOUNT, objects.parse_service_account, needs_account)
        self._secrets: Store[str] = self._store(Kind.SECRET, objects.parse_pull_secret, owns_secret)
        self._streams: Store[bool] = self._store(Kind.IMAGE_STREAM, lambda _: True)
        self._builds: Store[Build] = self._store(Kind.BUILD, objects.parse_build)
        self._integrations: Sequence[Store[QuayIntegration | Unreadable]] = [
            self._store(Kind.INTEGRATION, integration_parser(*generation)) for generation in GENERATIONS
        ]
        self._known: tuple[QuayIntegration, ...] = ()
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
        namespace, name = key
        change = Change(kind.value, name if kind is Kind.NAMESPACE else namespace, name)
        for listener in self._listeners:
            listener(change)

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
            found, self._accounts.within(namespace), self._secrets.within(namespace), frozenset(self._streams.within(namespace))
        )

    def integrations(self) -> tuple[QuayIntegration, ...]:
        """All well-formed QuayIntegrations of both generations, by key; the very same tuple for as long as nothing changes."""
        return self._known

    def _integrations_changed(self) -> None:
        with self._known_lock:  # so that of two changes the later one is read last
            found = [item for store in self._integrations for item in store.all() if isinstance(item, QuayIntegration)]
            self._known = tuple(sorted(found, key=lambda integration: integration.key))

    def invalid_integrations(self) -> Mapping[str, InvalidIntegrationError]:
        """Those that cannot be read, by key."""
        return {item.key: item.error() for store in self._integrations for item in store.all() if isinstance(item, Unreadable)}

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
            return next((item.uid for item in self.integrations() if kind == "QuayIntegration" and item.name == name), "")
        return found.uid if found else ""
