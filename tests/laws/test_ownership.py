"""Laws of the marks: what is written is recognised, one place that was edited does no harm, and nothing else proves anything."""

from __future__ import annotations

import random

from attrs import evolve
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.laws.strategies import any_text, bare, cluster_ids, namespaces

from quaybridge_sdk.mapping.desired import desired_state, settle
from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.ownership import (
    ADOPTABLE,
    Mark,
    adoptable,
    description_mark,
    email_mark,
    incumbent_mark,
    organization_mark,
    ownership,
    robot_description,
)
from quaybridge_sdk.mapping.pull_secret import pull_secret_bytes
from quaybridge_sdk.model.openshift import FINALIZER, Namespace
from quaybridge_sdk.model.ownership import ADOPT_ANNOTATION, AdoptionPolicy, Ownership
from quaybridge_sdk.model.quay import Organization, Robot, SecretText
from quaybridge_sdk.model.state import ClusterState, Observed, RegistryState

uids = st.uuids().map(str)
organizations = st.builds(organization_name, cluster_ids, namespaces)
UNMARKED = Robot("o+ci", "made by hand")


def robot(cluster: str, namespace: str) -> Robot:
    return Robot("o+builder", robot_description("quay", cluster, namespace))


@given(organizations, uids, uids)
def test_our_own_mark_is_recognised_in_either_place(name: str, cluster: str, namespace: str) -> None:
    marked, edited = Organization(name, organization_mark(cluster, namespace)), Organization(name, "admin@example.com")
    for organization, robots in ((marked, []), (marked, [UNMARKED]), (edited, [robot(cluster, namespace), UNMARKED])):
        assert ownership(organization, robots, cluster, namespace) is Ownership.OURS
    assert ownership(None, [robot(cluster, namespace)], cluster, namespace) is Ownership.OURS


@given(organizations, uids, uids, uids)
def test_an_earlier_namespace_of_this_cluster_is_told_apart(name: str, cluster: str, earlier: str, namespace: str) -> None:
    assume(earlier != namespace)
    left = Organization(name, organization_mark(cluster, earlier))
    assert ownership(left, [robot(cluster, earlier)], cluster, namespace) is Ownership.PREDECESSOR
    assert ownership(evolve(left, email=""), [robot(cluster, earlier)], cluster, namespace) is Ownership.PREDECESSOR
    given_back = evolve(left, email=organization_mark(cluster, namespace))
    assert ownership(given_back, [robot(cluster, earlier)], cluster, namespace) is Ownership.OURS


@given(organizations, uids, uids, uids, uids)
def test_another_clusters_mark_is_never_ours(name: str, other: str, theirs: str, cluster: str, namespace: str) -> None:
    assume(other != cluster)
    strange = Organization(name, organization_mark(other, theirs))
    assert ownership(strange, [], cluster, namespace) is Ownership.ELSEWHERE
    assert ownership(evolve(strange, email=""), [robot(other, theirs)], cluster, namespace) is Ownership.ELSEWHERE
    assert ownership(strange, [robot(cluster, namespace)], cluster, namespace) is Ownership.AMBIGUOUS
    ours = evolve(strange, email=organization_mark(cluster, namespace))
    assert ownership(ours, [robot(other, theirs)], cluster, namespace) is Ownership.AMBIGUOUS


@given(organizations, uids, uids, uids)
def test_robots_of_two_namespaces_without_an_e_mail_prove_nothing(name: str, cluster: str, earlier: str, namespace: str) -> None:
    assume(earlier != namespace)
    robots = [robot(cluster, earlier), robot(cluster, namespace)]
    assert ownership(Organization(name, "x@example.com"), robots, cluster, namespace) is Ownership.AMBIGUOUS


@given(organizations, organizations, uids, uids)
def test_the_incumbents_mark_counts_for_the_very_organization(name: str, other: str, cluster: str, namespace: str) -> None:
    marked = Organization(name, incumbent_mark(name))
    assert marked.email == name + "@redhat.com"
    assert ownership(marked, [UNMARKED], cluster, namespace) is Ownership.INCUMBENT
    assume(other != name)
    assert ownership(evolve(marked, name=other), [UNMARKED], cluster, namespace) is Ownership.FOREIGN


@given(organizations, any_text, any_text, uids, uids)
@example("openshift_shop", "", "", "c", "n")
@example("openshift_shop", "admin@example.com", "quaybridge: integration=quay", "c", "n")
@example("openshift_shop", "n@c.quaybridge.invalid.example.com", "quaybridge: cluster=c namespace=n", "c", "n")
@example("openshift_shop", "@c.quaybridge.invalid", "quaybridge: integration=q cluster=c namespace=", "c", "n")
def test_anything_else_is_a_strangers(name: str, email: str, description: str, cluster: str, namespace: str) -> None:
    assume(email_mark(email) is None)
    assume(description_mark(description) is None)
    assert ownership(Organization(name, email), [Robot("o+x", description)], cluster, namespace) is Ownership.FOREIGN


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("mn")), max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_the_robots_does_not_matter(marks: list[tuple[str, str]], shuffler: random.Random) -> None:
    robots = [robot(*mark) for mark in marks]
    shuffled = shuffler.sample(robots, len(robots))
    assert ownership(None, robots, "a", "n") is ownership(None, shuffled, "a", "n")


@given(uids, uids, any_text | st.text(min_size=200, max_size=300))
def test_a_mark_reads_back_from_both_places(cluster: str, namespace: str, integration: str) -> None:
    mark = Mark(cluster, namespace)
    assert email_mark(organization_mark(cluster, namespace)) == mark
    description = robot_description(integration, cluster, namespace)
    assert len(description) <= 255
    assert description_mark(description) == mark


def test_what_is_marked_by_another_cluster_is_only_given_by_hand() -> None:
    assert ADOPTABLE.keys() == set(AdoptionPolicy)
    for policy in AdoptionPolicy:
        assert not adoptable(policy, restorable=True) & {Ownership.ELSEWHERE, Ownership.AMBIGUOUS}
        assert adoptable(policy, by_hand=True) == set(Ownership)
    assert Ownership.PREDECESSOR in adoptable(AdoptionPolicy.NEVER, restorable=True)
    assert Ownership.PREDECESSOR not in adoptable(AdoptionPolicy.INCUMBENT)


TOKEN = SecretText("t")


def writable(policy: AdoptionPolicy, email: str, cluster: ClusterState) -> bool:
    integration = evolve(bare(), adoption_policy=policy)
    robots = {"openshift_shop+builder": Robot("openshift_shop+builder", "", TOKEN)}
    state = RegistryState(Organization("openshift_shop", email), robots)
    return settle(desired_state(integration, cluster, "C"), Observed(cluster, state)).writable


def test_the_incumbents_is_taken_over_only_where_it_worked_in_this_cluster() -> None:
    """Another cluster's Go operator with the same clusterID leaves the very same fingerprint in Quay."""
    mark, plain = incumbent_mark("openshift_shop"), Namespace("shop", "N")
    worked_on = evolve(plain, finalizers=(FINALIZER,))
    right = pull_secret_bytes("q", "openshift_shop+builder", TOKEN).fingerprint()
    states = (
        (ClusterState(plain), False),
        (ClusterState(worked_on), True),
        (ClusterState(plain, pull_secrets={"builder-quay-openshift": right}), False),  # anybody who may edit could have copied it
    )
    for cluster, known in states:
        assert writable(AdoptionPolicy.INCUMBENT, mark, cluster) == known
        assert writable(AdoptionPolicy.ALWAYS, mark, cluster)
        assert not writable(AdoptionPolicy.NEVER, mark, cluster)
        assert not writable(AdoptionPolicy.INCUMBENT, "admin@example.com", cluster)


def test_a_namespace_takes_the_one_organization_that_its_annotation_names() -> None:
    for named, taken in (("openshift_shop", True), ("openshift_other", False), ("", False)):
        cluster = ClusterState(Namespace("shop", "N", annotations={ADOPT_ANNOTATION: named}))
        for email in ("admin@example.com", organization_mark("other", "M"), organization_mark("C", "earlier")):
            assert writable(AdoptionPolicy.NEVER, email, cluster) == taken
