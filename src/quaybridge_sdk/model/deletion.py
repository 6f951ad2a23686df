"""What becomes of an organization when its namespace goes, and what is remembered of it in the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from types import MappingProxyType
from typing import Any

from attrs import frozen

POLICY_ANNOTATION = "quaybridge.io/deletion-policy"
"""On a namespace: a :class:`DeletionPolicy`, instead of the integration's."""


class DeletionPolicy(str, Enum):
    """What becomes of an organization when its namespace is deleted."""

    DELETE = "Delete"
    RETAIN = "Retain"
    DELETE_IF_EMPTY = "DeleteIfEmpty"
    QUARANTINE = "Quarantine"


class StreamDeletionPolicy(str, Enum):
    """What becomes of a repository when its ImageStream is deleted."""

    RETAIN = "Retain"
    DELETE_IF_EMPTY = "DeleteIfEmpty"
    DELETE = "Delete"


class DeletionReason(str, Enum):
    """Why an organization outlives its namespace."""

    QUARANTINE = "Quarantine"
    BURST = "Burst"
    UNFINISHED = "Unfinished"
    UNDONE = "Undone"


MEANING: Mapping[DeletionReason, str] = MappingProxyType(
    {
        DeletionReason.QUARANTINE: "it is deleted when its time is over; made again before, the namespace gets it back",
        DeletionReason.BURST: "so many namespaces were deleted at once that somebody should look: confirm or undo",
        DeletionReason.UNFINISHED: "Quay could not be asked while the namespace went; it is done as soon as Quay can",
        DeletionReason.UNDONE: "its deletion was undone: it stays until its namespace is made again",
    }
)


@frozen
class Deletion:
    """An organization whose namespace is gone, as it is remembered in the integration's status.

    Attributes:
        integration: the integration's key.
        namespace_uid: of the namespace for which it was made; only what is proved to be of that one is ever deleted.
        quay: the Quay's URL; the entry is of no other.
        policy: what is to be done at ``due``: DELETE or DELETE_IF_EMPTY.
        due: when that is done, None: never.
        shut: the repositories that took no pushes before the quarantine: they stay so when the organization is given back.
    """

    integration: str
    organization: str
    namespace: str
    namespace_uid: str
    quay: str
    policy: DeletionPolicy
    reason: DeletionReason
    due: datetime | None = None
    shut: tuple[str, ...] = ()

    @property
    def restorable(self) -> bool:
        """Whether a new namespace of the name gets the organization back; what was only not done yet is done first."""
        return self.reason is not DeletionReason.UNFINISHED

    def is_due(self, now: datetime) -> bool:
        """Whether there is something to do: its time has come, or even the quarantine could not be made in time."""
        return self.due is not None and (self.due <= now or self.reason is DeletionReason.UNFINISHED)

    def dumps(self) -> dict[str, str]:
        """The entry of ``status.deletions``."""
        entry = {
            "organization": self.organization,
            "namespace": self.namespace,
            "namespaceUID": self.namespace_uid,
            "quay": self.quay,
            "policy": self.policy.value,
            "reason": self.reason.value,
        }
        shut = {"shut": ",".join(self.shut)} if self.shut else {}
        return entry | ({"due": self.due.isoformat()} if self.due else {}) | shut

    @classmethod
    def loads(cls, integration: str, entry: object) -> Deletion | None:
        """Reads an entry; None when somebody has spoilt it: nothing is deleted on the word of such a one."""
        if not isinstance(entry, Mapping):
            return None
        names = ("organization", "namespace", "namespaceUID", "quay")
        texts = [entry.get(name) for name in names]
        try:
            policy, reason = DeletionPolicy(entry.get("policy")), DeletionReason(entry.get("reason"))
            due = _moment(entry)
        except (ValueError, TypeError):
            return None
        if not all(isinstance(value, str) and value for value in texts):
            return None
        if reason is DeletionReason.UNFINISHED and due is None:
            return None
        organization, namespace, uid, quay = map(str, texts)
        shut = entry.get("shut")
        repositories = tuple(filter(None, shut.split(","))) if isinstance(shut, str) else ()
        return cls(integration, organization, namespace, uid, quay, policy, reason, due, repositories)


def _moment(entry: Mapping[Any, Any]) -> datetime | None:
    if "due" not in entry:
        return None
    moment = datetime.fromisoformat(entry["due"])
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment


def annotated_policy(annotations: Mapping[str, str], default: DeletionPolicy) -> DeletionPolicy:
    """The policy of a namespace. A word that is none keeps everything: who wrote it wanted something else than the default."""
    text = annotations.get(POLICY_ANNOTATION)
    if text is None:
        return default
    return next((policy for policy in DeletionPolicy if policy.value == text), DeletionPolicy.RETAIN)
