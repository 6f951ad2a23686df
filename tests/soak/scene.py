"""The scene of a soak: two integrations, what strangers have in Quay, and the names that namespaces take turns with."""

from __future__ import annotations

from typing import Any

from tests.soak.diary import Left, Page
from tests.soak.ground import OPERATORS, Ground

from quaybridge_sdk.testing.quay.snapshots import OrganizationSnapshot
from quaybridge_sdk.testing.registry_client import push_image

INTEGRATIONS = "/apis/quay.redhat.com/v1/quayintegrations"
SECRETS = {"openshift": "quay-first", "second": "quay-second"}
SECOND = [f"second{number}" for number in range(20)]
SPECS: dict[str, dict[str, Any]] = {
    "openshift": {"denylistNamespaces": [*SECOND, "out0", "out1"], "imageStreamDeletionPolicy": "Delete"},
    "second": {"allowlistNamespaces": SECOND, "cleanupPolicy": "Cluster"},
}
"""By clusterID: what is not the same in both. Each tries what the other leaves at its default."""


def set_up(ground: Ground, secrets: dict[str, str]) -> dict[str, OrganizationSnapshot]:
    """Two integrations with a Secret each, and what strangers have in Quay."""
    ground.oc("POST", "/api/v1/namespaces", {"metadata": {"name": "openshift-operators"}})
    for secret, token in secrets.items():
        ground.put_token(secret, token)
    for cluster_id in SPECS:
        make_integration(ground, cluster_id)
    marks = {"openshift_foreign": "somebody@example.com", "openshift_elsewhere": "4ea1@another.quaybridge.invalid"}
    for name, email in {**marks, "unrelated": "else@example.com"}.items():
        _stranger(ground, name, email)
    return {name: found for name in (*marks, "unrelated") if (found := ground.organization(name)) is not None}


def make_integration(ground: Ground, cluster_id: str) -> None:
    reference = {"namespace": OPERATORS.rpartition("/")[2], "name": SECRETS[cluster_id]}
    spec = {"clusterID": cluster_id, "credentialsSecret": reference, "quayHostname": ground.quay_url,
            "insecureRegistry": True, "deletionLimit": 0, **SPECS[cluster_id]}  # fmt: skip
    body = {"apiVersion": "quay.redhat.com/v1", "kind": "QuayIntegration", "metadata": {"name": cluster_id}, "spec": spec}
    ground.oc("POST", INTEGRATIONS, body)


def _stranger(ground: Ground, name: str, email: str) -> None:
    """With an image, and with robots of the names that ours have."""
    ground.quay("POST", "organization/", {"name": name, "email": email})
    ground.quay("POST", "repository", {"namespace": name, "repository": "app", "visibility": "private", "description": ""})
    mark = "quaybridge: integration=openshift cluster=another namespace=4ea1" if "another" in email else ""
    robot = ground.quay("PUT", f"organization/{name}/robots/builder", {"description": mark})
    ground.quay("PUT", f"repository/{name}/app/permissions/user/{name}+builder", {"role": "write"})
    push_image(ground.quay_url, f"{name}/app", "latest", robot["name"], robot["token"], content=name.encode())


def names(count: int, strangers: dict[str, OrganizationSnapshot]) -> tuple[Page, ...]:
    """Some in each integration's scope, of which one never goes; two in none's; two whose organizations are strangers'."""
    first = [Page(f"first{number}", "openshift", stays=not number) for number in range(count - count // 3)]
    second = [Page(f"second{number}", "second", stays=not number) for number in range(count // 3)]
    blocked = [Page(name, "openshift", strangers=True, left=Left.KEPT, frozen=strangers[f"openshift_{name}"])
               for name in ("foreign", "elsewhere")]  # fmt: skip
    return (*first, *second, *blocked, Page("out0", ""), Page("out1", ""))
