"""Namespace -> organization.

The incumbent's rule is ``lower(clusterID) + "_" + namespace``. It is kept wherever Quay accepts the result (and has room
for the robots of the three default accounts) and the clusterID is the same in lower case. Everything else is escaped after
the last underscore, with dots, which no plain name has there, because no namespace holds a dot:

=====================================  ==============================================
case                                   organization
=====================================  ==============================================
``openshift``, ``shop``                ``openshift_shop``
``openshift``, ``a--b``                ``openshift_a.2.b`` (a run of 2 dashes)
``Prod``, ``shop``                     ``prod_shop.<digest of the clusterID>``
``My cluster!``, ``a---b``             ``my-cluster_a.3.b.<digest of the clusterID>``
=====================================  ==============================================

An even number of dots after the last underscore is the first kind of escape, an odd number has the digest at the end.
So the rule is injective over every pair of clusterID and namespace, and the namespace can always be read back.
"""

from __future__ import annotations

import re

from attrs import frozen

from quaybridge_sdk.mapping.escape import (
    HASH_LENGTH,
    QUAY_LENGTH,
    QUAY_NAME,
    digest,
    escape_dashes,
    is_dns_label,
    require,
    slug,
    unescape_dashes,
)

PLAIN_LENGTH = QUAY_LENGTH - len("+deployer")
"""The longest organization in which the robots of all three default accounts still fit."""

_DIGEST = re.compile(f"[a-z2-7]{{{HASH_LENGTH}}}")
_NO_WORD = "cluster"
"""Stands for a clusterID that holds no ASCII letter or digit."""


@frozen
class OrganizationOrigin:
    """Where an organization's name comes from. ``cluster_id`` is None when the name holds only its ``cluster_digest``."""

    namespace: str
    cluster_id: str | None
    cluster_digest: str | None = None


def organization_name(cluster_id: str, namespace: str) -> str:
    """The organization of a namespace.

    Args:
        cluster_id: the integration's ``clusterID``; any string.
        namespace: a namespace's name.

    Raises:
        InvalidNameError: ``namespace`` is not a DNS label, so no namespace can be called so.
    """
    require(is_dns_label(namespace), "namespace", namespace)
    escaped = escape_dashes(namespace, ".")
    plain = f"{cluster_id}_{escaped}"
    if len(plain) <= PLAIN_LENGTH and QUAY_NAME.fullmatch(cluster_id):
        return plain
    return f"{slug(cluster_id, default=_NO_WORD)}_{escaped}.{digest(cluster_id)}"


def organization_origin(organization: str) -> OrganizationOrigin | None:
    """Reads an organization's name back; None when :func:`organization_name` makes no such name.

    The digest of an escaped clusterID cannot be turned back, only compared: the caller who knows the clusterID maps again.
    """
    head, underscore, tail = organization.rpartition("_")
    if not underscore:
        return None
    escaped, mark = tail, None
    if tail.count(".") % 2 == 1:
        escaped, _, mark = tail.rpartition(".")
        if not _DIGEST.fullmatch(mark) or head != slug(head, default=_NO_WORD):
            return None
    namespace = unescape_dashes(escaped, ".")
    if namespace is None or not is_dns_label(namespace):
        return None
    if mark is not None:
        return OrganizationOrigin(namespace, None, mark)
    return OrganizationOrigin(namespace, head) if organization_name(head, namespace) == organization else None
