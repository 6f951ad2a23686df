"""Laws of letting go: nothing is deleted that is not proved ours, nothing is lost that was to be kept, and it comes to an end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.passes import NOW
from tests.laws.strategies import any_text, bare
from tests.laws.worlds import CLUSTER_UID, NAMESPACE_UID, World, believed_registries, moments, worlds

from quaybridge_sdk.effects import after
from quaybridge_sdk.mapping.ownership import incumbent_mark, organization_mark, ownership
from quaybridge_sdk.mapping.release import finished_state, is_empty, released_state, remembered, unfinished_state
from quaybridge_sdk.model import actions as act
from quaybridge_sdk.model.deletion import POLICY_ANNOTATION, Deletion, DeletionPolicy, DeletionReason, annotated_policy
from quaybridge_sdk.model.integration import QuayIntegration, parse_endpoint
from quaybridge_sdk.model.openshift import Namespace
from quaybridge_sdk.model.ownership import AdoptionPolicy, Ownership
from quaybridge_sdk.model.quay import Organization, Repository, Robot
from quaybridge_sdk.model.state import Absent, ClusterState, Fate, Observed, RegistryState, Released
from quaybridge_sdk.plan import plan

OF_SHOP = evolve(bare(), endpoint=parse_endpoint("https://q.example"))
policies = st.sampled_from(DeletionPolicy)
contents = st.none() | st.lists(
    st.builds(Repository, st.sampled_from("abc"), st.booleans(), st.booleans()), max_size=3, unique_by=lambda r: r.name
).map(tuple)
deletions = st.builds(
    Deletion,
    st.just("quay.redhat.com/quay"),
    st.just("openshift_shop"),
    st.just("shop"),
    st.sampled_from([NAMESPACE_UID, "another"]),
    st.just("https://q"),
    st.sampled_from([DeletionPolicy.DELETE, DeletionPolicy.DELETE_IF_EMPTY]),
    st.sampled_from(DeletionReason),
    st.none() | st.sampled_from([NOW - timedelta(days=1), NOW, NOW + timedelta(days=1)]),
)


def integration_of(world: World, policy: DeletionPolicy, adoption: AdoptionPolicy = AdoptionPolicy.INCUMBENT) -> QuayIntegration:
    """One whose clusterID gives the organization of the world's wishes."""
    cluster_id = world.wishes.robots[0].secret.split("-quay-")[-1] if world.wishes.robots else "openshift"
    return evolve(bare(cluster_id=cluster_id), deletion_policy=policy, adoption_policy=adoption)


def carried_out(observed: Observed, released: Released) -> Observed:
    for action in plan(observed, released):
        observed = after(observed, action)
    return observed


@given(worlds(terminating=True), policies, contents, st.booleans(), st.data())
def test_only_what_is_proved_ours_is_deleted_or_shut(
    world: World, policy: DeletionPolicy, inside: tuple[Repository, ...] | None, burst: bool, data: st.DataObject
) -> None:
    registry = evolve(data.draw(believed_registries(world.wishes)), contents=inside)
    cluster, integration = world.cluster.state, integration_of(world, policy)
    released = released_state(integration, cluster, registry, CLUSTER_UID, NOW, burst=burst)
    found = registry.organization
    proved = isinstance(found, Organization) and (
        ownership(found, (registry.robots or {}).values(), CLUSTER_UID, NAMESPACE_UID) is Ownership.OURS
    )
    incumbent = isinstance(found, Organization) and found.email == incumbent_mark(found.name)
    if not (proved or (incumbent and cluster.namespace.has_finalizer and cluster.applied is None)):
        assert released == Released(cluster.namespace.name, released.organization)
    if policy is DeletionPolicy.RETAIN:
        assert released.fate is Fate.KEEP
    if burst:
        assert released.fate is not Fate.DELETE
    if policy is DeletionPolicy.DELETE_IF_EMPTY and released.fate is Fate.DELETE:
        assert is_empty(registry)
    if proved and policy is DeletionPolicy.DELETE and not burst:
        assert released.fate is Fate.DELETE
    assert (released.remember is not None) == (released.fate is Fate.QUARANTINE)


@given(worlds(terminating=True), st.sampled_from(Fate), contents, st.data())
def test_letting_go_comes_to_an_end_in_the_documented_order(
    world: World, fate: Fate, inside: tuple[Repository, ...] | None, data: st.DataObject
) -> None:
    registry = evolve(data.draw(believed_registries(world.wishes)), contents=inside)
    cluster, organization = world.cluster.state, world.wishes.organization
    robots = frozenset(robot.name for robot in world.wishes.robots)
    note = data.draw(st.none() | deletions)
    released = Released(cluster.namespace.name, organization, fate, robots, remember=note)
    observed = Observed(cluster, registry)
    actions = plan(observed, released)
    order = [act.DeleteOrganization, act.DeleteRobot, act.SetRepositoryState, act.RememberDeletion, act.RemoveFinalizer]
    if cluster.namespace.has_finalizer:  # what was shut before is remembered before anything is shut
        order.insert(1, order.pop(3))
    places = [order.index(type(action)) for action in actions]
    assert places == sorted(places)
    assert any(isinstance(action, act.DeleteOrganization) for action in actions) == (
        fate is Fate.DELETE and registry.organization is not Absent.ABSENT
    )
    deleted = {action.robot for action in actions if isinstance(action, act.DeleteRobot)}
    assert deleted == (robots & set(registry.robots or {}) if fate is Fate.QUARANTINE else set())
    assert all(action.read_only for action in actions if isinstance(action, act.SetRepositoryState))
    end = carried_out(observed, released)
    assert plan(end, released) == ()
    assert not end.cluster.namespace.has_finalizer
    assert note is None or note in end.cluster.deletions


@given(worlds(terminating=True), policies)
def test_a_namespace_that_quay_holds_up_goes_and_the_rest_is_remembered(world: World, policy: DeletionPolicy) -> None:
    cluster, integration = world.cluster.state, integration_of(world, policy)
    released = unfinished_state(integration, cluster, NOW)
    end = carried_out(Observed(cluster), released)
    assert not end.cluster.namespace.has_finalizer
    assert not any(isinstance(action, act.RegistryAction) for action in plan(Observed(cluster), released))
    assert [d.reason for d in end.cluster.deletions] == ([] if policy is DeletionPolicy.RETAIN else [DeletionReason.UNFINISHED])


@given(deletions, contents, st.sampled_from(["ours", "later", "gone", "other"]), st.booleans())
def test_of_a_remembered_deletion_only_what_is_due_and_still_that_ones_is_done(
    deletion: Deletion, inside: tuple[Repository, ...] | None, whose: str, robots: bool
) -> None:
    uid = {"ours": deletion.namespace_uid, "later": "made again"}.get(whose, "")
    mark = organization_mark("elsewhere" if whose == "other" else CLUSTER_UID, uid)
    there = Organization("openshift_shop", mark)
    known = {"openshift_shop+builder": Robot("openshift_shop+builder")} if robots else {}
    registry = RegistryState(Absent.ABSENT if whose == "gone" else there, known, contents=inside)
    cluster = ClusterState(Namespace("shop", deletion.namespace_uid, terminating=True), deletions=(deletion,))
    released = finished_state(deletion, OF_SHOP, registry, CLUSTER_UID, NOW)
    end = carried_out(Observed(cluster, registry), released)
    if whose != "ours":
        assert released.fate is Fate.KEEP
        assert end.cluster.deletions == ()
    elif deletion.due is None:
        assert end == Observed(cluster, registry)
    elif deletion.due <= NOW:
        full = deletion.policy is DeletionPolicy.DELETE_IF_EMPTY and not is_empty(registry)
        assert (end.registry.organization is Absent.ABSENT) == (not full)
        assert end.cluster.deletions == ()
    else:
        assert end.registry.organization == there
        reason = DeletionReason.QUARANTINE if deletion.reason is DeletionReason.UNFINISHED else deletion.reason
        begins = deletion.reason is DeletionReason.UNFINISHED
        shut = tuple(repository.name for repository in inside or () if repository.read_only) if begins else deletion.shut
        assert end.cluster.deletions == (evolve(deletion, reason=reason, shut=shut),)
    assert not any(
        isinstance(a, act.DeleteOrganization)
        for a in plan(end, finished_state(deletion, OF_SHOP, end.registry, CLUSTER_UID, NOW))
    )


@given(st.builds(evolve, deletions, due=moments) | deletions.filter(lambda d: d.due or d.restorable))
def test_an_entry_reads_back(deletion: Deletion) -> None:
    assert Deletion.loads(deletion.integration, deletion.dumps()) == deletion


json_values = st.recursive(st.none() | st.booleans() | st.integers() | any_text, lambda inner: st.lists(inner, max_size=2))


@given(deletions, st.sampled_from(["organization", "namespace", "namespaceUID", "quay", "policy", "reason", "due"]), json_values)
def test_a_spoilt_entry_is_none(deletion: Deletion, name: str, value: object) -> None:
    """Or one that says exactly what it says; never an error, and never a deletion that is due by accident."""
    spoilt = {**deletion.dumps(), name: value}
    read = Deletion.loads(deletion.integration, spoilt)
    assert read is None or {**read.dumps(), "due": ""} == {**spoilt, "due": ""}
    assert Deletion.loads(deletion.integration, value) is None


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        (None, DeletionPolicy.QUARANTINE),
        ("Delete", DeletionPolicy.DELETE),
        ("DeleteIfEmpty", DeletionPolicy.DELETE_IF_EMPTY),
        ("delete", DeletionPolicy.RETAIN),  # a word that is none keeps everything
        ("", DeletionPolicy.RETAIN),
    ],
)
def test_the_annotation_speaks_before_the_integration(text: str | None, policy: DeletionPolicy) -> None:
    annotations = {} if text is None else {POLICY_ANNOTATION: text}
    assert annotated_policy(annotations, DeletionPolicy.QUARANTINE) is policy


def test_the_times_of_what_is_remembered() -> None:
    cluster = ClusterState(Namespace("shop", "N"))
    integration = evolve(bare(), quarantine_days=3)
    for policy, reason, days in (
        (DeletionPolicy.DELETE, DeletionReason.UNFINISHED, 0),
        (DeletionPolicy.DELETE, DeletionReason.BURST, 3),
        (DeletionPolicy.QUARANTINE, DeletionReason.UNFINISHED, 3),
        (DeletionPolicy.QUARANTINE, DeletionReason.QUARANTINE, 3),
    ):
        found = remembered(evolve(integration, deletion_policy=policy), cluster, NOW, reason)
        assert found.due == NOW + timedelta(days=days)
        assert (found.organization, found.namespace_uid, found.reason) == ("openshift_shop", "N", reason)
