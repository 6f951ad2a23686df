"""Each verdict on a new Build, by example."""

from __future__ import annotations

import pytest
from attrs import evolve
from tests.laws.builds import assigned_by, managed
from tests.laws.strategies import bare

from quaybridge_sdk.mapping.build_patch import Rewrite, Verdict, decide
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import IMPORTED_ANNOTATION, Build
from quaybridge_sdk.model.quay import QuayEndpoint

BUILD = Build("shop", "app-1", "Docker", "ImageStreamTag", "app:v1", annotations={"x": "y"})
CLONE = evolve(
    BUILD, output_kind="DockerImage", output_name="q/openshift_shop/app:v1", annotations=managed("shop/app:v1", imported=True)
)
"""As `oc start-build --from-build` makes it of a Build that was imported."""
ONE = [bare(allow=("shop", "pay"))]
BASE = "/metadata/annotations/quay-registry-operator.quay.redhat.com~1"

LONG = "h" * 240
FAR = [evolve(ONE[0], endpoint=QuayEndpoint(f"https://{LONG}", LONG))]
"""A host that leaves an ImageStream no name of its own: OpenShift refuses an output of over 255 characters, host included."""

CASES: list[tuple[Build, list[QuayIntegration], Verdict]] = [
    (BUILD, ONE, Verdict.REWRITTEN),
    (evolve(BUILD, strategy="Source"), ONE, Verdict.REWRITTEN),
    (evolve(BUILD, strategy="Custom"), ONE, Verdict.STRATEGY),
    (evolve(BUILD, strategy="JenkinsPipeline"), ONE, Verdict.STRATEGY),
    (evolve(BUILD, output_kind=None, output_name=None), ONE, Verdict.NO_OUTPUT),
    (evolve(BUILD, output_kind="DockerImage"), ONE, Verdict.OTHER_OUTPUT),
    (CLONE, ONE, Verdict.UNMARKED),
    (evolve(CLONE, annotations=managed("shop/app:v1")), ONE, Verdict.OTHER_OUTPUT),
    (evolve(CLONE, annotations={IMPORTED_ANNOTATION: "true"}), ONE, Verdict.OTHER_OUTPUT),
    (evolve(CLONE, output_kind="ImageStreamImage"), ONE, Verdict.OTHER_OUTPUT),
    (CLONE, [], Verdict.OTHER_OUTPUT),
    (CLONE, [bare(), evolve(bare(), name="other")], Verdict.OTHER_OUTPUT),
    (evolve(BUILD, output_name="app"), ONE, Verdict.NO_TAG),
    (evolve(BUILD, namespace="elsewhere"), ONE, Verdict.UNMANAGED),
    (BUILD, [], Verdict.UNLINKED),
    (evolve(BUILD, namespace="openshift-monitoring"), [], Verdict.UNMANAGED),
    (BUILD, [bare(), evolve(bare(), name="other")], Verdict.CONTESTED),
    (evolve(BUILD, output_namespace="pay"), ONE, Verdict.REWRITTEN),
    (evolve(BUILD, output_namespace="openshift"), ONE, Verdict.FOREIGN_DESTINATION),
    (
        evolve(BUILD, output_namespace="pay"),
        [bare(allow=("shop",)), evolve(bare(allow=("pay",)), name="other")],
        Verdict.FOREIGN_DESTINATION,
    ),
    (evolve(BUILD, output_name="App:v1"), ONE, Verdict.UNMAPPABLE),
    (evolve(BUILD, output_name="app:a:b"), ONE, Verdict.UNMAPPABLE),
    (evolve(BUILD, output_namespace="Not Valid"), [bare()], Verdict.UNMAPPABLE),
    (evolve(BUILD, output_name="a" * 253 + ":v1"), ONE, Verdict.REWRITTEN),
    (BUILD, FAR, Verdict.UNMAPPABLE),
]


def test_a_pull_spec_is_as_long_as_openshift_takes_it() -> None:
    rewrite = decide(evolve(BUILD, output_name="a" * 253 + ":v1"), assigned_by(ONE))
    (name,) = (operation["value"] for operation in rewrite.patch if operation["path"] == "/spec/output/to/name")
    assert len(name.removesuffix(":v1")) == 255


@pytest.mark.parametrize(("build", "integrations", "verdict"), CASES)
def test_each_build_gets_its_verdict(build: Build, integrations: list[QuayIntegration], verdict: Verdict) -> None:
    rewrite = decide(build, assigned_by(integrations))
    assert rewrite.verdict is verdict
    assert bool(rewrite.patch) == (verdict in (Verdict.REWRITTEN, Verdict.UNMARKED))


def test_every_verdict_has_its_example() -> None:
    assert {verdict for _, _, verdict in CASES} == set(Verdict) - {
        Verdict.NOT_CREATE,
        Verdict.IGNORED_STREAM,
    }  # of admission, not the rule


def test_people_are_told_where_they_would_be_surprised() -> None:
    assert {verdict for verdict in Verdict if verdict.warning} == {
        Verdict.UNLINKED,
        Verdict.CONTESTED,
        Verdict.FOREIGN_DESTINATION,
        Verdict.UNMAPPABLE,
    }


def test_the_patch_of_an_annotated_build_is_the_incumbents() -> None:
    assert decide(BUILD, assigned_by(ONE)) == Rewrite(
        Verdict.REWRITTEN,
        (
            {"op": "replace", "path": "/spec/output/to/kind", "value": "DockerImage"},
            {"op": "replace", "path": "/spec/output/to/name", "value": "q/openshift_shop/app:v1"},
            {"op": "add", "path": BASE + "quay-registry-operator-managed", "value": "true"},
            {"op": "add", "path": BASE + "destination-imagestream", "value": "shop/app:v1"},
        ),
        needs_secret="builder-quay-openshift",
    )


@pytest.mark.parametrize("annotations", [None, {}])
def test_a_build_without_annotations_gets_the_whole_map(annotations: dict[str, str] | None) -> None:
    last = decide(evolve(BUILD, annotations=annotations), assigned_by(ONE)).patch[-1]
    assert last["path"] == "/metadata/annotations"
    assert {key.rpartition("/")[2]: value for key, value in last["value"].items()} == {
        "quay-registry-operator-managed": "true",
        "destination-imagestream": "shop/app:v1",
    }


def test_a_build_under_another_account_is_given_the_builders_secret_to_push_with() -> None:
    rewrite = decide(evolve(BUILD, service_account="pipeline"), assigned_by(ONE))
    assert rewrite.patch[2] == {"op": "add", "path": "/spec/output/pushSecret", "value": {"name": "builder-quay-openshift"}}
    assert rewrite.needs_secret == "builder-quay-openshift"


def test_a_build_with_a_push_secret_of_its_own_keeps_it_and_waits_for_nothing() -> None:
    rewrite = decide(evolve(BUILD, service_account="pipeline", push_secret="mine", output_namespace="pay"), assigned_by(ONE))
    assert "/spec/output/pushSecret" not in {operation["path"] for operation in rewrite.patch}
    assert (rewrite.needs_secret, rewrite.warnings) == (None, ())


def test_an_output_in_another_namespace_is_rewritten_with_a_warning() -> None:
    rewrite = decide(evolve(BUILD, output_namespace="pay"), assigned_by(ONE))
    assert rewrite.patch[1]["value"] == "q/openshift_pay/app:v1"
    assert rewrite.patch[2] == {"op": "remove", "path": "/spec/output/to/namespace"}
    text = "The output is in namespace pay, where the robot of shop may not push: give spec.output.pushSecret a Secret that may."
    assert rewrite.warnings == (text,)


MARK_OFF = {"op": "remove", "path": BASE + "destination-imagestreamtag-imported"}


def test_of_a_clone_only_the_mark_is_taken_off_and_it_waits_for_nothing() -> None:
    assert decide(CLONE, assigned_by(ONE)) == Rewrite(Verdict.UNMARKED, (MARK_OFF,))


def test_a_build_that_is_rewritten_loses_a_mark_too() -> None:
    marked = evolve(BUILD, annotations={"x": "y", IMPORTED_ANNOTATION: "true"})
    assert decide(marked, assigned_by(ONE)).patch == (*decide(BUILD, assigned_by(ONE)).patch, MARK_OFF)


def test_a_tag_to_which_the_api_server_added_latest_is_the_tag_that_was_written() -> None:
    assert decide(evolve(BUILD, output_name="app:v1:latest"), assigned_by(ONE)) == decide(BUILD, assigned_by(ONE))
