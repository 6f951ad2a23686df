"""All that a fake cluster holds, as one frozen value: so a cache can be behind, or go back, by holding an older one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import evolve, field, frozen

from quaybridge_sdk.model.cleanup import Tenure
from quaybridge_sdk.model.deletion import Deletion
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import Build, Namespace, ServiceAccount
from quaybridge_sdk.model.quay import SecretText
from quaybridge_sdk.model.state import ClusterState
from quaybridge_sdk.ports import Change

ACCOUNTS = ("builder", "default", "deployer")


@frozen
class NamespaceFacts:
    """One namespace and all that is in it. ``secrets`` are pull secrets; ``tags`` are ``stream:tag`` -> digest."""

    namespace: Namespace
    accounts: Mapping[str, ServiceAccount] = field(factory=dict)
    secrets: Mapping[str, SecretText] = field(factory=dict)
    streams: frozenset[str] = frozenset()
    builds: Mapping[str, Build] = field(factory=dict)
    tags: Mapping[str, str] = field(factory=dict)


@frozen
class Facts:
    """The cluster."""

    namespaces: Mapping[str, NamespaceFacts] = field(factory=dict)
    integrations: tuple[QuayIntegration, ...] = ()
    deletions: tuple[Deletion, ...] = ()
    held: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()

    def tenures(self) -> tuple[Tenure, ...]:
        """``held`` and ``deleted`` are keys of integrations: with our finalizer, and whose deletion was asked for."""
        flags = [(i, i.key in self.held, i.key in self.deleted) for i in self.integrations]
        return tuple(Tenure(i.key, i.name, i.uid, i.cleanup_policy, held, deleted, i) for i, held, deleted in flags)

    def without_integration(self, key: str) -> Facts:
        """What it remembered goes with it."""
        rest = tuple(integration for integration in self.integrations if integration.key != key)
        kept = tuple(deletion for deletion in self.deletions if deletion.integration != key)
        return evolve(self, integrations=rest, deletions=kept, held=self.held - {key}, deleted=self.deleted - {key})

    def with_namespace(self, name: str, found: NamespaceFacts | None) -> Facts:
        rest = {other: facts for other, facts in self.namespaces.items() if other != name}
        return evolve(self, namespaces=rest if found is None else {**rest, name: found})

    def state(self, name: str) -> ClusterState | None:
        found = self.namespaces.get(name)
        if found is None:
            return None
        secrets = {secret: content.fingerprint() for secret, content in found.secrets.items()}
        deletions = tuple(deletion for deletion in self.deletions if deletion.namespace == name)
        return ClusterState(found.namespace, found.accounts, secrets, found.streams, deletions)

    def builds(self) -> tuple[Build, ...]:
        return tuple(build for found in self.namespaces.values() for build in found.builds.values())


def changes(before: Facts, after: Facts) -> list[Change]:
    """What a watch tells when a cache goes from one to the other."""
    told = []
    for name in sorted({*before.namespaces, *after.namespaces}):
        old, new = before.namespaces.get(name), after.namespaces.get(name)
        if before.state(name) != after.state(name):
            told.append(Change("namespace", name, name))
        builds: list[Mapping[str, Any]] = [found.builds if found else {} for found in (old, new)]
        different = (b for b in sorted({*builds[0], *builds[1]}) if builds[0].get(b) != builds[1].get(b))
        told += [Change("build", name, build) for build in different]
    remembered = {d.namespace for d in {*before.deletions} ^ {*after.deletions}}
    told += [Change("deletion", name, name) for name in sorted(remembered)]
    if before.tenures() != after.tenures():
        told.append(Change("quayintegration", "", ""))
    return told
