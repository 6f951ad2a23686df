"""What the embedded server refuses with 422 and 400: status and message as measured on the real ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from quaybridge_sdk.testing.openshift import EmbeddedOpenShift

BUILDS = "/apis/build.openshift.io/v1/namespaces/default/builds"
STREAMS = "/apis/image.openshift.io/v1/namespaces/default/imagestreams"
NAMESPACES, CONFIG_MAPS = "/api/v1/namespaces", "/api/v1/namespaces/default/configmaps"
MERGE = {"content-type": "application/merge-patch+json"}
FORMAT, LENGTH = "invalid reference format", "repository name must not be more than 255 characters"


@pytest.fixture(scope="module")
def api() -> Iterator[httpx.Client]:
    with EmbeddedOpenShift() as cluster:
        headers = {"authorization": f"Bearer {cluster.admin_token}"}
        with httpx.Client(base_url=cluster.url, headers=headers, verify=False) as client:
            yield client


def build(name: str = "", **spec: Any) -> dict[str, Any]:
    whole = {"source": {"dockerfile": "FROM x"}, "strategy": {"dockerStrategy": {}}} | spec
    return {"metadata": {"name": name} if name else {"generateName": "b-"}, "spec": whole}


def image(name: str) -> dict[str, Any]:
    return {"output": {"to": {"kind": "DockerImage", "name": name}}}


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", "repository name must have at least one component"),
        *((name, FORMAT) for name in ("q/a:b:c", "a b", "x@sha256:00", "/a", "q/", "q..io/a", "a:", f"a:{'t' * 129}")),
        ("q.io/A", "repository name must be lowercase"),
        (f"q.io/{'a' * 251}", LENGTH),
        (f"{'a' * 256}:tag", LENGTH),
        (f"x@md5:{'0' * 32}", "unsupported digest algorithm"),
        (f"x@sha256:{'0' * 63}", "invalid checksum digest length"),
    ],
)
def test_an_output_to_what_is_no_reference_is_refused(name: str, fault: str, api: httpx.Client) -> None:
    answer = api.post(BUILDS, json=build("b", **image(name)))
    assert answer.status_code == 422
    assert answer.json()["message"].endswith(f"name is not a valid Docker pull specification: {fault}")
    assert [cause["field"] for cause in answer.json()["details"]["causes"]] == ["spec.output.to.name"]


@pytest.mark.parametrize("name", [f"q.io/{'a' * 250}:tag", "Q.io:80/a__b", f"x@sha512:{'0' * 128}", f"x:1@sha256:{'A' * 64}"])
def test_an_output_to_a_reference_is_accepted(name: str, api: httpx.Client) -> None:
    assert api.post(BUILDS, json=build(**image(name))).status_code == 201


def stream_tag(**more: str) -> dict[str, Any]:
    return {"output": {"to": {"kind": "ImageStreamTag", "name": "a:b"} | more}}


def source(**reference: str) -> dict[str, Any]:
    return {"strategy": {"type": "Source", "sourceStrategy": {"from": reference} if reference else {}}}


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (stream_tag(namespace="Bad_N"), "spec.output.to.namespace"),
        (stream_tag(name="A:b"), "spec.output.to.name"),
        (stream_tag(name=""), "spec.output.to.name"),
        ({"output": {"pushSecret": {"name": ""}}}, "spec.output.pushSecret.name"),
        (source(), "spec.strategy.sourceStrategy.from.name"),
        (source(name="untagged"), "spec.strategy.sourceStrategy.from.name"),
        (source(kind="DockerImage", name="a b"), "spec.strategy.sourceStrategy.from.name"),
        (source(kind="Other", name="a"), "spec.strategy.sourceStrategy.from.kind"),
        ({"strategy": {"type": "Source"}}, "spec.strategy"),
        ({"source": {"type": "None"}}, "spec.source"),
    ],
)
def test_a_faulty_build_is_refused_for_its_field(spec: dict[str, Any], field: str, api: httpx.Client) -> None:
    answer = api.post(BUILDS, json=build("b", **spec))
    assert answer.status_code == 422
    assert [cause["field"] for cause in answer.json()["details"]["causes"]] == [field]


def test_the_type_docker_implies_its_strategy(api: httpx.Client) -> None:
    answer = api.post(BUILDS, json=build(strategy={"type": "Docker"}))
    assert (answer.status_code, answer.json()["spec"]["strategy"]) == (201, {"type": "Docker", "dockerStrategy": {}})


@pytest.mark.parametrize(
    ("before", "after", "status"),
    [
        *(("New", phase, 200) for phase in ("Pending", "Running", "Complete", "Failed", "Error", "Cancelled")),
        *((phase, "Running", 422) for phase in ("Complete", "Failed", "Error", "Cancelled", "Bogus")),
        ("Complete", "Bogus", 422),
        ("Complete", "", 422),
        ("Complete", "Complete", 200),
    ],
)
def test_only_new_pending_and_running_builds_change_their_phase(before: str, after: str, status: int, api: httpx.Client) -> None:
    name = api.post(BUILDS, json=build() | {"status": {"phase": before}}).json()["metadata"]["name"]
    answer = api.patch(f"{BUILDS}/{name}", json={"status": {"phase": after}}, headers=MERGE)
    assert answer.status_code == status
    if status == 422:
        assert answer.json()["message"].endswith("phase cannot be updated from a terminal state")


@pytest.mark.parametrize(
    ("path", "longest", "text"),
    [
        (NAMESPACES, 63, "must be no more than 63 characters"),
        (CONFIG_MAPS, 253, "must be no more than 253 characters"),
        (STREAMS, 255 - len("default/"), "'namespace/name' cannot be longer than 255 characters"),
    ],
)
def test_a_name_is_as_long_as_its_kind_allows(path: str, longest: int, text: str, api: httpx.Client) -> None:
    assert api.post(path, json={"metadata": {"name": "a" * longest}}).status_code == 201
    answer = api.post(path, json={"metadata": {"name": "a" * (longest + 1)}})
    assert answer.status_code == 422
    assert answer.json()["details"]["causes"][0]["message"].endswith(text)


@pytest.mark.parametrize("labels", [{"a": "b" * 64}, {"b" * 64: "a"}])
def test_the_parts_of_a_label_have_63_bytes_at_most(labels: dict[str, str], api: httpx.Client) -> None:
    answer = api.post(CONFIG_MAPS, json={"metadata": {"name": "labelled", "labels": labels}})
    assert answer.status_code == 422
    assert answer.json()["message"].endswith("must be no more than 63 bytes")


@pytest.mark.parametrize("path", [BUILDS, STREAMS, NAMESPACES, CONFIG_MAPS])
def test_a_put_under_another_name_is_refused_before_anything_is_looked_up(path: str, api: httpx.Client) -> None:
    answer = api.put(f"{path}/missing", json={"metadata": {"name": "other"}})
    text = "the name of the object (other) does not match the name on the URL (missing)"
    assert (answer.status_code, answer.json()["message"]) == (400, text)


def docker(**fields: Any) -> dict[str, Any]:
    return {"strategy": {"dockerStrategy": fields}}


def with_source(**fields: Any) -> dict[str, Any]:
    return {"source": {"dockerfile": "FROM x"} | fields}


def labelled(*names: str) -> dict[str, Any]:
    return {"output": {"imageLabels": [{"name": name, "value": "x"} for name in names]}}


MEASURED = [
    *(
        (docker(env=[{"name": name, "value": "x"}]), accepted)
        for name, accepted in (("A_b.c-d", True), ("1A", False), ("a b", False))
    ),
    *((docker(env=[{"name": name, "value": "x"}]), False) for name in ("", "a=b")),
    (docker(buildArgs=[{"name": "a b", "value": "1"}]), True),
    *(
        (labelled(*names), accepted)
        for names, accepted in ((("a",), True), (("",), False), (("a", "a"), False), (("a b",), False))
    ),
    *(
        ({"source": {"git": {"uri": uri}}}, accepted)
        for uri, accepted in (("https://x/y", True), ("git@github.com:a/b.git", True), ("ssh://git@h/p.git", True), ("", False))
    ),
    ({"source": {"git": {"uri": "https://x y"}}}, False),
    ({"source": {"git": {"uri": "https://x/y", "ref": "main"}, "contextDir": "a/b"}}, True),
    ({"source": {"git": {"uri": "https://x/y"}, "contextDir": "../b"}}, False),
    ({"source": {"git": {"uri": "https://x/y"}, "binary": {}}}, False),
    ({"source": {"binary": {"asFile": "../a"}}}, False),
    *((with_source(sourceSecret={"name": name}), bool(name)) for name in ("s", "")),
    (with_source(secrets=[{"secret": {"name": "s"}, "destinationDir": "/a"}]), False),
    *(({"nodeSelector": selector}, accepted) for selector, accepted in (({"a": "b"}, True), ({"a b": "b"}, False))),
    ({"nodeSelector": {"a": "b c"}}, False),
    *(({"completionDeadlineSeconds": seconds}, seconds > 0) for seconds in (60, 0)),
    ({"resources": {"limits": {"cpu": "1"}}}, True),
    ({"postCommit": {"script": "x"}}, True),
    ({"postCommit": {"script": "x", "command": ["y"]}}, False),
    *((docker(dockerfilePath=path), accepted) for path, accepted in (("a/Dockerfile", True), ("/a", False), ("../a", False))),
    ({"strategy": {"jenkinsPipelineStrategy": {"jenkinsfile": "x"}}}, True),
    ({"strategy": {"jenkinsPipelineStrategy": {"jenkinsfile": "x", "jenkinsfilePath": "y"}}}, False),
    ({"revision": {"type": "Git", "git": {"commit": "x"}}, "mountTrustedCA": True}, True),
]


@pytest.mark.parametrize(("spec", "accepted"), MEASURED, ids=str)
def test_no_build_is_taken_that_the_real_server_refuses(spec: dict[str, Any], accepted: bool, api: httpx.Client) -> None:
    """What its rules may refuse is answered 501, not 201; what it takes in a plain form is taken."""
    answer = api.post(BUILDS, json=build(**spec))
    assert answer.status_code == 201 if accepted else answer.status_code in (422, 501), answer.text
