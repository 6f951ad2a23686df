"""Who made an organization: the mark, the places where it is, and what they prove together.

The mark is two UIDs, of the cluster and of the namespace. It is written by calls that are made anyway, so it costs none:

* the organization's contact e-mail, ``<namespace UID>@<cluster UID>.quaybridge.invalid``: unique, as older Quays want it, and
  nobody's address (``.invalid`` is reserved by RFC 2606);
* the description of each robot that the bridge makes.

So one place may be edited or lost, and the others still tell; the e-mail is then put right. Places that name different clusters
prove nothing. The Go operator leaves no mark, but a fingerprint: the e-mail ``<organization>@redhat.com`` (measured).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from attrs import frozen

from quaybridge_sdk.model.ownership import AdoptionPolicy, Ownership
from quaybridge_sdk.model.quay import Organization, Robot

MARK_DOMAIN = "quaybridge.invalid"
_EMAIL = re.compile(r"([^@\s]+)@([^@\s]+)\." + re.escape(MARK_DOMAIN))
_DESCRIPTION = re.compile(r"quaybridge: integration=.* cluster=(\S+) namespace=(\S+)", re.DOTALL)


@frozen
class Mark:
    """The cluster, as the UID of its namespace ``kube-system``, and the namespace for which something was made."""

    cluster_uid: str
    namespace_uid: str


ADOPTABLE: Mapping[AdoptionPolicy, frozenset[Ownership]] = MappingProxyType(
    {
        AdoptionPolicy.NEVER: frozenset(),
        AdoptionPolicy.INCUMBENT: frozenset({Ownership.INCUMBENT}),
        AdoptionPolicy.ALWAYS: frozenset({Ownership.INCUMBENT, Ownership.PREDECESSOR, Ownership.FOREIGN}),
    }
)
"""What each policy takes over. What is marked by another cluster is only ever given by hand."""


def organization_mark(cluster_uid: str, namespace_uid: str) -> str:
    """The e-mail of an organization that we make."""
    return f"{namespace_uid}@{cluster_uid}.{MARK_DOMAIN}"


def incumbent_mark(organization: str) -> str:
    """The e-mail of an organization that the Go operator made (measured)."""
    return f"{organization}@redhat.com"


def robot_description(integration: str, cluster_uid: str, namespace_uid: str) -> str:
    """The description of a robot that we make: at most 255 characters, as Quay wants it."""
    return f"quaybridge: integration={integration[:100]} cluster={cluster_uid} namespace={namespace_uid}"[:255]


def email_mark(email: str) -> Mark | None:
    """The mark in an organization's e-mail, None when it holds none."""
    found = _EMAIL.fullmatch(email)
    return Mark(found[2], found[1]) if found else None


def description_mark(description: str) -> Mark | None:
    """The mark in a robot's description, None when it holds none."""
    found = _DESCRIPTION.fullmatch(description)
    return Mark(found[1], found[2]) if found else None


def ownership(organization: Organization | None, robots: Iterable[Robot], cluster_uid: str, namespace_uid: str) -> Ownership:
    """What all marks together prove for the namespace with this UID. Total; the order of ``robots`` does not matter.

    Args:
        organization: None when only its robots were looked at.
        robots: all that were looked at; those without a mark say nothing.
    """
    email = email_mark(organization.email) if organization else None
    told = {mark for robot in robots if (mark := description_mark(robot.description)) is not None}
    clusters = {mark.cluster_uid for mark in ({email} if email else set()) | told}
    if not clusters:
        fingerprint = organization is not None and organization.email == incumbent_mark(organization.name)
        return Ownership.INCUMBENT if fingerprint else Ownership.FOREIGN
    if cluster_uid not in clusters:
        return Ownership.ELSEWHERE
    if len(clusters) > 1:
        return Ownership.AMBIGUOUS
    ours = {email} if email else told  # the e-mail is rewritten when an organization is taken over, a description cannot be
    if len(ours) > 1:
        return Ownership.AMBIGUOUS
    return Ownership.OURS if Mark(cluster_uid, namespace_uid) in ours else Ownership.PREDECESSOR


def adoptable(policy: AdoptionPolicy, *, by_hand: bool = False, restorable: bool = False) -> frozenset[Ownership]:
    """What may be taken over.

    Args:
        by_hand: an administrator has named this very organization on the namespace.
        restorable: the bridge keeps the organization of an earlier namespace of the name, to be given back.
    """
    if by_hand:
        return frozenset(Ownership)
    return ADOPTABLE[policy] | ({Ownership.PREDECESSOR} if restorable else set())
