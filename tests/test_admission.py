"""Admission reviews as a real API server sent them, and the right answer to each, spelled out.

The incumbent's answers lie beside the requests. Where the right answer is another one, the row says why.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import orjson
import pytest
from attrs import evolve, frozen
from tests.admission_caches import INTEGRATION, RECORDINGS, SECRET, Caches, changed, linked_caches, policy, recorded

from quaybridge_sdk.admission import MAX_KNOWN, Admission, Answer, Held, Rules, decode_review, encode_answer
from quaybridge_sdk.errors import InvalidReviewError
from quaybridge_sdk.mapping.scope import assign
from quaybridge_sdk.model.integration import FailurePolicy
from quaybridge_sdk.model.openshift import IMPORTED_ANNOTATION, MANAGED_ANNOTATION, Build

BASE = "quay-registry-operator.quay.redhat.com"
PATH = f"/metadata/annotations/{BASE.replace('/', '~1')}~1"


def replaced(organization: str) -> list[dict[str, Any]]:
    name = f"127.0.0.1:8085/{organization}/app:latest"
    return [
        {"op": "replace", "path": "/spec/output/to/kind", "value": "DockerImage"},
        {"op": "replace", "path": "/spec/output/to/name", "value": name},
    ]


def annotated(destination: str) -> list[dict[str, Any]]:
    return [
        {"op": "add", "path": PATH + "quay-registry-operator-managed", "value": "true"},
        {"op": "add", "path": PATH + "destination-imagestream", "value": destination},
    ]


MARKED = {MANAGED_ANNOTATION: "true", IMPORTED_ANNOTATION: "true"}
PLAIN = replaced("peer_peer-b") + annotated("peer-b/app:latest")
REMOVED = [{"op": "remove", "path": "/spec/output/to/namespace"}]
NEW_MAP = {f"{BASE}/quay-registry-operator-managed": "true", f"{BASE}/destination-imagestream": "peer-b/app:latest"}
FOREIGN = (
    "The output is in namespace peer-a, where the robot of peer-b may not push: give spec.output.pushSecret a Secret that may."
)


UNMAPPABLE = "The output is no name under which an image could be pushed, so the build was not changed to push to Quay."


@frozen
class Row:
    """The right answer to one recorded review. ``differs``: why the incumbent's is another one, "" when it is the same."""

    case: str
    patch: list[dict[str, Any]] | None
    warnings: tuple[str, ...] = ()
    differs: str = ""


ROWS = (
    Row("docker-annotated", PLAIN),
    Row("source-annotated", PLAIN),
    Row("buildconfig-instantiate", PLAIN),
    Row("no-kind", PLAIN),
    Row("same-namespace-explicit", replaced("peer_peer-b") + REMOVED + annotated("peer-b/app:latest")),
    Row("cross-namespace", replaced("peer_peer-a") + REMOVED + annotated("peer-a/app:latest"), (FOREIGN,)),
    Row(
        "docker-no-annotations",
        [*replaced("peer_peer-b"), {"op": "add", "path": "/metadata/annotations", "value": NEW_MAP}],
        differs="its patch adds to a map that is not there: the client got 500",
    ),
    Row("custom-annotated", None),
    Row("pipeline-annotated", None),
    Row("output-dockerimage", None),
    Row("output-none", None, differs="it crashed: the client got 500"),
    Row("no-tag", None, differs="it crashed: the client got 500 in place of the API server's own 422"),
    Row("unmanaged-namespace", None),
    Row("update-annotate", None),
    Row("update-noop", None),
    Row("update-phase", None),
    Row("update-phase-complete", None),
    Row("update-of-build-made-before-webhook", None, differs="it rewrote an immutable spec: the client got 422"),
    Row("update-of-build-made-before-webhook-put", None, differs="it rewrote an immutable spec: the client got 422"),
)


def answer_to(review: Any, caches: Caches | None = None) -> Any:
    """The whole way from the posted bytes to those of the answer."""
    request = decode_review(json.dumps(review).encode())
    answer = Admission(caches or linked_caches()).review(request)
    assert isinstance(answer, Answer), answer
    return orjson.loads(encode_answer(request, answer))


def patch_of(answer: Any) -> list[dict[str, Any]] | None:
    patch = answer["response"].get("patch")
    assert answer["response"].get("patchType") == ("JSONPatch" if patch else None)
    return json.loads(base64.b64decode(patch)) if patch else None


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.case)
def test_recorded_review(row: Row) -> None:
    review = recorded(row.case)
    answer = answer_to(review)
    assert (answer["kind"], answer["apiVersion"]) == ("AdmissionReview", "admission.k8s.io/v1")
    assert answer["response"]["uid"] == review["request"]["uid"]
    assert answer["response"]["allowed"] is True
    assert patch_of(answer) == row.patch
    assert tuple(answer["response"].get("warnings", ())) == row.warnings


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.case)
def test_the_table_is_right_about_the_incumbent(row: Row) -> None:
    """The incumbent's recorded patch is ours exactly where the row says so."""
    incumbent = json.loads((RECORDINGS / f"{row.case}.response.json").read_bytes())
    same = "response" in incumbent and patch_of(incumbent) == row.patch
    assert same is (row.differs == "")


def test_every_recording_has_its_row() -> None:
    assert {path.name.removesuffix(".request.json") for path in RECORDINGS.glob("*.request.json")} == {row.case for row in ROWS}


def test_v1beta1_is_answered_in_v1beta1() -> None:
    answer = answer_to(changed("docker-annotated", "apiVersion", to="admission.k8s.io/v1beta1"))
    assert answer["apiVersion"] == "admission.k8s.io/v1beta1"
    assert patch_of(answer) == PLAIN


def test_dry_run_is_answered_the_same() -> None:
    assert answer_to(changed("docker-annotated", "request", "dryRun", to=True)) == answer_to(recorded("docker-annotated"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("request", "operation"), "UPDATE"),
        (("request", "operation"), "DELETE"),
        (("request", "operation"), "CONNECT"),
        (("request", "resource", "resource"), "buildconfigs"),
        (("request", "resource", "group"), ""),
        (("request", "subResource"), "details"),
    ],
)
def test_anything_but_the_creation_of_a_build_is_allowed_as_it_is(path: tuple[str, ...], value: str) -> None:
    """With no account linked: what is not rewritten is not held either."""
    answer = answer_to(changed("docker-annotated", *path, to=value), Caches())
    assert answer["response"] == {"uid": recorded("docker-annotated")["request"]["uid"], "allowed": True}


def test_an_object_of_another_kind_is_not_looked_at() -> None:
    review = changed("docker-annotated", "request", "resource", to={"group": "", "version": "v1", "resource": "pods"})
    del review["request"]["object"], review["request"]["namespace"]
    assert answer_to(review)["response"]["allowed"] is True


OUTPUT = ("request", "object", "spec", "output")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("request", "object", "spec"), None),
        (("request", "object", "spec", "strategy"), "Docker"),
        (("request", "object", "spec", "strategy", "type"), ["Docker"]),
        (OUTPUT, None),
        (OUTPUT, []),
        ((*OUTPUT, "to"), None),
        ((*OUTPUT, "to", "name"), 7),
        ((*OUTPUT, "to", "name"), ...),
        ((*OUTPUT, "to", "kind"), {"kind": "ImageStreamTag"}),
    ],
)
def test_what_is_of_the_wrong_type_counts_as_absent(path: tuple[str, ...], value: Any) -> None:
    answer = answer_to(changed("docker-annotated", *path, to=value), Caches())
    assert answer["response"]["allowed"] is True
    assert patch_of(answer) is None


@pytest.mark.parametrize("name", ["UPPER:latest", "app:la test", "app:" + "x" * 129, "a/b:c", ":latest", "app:"])
def test_an_output_that_no_image_can_have_is_left_alone_with_a_warning(name: str) -> None:
    response = answer_to(changed("docker-annotated", *OUTPUT, "to", "name", to=name), Caches())["response"]
    assert response["allowed"] is True
    assert "patch" not in response
    assert response["warnings"] == [UNMAPPABLE]


@pytest.mark.parametrize("namespace", ["Not A Namespace", "a.b", "x" * 64, "-a"])
def test_an_output_namespace_that_cannot_exist_is_left_alone(namespace: str) -> None:
    """It reaches the webhook, because the API server validates after it."""
    everything = evolve(INTEGRATION, allowlist=frozenset())
    caches = Caches((everything,))
    answer = answer_to(changed("docker-annotated", *OUTPUT, "to", "namespace", to=namespace), caches)
    assert patch_of(answer) is None
    assert answer["response"]["allowed"] is True


def test_an_output_in_a_namespace_of_nobody_is_left_alone_with_a_warning() -> None:
    response = answer_to(changed("docker-annotated", *OUTPUT, "to", "namespace", to="openshift"), Caches())["response"]
    assert "patch" not in response
    assert response["warnings"][0].startswith("The output's namespace is not covered by the QuayIntegration of the build's own")


def test_a_build_under_another_account_gets_the_builders_secret() -> None:
    answer = answer_to(changed("docker-annotated", "request", "object", "spec", "serviceAccount", to="robot"))
    assert {"op": "add", "path": "/spec/output/pushSecret", "value": {"name": SECRET}} in (patch_of(answer) or [])


def test_no_integration_allows_everything_and_says_so() -> None:
    response = answer_to(recorded("docker-annotated"), Caches(()))["response"]
    assert response.keys() == {"uid", "allowed", "warnings"}
    assert response["warnings"] == ["There is no QuayIntegration, so the build was not changed to push to Quay."]


def test_two_integrations_leave_the_build_alone_and_say_so() -> None:
    response = answer_to(recorded("docker-annotated"), Caches((INTEGRATION, evolve(INTEGRATION, name="second"))))["response"]
    assert "patch" not in response
    assert response["warnings"] == ["Several QuayIntegrations cover the namespace, so the build was not changed to push to Quay."]


def test_generate_name_has_no_name_yet() -> None:
    review = changed("docker-annotated", "request", "object", "metadata", "name", to=...)
    del review["request"]["name"]
    assert patch_of(answer_to(review)) == PLAIN


# Held builds


@pytest.mark.parametrize("secrets", [None, (), ("builder-dockercfg-7x",), ("builder-quay-other",)])
def test_a_build_without_its_pull_secret_is_held(secrets: tuple[str, ...] | None) -> None:
    caches = linked_caches()
    if secrets is None:
        del caches.accounts["peer-b", "builder"]
    else:
        caches.accounts["peer-b", "builder"] = evolve(caches.accounts["peer-b", "builder"], secrets=secrets)
    held = Admission(caches).review(decode_review(orjson.dumps(recorded("docker-annotated"))))
    assert isinstance(held, Held)
    assert (held.namespace, held.secret) == ("peer-b", SECRET)


def test_a_held_build_is_denied_so_that_the_buildconfig_controller_tries_again() -> None:
    request = decode_review(orjson.dumps(recorded("docker-annotated")))
    held = Admission(Caches()).review(request)
    assert isinstance(held, Held)
    denied = orjson.loads(encode_answer(request, held.denied()))
    assert denied["response"]["uid"] == request.uid
    assert denied["response"]["allowed"] is False
    assert "patch" not in denied["response"]
    status = denied["response"]["status"]
    assert (status["code"], status["reason"], status["status"]) == (503, "ServiceUnavailable", "Failure")
    assert status["message"].startswith("The builder service account has not been provisioned with secrets yet")
    assert "start the build again in a minute" in status["message"]


def test_a_build_with_its_own_push_secret_is_not_held() -> None:
    review = changed("docker-annotated", *OUTPUT, "pushSecret", to={"name": "mine"})
    assert patch_of(answer_to(review, Caches())) == PLAIN


@pytest.mark.parametrize("case", [row.case for row in ROWS if row.patch is None])
def test_a_build_that_is_not_rewritten_is_not_held(case: str) -> None:
    assert answer_to(recorded(case), Caches())["response"]["allowed"] is True


# What is no review


def invalid(body: bytes | Any) -> str:
    with pytest.raises(InvalidReviewError) as caught:
        decode_review(body if isinstance(body, bytes) else json.dumps(body).encode())
    return str(caught.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body is not JSON"),
        (b"{", "the body is not JSON"),
        (b'{"kind": "\xff"}', "the body is not JSON"),
        (b'{"kind": NaN}', "the body is not JSON"),
        (b"[" * 5000 + b"]" * 5000, "the body is not JSON"),
        (b"null", "the body: must be an object"),
        (b"[]", "the body: must be an object"),
        (b"{}", "kind: must be AdmissionReview"),
        (b'{"kind": "AdmissionReview"}', "apiVersion: must be one of admission.k8s.io/v1, admission.k8s.io/v1beta1"),
        (b'{"kind": "AdmissionReview", "apiVersion": ["admission.k8s.io/v1"]}', "apiVersion: must be one of"),
        (b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v2"}', "apiVersion: must be one of"),
        (b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}', "request: must be an object"),
    ],
)
def test_a_body_that_is_no_review(body: bytes, message: str) -> None:
    assert message in invalid(body)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("request", "uid"), ..., "request.uid"),
        (("request", "uid"), "", "request.uid"),
        (("request", "uid"), 7, "request.uid"),
        (("request", "uid"), "a\nb", "request.uid"),
        (("request", "resource"), "builds", "request.resource"),
        (("request", "operation"), None, "request.operation"),
        (("request", "namespace"), ..., "request.namespace"),
        (("request", "object"), None, "request.object"),
        (("request", "object", "metadata"), ..., "request.object.metadata"),
    ],
)
def test_a_review_that_lacks_what_an_answer_needs(path: tuple[str, ...], value: Any, message: str) -> None:
    assert invalid(changed("docker-annotated", *path, to=value)).startswith(f"{message}: must be")


def test_the_message_repeats_nothing_of_the_body() -> None:
    assert "hunter2" not in invalid(b'{"kind": "hunter2", hunter2')
    assert "hunter2" not in invalid({"kind": "hunter2"})


# A bug


@pytest.mark.parametrize(
    ("known", "allowed"),
    [
        ((policy(FailurePolicy.FAIL),), False),
        ((policy(FailurePolicy.IGNORE),), True),
        ((policy(FailurePolicy.IGNORE), evolve(policy(FailurePolicy.FAIL), name="second")), False),
        ((), True),
    ],
)
def test_a_bug_is_answered_as_the_failure_policy_says(known: Any, allowed: bool) -> None:
    request = decode_review(orjson.dumps(recorded("docker-annotated")))
    response = orjson.loads(encode_answer(request, Admission(Caches(known)).after_bug(request)))["response"]
    assert (response["uid"], response["allowed"]) == (request.uid, allowed)
    if allowed:
        assert response["warnings"] == ["quaybridge: internal error, please report. The build was not changed to push to Quay."]
    else:
        assert response["status"] == {
            "status": "Failure",
            "message": "internal error, please report",
            "reason": "InternalError",
            "code": 500,
        }


def test_a_bug_of_the_caches_themselves_fails() -> None:
    class Broken(Caches):
        def integrations(self) -> Any:
            raise RuntimeError("no")

    request = decode_review(orjson.dumps(recorded("docker-annotated")))
    assert Admission(Broken()).after_bug(request).outcome.allowed is False


# What is kept between requests


def test_a_change_of_the_integrations_is_seen_at_once() -> None:
    caches = linked_caches()
    admission = Admission(caches)
    request = decode_review(orjson.dumps(recorded("docker-annotated")))
    verdicts = []
    for known in ((INTEGRATION,), (), (evolve(INTEGRATION, denylist=frozenset({"peer-b"})),), (INTEGRATION,)):
        caches.known = known
        review = admission.review(request)
        assert isinstance(review, Answer)
        verdicts.append(review.outcome.verdict)
    assert verdicts == ["rewritten", "unlinked", "unmanaged", "rewritten"]


def test_what_is_kept_stays_small_and_right() -> None:
    """Outputs are any text that a user writes, so they may not fill the memory."""
    rules = Rules((INTEGRATION,))
    build = Build("peer-b", "b", "Docker", "ImageStreamTag", "app:latest", "peer-a")
    for number in range(MAX_KNOWN + 10):
        rules.decide(evolve(build, output_namespace=f"ns-{number}"))
    assert rules.size <= 2 * MAX_KNOWN
    assert [rules.assign(name) for name in ("peer-a", "other")] == [assign((INTEGRATION,), name) for name in ("peer-a", "other")]
    assert rules.decide(build)[1].outcome.verdict == "rewritten"


@pytest.mark.parametrize("name", ["output_name", "output_namespace", "output_kind", "strategy", "push_secret", "service_account"])
def test_what_is_too_long_for_a_name_is_not_kept(name: str) -> None:
    """A few thousand builds with a name of megabytes each would fill the memory of the pod."""
    rules = Rules((evolve(INTEGRATION, allowlist=frozenset()),))
    build = Build("peer-b", "b", "Docker", "ImageStreamTag", "app:latest", "peer-a")
    rules.decide(build)
    before = rules.size
    long: dict[str, Any] = {name: "x:" * 1_000_000}
    rules.decide(evolve(build, **long))
    assert rules.size == before


def test_a_second_build_of_the_same_kind_costs_no_second_thought() -> None:
    rules = Rules((INTEGRATION,))
    build = Build("peer-b", "b-1", "Docker", "ImageStreamTag", "app:latest", annotations={"openshift.io/build.number": "1"})
    again = evolve(build, name="b-2", annotations={"openshift.io/build.number": "2"})
    assert rules.decide(again) is rules.decide(build)


def test_what_was_worked_out_for_a_clone_is_not_given_to_another_build() -> None:
    """Both kinds of mark are in the key of what is kept: each of the four cases has an answer of its own."""
    rules = Rules((INTEGRATION,))
    for output in ("ImageStreamTag", "DockerImage"):
        build = Build("peer-b", "b-1", "Docker", output, "app:latest")
        verdicts = []
        for marks in ({"x": "y"}, {MANAGED_ANNOTATION: "true"}, {IMPORTED_ANNOTATION: "true"}, MARKED, {"x": "y"}):
            outcome = rules.decide(evolve(build, annotations=marks))[1].outcome
            verdicts.append((outcome.verdict, any(operation["op"] == "remove" for operation in outcome.patch)))
        left, taken = ("other_output", False), ("unmarked", True)
        rewritten, and_taken = ("rewritten", False), ("rewritten", True)
        expected = [left, left, left, taken, left] if output == "DockerImage" else [rewritten] * 2 + [and_taken] * 2 + [rewritten]
        assert verdicts == expected


def test_a_clone_is_answered_at_once_with_the_mark_taken_off() -> None:
    """Also where no pull secret is linked yet: it pushes as its original did."""
    review = changed(
        "docker-annotated", *OUTPUT, "to", to={"kind": "DockerImage", "name": "127.0.0.1:8085/peer_peer-b/app:latest"}
    )
    review["request"]["object"]["metadata"]["annotations"] |= MARKED
    assert patch_of(answer_to(review, Caches())) == [{"op": "remove", "path": PATH + "destination-imagestreamtag-imported"}]


def test_what_was_worked_out_for_a_build_with_annotations_is_not_given_to_one_without() -> None:
    caches = linked_caches()
    admission = Admission(caches)
    for case in ("docker-annotated", "docker-no-annotations", "docker-annotated"):
        request = decode_review(orjson.dumps(recorded(case)))
        answer = admission.review(request)
        assert isinstance(answer, Answer)
        assert patch_of(orjson.loads(encode_answer(request, answer))) == next(row.patch for row in ROWS if row.case == case)
