"""The status of a QuayIntegration, in the API of its generation."""

from __future__ import annotations

from typing import Any

import pytest

from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient
from quaybridge_sdk.adapters.kubernetes.objects import Json
from quaybridge_sdk.adapters.kubernetes.status import KubernetesStatus
from quaybridge_sdk.model.integration import parse_integration
from quaybridge_sdk.ports import StatusPort
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift

NEW, OLD = "/apis/quay.redhat.com/v1/quayintegrations", "/apis/redhatcop.redhat.io/v1alpha1/quayintegrations"
CONDITION = {"type": "Ready", "status": "True", "reason": "Ok", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}


def make(client: KubernetesClient, old: bool = False) -> Json:
    group = "redhatcop.redhat.io/v1alpha1" if old else "quay.redhat.com/v1"
    where: Any = {"credentialsSecretName": "n/s"} if old else {"credentialsSecret": {"namespace": "n", "name": "s"}}
    body = {"apiVersion": group, "kind": "QuayIntegration", "metadata": {"name": "quay"}}
    return client.create(OLD if old else NEW, body | {"spec": {"clusterID": "c", "quayHostname": "https://q.example"} | where})


@pytest.mark.parametrize("old", [False, True])
def test_it_is_read_and_written(cluster: EmbeddedOpenShift, client: KubernetesClient, old: bool) -> None:
    key = parse_integration(make(client, old)).key
    status: StatusPort = KubernetesStatus(client)
    assert status.read_status(key) == {}
    status.write_status(key, {"conditions": [CONDITION], "lastUpdate": "x"})
    status.write_status(key, {"lastUpdate": "y"})
    assert status.read_status(key) == {"conditions": [CONDITION], "lastUpdate": "y"}
    live = client.get(f"{OLD if old else NEW}/quay")
    assert live["status"] == status.read_status(key)
    assert live["spec"]["clusterID"] == "c"


def test_one_that_is_gone(client: KubernetesClient) -> None:
    status = KubernetesStatus(client)
    assert status.read_status("quay.redhat.com/none") is None
    status.write_status("quay.redhat.com/none", {"lastUpdate": "x"})
