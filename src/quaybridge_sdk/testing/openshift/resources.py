"""The shape of the API: what a resource is, and which rules a kind adds to the handling all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from attrs import Factory, frozen

from quaybridge_sdk.testing.openshift import metadata
from quaybridge_sdk.testing.openshift.status import Cause, Json

Family = Literal["kube", "openshift", "crd"]
"""Who serves a group: kube-apiserver, openshift-apiserver behind the aggregator, or a CRD."""

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
STATUS_VERBS = ("get", "patch", "update")


class Rules:
    """What one kind adds. Hooks may change the object they are given: it is not stored yet.

    The order on a write is: :meth:`decode`, :meth:`default`, :meth:`on_create` or :meth:`on_update`, the admission
    webhooks, :meth:`decode` and :meth:`default` again, :meth:`validate`.
    """

    names: ClassVar[metadata.NameFormat | None] = metadata.SUBDOMAIN
    counts_generations: ClassVar[bool] = False
    blind_put: ClassVar[bool] = True
    """Whether a PUT without resourceVersion is accepted: the recordings show 422 for streams, leases and CRs."""
    answers_deleted_object: ClassVar[bool] = False
    """DELETE answers the object for namespaces and service accounts, a Status for all others."""
    top_level: ClassVar[tuple[str, ...]] = ("spec", "status")
    fields: ClassVar[Mapping[str, str]] = {}
    """Selectable fields besides name and namespace: label to path."""
    zero: ClassVar[Mapping[str, Any]] = {}
    """What a bookmark's object carries besides its kind: the kind's zero value."""

    def decode(self, value: Json) -> None:
        """Raises DecodeError for what the kind's Go type cannot hold."""

    def default(self, value: Json) -> None:
        """Fills in defaults."""

    def on_create(self, value: Json) -> None:
        """Sets what the server decides on creation."""

    def on_update(self, value: Json, old: Json) -> None:
        """Restores or derives what the server decides on an update of the main resource."""

    def validate(self, value: Json) -> list[Cause]:
        """The faults of an object, whether new or changed."""
        del value
        return []

    def validate_change(self, value: Json, old: Json) -> list[Cause]:
        """The faults of a change beyond those of its outcome."""
        del value, old
        return []


@frozen
class Subresource:
    """One entry below a name; ``kind`` as discovery names it."""

    kind: str
    verbs: tuple[str, ...]


@frozen
class Resource:
    """One served resource."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    family: Family = "kube"
    verbs: tuple[str, ...] = ALL_VERBS
    short_names: tuple[str, ...] = ()
    subresources: Mapping[str, Subresource] = Factory(dict)
    rules: Rules = Factory(Rules)

    @property
    def key(self) -> tuple[str, str]:
        return (self.group, self.plural)

    @property
    def group_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def list_kind(self) -> str:
        return f"{self.kind}List"

    @property
    def selectable(self) -> dict[str, str]:
        own = {"metadata.name": "metadata.name"}
        if self.namespaced:
            own["metadata.namespace"] = "metadata.namespace"
        return own | dict(self.rules.fields)

    @property
    def splits_status(self) -> bool:
        """Whether status is written through /status only. Builds have no such subresource: their phase is not split."""
        return "status" in self.subresources
