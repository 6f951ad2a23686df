"""Writes namespaces, service accounts and pull secrets: GET, change, PUT with the resourceVersion, again on conflict.

No patch type would do: a strategic merge and an apply both replace ``imagePullSecrets`` as a whole, an apply brings a deleted
namespace back, and a JSON patch appends a second time. A write that would change nothing is not sent.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from contextlib import suppress

from attrs import frozen

from quaybridge_sdk.adapters.kubernetes.answers import SYSTEM
from quaybridge_sdk.adapters.kubernetes.changing import required
from quaybridge_sdk.adapters.kubernetes.cleanup import CleanupWriter, refers
from quaybridge_sdk.adapters.kubernetes.client import api_path
from quaybridge_sdk.adapters.kubernetes.kinds import Kind
from quaybridge_sdk.adapters.kubernetes.objects import (
    PULL_SECRET_KEY,
    PULL_SECRET_TYPE,
    Json,
    dig,
    entries,
    is_terminating,
    strings,
    text,
)
from quaybridge_sdk.adapters.kubernetes.status import status_path
from quaybridge_sdk.errors import AlreadyExistsError, NotFoundError, RequestRefusedError
from quaybridge_sdk.model.deletion import Deletion
from quaybridge_sdk.model.openshift import FINALIZER, FINALIZER_ANNOTATION, SEED_FINALIZER
from quaybridge_sdk.model.quay import SecretText


@frozen
class KubernetesWriter(CleanupWriter):
    """Implements :class:`~quaybridge_sdk.ports.ClusterWriter`."""

    def add_finalizer(self, namespace: str, uid: str = "") -> None:
        """Adds ours after the others; where it is there already, the namespace has been looked at.

        Args:
            uid: which namespace of the name is meant; "": any.

        Raises:
            NotFoundError: that namespace is gone or going; the API takes no new finalizer then.
        """

        def change(item: Json) -> bool:
            if uid and text(item, "metadata", "uid") != uid:
                raise NotFoundError(f"namespace {namespace!r} was made anew: another one is meant", system=SYSTEM)
            if is_terminating(item):
                raise NotFoundError(f"namespace {namespace!r} is terminating: it takes no finalizer any more", system=SYSTEM)
            finalizers = entries(item, "metadata", "finalizers")
            if FINALIZER in finalizers:
                return False
            item["metadata"]["finalizers"] = [*finalizers, FINALIZER]
            item["metadata"]["annotations"] = {**strings(item, "metadata", "annotations"), FINALIZER_ANNOTATION: "true"}
            return True

        try:
            self._change(Kind.NAMESPACE, api_path("/api/v1/namespaces", namespace), change)
        except RequestRefusedError as error:  # 422: its deletion began between our GET and PUT
            if is_terminating(self.client.get(api_path("/api/v1/namespaces", namespace))):
                raise NotFoundError(f"namespace {namespace!r} is terminating", system=SYSTEM) from error
            raise

    def remove_finalizer(self, namespace: str) -> None:
        """Removes the incumbent's, which is ours too, and the first generation's; a namespace that is gone is success."""

        def change(item: Json) -> bool:
            finalizers = entries(item, "metadata", "finalizers")
            kept = [name for name in finalizers if name not in (FINALIZER, SEED_FINALIZER)]
            item["metadata"]["finalizers"] = kept
            return kept != finalizers

        try:
            self._change(Kind.NAMESPACE, api_path("/api/v1/namespaces", namespace), change)
        except NotFoundError:
            return

    def annotate_namespace(self, namespace: str, annotations: Mapping[str, str]) -> None:
        """Sets these annotations and keeps all others. Raises NotFoundError when the namespace is gone."""

        def change(item: Json) -> bool:
            have = strings(item, "metadata", "annotations")
            wanted = {**have, **annotations}
            item["metadata"]["annotations"] = wanted
            return wanted != have

        self._change(Kind.NAMESPACE, api_path("/api/v1/namespaces", namespace), change)

    def remember_deletion(self, deletion: Deletion) -> None:
        """Puts the entry into ``status.deletions`` of its integration, in place of one of the same organization.

        Raises:
            NotFoundError: the integration is gone.
            RequestRefusedError: the API has dropped the entry: an older CRD, the Go operator's too, does not know the field.
        """
        kept = self._change_deletions(deletion, [deletion.dumps()])
        if deletion.dumps() not in entries(kept, "status", "deletions"):
            raise RequestRefusedError(
                "the CRD of QuayIntegrations in this cluster drops status.deletions, so that nobody would remember that "
                f"{deletion.organization!r} is to be deleted: apply the CRDs of this release, quaybridge crds | oc apply -f -",
                system=SYSTEM,
            )

    def forget_deletion(self, deletion: Deletion) -> None:
        """Takes the organization's entry out of ``status.deletions``; an integration that is gone is success."""
        with suppress(NotFoundError):
            self._change_deletions(deletion, [])

    def _change_deletions(self, deletion: Deletion, instead: list[dict[str, str]]) -> Json:
        def change(item: Json) -> bool:
            have = entries(item, "status", "deletions")
            same = (deletion.organization, deletion.namespace_uid)
            wanted = [e for e in have if (text(e, "organization"), text(e, "namespaceUID")) != same] + instead
            if not isinstance(dig(item, "status"), dict):
                item["status"] = {}
            item["status"]["deletions"] = wanted
            return wanted != have

        return self._change(Kind.INTEGRATION, status_path(deletion.integration), change)

    def write_pull_secret(self, namespace: str, name: str, content: SecretText) -> None:
        """Creates the Secret, or replaces its data; labels and annotations that others put on it stay.

        Raises:
            RequestRefusedError: a Secret of the name has another type, which cannot be changed, and is not ours to delete.
            NotFoundError: the namespace is gone or going.
        """
        collection = api_path("/api/v1/namespaces", namespace, "secrets")
        data = {PULL_SECRET_KEY: base64.b64encode(content.reveal().encode()).decode("ascii")}
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "type": PULL_SECRET_TYPE,
            "data": data,
        }
        try:
            self.observe(Kind.SECRET, required(self.client.create(collection, body), f"POST {collection}"))
        except AlreadyExistsError:
            self._change(Kind.SECRET, api_path(collection, name), lambda item: _set_data(item, data))

    def link_pull_secret(self, namespace: str, account: str, secret: str) -> None:
        """Appends the Secret to ``secrets`` and ``imagePullSecrets`` where it is missing; order and all other entries stay.

        Raises:
            NotFoundError: there is no such service account.
        """

        def change(item: Json) -> bool:
            missing = [field for field in ("secrets", "imagePullSecrets") if not refers(item, field, secret)]
            for field in missing:
                item[field] = [*entries(item, field), {"name": secret}]
            return bool(missing)

        path = api_path("/api/v1/namespaces", namespace, "serviceaccounts", account)
        self._change(Kind.SERVICE_ACCOUNT, path, change)


def _set_data(item: Json, data: Mapping[str, str]) -> bool:
    found = text(item, "type")
    if found != PULL_SECRET_TYPE:
        where = "/".join((text(item, "metadata", "namespace"), text(item, "metadata", "name")))
        raise RequestRefusedError(
            f"the Secret {where} is there with type {found[:80]!r}, and a Secret's type cannot be changed: the pull secret "
            "of that name cannot be written. Delete that Secret, or give it another name, if nothing needs it.",
            system=SYSTEM,
        )
    changed = dig(item, "data") != data
    item["data"] = dict(data)
    return changed
