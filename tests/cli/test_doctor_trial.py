from __future__ import annotations

from typing import Any

import pytest
from tests.cli.fakes import FakeCluster, examination
from tests.laws.strategies import bare

from quaybridge_sdk.cli.doctor import trial
from quaybridge_sdk.cli.doctor.finding import Status
from quaybridge_sdk.cli.doctor.integrations import Integration
from quaybridge_sdk.cli.doctor.ports import Json
from quaybridge_sdk.errors import ForbiddenError, RemoteError, RequestRefusedError, ServerFaultError
from quaybridge_sdk.model.openshift import IGNORE_ANNOTATION

LINK = Integration(bare(), {}, "quayintegrations.quay.redhat.com")
WANTED = f"{LINK.parsed.endpoint.host}/openshift_shop/quaybridge-doctor:latest"


def namespaces(*names: str, **metadata: Any) -> dict[str, Json | Exception]:
    return {"/api/v1/namespaces": {"items": [{"metadata": {"name": name, **metadata}} for name in names]}}


def tried(webhook: Any, objects: dict[str, Json | Exception] | None = None) -> Any:
    given = examination(namespaces("default", "shop", "web") if objects is None else objects)
    cluster = given.cluster
    assert isinstance(cluster, FakeCluster)
    cluster.webhook = webhook
    return trial.examine(given, [LINK]), cluster.tried


def pushes_to(kind: str, name: str) -> Any:
    return lambda body: {**body, "spec": {**body["spec"], "output": {"to": {"kind": kind, "name": name}}}}


def refuses(error: RemoteError) -> Any:
    def webhook(_: Json) -> Json:
        raise error

    return webhook


def test_a_build_in_the_first_covered_namespace_is_rewritten() -> None:
    finding, ((path, body),) = tried(pushes_to("DockerImage", WANTED))
    assert (finding.check, finding.status) == ("webhook.way", Status.OK)
    assert path == "/apis/build.openshift.io/v1/namespaces/shop/builds"
    assert body["spec"]["output"] == {"to": {"kind": "ImageStreamTag", "name": "quaybridge-doctor:latest"}}


@pytest.mark.parametrize(
    ("webhook", "status", "detail"),
    [
        (lambda body: body, Status.FAILURE, "it would push to the integrated registry"),
        (pushes_to("DockerImage", "elsewhere/a/b:latest"), Status.FAILURE, "another webhook answers"),
        (
            refuses(ServerFaultError('500 failed calling webhook "q": connection refused', system="kubernetes")),
            Status.FAILURE,
            "does not reach the webhook",
        ),
        (
            refuses(ServerFaultError('503 admission webhook "q" denied the request: no secret', system="kubernetes")),
            Status.OK,
            "which says",
        ),
        (
            refuses(ForbiddenError('403 admission webhook "q" denied the request: no', system="kubernetes")),
            Status.OK,
            "which says",
        ),
        (refuses(ForbiddenError("403 may not create builds", system="kubernetes")), Status.NOT_CHECKED, "may not create builds"),
        (refuses(RequestRefusedError("422 a quota", system="kubernetes")), Status.NOT_CHECKED, "a quota"),
    ],
)
def test_what_comes_back_tells(webhook: Any, status: Status, detail: str) -> None:
    finding, _ = tried(webhook)
    assert finding.status is status
    assert detail in finding.detail
    assert bool(finding.commands) is (status is Status.FAILURE)


@pytest.mark.parametrize(
    "objects",
    [
        namespaces("default", "kube-system"),
        namespaces("shop", annotations={IGNORE_ANNOTATION: "true"}),
        namespaces("shop", deletionTimestamp="2026-01-02T03:04:05Z"),
        {"/api/v1/namespaces": ForbiddenError("no", system="kubernetes")},
    ],
)
def test_where_none_can_be_tried_nothing_is_said(objects: dict[str, Json | Exception]) -> None:
    finding, builds = tried(lambda body: body, objects)
    assert (finding.status, builds) == (Status.NOT_CHECKED, [])
