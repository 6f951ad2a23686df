"""Who made an organization: the mark, and what it proves.

The mark is the organization's contact e-mail, set by the call that creates it, so that it costs none of its own:
``<namespace UID>@<cluster UID>.quaybridge.invalid``. It is unique, as older Quays want it, and belongs to nobody (``.invalid`` is
reserved by RFC 2606). Each robot's description says the same once more, in words.
"""

from __future__ import annotations

from enum import Enum

from quaybridge_sdk.model.quay import Organization

MARK_DOMAIN = "quaybridge.invalid"


class Ownership(Enum):
    """What is proved about an organization."""

    OURS = "made by this bridge for this very namespace"
    PREDECESSOR = "made by this bridge for an earlier namespace of the same name in this cluster"
    INCUMBENT = "made by the Go quay-bridge-operator for this clusterID"
    FOREIGN = "nothing proves that a bridge of this cluster made it"


MAY_WRITE = frozenset({Ownership.OURS, Ownership.INCUMBENT})
MAY_DELETE = frozenset({Ownership.OURS, Ownership.INCUMBENT})


def organization_mark(cluster_uid: str, namespace_uid: str) -> str:
    """The e-mail of an organization that we make."""
    return f"{namespace_uid}@{cluster_uid}.{MARK_DOMAIN}"


def incumbent_mark(organization: str) -> str:
    """The e-mail of an organization that the Go operator made (measured)."""
    return f"{organization}@redhat.com"


def robot_description(integration: str, cluster_uid: str, namespace_uid: str) -> str:
    """The description of a robot that we make: at most 255 characters, as Quay wants it."""
    return f"quaybridge: integration={integration[:100]} cluster={cluster_uid} namespace={namespace_uid}"[:255]


def ownership(organization: Organization, cluster_uid: str, namespace_uid: str) -> Ownership:
    """What an organization's mark proves for the namespace with this UID. An empty e-mail proves nothing."""
    if organization.email == organization_mark(cluster_uid, namespace_uid):
        return Ownership.OURS
    if organization.email.endswith(f"@{cluster_uid}.{MARK_DOMAIN}"):
        return Ownership.PREDECESSOR
    if organization.email == incumbent_mark(organization.name):
        return Ownership.INCUMBENT
    return Ownership.FOREIGN
