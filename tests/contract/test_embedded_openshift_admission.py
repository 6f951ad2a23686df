"""Admission webhooks of the embedded server, against recorded AdmissionReviews of openshift-apiserver: what a webhook is sent
and what the client gets for its answer. The answers are those of the operator quaybridge replaces, faults included.
"""

from __future__ import annotations

import base64
import copy
import json
import re
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from quaybridge_sdk.testing import tls
from quaybridge_sdk.testing.http import Fault, HttpServer, Request, Response
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift, Settings

RECORDED = Path(__file__).parent.parent / "cassettes" / "admission"
INDEX = {entry["case"]: entry for entry in json.loads((RECORDED / "INDEX.json").read_text())}
CREATES = [case for case in INDEX if not case.startswith(("update", "delete", "buildconfig"))]
UPDATES = [case for case in INDEX if case.startswith("update")]
BUILDS = "/apis/build.openshift.io/v1/namespaces/{}/builds"
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"
NAME = "quayintegration.quay.redhat.com"
HOME = "kubernetes.io/metadata.name"
OWN = ("uid", "resourceVersion", "creationTimestamp", "managedFields")


class Webhook(HttpServer):
    """A webhook that keeps what it was sent and answers what it was told."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(tls=context)
        self.reviews: list[Any] = []
        self.lines: list[Request] = []
        self.verdict: Callable[[Any], Response | dict[str, Any]] = lambda _: {"allowed": True}

    def handle(self, request: Request) -> Response:
        review = request.json()
        self.reviews.append(review)
        self.lines.append(request)
        answer = self.verdict(review)
        if isinstance(answer, Response):
            return answer
        head = {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}
        return Response.of_json(200, head | {"response": {"uid": review["request"]["uid"]} | answer})


def certificate(folder: Path, name: str = "127.0.0.1") -> tuple[ssl.SSLContext, str]:
    """A server context for a self-signed certificate, and the certificate for a caBundle."""
    public, key, authority = tls.self_signed(folder, name)
    return tls.server_context(public, key), base64.b64encode(authority.read_bytes()).decode()


@pytest.fixture
def cluster() -> Iterator[EmbeddedOpenShift]:
    with EmbeddedOpenShift(settings=Settings(pace=0.1)) as running:
        yield running


@pytest.fixture
def api(cluster: EmbeddedOpenShift) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {cluster.admin_token}"}
    with httpx.Client(base_url=cluster.url, headers=headers, timeout=20, verify=False) as client:
        yield client


@pytest.fixture
def webhook(tmp_path: Path) -> Iterator[tuple[Webhook, str]]:
    context, bundle = certificate(tmp_path)
    with Webhook(context) as running:
        yield running, bundle


def install(api: httpx.Client, client_config: dict[str, Any], **more: Any) -> None:
    rule = {"apiGroups": ["build.openshift.io"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"]}
    entry = {"name": NAME, "clientConfig": client_config, "rules": [rule | {"resources": ["builds"]}]}
    entry |= {"sideEffects": "None", "admissionReviewVersions": ["v1"]}
    body = {"metadata": {"name": "quaybridge"}, "webhooks": [entry | more]}
    api.post(CONFIGURATIONS, json=body).raise_for_status()


def at(webhook: tuple[Webhook, str], path: str = "/admissionwebhook") -> dict[str, Any]:
    return {"url": f"{webhook[0].url}{path}", "caBundle": webhook[1]}


def recorded(case: str) -> tuple[Any, Any]:
    request = json.loads((RECORDED / f"{case}.request.json").read_text())
    return request["request"], json.loads((RECORDED / f"{case}.response.json").read_text()).get("response")


def answer_as_recorded(webhook: Webhook, answer: Any) -> None:
    """Gives the recorded answer, or drops the connection where the recorded webhook crashed."""
    if answer is None:
        webhook.faults.inject(Fault("reset", after=True))
    else:
        webhook.verdict = lambda _: {key: value for key, value in answer.items() if key != "uid"}


def without_own(value: Any) -> Any:
    """An object without what each server makes up itself."""
    if value is None:
        return None
    kept = copy.deepcopy(value)
    kept["metadata"] = {key: entry for key, entry in kept["metadata"].items() if key not in OWN}
    text = re.sub(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", json.dumps(kept))
    return json.loads(re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UID", text))


def meaning(review: Any) -> Any:
    own = {"uid", "userInfo", "options"}
    kept = {key: value for key, value in review.items() if key not in own}
    return kept | {"object": without_own(review["object"]), "oldObject": without_own(review["oldObject"])}


def check_answer(case: str, response: httpx.Response, address: str) -> None:
    index, body = INDEX[case], response.json()
    assert response.status_code == index["api_status"], body
    if index["api_message"]:
        assert body["message"] == index["api_message"].replace("127.0.0.1:9444", address)
    elif index["api_output"] is not None:
        assert body["spec"]["output"] == index["api_output"]
        assert body["metadata"].get("annotations") == index["api_annotations"]


@pytest.mark.parametrize("case", CREATES)
def test_a_created_build_is_reviewed_and_patched_as_recorded(case: str, api: httpx.Client, webhook: tuple[Webhook, str]) -> None:
    asked, answer = recorded(case)
    namespace = asked["namespace"]
    api.post("/api/v1/namespaces", json={"metadata": {"name": namespace}}).raise_for_status()
    install(api, at(webhook))
    answer_as_recorded(webhook[0], answer)
    sent = copy.deepcopy(asked["object"])
    sent["metadata"].pop("managedFields", None)
    response = api.post(BUILDS.format(namespace), json=sent)
    assert [meaning(review["request"]) for review in webhook[0].reviews] == [meaning(asked)]
    check_answer(case, response, webhook[0].url[8:])


@pytest.mark.parametrize("case", UPDATES)
def test_an_updated_build_is_reviewed_as_recorded(case: str, api: httpx.Client, webhook: tuple[Webhook, str]) -> None:
    asked, answer = recorded(case)
    namespace, place = asked["namespace"], f"{BUILDS.format(asked['namespace'])}/{asked['name']}"
    api.post("/api/v1/namespaces", json={"metadata": {"name": namespace}}).raise_for_status()
    before = {key: asked["oldObject"][key] for key in ("spec", "status")}
    kept = {key: value for key, value in asked["oldObject"]["metadata"].items() if key not in OWN}
    api.post(BUILDS.format(namespace), json={"metadata": kept} | before).raise_for_status()
    install(api, at(webhook))
    answer_as_recorded(webhook[0], answer)
    after = asked["object"]
    metadata = {key: value for key, value in after["metadata"].items() if key not in OWN}
    metadata["resourceVersion"] = api.get(place).json()["metadata"]["resourceVersion"]
    response = api.put(place, json={"metadata": metadata, "spec": after["spec"], "status": after["status"]})
    seen, wanted = meaning(webhook[0].reviews[0]["request"]), meaning(asked)
    for side in ("object", "oldObject"):  # conditions follow the phases a build went through; this one was made in its phase
        seen[side]["status"].pop("conditions", None)
        wanted[side]["status"].pop("conditions", None)
    assert seen == wanted
    check_answer(case, response, webhook[0].url[8:])


def test_an_instantiated_build_is_reviewed_as_the_api_servers_own(api: httpx.Client, webhook: tuple[Webhook, str]) -> None:
    asked, answer = recorded("buildconfig-instantiate")
    namespace, spec = asked["namespace"], asked["object"]["spec"]
    api.post("/api/v1/namespaces", json={"metadata": {"name": namespace}}).raise_for_status()
    configs = f"/apis/build.openshift.io/v1/namespaces/{namespace}/buildconfigs"
    own = {key: spec[key] for key in ("source", "strategy", "output")}
    api.post(configs, json={"metadata": {"name": "bc1"}, "spec": own}).raise_for_status()
    install(api, at(webhook))
    answer_as_recorded(webhook[0], answer)
    body = {"metadata": {"name": "bc1"}, "triggeredBy": spec["triggeredBy"]}
    response = api.post(f"{configs}/bc1/instantiate", json=body)
    review = webhook[0].reviews[0]["request"]
    assert meaning(review) == meaning(asked)
    assert review["userInfo"]["username"] == asked["userInfo"]["username"] == "system:apiserver"
    check_answer("buildconfig-instantiate", response, "")


BUILD = {
    "metadata": {"name": "b"},
    "spec": {"source": {"dockerfile": "FROM x"}, "strategy": {"dockerStrategy": {}}, "output": {}},
}
DENIED = f'admission webhook "{NAME}" denied the request'


@pytest.mark.parametrize(
    ("verdict", "status", "message"),
    [
        ({"allowed": False}, 400, f"{DENIED} without explanation"),
        ({"allowed": False, "status": {"message": "no"}}, 400, f"{DENIED}: no"),
        ({"allowed": False, "status": {"message": "no", "code": 403, "reason": "Forbidden"}}, 403, f"{DENIED}: no"),
        ({"allowed": True, "uid": "other"}, 500, 'got "other"'),
        ({"allowed": True, "patch": "W10="}, 500, "not response.patchType"),
        ({"allowed": True, "patchType": "JSONPatch", "patch": "e30"}, 500, "no JSON patch"),
        (Response(404), 500, "could not find the requested resource"),
        (Response(200, b"not json"), 500, f'failed calling webhook "{NAME}"'),
    ],
)
def test_what_a_webhook_answers_decides(
    verdict: Any, status: int, message: str, api: httpx.Client, webhook: tuple[Webhook, str]
) -> None:
    install(api, at(webhook))
    webhook[0].verdict = lambda _: verdict
    response = api.post(BUILDS.format("default"), json=BUILD)
    assert (response.status_code, message in response.json()["message"]) == (status, True), response.text
    assert api.get(f"{BUILDS.format('default')}/b").status_code == 404


def test_a_dry_run_is_admitted_and_nothing_is_stored(api: httpx.Client, webhook: tuple[Webhook, str]) -> None:
    install(api, at(webhook))
    response = api.post(BUILDS.format("default"), json=BUILD, params={"dryRun": "All"})
    review = webhook[0].reviews[0]["request"]
    assert (response.status_code, review["dryRun"], review["options"]["dryRun"]) == (201, True, ["All"])
    assert api.get(f"{BUILDS.format('default')}/b").status_code == 404


def test_the_request_line_and_the_warnings(api: httpx.Client, webhook: tuple[Webhook, str]) -> None:
    install(api, at(webhook), timeoutSeconds=7)
    webhook[0].verdict = lambda _: {"allowed": True, "warnings": ["mind the gap"]}
    response = api.post(BUILDS.format("default"), json=BUILD)
    line, review = webhook[0].lines[0], webhook[0].reviews[0]["request"]
    assert (line.path, line.query["timeout"]) == ("/admissionwebhook", "7s")
    assert (line.headers["user-agent"], line.headers["accept"]) == ("kube-apiserver-admission", "application/json, */*")
    assert review["dryRun"] is False
    assert response.headers["warning"] == '299 - "mind the gap"'


def test_a_generated_name_is_not_known_to_the_webhook(api: httpx.Client, webhook: tuple[Webhook, str]) -> None:
    install(api, at(webhook))
    response = api.post(BUILDS.format("default"), json=BUILD | {"metadata": {"generateName": "gen-"}})
    review = webhook[0].reviews[0]["request"]
    assert "name" not in review
    assert "name" not in review["object"]["metadata"]
    assert response.json()["metadata"]["name"].startswith("gen-")


def test_failure_policy_ignore_lets_the_build_through(api: httpx.Client, webhook: tuple[Webhook, str]) -> None:
    install(api, at(webhook), failurePolicy="Ignore")
    webhook[0].faults.inject(Fault("reset"))
    assert api.post(BUILDS.format("default"), json=BUILD).status_code == 201


def test_a_slow_webhook_runs_into_its_timeout(api: httpx.Client, webhook: tuple[Webhook, str]) -> None:
    install(api, at(webhook), timeoutSeconds=1)
    slow = threading.Event()
    webhook[0].verdict = lambda _: {"allowed": slow.wait(5)}
    response = api.post(BUILDS.format("default"), json=BUILD)
    slow.set()
    assert response.status_code == 500
    assert response.json()["message"].endswith("context deadline exceeded")


def test_a_certificate_of_another_authority_is_refused(api: httpx.Client, webhook: tuple[Webhook, str], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    _, other = certificate(tmp_path / "other")
    install(api, {"url": f"{webhook[0].url}/", "caBundle": other})
    response = api.post(BUILDS.format("default"), json=BUILD)
    assert response.status_code == 500
    assert "x509" in response.json()["message"]
    assert not webhook[0].reviews


def test_a_services_webhook_is_called_where_it_is_mapped_and_checked_by_its_name(
    api: httpx.Client, cluster: EmbeddedOpenShift, tmp_path: Path
) -> None:
    context, bundle = certificate(tmp_path, "quaybridge.bridge.svc")
    with Webhook(context) as webhook:
        config = {"service": {"namespace": "bridge", "name": "quaybridge", "path": "/mutate"}, "caBundle": bundle}
        install(api, config)
        missing = api.post(BUILDS.format("default"), json=BUILD)
        cluster.services["bridge/quaybridge"] = webhook.url
        found = api.post(BUILDS.format("default"), json=BUILD)
    assert 'service "quaybridge" not found' in missing.json()["message"]
    assert (found.status_code, webhook.lines[0].path) == (201, "/mutate")


@pytest.mark.parametrize(
    ("more", "calls"),
    [
        ({"namespaceSelector": {"matchLabels": {HOME: "default"}}}, 1),
        ({"namespaceSelector": {"matchExpressions": [{"key": HOME, "operator": "NotIn", "values": ["default"]}]}}, 0),
        ({"objectSelector": {"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}}, 1),
        ({"objectSelector": {"matchLabels": {"app": "x"}}}, 0),
        ({"rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"], "scope": "Cluster"}]}, 0),
        ({"rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}]}, 1),
        ({"rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["builds"]}]}, 0),
    ],
)  # fmt: skip
def test_rules_and_selectors_decide_who_is_asked(more: Any, calls: int, api: httpx.Client, webhook: tuple[Webhook, str]) -> None:
    install(api, at(webhook), **more)
    api.post(BUILDS.format("default"), json=BUILD).raise_for_status()
    assert len(webhook[0].reviews) == calls
