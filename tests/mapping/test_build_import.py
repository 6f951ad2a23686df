"""Each decision on a finished Build, and each judgement on what came in, by example."""

from __future__ import annotations

import pytest
from attrs import evolve
from tests.laws.builds import assigned_by, managed
from tests.laws.strategies import bare

from quaybridge_sdk.mapping.build_import import Freshness, ImportDecision, ImportReason, decide_import, judge
from quaybridge_sdk.model.openshift import (
    DESTINATION_ANNOTATION,
    MANAGED_ANNOTATION,
    Build,
    ImageImport,
    ImageStreamTag,
    ImportedImage,
)

SPEC = "q/openshift_shop/app:v1"
BUILD = Build("shop", "app-1", "Docker", "DockerImage", SPEC, phase="Complete", annotations=managed("shop/app:v1"))
ALL = [bare(allow=("shop", "pay"))]

CASES = [
    (BUILD, ImportReason.IMPORT),
    (evolve(BUILD, annotations=None), ImportReason.NOT_MANAGED),
    (evolve(BUILD, annotations={DESTINATION_ANNOTATION: "shop/app:v1"}), ImportReason.NOT_MANAGED),
    (evolve(BUILD, annotations={MANAGED_ANNOTATION: "true"}), ImportReason.NOT_MANAGED),
    (evolve(BUILD, annotations=managed("shop/app")), ImportReason.NOT_MANAGED),
    (evolve(BUILD, phase="Running"), ImportReason.NOT_COMPLETE),
    (evolve(BUILD, phase="Failed"), ImportReason.NOT_COMPLETE),
    (evolve(BUILD, annotations=managed("shop/app:v1", imported=True)), ImportReason.DONE),
    (evolve(BUILD, annotations=managed("openshift/app:v1")), ImportReason.UNMANAGED),
    (evolve(BUILD, namespace="elsewhere"), ImportReason.UNMANAGED),
    (evolve(BUILD, output_name="evil/x"), ImportReason.FORGED),
    (evolve(BUILD, output_name=None, output_kind=None), ImportReason.FORGED),
    (evolve(BUILD, output_kind="ImageStreamTag"), ImportReason.FORGED),
    (evolve(BUILD, annotations=managed("pay/app:v1")), ImportReason.FORGED),
    (evolve(BUILD, annotations=managed("shop/App:v1")), ImportReason.FORGED),
    (evolve(BUILD, annotations=managed("shop/app:v1:latest")), ImportReason.FORGED),
]


@pytest.mark.parametrize(("build", "reason"), CASES)
def test_each_build_gets_its_decision(build: Build, reason: ImportReason) -> None:
    assert decide_import(build, assigned_by(ALL)).reason is reason


def test_every_reason_has_its_example() -> None:
    assert {reason for _, reason in CASES} == set(ImportReason)


def test_a_destination_that_no_namespace_can_have_is_a_forgery_even_where_everything_is_covered() -> None:
    build = evolve(BUILD, annotations=managed("Not Valid/app:v1"))
    assert decide_import(build, assigned_by([bare()])).reason is ImportReason.FORGED


def test_the_import_is_the_contracts() -> None:
    integration = evolve(ALL[0], scheduled_import=True, endpoint=evolve(ALL[0].endpoint, insecure=True))
    wanted = ImageImport(ImageStreamTag("shop", "app", "v1"), SPEC, insecure=True, scheduled=True)
    assert decide_import(BUILD, assigned_by([integration])) == ImportDecision(ImportReason.IMPORT, wanted)


def test_for_another_namespace_the_builds_account_is_asked_about() -> None:
    build = evolve(BUILD, namespace="pay", service_account="pipeline")
    assert decide_import(build, assigned_by(ALL)).asks_for == "system:serviceaccount:pay:pipeline"


PUSHED = evolve(BUILD, digest="sha256:1", completed="2026-01-02T03:04:05Z")


def rival(completed: str, output: str = SPEC) -> Build:
    return evolve(PUSHED, digest="sha256:2", completed=completed, output_name=output)


@pytest.mark.parametrize(
    ("build", "imported", "others", "verdict"),
    [
        (PUSHED, ImportedImage("sha256:1"), [], Freshness.SAME),
        (evolve(PUSHED, digest=""), ImportedImage("sha256:2"), [], Freshness.SAME),
        (PUSHED, ImportedImage("sha256:2"), [rival("2026-01-02T03:04:06Z")], Freshness.NEWER),
        (PUSHED, ImportedImage("sha256:2"), [rival("2026-01-02T03:04:05Z")], Freshness.NEWER),
        (PUSHED, ImportedImage("sha256:2"), [rival("2026-01-02T03:04:04Z")], Freshness.OLDER),
        (PUSHED, ImportedImage("sha256:2"), [rival("2026-01-02T03:04:06Z", "q/openshift_shop/other:v1")], Freshness.UNTOLD),
        (PUSHED, ImportedImage("sha256:2", "2026-01-02T03:04:06Z"), [], Freshness.NEWER),
        (PUSHED, ImportedImage("sha256:2", "2026-01-02T03:04:05.9Z"), [], Freshness.OLDER),
        (PUSHED, ImportedImage("sha256:2"), [], Freshness.UNTOLD),
        (PUSHED, ImportedImage("sha256:2", "1970-01-01T00:00:00Z"), [], Freshness.UNTOLD),
        (PUSHED, ImportedImage("sha256:2", "0001-01-01T00:00:00Z"), [], Freshness.UNTOLD),
        (PUSHED, ImportedImage("sha256:2", "1980-01-01T00:00:01Z"), [], Freshness.UNTOLD),
        (PUSHED, ImportedImage("sha256:2", "2014-01-01T00:00:01Z"), [], Freshness.OLDER),
        (PUSHED, ImportedImage("sha256:2", "1970-01-01T00:00:00Z"), [rival("2026-01-02T03:04:04Z")], Freshness.OLDER),
        (PUSHED, ImportedImage("sha256:2", "1970-01-01T00:00:00Z"), [rival("2026-01-02T03:04:06Z")], Freshness.NEWER),
    ],
)
def test_what_came_in_is_judged(build: Build, imported: ImportedImage, others: list[Build], verdict: Freshness) -> None:
    assert judge(imported, build, others) is verdict
