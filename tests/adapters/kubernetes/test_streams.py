"""The live list of ImageStreams: whole, or an error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.adapters.kubernetes.support import client_of

from quaybridge_sdk.adapters.kubernetes.streams import KubernetesStreams
from quaybridge_sdk.errors import NotFoundError, ServerFaultError
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift

SHOP = "/api/v1/namespaces/shop"
STREAMS = "/apis/image.openshift.io/v1/namespaces/shop/imagestreams"


class Scripted:
    """A client that answers from a table."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def get(self, path: str, query: object = None, *, accept: str = "") -> Any:
        return self.answers["streams" if path == STREAMS else "namespace"]


@pytest.fixture
def cluster() -> Iterator[EmbeddedOpenShift]:
    with EmbeddedOpenShift() as running:
        yield running


def test_all_names_of_a_namespace_that_stays(cluster: EmbeddedOpenShift) -> None:
    with client_of(cluster, cluster.admin_token) as client:
        uid = client.create("/api/v1/namespaces", {"metadata": {"name": "shop"}})["metadata"]["uid"]
        for name, annotations in (("app", {}), ("db", {"quaybridge.io/ignore": "true"})):
            client.create(STREAMS, {"metadata": {"name": name, "annotations": annotations}})
        streams = KubernetesStreams(client)
        assert streams.image_streams("shop", uid) == {"app", "db"}
        with pytest.raises(NotFoundError):
            streams.image_streams("shop", "another")
        namespace = client.get(SHOP)
        client.replace(SHOP, {**namespace, "metadata": {**namespace["metadata"], "finalizers": ["a.test/one"]}})
        client.delete(SHOP)
        with pytest.raises(NotFoundError, match="gone or going"):
            streams.image_streams("shop", uid)


@pytest.mark.parametrize(
    "answer",
    [{}, {"items": None}, {"items": [{}]}, {"items": [{"metadata": {"name": "a"}}], "metadata": {"continue": "more"}}],
)
def test_a_part_of_a_list_proves_nothing(answer: dict[str, Any]) -> None:
    client: Any = Scripted(streams=answer, namespace={"metadata": {"uid": "N"}})
    with pytest.raises(ServerFaultError):
        KubernetesStreams(client).image_streams("shop", "N")
