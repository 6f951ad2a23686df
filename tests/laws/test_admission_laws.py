"""Laws of admission: total over any JSON, and a patch that applies, does what the mapping says, nothing more, and only once."""

from __future__ import annotations

import copy
from contextlib import suppress
from typing import Any

import orjson
from attrs import evolve
from hypothesis import event, given
from hypothesis import strategies as st
from tests.admission_caches import Caches, recorded
from tests.laws.bodies import json_values, often
from tests.laws.strategies import any_text, image_streams, integrations, many_integrations, namespaces, tags, words

from quaybridge_sdk.admission import Admission, Answer, Held, Rules, decode_review, encode_answer
from quaybridge_sdk.errors import InvalidReviewError
from quaybridge_sdk.mapping.build_patch import decide
from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.pull_secret import pull_secret_name
from quaybridge_sdk.mapping.repository import repository_name
from quaybridge_sdk.mapping.scope import assign
from quaybridge_sdk.model.admission import Outcome, parse_review
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import DESTINATION_ANNOTATION, IMPORTED_ANNOTATION, MANAGED_ANNOTATION, ServiceAccount
from quaybridge_sdk.testing.openshift.patches import apply


class Linked(Caches):
    """Every builder has every secret."""

    def service_account(self, namespace: str, name: str) -> ServiceAccount:
        return ServiceAccount(name, tuple(pull_secret_name("builder", i.cluster_id) for i in self.known))


everywhere = integrations().map(lambda found: [evolve(found, allowlist=frozenset(), denylist=frozenset())])
clusters = st.one_of(everywhere, everywhere, many_integrations)
"""The integrations of a cluster; mostly one that covers all."""

outputs = st.one_of(
    st.builds("{}:{}".format, image_streams, tags),
    st.builds("{}:{}:latest".format, image_streams, tags),
    image_streams,
    any_text,
)
references = st.fixed_dictionaries(
    {},
    optional={
        "kind": often(st.sampled_from(["ImageStreamTag", "ImageStreamTag", "DockerImage", "ImageStream"])),
        "name": often(outputs),
        "namespace": often(namespaces | st.just("")),
    },
)
output_specs = st.fixed_dictionaries(
    {}, optional={"to": often(references), "pushSecret": often(st.fixed_dictionaries({"name": words}))}
)
specs = st.fixed_dictionaries(
    {
        "strategy": often(
            st.fixed_dictionaries({"type": st.sampled_from(["Docker", "Source", "Custom", "JenkinsPipeline", ""])})
        ),
        "output": often(output_specs),
    },
    optional={"serviceAccount": often(st.sampled_from(["builder", "robot", ""])), "nodeSelector": json_values},
)
annotation_maps = st.dictionaries(
    st.one_of(words, st.sampled_from([MANAGED_ANNOTATION, IMPORTED_ANNOTATION]), any_text),
    often(st.just("true") | any_text),
    max_size=3,
)
objects = st.fixed_dictionaries(
    {"metadata": st.fixed_dictionaries({}, optional={"name": often(words), "annotations": often(annotation_maps)})},
    optional={"spec": often(specs), "status": json_values},
)


@st.composite
def reviews(draw: st.DrawFn) -> Any:
    """The creation of any Build, right or nonsense."""
    review = recorded("docker-annotated")
    review["request"]["object"] = draw(objects)
    review["request"]["namespace"] = draw(namespaces)
    return review


@st.composite
def rewritable_reviews(draw: st.DrawFn) -> Any:
    """The creation of a Build that pushes to an ImageStreamTag."""
    review = draw(reviews())
    build = review["request"]["object"]
    reference = {"kind": "ImageStreamTag", "name": draw(st.builds("{}:{}".format, image_streams, tags))}
    if draw(st.booleans()):
        reference["namespace"] = draw(st.one_of(st.just(review["request"]["namespace"]), st.just(""), namespaces))
    output: dict[str, Any] = {"to": reference}
    if draw(st.booleans()):
        output["pushSecret"] = {"name": "mine"}
    build["spec"] = {"strategy": {"type": draw(st.sampled_from(["Docker", "Source"]))}, "output": output}
    if draw(st.booleans()):
        build["spec"]["serviceAccount"] = draw(st.sampled_from(["builder", "robot"]))
    return review


def outcome_of(review: Any, known: list[QuayIntegration]) -> Outcome:
    answer = Admission(Linked(tuple(known))).review(parse_review(review))
    assert isinstance(answer, Answer)
    return answer.outcome


broken_reviews = st.fixed_dictionaries(
    {},
    optional={
        "kind": often(st.just("AdmissionReview")),
        "apiVersion": often(st.sampled_from(["admission.k8s.io/v1", "admission.k8s.io/v1beta1"])),
        "request": often(
            st.fixed_dictionaries(
                {},
                optional={
                    "uid": often(words),
                    "operation": often(st.just("CREATE")),
                    "namespace": often(namespaces),
                    "resource": often(st.just({"group": "build.openshift.io", "version": "v1", "resource": "builds"})),
                    "object": often(objects),
                },
            )
        ),
    },
)


@given(st.one_of(json_values, broken_reviews, reviews(), rewritable_reviews()), clusters, st.booleans())
def test_any_json_gets_an_answer_or_is_refused(body: Any, known: list[QuayIntegration], linked: bool) -> None:
    """Total: InvalidReviewError is the only way out beside an answer that can be sent, and bears the uid of the request."""
    before = copy.deepcopy(body)
    caches = Linked(tuple(known)) if linked else Caches(tuple(known))
    try:
        request = parse_review(body)
    except InvalidReviewError:
        event("refused")
        return
    review = Admission(caches).review(request)
    final = review.denied() if isinstance(review, Held) else review
    event(f"answered: {final.outcome.verdict}")
    answer = orjson.loads(encode_answer(request, final))
    assert answer["response"]["uid"] == body["request"]["uid"]
    assert answer["apiVersion"] == body["apiVersion"]
    assert body == before


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(InvalidReviewError):
        decode_review(body)


def wanted(review: Any, known: list[QuayIntegration]) -> Any:
    """What the Build becomes: the rule, said a second time by building the result and not a patch."""
    before, namespace = review["request"]["object"], review["request"]["namespace"]
    build = copy.deepcopy(before)
    integration = assign(known, namespace).integration
    output = build["spec"]["output"]
    destination = output["to"].get("namespace") or namespace
    if integration is None or assign(known, destination).integration != integration:
        return build
    stream, _, tag = output["to"].pop("name").partition(":")
    output["to"].pop("namespace", None)
    organization = organization_name(integration.cluster_id, destination)
    repository = repository_name(integration.endpoint.host, organization, stream)
    if len(f"{integration.endpoint.host}/{organization}/{repository}") > 255:  # OpenShift would refuse it (measured)
        return before
    output["to"] = {"kind": "DockerImage", "name": f"{integration.endpoint.host}/{organization}/{repository}:{tag}"}
    if "pushSecret" not in output and build["spec"].get("serviceAccount", "builder") != "builder":
        output["pushSecret"] = {"name": pull_secret_name("builder", integration.cluster_id)}
    found = build["metadata"].get("annotations")
    mine = {MANAGED_ANNOTATION: "true", DESTINATION_ANNOTATION: f"{destination}/{stream}:{tag}"}
    others = found if isinstance(found, dict) else {}
    marked = others.get(IMPORTED_ANNOTATION) == "true"
    build["metadata"]["annotations"] = {k: v for k, v in {**others, **mine}.items() if not (marked and k == IMPORTED_ANNOTATION)}
    return build


@st.composite
def clones(draw: st.DrawFn) -> Any:
    """The creation of a Build as `oc start-build --from-build` copies one that was rewritten, or somebody who plays that."""
    review = draw(rewritable_reviews())
    build = review["request"]["object"]
    build["spec"]["output"]["to"] = {"kind": "DockerImage", "name": draw(any_text | st.just("q.example/openshift_shop/app:v1"))}
    marks = {MANAGED_ANNOTATION: "true", IMPORTED_ANNOTATION: "true", DESTINATION_ANNOTATION: "shop/app:v1"}
    build["metadata"]["annotations"] = {key: marks[key] for key in draw(st.sets(st.sampled_from(sorted(marks)), min_size=2))}
    return review


@given(clones(), clusters)
def test_of_a_clone_the_mark_is_taken_off_and_nothing_else_and_only_where_one_integration_acts(
    review: Any, known: list[QuayIntegration]
) -> None:
    build = review["request"]["object"]
    outcome = outcome_of(review, known)
    after = apply(build, [dict(operation) for operation in outcome.patch])
    expected, annotations = copy.deepcopy(build), build["metadata"]["annotations"]
    alone = assign(known, review["request"]["namespace"]).integration is not None
    if alone and {MANAGED_ANNOTATION, IMPORTED_ANNOTATION} <= annotations.keys():
        del expected["metadata"]["annotations"][IMPORTED_ANNOTATION]
    assert after == expected
    assert outcome.verdict == ("other_output" if after == build else "unmarked")


@given(rewritable_reviews(), clusters)
def test_the_patched_build_is_what_the_mapping_says(review: Any, known: list[QuayIntegration]) -> None:
    outcome = outcome_of(review, known)
    event(outcome.verdict)
    assert apply(review["request"]["object"], [dict(operation) for operation in outcome.patch]) == wanted(review, known)


@given(st.one_of(reviews(), rewritable_reviews(), clones()), clusters)
def test_every_patch_applies(review: Any, known: list[QuayIntegration]) -> None:
    """Also to Builds that are nonsense in part: a patch that does not apply is an error 500 for the user."""
    apply(review["request"]["object"], [dict(operation) for operation in outcome_of(review, known).patch])


@given(rewritable_reviews() | clones(), clusters)
def test_a_patched_build_is_patched_no_further(review: Any, known: list[QuayIntegration]) -> None:
    """The API server may call a webhook again after others have changed the object."""
    patch = [dict(operation) for operation in outcome_of(review, known).patch]
    review["request"]["object"] = apply(review["request"]["object"], patch)
    again = outcome_of(review, known)
    assert again.patch == ()
    if patch:
        assert again.verdict == "other_output"


@given(rewritable_reviews() | clones(), clusters)
def test_the_patch_is_minimal(review: Any, known: list[QuayIntegration]) -> None:
    """Without any one of its operations the result is another one."""
    build = review["request"]["object"]
    patch = [dict(operation) for operation in outcome_of(review, known).patch]
    whole = apply(build, patch)
    for left_out in range(len(patch)):
        operation = patch[left_out]
        less = apply(build, patch[:left_out] + patch[left_out + 1 :])
        adds = operation["op"] == "add"
        kept = adds and "/metadata/annotations/" in operation["path"]  # an annotation may have had this very value before
        assert less != whole or kept, operation


@given(rewritable_reviews() | clones(), clusters)
def test_the_patch_touches_the_output_and_the_annotations_only(review: Any, known: list[QuayIntegration]) -> None:
    for operation in outcome_of(review, known).patch:
        assert str(operation["path"]).startswith(("/spec/output/", "/metadata/annotations"))


@given(rewritable_reviews(), clusters)
def test_held_exactly_when_it_is_rewritten_and_brings_no_secret(review: Any, known: list[QuayIntegration]) -> None:
    outcome = outcome_of(review, known)
    own = "pushSecret" in review["request"]["object"]["spec"]["output"]
    held = isinstance(Admission(Caches(tuple(known))).review(parse_review(review)), Held)
    assert held == (outcome.verdict == "rewritten" and not own)


@given(st.lists(st.one_of(reviews(), rewritable_reviews(), clones()), min_size=2, max_size=8), clusters)
def test_what_is_remembered_changes_no_answer(many: list[Any], known: list[QuayIntegration]) -> None:
    """A rule set that has seen other Builds decides as the rule itself does."""
    rules = Rules(tuple(known))
    for review in many * 2:
        build = parse_review(review).build
        assert build is not None
        secret, answer = rules.decide(build)
        fresh = decide(build, lambda namespace: assign(known, namespace))
        assert (secret, answer.outcome.patch, answer.outcome.warnings) == (fresh.needs_secret, fresh.patch, fresh.warnings)
        assert answer.outcome.verdict == fresh.verdict.name.lower()
