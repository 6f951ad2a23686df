"""Builds the adapters and joins them: what every command that talks to a cluster starts with."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

from attrs import frozen

from quaybridge_sdk.adapters.kubernetes.caches import ClusterCaches
from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient
from quaybridge_sdk.adapters.kubernetes.events import KubernetesEvents
from quaybridge_sdk.adapters.kubernetes.imports import KubernetesImporter
from quaybridge_sdk.adapters.kubernetes.kinds import ALL_KINDS, Kind
from quaybridge_sdk.adapters.kubernetes.leases import KubernetesLeases
from quaybridge_sdk.adapters.kubernetes.status import KubernetesStatus
from quaybridge_sdk.adapters.kubernetes.streams import KubernetesStreams
from quaybridge_sdk.adapters.kubernetes.writer import KubernetesWriter
from quaybridge_sdk.adapters.quay import Governor, QuayRegistry
from quaybridge_sdk.cli.options import namespace_of_pod
from quaybridge_sdk.errors import InvalidInputError, UnreachableError
from quaybridge_sdk.mapping.scope import assign
from quaybridge_sdk.ports import Change
from quaybridge_sdk.reconcile import Reconciler
from quaybridge_sdk.reconcile.rate import held_lately
from quaybridge_sdk.runtime.heartbeat import last_beat
from quaybridge_sdk.runtime.metrics import Metrics
from quaybridge_sdk.runtime.registries import Recoveries, RegistryPool
from quaybridge_sdk.runtime.surroundings import ControllerPorts

SYNC_SECONDS = 60.0


def utc_now() -> datetime:
    """The one clock of the programs."""
    return datetime.now(UTC)


def connect(kubeconfig: str | None, context: str | None) -> KubernetesClient:
    """A client for the cluster: of the kubeconfig when one is given or this is no pod, else of the pod's service account.

    Raises:
        InvalidInputError: there is no such configuration.
    """
    if kubeconfig is None and context is None and "KUBERNETES_SERVICE_HOST" in os.environ:
        return KubernetesClient.in_cluster()
    return KubernetesClient.from_kubeconfig(kubeconfig, context)


@frozen
class Assembly:
    """The adapters of one cluster and its Quays, joined."""

    client: KubernetesClient
    caches: ClusterCaches
    ports: ControllerPorts
    leases: KubernetesLeases
    registries: RegistryPool

    def require_synced(self, seconds: float = SYNC_SECONDS) -> None:
        """Waits until the caches are filled; not for a cluster that does not answer at all.

        Raises:
            RemoteError: the API server does not answer.
            UnreachableError: they are not within ``seconds``; the message says what could not be read.
        """
        self.client.get("/version")
        if not self.caches.wait_synced(seconds):
            faults = told(self.caches.faults())
            raise UnreachableError(f"the cluster could not be read within {seconds:.0f} s: {faults}", system="kubernetes")


def told(faults: Mapping[str, str]) -> str:
    """What could not be read, each cause once: an answer names its own path, so the first of them stands for all alike."""
    causes: dict[str, list[str]] = {}
    for path, text in sorted(faults.items()):
        cause = text.replace(path, "").replace(path.rpartition("/")[2], "")
        causes.setdefault(cause, []).append(text)
    return "; ".join(texts[0] + (f" (and {len(texts) - 1} more)" if texts[1:] else "") for texts in causes.values())


@contextmanager
def assemble(
    kubeconfig: str | None,
    context: str | None,
    observer: Metrics | None = None,
    listener: Callable[[Change], None] | None = None,
    kinds: Collection[Kind] = ALL_KINDS,
    places: int | None = None,
) -> Iterator[Assembly]:
    """Opens everything, and closes it at the end.

    Args:
        observer: is told of every Quay call, and of how many are allowed.
        listener: is told of every change in the caches.
        kinds: what the caches hold.
        places: so many may work on one Quay at the same time.

    Raises:
        InvalidInputError: there is no usable configuration for the cluster.
    """
    with connect(kubeconfig, context) as client:
        caches = ClusterCaches(client, kinds=kinds)
        if listener is not None:
            caches.subscribe(listener)
        tell = listener or (lambda _: None)
        govern = partial(Governor, observer=Recoveries(observer, lambda quay: tell(Change("quay", "", quay))))
        with caches, RegistryPool(caches, partial(QuayRegistry, observer=observer), govern, places) as registries:
            leases = KubernetesLeases(client)
            ports = ControllerPorts(
                caches=caches,
                writer=KubernetesWriter(client, caches.observe),
                importer=KubernetesImporter(client, caches.image_stream_version, caches.observe),
                recorder=KubernetesEvents(client, caches.uid),
                status=KubernetesStatus(client),
                registries=registries,
                streams=KubernetesStreams(client),
                heartbeat=partial(last_beat, leases, namespace_of_pod(None)),
            )
            yield Assembly(client, caches, ports, leases, registries)


def make_reconciler(assembly: Assembly) -> Reconciler:
    """The reconciler of the short-lived commands: no full check is ever due twice in one run.

    What others have deleted within the hour it cannot know; but where they had to hold an organization, the limit is used up.
    """
    ports, now = assembly.ports, utc_now()
    reconciler = Reconciler(assembly.caches, ports.writer, ports.registries, utc_now, streams=ports.streams)
    for integration in assembly.caches.integrations():
        if held_lately(integration, assembly.caches.all_deletions(), now):
            reconciler.releaser.rate.fill(integration, now)
    return reconciler


def left_out(assembly: Assembly, names: Sequence[str] = ()) -> list[str]:
    """Why some of what was asked for can be neither planned nor done, one line each; [] when nothing is in the way."""
    caches, integrations = assembly.caches, assembly.caches.integrations()
    lines = [f"QuayIntegration {key} cannot be read: {error}" for key, error in sorted(caches.invalid_integrations().items())]
    if not integrations and not lines:
        leaving = ", ".join(tenure.key for tenure in caches.tenures())
        none = f"there is no QuayIntegration but what is being deleted ({leaving})" if leaving else "there is no QuayIntegration"
        return [f"{none}: see `quaybridge doctor`"]
    for name in sorted(names or (namespace.name for namespace in caches.namespaces())):
        assignment = assign(integrations, name, caches.ignored())
        if assignment.contested:
            keys = ", ".join(integration.key for integration in assignment.covering)
            lines.append(f"namespace {name} is covered by several QuayIntegrations, so none acts: {keys}")
        elif names and assignment.integration is None:
            lines.append(f"namespace {name} is not covered by a QuayIntegration")
    return lines


def pull_secrets(assembly: Assembly, namespace: str) -> Collection[str]:
    """The pull secrets that the namespace has now: what is written to one of them changes it."""
    state = assembly.caches.state(namespace)
    return state.pull_secrets if state else ()


def namespaces_in_scope(assembly: Assembly, names: Sequence[str] = ()) -> list[str]:
    """The namespaces that one integration covers, all or some of those named; those that are being deleted first, then by name.

    Both commands keep to this order: which deletion is the first too many depends on it.

    Raises:
        InvalidInputError: a namespace that was named does not exist.
    """
    known = {namespace.name: namespace.terminating for namespace in assembly.caches.namespaces()}
    missing = sorted(set(names) - known.keys())
    if missing:
        raise InvalidInputError(f"there is no namespace {', '.join(missing)}")
    integrations, ignored = assembly.caches.integrations(), assembly.caches.ignored()
    covered = {name for name in (names or known) if assign(integrations, name, ignored).integration is not None}
    return sorted(covered, key=lambda name: (not known[name], name))
