"""Takes back what the bridge made in the cluster. What is gone is success, what is somebody else's stays."""

from __future__ import annotations

from contextlib import suppress

from attrs import frozen

from quaybridge_sdk.adapters.kubernetes.changing import Changer, until_no_conflict
from quaybridge_sdk.adapters.kubernetes.client import api_path
from quaybridge_sdk.adapters.kubernetes.kinds import Kind
from quaybridge_sdk.adapters.kubernetes.objects import (
    PULL_SECRET_TYPE,
    Json,
    entries,
    is_terminating,
    parse_pull_secret,
    strings,
    text,
    version_of,
)
from quaybridge_sdk.adapters.kubernetes.status import integration_path
from quaybridge_sdk.errors import NotFoundError, RequestRefusedError
from quaybridge_sdk.model.cleanup import CLEANUP_FINALIZER
from quaybridge_sdk.model.openshift import (
    APPLIED_ANNOTATION,
    FINALIZER,
    FINALIZER_ANNOTATION,
    SEED_FINALIZER,
    STATUS_ANNOTATION,
)

OURS = (APPLIED_ANNOTATION, STATUS_ANNOTATION, FINALIZER_ANNOTATION)
"""The annotations on a namespace that the bridge writes."""


@frozen
class CleanupWriter(Changer):
    """The part of :class:`~quaybridge_sdk.ports.ClusterWriter` that is about the end of a QuayIntegration."""

    def unlink_pull_secret(self, namespace: str, account: str, secret: str) -> None:
        """Takes the Secret out of ``secrets`` and ``imagePullSecrets``; an account that is gone is success."""

        def change(item: Json) -> bool:
            linked = [field for field in ("secrets", "imagePullSecrets") if refers(item, field, secret)]
            for field in linked:
                item[field] = [reference for reference in entries(item, field) if text(reference, "name") != secret]
            return bool(linked)

        with suppress(NotFoundError):
            self._change(Kind.SERVICE_ACCOUNT, api_path("/api/v1/namespaces", namespace, "serviceaccounts", account), change)

    def delete_pull_secret(self, namespace: str, secret: str, fingerprint: str) -> None:
        """Deletes just the Secret that was looked at: one that changes in between is looked at again, by its preconditions."""
        path = api_path("/api/v1/namespaces", namespace, "secrets", secret)

        def attempt() -> None:
            item = self._read(path)
            if text(item, "type") == PULL_SECRET_TYPE and parse_pull_secret(item) == fingerprint:
                seen = {"uid": text(item, "metadata", "uid"), "resourceVersion": version_of(item)}
                self.client.delete(path, seen)

        with suppress(NotFoundError):
            until_no_conflict(attempt, self.sleep)

    def clear_record(self, namespace: str, *, finalizer: bool) -> None:
        """One write for all. A finalizer that stays keeps the annotation that tells it from the Go operator's."""

        def change(item: Json) -> bool:
            finalizers, annotations = entries(item, "metadata", "finalizers"), strings(item, "metadata", "annotations")
            ours = (FINALIZER, SEED_FINALIZER)
            kept = [name for name in finalizers if not finalizer or name not in ours]
            rest = {name: value for name, value in annotations.items() if name not in OURS}
            rest |= {FINALIZER_ANNOTATION: "true"} if any(name in kept for name in ours) else {}
            item["metadata"]["finalizers"], item["metadata"]["annotations"] = kept, rest
            return kept != finalizers or rest != annotations

        with suppress(NotFoundError):
            self._change(Kind.NAMESPACE, api_path("/api/v1/namespaces", namespace), change)

    def hold_integration(self, integration: str) -> None:
        """Adds our finalizer after the others."""

        def change(item: Json) -> bool:
            finalizers = entries(item, "metadata", "finalizers")
            if CLEANUP_FINALIZER in finalizers or is_terminating(item):
                return False
            item["metadata"]["finalizers"] = [*finalizers, CLEANUP_FINALIZER]
            return True

        path = integration_path(integration)
        with suppress(NotFoundError):
            try:
                self._change(Kind.INTEGRATION, path, change)
            except RequestRefusedError:  # 422: its deletion began between our GET and PUT
                if not is_terminating(self.client.get(path)):
                    raise

    def let_integration_go(self, integration: str) -> None:
        """Removes our finalizer; without it, and without those of others, an integration that is being deleted is gone."""

        def change(item: Json) -> bool:
            finalizers = entries(item, "metadata", "finalizers")
            kept = [name for name in finalizers if name != CLEANUP_FINALIZER]
            item["metadata"]["finalizers"] = kept
            return kept != finalizers

        with suppress(NotFoundError):
            self._change(Kind.INTEGRATION, integration_path(integration), change)


def refers(item: Json, field: str, secret: str) -> bool:
    """Whether the service account's list has the Secret in it."""
    return any(text(reference, "name") == secret for reference in entries(item, field))
