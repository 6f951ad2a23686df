from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.adapters.kubernetes.support import client_of

from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift, Settings


@pytest.fixture
def cluster() -> Iterator[EmbeddedOpenShift]:
    """An embedded cluster whose seconds are a tenth of real ones."""
    with EmbeddedOpenShift(settings=Settings(pace=0.1, namespace_grace=0.1)) as running:
        running.settle()
        yield running


@pytest.fixture
def client(cluster: EmbeddedOpenShift) -> Iterator[KubernetesClient]:
    with client_of(cluster, cluster.admin_token) as opened:
        yield opened
