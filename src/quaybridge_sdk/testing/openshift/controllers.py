"""What a cluster does by itself, some time later: annotations and service accounts for namespaces, and their end.

Source: cluster-policy-controller (openshift.io/sa.scc.* some 50 ms after creation), the service account controllers
(builder, default, deployer; made again when deleted), kube-controller-manager's namespace controller, as measured.
"""

from __future__ import annotations

import copy
import itertools
import uuid

from quaybridge_sdk.testing.openshift import deletes
from quaybridge_sdk.testing.openshift.clock import now
from quaybridge_sdk.testing.openshift.cluster import Cluster
from quaybridge_sdk.testing.openshift.status import Json
from quaybridge_sdk.testing.openshift.store import Event

NAMESPACES, ACCOUNTS = ("", "namespaces"), ("", "serviceaccounts")
ACCOUNT_NAMES = ("default", "builder", "deployer")
ACCOUNTS_AFTER, ANNOTATIONS_AFTER = 0.01, 0.05
_DONE = (
    ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    ("NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions", "All legacy kube types successfully parsed"),
    ("NamespaceDeletionContentFailure", "ContentDeleted", "All content successfully deleted, may be waiting on finalization"),
    ("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"),
    ("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished"),
)


class Controllers:
    """Listens to the store and schedules; every action looks at the state anew when its time has come.

    ``furnish``: whether namespaces get annotations and service accounts. Their end comes in any case.
    """

    def __init__(self, cluster: Cluster, furnish: bool) -> None:
        self.cluster, self.furnish, self._numbers = cluster, furnish, itertools.count(1)
        cluster.store.listeners.append(self._notice)

    def _notice(self, event: Event) -> None:
        meta, settings = event.object["metadata"], self.cluster.settings
        if event.key == NAMESPACES:
            name = meta["name"]
            if event.type == "ADDED" and self.furnish:
                self.cluster.scheduler.later(ACCOUNTS_AFTER, lambda: self._make_accounts(name))
                self.cluster.scheduler.later(ANNOTATIONS_AFTER, lambda: self._annotate(name))
            if meta.get("deletionTimestamp") and not (event.previous or {}).get("metadata", {}).get("deletionTimestamp"):
                self.cluster.scheduler.later(settings.namespace_grace, lambda: self._empty(name))
        elif event.key == ACCOUNTS and event.type == "DELETED" and self.furnish and meta["name"] in ACCOUNT_NAMES:
            place = meta["namespace"]
            self.cluster.scheduler.later(ACCOUNTS_AFTER, lambda: self._make_accounts(place))

    def _active(self, name: str) -> Json | None:
        found = self.cluster.namespace(name)
        return found if found is not None and found["status"]["phase"] == "Active" else None

    def _make_accounts(self, namespace: str) -> None:
        store = self.cluster.store
        with store.changed:
            for name in ACCOUNT_NAMES if self._active(namespace) else ():
                if store.get(ACCOUNTS, namespace, name) is None:
                    meta = {"name": name, "namespace": namespace, "uid": str(uuid.uuid4()), "creationTimestamp": now()}
                    store.put(ACCOUNTS, {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": meta})

    def _annotate(self, name: str) -> None:
        number = next(self._numbers)
        with self.cluster.store.changed:
            if (found := self._active(name)) is None:
                return
            value = copy.deepcopy(found)
            ids, categories = f"{1_000_000_000 + number * 10_000}/10000", f"s0:c{26 + number // 25},c{number % 25}"
            scc = {"mcs": categories, "supplemental-groups": ids, "uid-range": ids}
            annotations = {f"openshift.io/sa.scc.{key}": text for key, text in scc.items()}
            value["metadata"]["annotations"] = (value["metadata"].get("annotations") or {}) | annotations
            if value != found:
                self.cluster.store.put(NAMESPACES, value)

    def _empty(self, name: str) -> None:
        """Deletes the content; when all is gone: the conditions, then ``spec.finalizers``, then (if free) the namespace.

        While an aggregated API cannot be listed nothing goes, as on a real cluster.
        """
        store, again = self.cluster.store, self.cluster.settings.namespace_grace
        with store.changed:
            found = self.cluster.namespace(name)
            if found is None or not found["spec"].get("finalizers"):
                return
            if self.cluster.outage == "up":
                for key, value in store.content(name):
                    deletes.remove(self.cluster, self.cluster.catalogue.of_key(*key), value)
            remaining = [value for _, value in store.content(name)]
            if remaining or self.cluster.outage != "up":
                self._say(found, remaining)
                self.cluster.scheduler.later(max(again, 0.05), lambda: self._empty(name))
                return
            done = copy.deepcopy(self._say(found, []))
            done["spec"] = {}
            if deletes.held(done):
                store.put(NAMESPACES, done)
            else:
                store.remove(NAMESPACES, store.put(NAMESPACES, done))

    def _say(self, namespace: Json, remaining: list[Json]) -> Json:
        """The five conditions of a namespace that is being deleted; the last two are True while something is left."""
        left = {
            "NamespaceContentRemaining": ("SomeResourcesRemain", f"Some resources are remaining: {len(remaining)} instances"),
            "NamespaceFinalizersRemaining": ("SomeFinalizersRemain", "Some content has finalizers remaining"),
        }
        conditions = []
        for kind, reason, text in _DONE:
            shown = left[kind] if remaining and kind in left else (reason, text)
            state = "True" if remaining and kind in left else "False"
            said = {"reason": shown[0], "message": shown[1]}
            conditions.append({"type": kind, "status": state, "lastTransitionTime": now()} | said)
        before = [entry["message"] for entry in namespace["status"].get("conditions", [])]
        if before == [entry["message"] for entry in conditions]:
            return namespace
        value = copy.deepcopy(namespace)
        value["status"]["conditions"] = conditions
        return self.cluster.store.put(NAMESPACES, value)
