"""All that is wanted for one namespace, by example."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from attrs import evolve
from tests.laws.strategies import bare

from quaybridge_sdk.errors import InvalidNameError
from quaybridge_sdk.mapping.desired import desired_state, robots_prove, settle, waits_for_project
from quaybridge_sdk.model.deletion import Deletion, DeletionPolicy, DeletionReason
from quaybridge_sdk.model.openshift import APPLIED_ANNOTATION, FINALIZER, FINALIZER_ANNOTATION, Namespace, ServiceAccount
from quaybridge_sdk.model.ownership import ADOPT_ANNOTATION, AdoptionPolicy, Ownership
from quaybridge_sdk.model.quay import Organization, Robot, Role, SecretText
from quaybridge_sdk.model.state import Applied, ClusterState, Desired, DesiredRobot, Observed, RegistryState

ORG = "openshift_shop"
DESCRIPTION = "quaybridge: integration=quay cluster=C namespace=N"
THEIRS = DESCRIPTION.replace("cluster=C", "cluster=D")
EARLIER = DESCRIPTION.replace("namespace=N", "namespace=M")
SHOP = ClusterState(Namespace("shop", "N"))
TOKEN = SecretText("builder's")


def robots(**descriptions: str) -> dict[str, Robot]:
    """By account; ``builder`` has a token that is known."""
    tokens = {"builder": TOKEN}
    return {f"{ORG}+{a}": Robot(f"{ORG}+{a}", text, tokens.get(a)) for a, text in descriptions.items()}


def recorded(desired: Desired, fingerprint: str) -> ClusterState:
    """The namespace, with a record of ``builder``'s pull secret."""
    applied = Applied(desired.fingerprint, {"builder-quay-openshift": fingerprint}, datetime(2026, 1, 2, tzinfo=UTC))
    return ClusterState(Namespace("shop", "N", annotations={APPLIED_ANNOTATION: applied.dumps()}))


def test_a_namespace_becomes_an_organization_three_robots_and_a_repository_for_each_image_stream() -> None:
    cluster = ClusterState(Namespace("shop", "N"), image_streams=frozenset({"app", "db", "Refused By OpenShift"}))
    desired = desired_state(bare(), cluster, "C")
    assert (desired.namespace, desired.namespace_uid, desired.organization) == ("shop", "N", "openshift_shop")
    assert desired.email == "N@C.quaybridge.invalid"
    assert desired.repositories == {"app", "db"}
    assert desired.robots == (
        DesiredRobot("builder", "openshift_shop+builder", Role.WRITE, DESCRIPTION, "builder-quay-openshift"),
        DesiredRobot("default", "openshift_shop+default", Role.READ, DESCRIPTION, "default-quay-openshift"),
        DesiredRobot("deployer", "openshift_shop+deployer", Role.READ, DESCRIPTION, "deployer-quay-openshift"),
    )
    assert desired.writable
    assert not desired.contents


def test_a_name_that_no_namespace_has_is_refused() -> None:
    with pytest.raises(InvalidNameError, match="'Shop'"):
        desired_state(bare(), ClusterState(Namespace("Shop", "N")), "C")


DISPLAY, TEXT, SCC = "openshift.io/display-name", "openshift.io/description", "openshift.io/sa.scc.mcs"


@pytest.mark.parametrize(
    ("present", "waits"),
    [
        ((), False),  # a plain namespace never gets them
        ((DISPLAY,), False),
        ((TEXT,), False),
        ((DISPLAY, TEXT), True),
        ((DISPLAY, TEXT, SCC), False),
        ((SCC,), False),
    ],
)
def test_a_project_is_waited_for_until_its_scc_annotation_is_there(present: tuple[str, ...], waits: bool) -> None:
    namespace = Namespace("shop", "N", annotations=dict.fromkeys(present, ""))  # empty texts count as well
    assert waits_for_project(ClusterState(namespace)) == waits


@pytest.mark.parametrize(
    ("descriptions", "same_token", "proved"),
    [
        ({"builder": DESCRIPTION}, False, True),
        ({"builder": "", "default": DESCRIPTION}, False, True),
        ({"builder": ""}, True, True),  # no mark at all, but the very token that was recorded: the robot of that time
        ({"builder": ""}, False, False),
        ({}, False, False),
        ({"builder": THEIRS}, True, False),  # a stranger's mark speaks before any token
        ({"builder": DESCRIPTION, "default": THEIRS}, True, False),
        ({"builder": EARLIER}, True, False),
        ({"builder": DESCRIPTION, "default": EARLIER}, True, False),
    ],
)
def test_robots_prove_by_a_mark_or_by_a_token_that_was_recorded(
    descriptions: dict[str, str], same_token: bool, proved: bool
) -> None:
    desired = desired_state(bare(), SHOP, "C")
    registry = RegistryState(robots=robots(**descriptions))
    of_the_token = settle(desired, Observed(SHOP, RegistryState(robots=robots(builder="")))).contents["builder-quay-openshift"]
    cluster = recorded(desired, of_the_token.fingerprint() if same_token else "another")
    assert robots_prove(desired, Observed(cluster, registry)) == proved


def test_where_nothing_is_recorded_a_token_proves_nothing() -> None:
    observed = Observed(SHOP, RegistryState(robots=robots(builder="")))
    assert not robots_prove(desired_state(bare(), SHOP, "C"), observed)


def test_robots_of_this_cluster_that_nobody_wants_are_obsolete_and_no_others() -> None:
    """Also those of an earlier namespace of the name, whose organization was taken over."""
    found = robots(builder=DESCRIPTION, ci=DESCRIPTION, former=EARLIER, theirs=THEIRS, hand="made by hand")
    settled = settle(desired_state(bare(), SHOP, "C"), Observed(SHOP, RegistryState(robots=found)))
    assert settled.obsolete == {f"{ORG}+ci", f"{ORG}+former"}


def entry(reason: DeletionReason, organization: str = ORG, quay: str | None = None) -> Deletion:
    made = datetime(2026, 1, 2, tzinfo=UTC)
    return Deletion("i", organization, "shop", "M", quay or bare().endpoint.url, DeletionPolicy.DELETE, reason, made)


@pytest.mark.parametrize("by_hand", [False, True])
def test_what_is_remembered_is_given_back_or_done_first(by_hand: bool) -> None:
    kept, unfinished = entry(DeletionReason.QUARANTINE), entry(DeletionReason.UNFINISHED)
    strange = (entry(DeletionReason.QUARANTINE, quay="https://another"), entry(DeletionReason.BURST, organization="other"))
    annotations = {ADOPT_ANNOTATION: ORG} if by_hand else {}
    cluster = ClusterState(Namespace("shop", "N", annotations=annotations), deletions=(kept, unfinished, *strange))
    desired = desired_state(bare(), cluster, "C")
    assert desired.given_back == ((kept, unfinished) if by_hand else (kept,))
    assert desired.unfinished == (() if by_hand else (unfinished,))
    assert Ownership.PREDECESSOR in desired.adoptable
    alone = desired_state(bare(), evolve(cluster, deletions=(unfinished, *strange)), "C")
    assert (Ownership.PREDECESSOR in alone.adoptable) == by_hand


ROTATE = ClusterState(Namespace("shop", "N"), {"builder": ServiceAccount("builder", rotate="now")})


@pytest.mark.parametrize(
    ("rotated", "busy", "due"),
    [
        ({}, False, True),
        ({"builder": "before"}, False, True),
        ({"builder": "now"}, False, False),
        ({}, True, False),
        (None, False, False),
    ],
)
def test_a_token_is_due_when_the_text_changed_and_no_build_runs(rotated: dict[str, str] | None, busy: bool, due: bool) -> None:
    """A namespace without a record gets new robots anyway."""
    applied = None if rotated is None else Applied("x", {}, datetime(2026, 1, 2, tzinfo=UTC), rotated=rotated)
    annotations = {APPLIED_ANNOTATION: applied.dumps()} if applied else {}
    cluster = evolve(ROTATE, namespace=Namespace("shop", "N", annotations=annotations), busy=busy)
    assert desired_state(bare(), cluster, "C").rotations == ({f"{ORG}+builder"} if due else set())


@pytest.mark.parametrize(
    ("policy", "finalizers", "same_token", "writable"),
    [
        (AdoptionPolicy.INCUMBENT, (FINALIZER,), False, True),
        (AdoptionPolicy.INCUMBENT, (), True, False),  # a Secret is copied by whoever may edit the namespace
        (AdoptionPolicy.INCUMBENT, (), False, False),  # it may be another cluster's, with the same clusterID
        (AdoptionPolicy.NEVER, (FINALIZER,), True, False),
        (AdoptionPolicy.ALWAYS, (), False, True),
    ],
)
def test_the_go_operators_organization_is_taken_over_where_it_worked_on_this_namespace(
    policy: AdoptionPolicy, finalizers: tuple[str, ...], same_token: bool, writable: bool
) -> None:
    integration = evolve(bare(), adoption_policy=policy)
    registry = RegistryState(Organization(ORG, f"{ORG}@redhat.com"), robots(builder=""))
    cluster = ClusterState(Namespace("shop", "N", finalizers=finalizers))
    desired = desired_state(integration, cluster, "C")
    content = settle(desired, Observed(cluster, registry)).contents["builder-quay-openshift"]
    cluster = evolve(cluster, pull_secrets={"builder-quay-openshift": content.fingerprint() if same_token else "another"})
    assert settle(desired, Observed(cluster, registry)).writable == writable


def test_our_own_finalizer_says_nothing_of_the_go_operator() -> None:
    namespace = Namespace("shop", "N", finalizers=(FINALIZER,), annotations={FINALIZER_ANNOTATION: "true"})
    registry = RegistryState(Organization(ORG, f"{ORG}@redhat.com"), {})
    settled = settle(desired_state(bare(), ClusterState(namespace), "C"), Observed(ClusterState(namespace), registry))
    assert settled.found is Ownership.INCUMBENT
