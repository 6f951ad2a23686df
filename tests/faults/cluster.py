"""A cluster in memory, behind the cluster ports, and its watch cache, which can be behind the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attrs import define, evolve, field
from tests.faults.facts import ACCOUNTS, Facts, NamespaceFacts, changes
from tests.faults.marks import new_token
from tests.faults.quay import Write

from quaybridge_sdk.effects import cleared, unlinked
from quaybridge_sdk.errors import InvalidCredentialsError, InvalidIntegrationError, NotFoundError
from quaybridge_sdk.model.cleanup import Tenure
from quaybridge_sdk.model.deletion import Deletion
from quaybridge_sdk.model.integration import QuayIntegration, SecretKey
from quaybridge_sdk.model.openshift import (
    DESTINATION_ANNOTATION,
    FINALIZER,
    IMPORTED_ANNOTATION,
    SEED_FINALIZER,
    STATUS_ANNOTATION,
    Build,
    ImageImport,
    ImportedImage,
    Namespace,
    ServiceAccount,
)
from quaybridge_sdk.model.quay import SecretText
from quaybridge_sdk.model.state import ClusterState
from quaybridge_sdk.ports import Change

CLUSTER_UID = "11111111-2222-3333-4444-555555555555"


@define
class FakeCluster:
    """The truth, and all that it was before. Implements ClusterWriter, StreamLister, ImageImporter, EventRecorder
    and StatusPort.
    """

    clock: Callable[[], datetime]
    truth: Facts = field(factory=Facts)
    history: list[Facts] = field(factory=list)
    writes: list[Write] = field(factory=list)
    events: list[tuple[str, ...]] = field(factory=list)
    statuses: dict[str, Mapping[str, Any]] = field(factory=dict)
    registry: dict[str, str] = field(factory=dict)
    allowed: set[tuple[str, str]] = field(factory=set)
    on_write: Callable[[], None] = lambda: None
    _serial: int = 0

    def put(self, facts: Facts) -> None:
        if facts != self.truth:
            self.history.append(self.truth)
        self.truth = facts  # also when only a status differs, which counts as no change
        self.on_write()

    def resume(self, other: FakeCluster) -> None:
        """Holds what ``other`` holds."""
        self.truth, self.history, self._serial = other.truth, [*other.history], other._serial
        self.statuses, self.registry, self.allowed = {**other.statuses}, {**other.registry}, {*other.allowed}

    # -- what users and administrators do

    def make_namespace(self, name: str, *streams: str, **changed: Any) -> None:
        self._serial += 1
        namespace = Namespace(name, f"{self._serial:08d}-0000-0000-0000-000000000000", **changed)
        accounts = {account: ServiceAccount(account, secrets=(f"{account}-dockercfg",)) for account in ACCOUNTS}
        self.put(self.truth.with_namespace(name, NamespaceFacts(namespace, accounts, streams=frozenset(streams))))

    def delete_namespace(self, name: str) -> None:
        """What is in it goes at once, the namespace itself when its last finalizer does."""
        namespace = self._found(name).namespace
        going = evolve(namespace, terminating=True, deleted=namespace.deleted or self.clock().isoformat())
        self.put(self.truth.with_namespace(name, NamespaceFacts(going) if namespace.finalizers else None))

    def change(self, name: str, **changed: Any) -> None:
        self.put(self.truth.with_namespace(name, evolve(self._found(name), **changed)))

    def link(self, *integrations: QuayIntegration) -> None:
        self.put(evolve(self.truth, integrations=integrations))

    def delete_integration(self, key: str) -> None:
        """It is gone at once, unless our finalizer keeps it."""
        held = key in self.truth.held
        self.put(evolve(self.truth, deleted=self.truth.deleted | {key}) if held else self.truth.without_integration(key))
        self._forget_statuses()

    # -- ClusterWriter

    def add_finalizer(self, namespace: str, uid: str) -> None:
        found = self._found(namespace).namespace
        if found.terminating or found.uid != uid:
            raise NotFoundError(f"namespace {namespace} is terminating", system="kubernetes")
        if FINALIZER not in found.finalizers:
            self._change_namespace("add_finalizer", namespace, finalizers=(*found.finalizers, FINALIZER))

    def remove_finalizer(self, namespace: str) -> None:
        facts = self.truth.namespaces.get(namespace)
        if facts is None:
            return
        found = facts.namespace
        kept = tuple(f for f in found.finalizers if f not in (FINALIZER, SEED_FINALIZER))
        if kept != found.finalizers:
            self.writes.append(Write("remove_finalizer", namespace))
            gone = found.terminating and not kept
            after = None if gone else evolve(facts, namespace=evolve(found, finalizers=kept))
            self.put(self.truth.with_namespace(namespace, after))

    def annotate_namespace(self, namespace: str, annotations: Mapping[str, str]) -> None:
        found = self._found(namespace).namespace
        status = annotations.get(STATUS_ANNOTATION, found.status)
        merged = {**found.annotations, **{key: value for key, value in annotations.items() if key != STATUS_ANNOTATION}}
        if (merged, status) != (found.annotations, found.status):
            self._change_namespace("annotate_namespace", namespace, annotations=merged, status=status)

    def remember_deletion(self, deletion: Deletion) -> None:
        if all(integration.key != deletion.integration for integration in self.truth.integrations):
            raise NotFoundError(f"there is no integration {deletion.integration}", system="kubernetes")
        self._remember(deletion, deletion)

    def forget_deletion(self, deletion: Deletion) -> None:
        self._remember(deletion)

    def write_pull_secret(self, namespace: str, name: str, content: SecretText) -> None:
        found = self._alive(namespace)
        if found.secrets.get(name) != content:
            self.writes.append(Write("write_pull_secret", namespace))
            self.change(namespace, secrets={**found.secrets, name: content})

    def link_pull_secret(self, namespace: str, account: str, secret: str) -> None:
        found = self._alive(namespace)
        if account not in found.accounts:
            raise NotFoundError(f"there is no service account {namespace}/{account}", system="kubernetes")
        had = found.accounts[account]
        lists = [kept if secret in kept else (*kept, secret) for kept in (had.secrets, had.image_pull_secrets)]
        linked = evolve(had, secrets=lists[0], image_pull_secrets=lists[1])
        if linked != had:
            self.writes.append(Write("link_pull_secret", namespace))
            self.change(namespace, accounts={**found.accounts, account: linked})

    def unlink_pull_secret(self, namespace: str, account: str, secret: str) -> None:
        found = self.truth.namespaces.get(namespace)
        had = found.accounts.get(account) if found else None
        if found is not None and had is not None and had != unlinked(had, secret):
            self.writes.append(Write("unlink_pull_secret", namespace))
            self.change(namespace, accounts={**found.accounts, account: unlinked(had, secret)})

    def delete_pull_secret(self, namespace: str, secret: str, fingerprint: str) -> None:
        found = self.truth.namespaces.get(namespace)
        content = found.secrets.get(secret) if found else None
        if found is not None and content is not None and content.fingerprint() == fingerprint:
            self.writes.append(Write("delete_pull_secret", namespace))
            self.change(namespace, secrets={name: kept for name, kept in found.secrets.items() if name != secret})

    def clear_record(self, namespace: str, *, finalizer: bool) -> None:
        found = self.truth.namespaces.get(namespace)
        if found is not None and found.namespace != cleared(found.namespace, finalizer=finalizer):
            self.writes.append(Write("clear_record", namespace))
            self.change(namespace, namespace=cleared(found.namespace, finalizer=finalizer))

    def hold_integration(self, integration: str) -> None:
        there = any(found.key == integration for found in self.truth.integrations)
        if there and integration not in self.truth.deleted:
            self.put(evolve(self.truth, held=self.truth.held | {integration}))

    def let_integration_go(self, integration: str) -> None:
        gone = integration in self.truth.deleted
        free = evolve(self.truth, held=self.truth.held - {integration})
        self.put(free.without_integration(integration) if gone else free)
        self._forget_statuses()

    # -- StreamLister

    def image_streams(self, namespace: str, uid: str) -> frozenset[str]:
        found = self._alive(namespace)
        if found.namespace.uid != uid:
            raise NotFoundError(f"namespace {namespace} was made anew", system="kubernetes")
        return found.streams

    # -- ImageImporter

    def import_image(self, request: ImageImport) -> ImportedImage:
        to = request.destination
        found = self._found(to.namespace)
        if to.name not in found.streams or request.pull_spec not in self.registry:
            raise NotFoundError(f"there is no {to}, or no {request.pull_spec}", system="kubernetes")
        digest = self.registry[request.pull_spec]
        if found.tags.get(f"{to.name}:{to.tag}") != digest:
            self.writes.append(Write("import_image", to.namespace))
            self.change(to.namespace, tags={**found.tags, f"{to.name}:{to.tag}": digest})
        return ImportedImage(digest)

    def may_import(self, user: str, namespace: str) -> bool:
        return (user, namespace) in self.allowed

    def mark_imported(self, build: Build) -> None:
        found = self._found(build.namespace)
        known = found.builds.get(build.name)
        if known is None or known.uid != build.uid:
            raise NotFoundError(f"the Build {build.namespace}/{build.name} is gone", system="kubernetes")
        marked = evolve(known, annotations={**(known.annotations or {}), IMPORTED_ANNOTATION: "true"})
        if marked != known:
            self.writes.append(Write("mark_imported", build.namespace))
            self.change(build.namespace, builds={**found.builds, build.name: marked})

    # -- EventRecorder and StatusPort

    def event(self, kind: str, namespace: str, name: str, reason: str, message: str, *, warning: bool) -> None:
        self.events.append((kind, namespace, name, reason, message, str(warning)))

    def read_status(self, key: str) -> Mapping[str, Any] | None:
        return self.statuses.get(key, {}) if any(i.key == key for i in self.truth.integrations) else None

    def write_status(self, key: str, status: Mapping[str, Any]) -> None:
        if self.read_status(key) is None:
            return
        self.statuses[key] = {**self.statuses.get(key, {}), **status}

    def _forget_statuses(self) -> None:
        there = {integration.key for integration in self.truth.integrations}
        self.statuses = {key: status for key, status in self.statuses.items() if key in there}

    def _change_namespace(self, name: str, namespace: str, **changed: Any) -> None:
        self.writes.append(Write(name, namespace))
        self.change(namespace, namespace=evolve(self._found(namespace).namespace, **changed))

    def _remember(self, deletion: Deletion, *kept: Deletion) -> None:
        same = (deletion.integration, deletion.organization)
        rest = tuple(d for d in self.truth.deletions if (d.integration, d.organization) != same)
        self.put(evolve(self.truth, deletions=(*rest, *kept)))

    def _found(self, namespace: str) -> NamespaceFacts:
        if namespace not in self.truth.namespaces:
            raise NotFoundError(f"there is no namespace {namespace}", system="kubernetes")
        return self.truth.namespaces[namespace]

    def _alive(self, namespace: str) -> NamespaceFacts:
        found = self._found(namespace)
        if found.namespace.terminating:
            raise NotFoundError(f"namespace {namespace} is terminating: nothing is made in it", system="kubernetes")
        return found


@define
class FakeCaches:
    """The watch cache: it holds what it was last given. Implements :class:`~quaybridge_sdk.runtime.controller.ControllerCaches`.

    ``choose`` picks what the cache holds, out of the history and the truth: the truth, unless a fault makes it another.
    ``deaf``: changes come in, and nobody is told.
    """

    cluster: FakeCluster
    token: SecretText | None = field(factory=new_token)
    listener: Callable[[Change], None] | None = None
    choose: Callable[[FakeCluster], Facts] = lambda cluster: cluster.truth
    deaf: bool = False
    view: Facts = field(factory=Facts)
    synced: bool = True

    def refresh(self) -> None:
        before, self.view = self.view, self.choose(self.cluster)
        if self.listener is not None and not self.deaf:
            for change in changes(before, self.view):
                self.listener(change)

    def relist(self) -> None:
        """Back to the truth; also those changes are told that nobody heard of before."""
        self.choose, self.deaf = (lambda cluster: cluster.truth), False
        self.refresh()

    def cluster_uid(self) -> str:
        return CLUSTER_UID

    def state(self, namespace: str) -> ClusterState | None:
        return self.view.state(namespace)

    def integrations(self) -> tuple[QuayIntegration, ...]:
        return tuple(tenure.basis for tenure in self.view.tenures() if tenure.basis and not tenure.leaving)

    def tenures(self) -> tuple[Tenure, ...]:
        return self.view.tenures()

    def answered(self, key: SecretKey) -> bool:
        return True

    def integrations_complete(self) -> bool:
        return True

    def invalid_integrations(self) -> Mapping[str, InvalidIntegrationError]:
        return {}

    def deletions(self, namespace: str) -> tuple[Deletion, ...]:
        return tuple(deletion for deletion in self.view.deletions if deletion.namespace == namespace)

    def ignored(self) -> frozenset[str]:
        return frozenset(found.name for found in self.namespaces() if found.ignored)

    def all_deletions(self) -> tuple[Deletion, ...]:
        return self.view.deletions

    def build(self, namespace: str, name: str) -> Build | None:
        found = self.view.namespaces.get(namespace)
        return found.builds.get(name) if found else None

    def builds(self, namespace: str) -> tuple[Build, ...]:
        start = f"{namespace}/"
        found = ((build, (build.annotations or {}).get(DESTINATION_ANNOTATION, "")) for build in self.view.builds())
        return tuple(build for build, destination in found if build.namespace == namespace or destination.startswith(start))

    def all_builds(self) -> tuple[Build, ...]:
        return self.view.builds()

    def service_account(self, namespace: str, name: str) -> ServiceAccount | None:
        found = self.view.namespaces.get(namespace)
        return found.accounts.get(name) if found else None

    def namespaces(self) -> tuple[Namespace, ...]:
        return tuple(found.namespace for found in self.view.namespaces.values())

    def credentials(self, key: SecretKey) -> SecretText:
        if self.token is None:
            raise InvalidCredentialsError(f"there is no Secret {key}")
        return self.token
