"""AdmissionReviews of any bytes and any structure: an answer to each, or the one documented error."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from tests.admission_caches import Caches, linked_caches
from tests.fuzz.corpus import admission_reviews, bodies, encoded, turned
from tests.fuzz.watching import CANARY, only_documented

from quaybridge_sdk.admission import MAX_KEPT_TEXT, MAX_KNOWN, Admission, Answer, Held, Review, decode_review, encode_answer
from quaybridge_sdk.errors import InvalidReviewError
from quaybridge_sdk.model.admission import AdmissionRequest
from quaybridge_sdk.testing.openshift.patches import apply

UNLINKED = Caches()
LINKED = linked_caches()
CREATIONS = tuple(review for review in admission_reviews() if review["request"]["operation"] == "CREATE")


def answered(body: bytes, caches: Caches = LINKED) -> tuple[AdmissionRequest, Answer] | None:
    """The way of a body through the webhook without its network; None when it is refused."""
    request = only_documented(lambda: decode_review(body), InvalidReviewError)
    if not isinstance(request, AdmissionRequest):
        assert "\n" not in str(request)
        return None
    review: Review = Admission(caches).review(request)
    return request, review.denied() if isinstance(review, Held) else review


def check(request: AdmissionRequest, answer: Answer) -> dict[str, Any]:
    """The response, which must be what the API server can read, and be of the request."""
    whole = json.loads(encode_answer(request, answer))
    assert (whole["kind"], whole["apiVersion"]) == ("AdmissionReview", request.api_version)
    response: dict[str, Any] = whole["response"]
    assert response["uid"] == request.uid
    assert isinstance(response["allowed"], bool)
    assert response["allowed"] or response["status"]["code"] == 503, "nothing but a missing pull secret holds a build up"
    return response


@given(bodies(admission_reviews()))
@example(b"")
@example(b"\xef\xbb\xbf{}")
@example(b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"\\ud800"}}')
@example(b"[" * 1_000_000)
@example(b'{"kind":' + b"9" * 1_000_000 + b"}")
def test_any_bytes_are_answered_or_refused(body: bytes) -> None:
    for caches in (LINKED, UNLINKED):
        found = answered(body, caches)
        if found is not None:
            check(*found)


@given(turned(CREATIONS))
def test_a_turned_creation_is_answered_and_its_patch_can_be_applied(review: Any) -> None:
    found = answered(encoded(review))
    if found is None:
        return
    request, answer = found
    check(request, answer)
    if answer.outcome.patch:
        after = apply(review["request"]["object"], [dict(operation) for operation in answer.outcome.patch])
        assert after["spec"]["output"]["to"]["kind"] == "DockerImage"


@given(st.sampled_from(CREATIONS), st.sampled_from(["env", "uid", "managedFields", "annotation"]), bodies(CREATIONS))
def test_what_a_build_holds_is_told_to_nobody(review: Any, where: str, junk: bytes) -> None:
    """A Build's environment often holds passwords: no answer, refusal or ``repr`` quotes it."""
    turned_review = json.loads(json.dumps(review))
    build = turned_review["request"]["object"]
    if where == "annotation":
        build["metadata"].setdefault("annotations", {})["note"] = CANARY
    elif where == "managedFields":
        build["metadata"]["managedFields"] = [{"manager": CANARY}]
    elif where == "uid":
        turned_review["request"]["uid"] = [CANARY]
    else:
        build["spec"]["strategy"]["env"] = [{"name": "PASSWORD", "value": CANARY}]
    for body in (encoded(turned_review), encoded(turned_review)[:-9], junk + CANARY.encode()):
        found = answered(body)
        if found is not None:
            assert CANARY not in json.dumps(check(*found))
            assert CANARY not in repr(found[1])


def test_of_doubled_keys_the_last_counts_as_with_the_api_server() -> None:
    body = encoded(CREATIONS[0])
    doubled = body[:-1] + b',"kind":"Other"}'
    assert answered(body) is not None
    assert answered(doubled) is None


@given(st.lists(st.text(max_size=5), min_size=1, max_size=40))
def test_what_is_kept_of_an_attackers_builds_has_an_end(names: list[str]) -> None:
    admission = Admission(LINKED)
    review = json.loads(json.dumps(CREATIONS[0]))
    for name in names:
        review["request"]["object"]["spec"]["output"]["to"] = {"kind": "ImageStreamTag", "name": name * MAX_KEPT_TEXT}
        admission.review(decode_review(json.dumps(review, ensure_ascii=True).encode()))
    assert admission._rules.size <= 3, "one namespace, the empty name, and nothing of what is too long to be one"
    assert MAX_KNOWN <= 10_000
