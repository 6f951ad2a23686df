"""Service account -> robot.

The incumbent's rule is the account's own name. It is kept wherever Quay accepts it; otherwise the name is escaped with
underscores, which no service account's name holds:

==========================================  ================================
case                                        robot
==========================================  ================================
``builder``                                 ``builder``
``my--account``                             ``my_2_account``
``a`` (Quay wants two characters)           ``a_1``
``<organization>+<account>`` over 255       ``<start of it>_<digest>``
==========================================  ================================
"""

from __future__ import annotations

from quaybridge_sdk.mapping.escape import (
    HASH_LENGTH,
    QUAY_LENGTH,
    digest,
    escape_dashes,
    is_dns_subdomain,
    is_quay_name,
    require,
    slug,
    unescape_dashes,
)


def robot_short_name(organization: str, service_account: str) -> str:
    """The robot's name after the ``+``.

    In an organization of more than 232 characters (a clusterID of some 170) fewer than 20 characters of the digest fit, never
    fewer than 6.

    Args:
        organization: one that :func:`~quaybridge_sdk.mapping.organization.organization_name` makes, so at most 246 characters.
        service_account: a service account's name.

    Raises:
        InvalidNameError: ``service_account`` is not a DNS subdomain.
    """
    require(is_dns_subdomain(service_account), "service account", service_account)
    room = QUAY_LENGTH - len(organization) - 1
    escaped = f"{service_account}_1" if len(service_account) == 1 else escape_dashes(service_account, "_")
    if len(escaped) <= room and is_quay_name(escaped):
        return escaped
    tail = "_" + digest(service_account)[: min(HASH_LENGTH, room - 2)]
    return slug(service_account, max(1, min(SLUG_ROOM, room - len(tail)))) + tail


SLUG_ROOM = 60


def robot_name(organization: str, service_account: str) -> str:
    """The robot's full name, ``<organization>+<short name>``. Raises as :func:`robot_short_name`."""
    return f"{organization}+{robot_short_name(organization, service_account)}"


def robot_origin(short_name: str) -> str | None:
    """The service account of a robot's short name; None when it holds only a digest, or is none of ours."""
    one_letter = len(short_name) == 3 and short_name.endswith("_1")
    account = short_name[0] if one_letter else unescape_dashes(short_name, "_")
    if account is None or not is_dns_subdomain(account):
        return None
    return account if one_letter or len(account) > 1 else None
