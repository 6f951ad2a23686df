"""Imports: the contract's body, the status inside the 201, and the questions around it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.adapters.kubernetes.support import Scripted, client_of, item, recorded
from tests.contract.openshift_replay import SmallRegistry, _image

from quaybridge_sdk import errors
from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient
from quaybridge_sdk.adapters.kubernetes.imports import KubernetesImporter
from quaybridge_sdk.adapters.kubernetes.kinds import Kind
from quaybridge_sdk.adapters.kubernetes.objects import Json, parse_build
from quaybridge_sdk.model.openshift import IMPORTED_ANNOTATION, Build, ImageImport, ImageStreamTag, ImportedImage
from quaybridge_sdk.ports import ImageImporter
from quaybridge_sdk.testing.http import Fault, Response
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift

STREAMS = "/apis/image.openshift.io/v1/namespaces/default/imagestreams"
REQUEST = ImageImport(
    ImageStreamTag("vcr-imports", "app", "latest"), "127.0.0.1:5000/team/app:latest", insecure=True, scheduled=False
)
STREAM = Response.of_json(200, item("app", 2870, "vcr-imports"))


@contextmanager
def answering(*script: Response) -> Iterator[KubernetesImporter]:
    with Scripted(script) as server, client_of(server) as client:
        yield KubernetesImporter(client)


def no_pause(_: float) -> None:
    """Conflicts are tried again at once here."""


@pytest.fixture
def registry() -> Iterator[SmallRegistry]:
    with SmallRegistry("team/app", _image("latest", 10, 200, oci=False)) as running:
        yield running


def wanted(registry: SmallRegistry, tag: str = "latest", insecure: bool = True) -> ImageImport:
    return ImageImport(ImageStreamTag("default", "app", "built"), f"{registry.url[7:]}/team/app:{tag}", insecure, scheduled=False)


def test_it_is_an_image_importer(client: KubernetesClient) -> None:
    port: ImageImporter = KubernetesImporter(client)
    assert isinstance(port, KubernetesImporter)


def test_the_recorded_request_and_answer() -> None:
    exchange = recorded("06-imagestreamimports", 3)
    with Scripted([STREAM, exchange.response()]) as server, client_of(server) as client:
        imported = KubernetesImporter(client).import_image(REQUEST)
    assert imported == ImportedImage(
        "sha256:b0a726f6ae35f8c9125979c33b7b935a509563ed60545b482123d6d766f1a14f", "2026-01-01T00:00:00Z"
    )
    assert [request.method for request in server.received] == ["GET", "POST"]
    assert server.received[1].path == exchange.path
    assert json.loads(server.received[1].body) == json.loads(exchange.body)


def test_a_known_version_saves_the_read_and_the_new_one_is_observed() -> None:
    seen: list[tuple[Kind, str]] = []
    with Scripted([recorded("06-imagestreamimports", 3).response()]) as server, client_of(server) as client:
        importer = KubernetesImporter(
            client, lambda _namespace, _name: "7", lambda kind, thing: seen.append((kind, thing["metadata"]["resourceVersion"]))
        )
        importer.import_image(REQUEST)
    assert [request.method for request in server.received] == ["POST"]
    assert server.received[0].json()["metadata"]["resourceVersion"] == "7"
    assert seen == [(Kind.IMAGE_STREAM, "2871")]


def test_a_stale_version_is_read_anew() -> None:
    stale, fine = recorded("06-imagestreamimports", 6).response(), recorded("06-imagestreamimports", 3).response()
    with Scripted([stale, STREAM, fine]) as server, client_of(server) as client:
        KubernetesImporter(client, lambda _namespace, _name: "7", sleep=no_pause).import_image(REQUEST)
    versions = [request.json()["metadata"]["resourceVersion"] for request in server.received if request.method == "POST"]
    assert versions == ["7", "2870"]


def test_a_stream_that_always_changes_is_a_conflict() -> None:
    stale = recorded("06-imagestreamimports", 6).response()

    def answer(request: Any) -> Response:
        return STREAM if request.method == "GET" else stale

    with Scripted([answer]) as server, client_of(server) as client, pytest.raises(errors.ConflictError, match="was updated"):
        KubernetesImporter(client, sleep=no_pause).import_image(REQUEST)


@pytest.mark.parametrize(
    ("number", "error", "text"),
    [
        (11, errors.NotFoundError, "NotFound"),
        (12, errors.UnreachableError, "connection refused"),
        (13, errors.TLSVerificationError, "HTTP response to HTTPS client"),
        (14, errors.ForbiddenError, "may not have access"),
        (38, errors.ForbiddenError, "Could not find robot"),
        (22, errors.NotFoundError, "fresh2"),
        (30, errors.RequestRefusedError, "invalid reference format"),
        (33, errors.NotFoundError, "vcr-missing"),
    ],
)
def test_recorded_failures_of_both_kinds(number: int, error: type[Exception], text: str) -> None:
    """Most are a 201 with a Failure inside; some are refused as a whole."""
    answer = recorded("06-imagestreamimports", number).response()
    with answering(STREAM, answer) as importer, pytest.raises(error, match=text) as caught:
        importer.import_image(REQUEST)
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ({"status": "Failure", "reason": "TooManyRequests", "code": 429}, errors.ThrottledError),
        ({"status": "Failure", "reason": "Invalid", "code": 422, "message": "x"}, errors.RequestRefusedError),
        ({"status": "Failure", "reason": "InternalError", "code": 500, "message": "who knows"}, errors.ServerFaultError),
        ({"status": "Failure", "message": "x509: certificate signed by unknown authority"}, errors.TLSVerificationError),
        ({"status": "Failure", "message": "context deadline exceeded", "code": 500}, errors.UnreachableError),
        ({"status": "Success"}, errors.ServerFaultError),
    ],
)
def test_other_failures_inside(status: Json, error: type[Exception]) -> None:
    answer = Response.of_json(201, {"status": {"images": [{"status": status}]}})
    with answering(STREAM, answer) as importer, pytest.raises(error) as caught:
        importer.import_image(REQUEST)
    assert type(caught.value) is error


@pytest.mark.parametrize("images", [None, [], [None], "x"])
def test_an_answer_without_results(images: object) -> None:
    answer = Response.of_json(201, {"status": {"images": images}})
    with answering(STREAM, answer) as importer, pytest.raises(errors.ServerFaultError, match="no result"):
        importer.import_image(REQUEST)


def test_an_import_comes_true(cluster: EmbeddedOpenShift, client: KubernetesClient, registry: SmallRegistry) -> None:
    client.create(STREAMS, {"metadata": {"name": "app"}})
    imported = KubernetesImporter(client).import_image(wanted(registry))
    tags = client.get(f"{STREAMS}/app")["status"]["tags"]
    assert [(tag["tag"], tag["items"][0]["image"]) for tag in tags] == [("built", imported.digest)]
    assert imported.created


def test_no_stream_is_made_by_an_import(cluster: EmbeddedOpenShift, client: KubernetesClient, registry: SmallRegistry) -> None:
    with pytest.raises(errors.NotFoundError, match='"app" not found'):
        KubernetesImporter(client).import_image(wanted(registry))
    with pytest.raises(errors.NotFoundError):
        KubernetesImporter(client, lambda _namespace, _name: "7").import_image(wanted(registry))
    assert cluster.objects("imagestreams") == []


def test_the_review_asks_what_the_registry_would_ask() -> None:
    answers = [recorded("10c-access-reviews", number).response() for number in (5, 6)]
    with Scripted(answers) as server, client_of(server) as client:
        importer = KubernetesImporter(client)
        assert importer.may_import("system:serviceaccount:team:builder", "other")
        assert not importer.may_import("alice", "other")
    assert server.received[0].json()["spec"] == {
        "user": "system:serviceaccount:team:builder",
        "groups": ["system:serviceaccounts", "system:serviceaccounts:team", "system:authenticated"],
        "resourceAttributes": {
            "namespace": "other",
            "verb": "update",
            "group": "image.openshift.io",
            "resource": "imagestreams",
            "subresource": "layers",
        },
    }
    assert server.received[1].json()["spec"]["groups"] == ["system:authenticated"]


def test_a_right_of_all_accounts_of_a_namespace_counts(cluster: EmbeddedOpenShift, client: KubernetesClient) -> None:
    importer, user = KubernetesImporter(client), "system:serviceaccount:team:builder"
    assert not importer.may_import(user, "other")
    cluster.allow("system:serviceaccounts:team", "update", "imagestreams/layers", "other")
    assert importer.may_import(user, "other")
    assert not importer.may_import(user, "another")


def make_build(client: KubernetesClient) -> Build:
    body: Json = {
        "metadata": {
            "name": "b",
            "annotations": {"quay-registry-operator.quay.redhat.com/quay-registry-operator-managed": "true"},
        },
        "spec": {"source": {"type": "Dockerfile", "dockerfile": "FROM x"}, "strategy": {"type": "Docker", "dockerStrategy": {}}},
    }
    build = parse_build(client.create("/apis/build.openshift.io/v1/namespaces/default/builds", body))
    assert build is not None
    return build


def test_a_build_is_marked_once(cluster: EmbeddedOpenShift, client: KubernetesClient) -> None:
    build, seen = make_build(client), []
    importer = KubernetesImporter(client, observe=lambda kind, thing: seen.append((kind, parse_build(thing))))
    cluster.clear_requests()
    importer.mark_imported(build)
    importer.mark_imported(build)
    live = client.get("/apis/build.openshift.io/v1/namespaces/default/builds/b")
    assert live["metadata"]["annotations"][IMPORTED_ANNOTATION] == "true"
    assert len(cluster.api_writes) == 1
    assert [(kind, marked and (marked.annotations or {}).get(IMPORTED_ANNOTATION)) for kind, marked in seen] == [
        (Kind.BUILD, "true")
    ] * 2


def test_a_mark_counts_when_the_answer_is_the_build(cluster: EmbeddedOpenShift, client: KubernetesClient) -> None:
    build = make_build(client)
    cluster.faults.inject(Fault("status", "^PATCH ", status=200, body=b'{"metadata": [7]}'))
    with pytest.raises(errors.ServerFaultError, match="no object of Kubernetes"):
        KubernetesImporter(client).mark_imported(build)
    KubernetesImporter(client).mark_imported(build)
    live = client.get("/apis/build.openshift.io/v1/namespaces/default/builds/b")
    assert live["metadata"]["annotations"][IMPORTED_ANNOTATION] == "true"


def test_another_build_of_the_name_is_not_marked(cluster: EmbeddedOpenShift, client: KubernetesClient) -> None:
    build = make_build(client)
    client.delete("/apis/build.openshift.io/v1/namespaces/default/builds/b")
    with pytest.raises(errors.NotFoundError):
        KubernetesImporter(client).mark_imported(build)
    make_build(client)
    with pytest.raises(errors.NotFoundError, match="made anew"):
        KubernetesImporter(client).mark_imported(build)
