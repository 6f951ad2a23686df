"""The fixtures that the SDK ships, used as an embedder would."""

from __future__ import annotations

import httpx

from quaybridge_sdk.testing.fixtures import embedded_openshift, embedded_quay  # noqa: F401 - fixtures
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift
from quaybridge_sdk.testing.quay import EmbeddedQuay


def test_both_servers_answer(embedded_quay: EmbeddedQuay, embedded_openshift: EmbeddedOpenShift) -> None:  # noqa: F811
    assert httpx.get(f"{embedded_quay.url}/health/instance", trust_env=False).status_code == 200
    headers = {"Authorization": f"Bearer {embedded_openshift.admin_token}"}
    listed = httpx.get(f"{embedded_openshift.url}/api/v1/namespaces", headers=headers, trust_env=False).json()
    assert "kube-system" in {item["metadata"]["name"] for item in listed["items"]}
