"""Service account -> pull secret: its name, and its bytes.

The incumbent's name is ``<account>-quay-<clusterID>``, kept wherever Kubernetes accepts it and it can mean only one pair.
Otherwise: ``<account>.quay.<clusterID>.<digest>``, the two parts made readable; it never holds ``-quay-``, which each plain
name does.
"""

from __future__ import annotations

import base64
import json
import re

from quaybridge_sdk.mapping.escape import digest, is_dns_subdomain, require, slug
from quaybridge_sdk.mapping.roles import DEFAULT_ROLES
from quaybridge_sdk.model.quay import SecretText

_INFIX = re.compile("(?=-quay-)")
_INFIXES = re.compile("(?:-quay)+(?=-)")


def pull_secret_name(service_account: str, cluster_id: str) -> str:
    """The Secret of a service account. ``cluster_id`` is any string, with its capitals.

    ``a-quay-b`` of ``c`` and ``a`` of ``b-quay-c`` would share a plain name: an account other than the three default ones
    gets a plain name only when ``-quay-`` is in it once.

    Raises:
        InvalidNameError: ``service_account`` is not a DNS subdomain.
    """
    require(is_dns_subdomain(service_account), "service account", service_account)
    plain = f"{service_account}-quay-{cluster_id}"
    if is_dns_subdomain(plain) and (service_account in DEFAULT_ROLES or len(_INFIX.findall(plain)) == 1):
        return plain
    parts = (_readable(service_account, 60), "quay", _readable(cluster_id, 40), digest(service_account, cluster_id))
    return ".".join(parts)


def _readable(text: str, length: int) -> str:
    """Runs of the infix go as a whole: taken out one by one, ``-quay-quay-quay-`` would leave one behind."""
    return _INFIXES.sub("", slug(text, length))


def pull_secret_bytes(host: str, robot: str, token: SecretText) -> SecretText:
    """The value of ``.dockerconfigjson``, byte for byte as the contract has it: one ``auth``, no other keys.

    Args:
        host: Quay's host with port, as in image pull specs.
        robot: the robot's full name.
        token: its token.
    """
    auth = base64.b64encode(f"{robot}:{token.reveal()}".encode("utf-8", "surrogatepass")).decode("ascii")
    return SecretText(json.dumps({"auths": {host: {"auth": auth}}}, separators=(",", ":")))
