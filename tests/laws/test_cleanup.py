"""Laws of the cleanup: total, only what is proved ours goes, nothing that another integration owns, and it comes to an end."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.passes import NOW
from tests.laws.strategies import any_text, bare, integrations
from tests.laws.worlds import World, masks, subset, worlds

from quaybridge_sdk.effects import after, cleared
from quaybridge_sdk.mapping.cleanup import is_record_of, is_taken_back, left_over, take_back, tenure_step
from quaybridge_sdk.mapping.desired import desired_state
from quaybridge_sdk.model.actions import ClearRecord, DeletePullSecret, UnlinkPullSecret
from quaybridge_sdk.model.cleanup import HoldIntegration, LetIntegrationGo, Tenure, parse_basis
from quaybridge_sdk.model.integration import CleanupPolicy, QuayIntegration
from quaybridge_sdk.model.openshift import (
    APPLIED_ANNOTATION,
    FINALIZER,
    FINALIZER_ANNOTATION,
    IGNORE_ANNOTATION,
    SEED_FINALIZER,
    Namespace,
)
from quaybridge_sdk.model.state import Applied, ClusterState, Observed

OF_GROUP = "quay.redhat.com"
policies = st.sampled_from(CleanupPolicy)


def tenure(basis: QuayIntegration | None, name: str = "quay", **changed: Any) -> Tenure:
    return evolve(Tenure(f"{OF_GROUP}/{name}", name, basis=basis), **changed)


def going(basis: QuayIntegration | None, name: str = "quay") -> Tenure:
    return tenure(basis, name, policy=CleanupPolicy.CLUSTER, held=True, deleted=True)


tenures = st.lists(
    st.builds(
        Tenure,
        st.sampled_from(["quay.redhat.com/a", "quay.redhat.com/b", "redhatcop.redhat.io/a"]),
        st.sampled_from("ab"),
        any_text,
        policies,
        st.booleans(),
        st.booleans(),
        st.none() | integrations(),
    ),
    max_size=3,
)


def mapper(world: World) -> QuayIntegration:
    """The integration for which the world was made."""
    secret = world.wishes.robots[0].secret if world.wishes.robots else ""
    return bare(cluster_id=secret.split("-quay-")[-1] if "-quay-" in secret else "openshift", allow=(world.wishes.namespace,))


@st.composite
def applied_worlds(draw: st.DrawFn) -> tuple[ClusterState, QuayIntegration]:
    """A namespace that an integration has worked on, in any state since: links and Secrets gone, changed, added."""
    world = draw(worlds())
    integration = mapper(world)
    cluster, desired = world.cluster.state, desired_state(integration, world.cluster.state, "c")
    names = [robot.secret for robot in desired.robots]
    recorded = dict.fromkeys(subset(draw(masks), names), "right")
    there = {name: draw(st.sampled_from(["right", "changed"])) for name in subset(draw(masks), [*names, "mine-quay-x"])}
    record = Applied(desired.fingerprint, recorded, NOW).dumps()
    lists = {name: subset(draw(masks), ["mine", *names, "yours"]) for name in cluster.accounts}
    accounts = {
        name: evolve(account, secrets=tuple(lists[name]), image_pull_secrets=tuple(reversed(lists[name])))
        for name, account in cluster.accounts.items()
    }
    annotations = {**cluster.namespace.annotations, APPLIED_ANNOTATION: record}
    namespace = evolve(cluster.namespace, annotations=annotations)
    return evolve(cluster, namespace=namespace, accounts=accounts, pull_secrets=there), integration


def carried_out(cluster: ClusterState, known: list[Tenure]) -> ClusterState:
    observed = Observed(cluster)
    for action in take_back(cluster, known):
        observed = after(observed, action)
    return observed.cluster


@given(worlds(), tenures)
def test_it_answers_whatever_there_is(world: World, known: list[Tenure]) -> None:
    cluster = world.cluster.state
    actions = take_back(cluster, known)
    assert bool(actions) == is_taken_back(cluster.namespace, known)
    assert all(action.namespace == cluster.namespace.name for action in actions)
    if not any(each.cleans for each in known):
        assert actions == ()


@given(applied_worlds())
def test_all_that_is_proved_ours_goes_and_nothing_else(made: tuple[ClusterState, QuayIntegration]) -> None:
    before, integration = made
    assert before.applied is not None
    recorded = before.applied.secrets
    known = [going(integration)]
    after_it = carried_out(before, known)
    ours = {name for name in recorded if before.pull_secrets.get(name, "right") == "right"}
    assert after_it.pull_secrets == {name: text for name, text in before.pull_secrets.items() if name not in ours}
    for name, account in before.accounts.items():
        kept = tuple(each for each in account.secrets if each not in ours)
        pulled = tuple(each for each in account.image_pull_secrets if each not in ours)
        assert after_it.accounts[name] == evolve(account, secrets=kept, image_pull_secrets=pulled)
    assert after_it.namespace == cleared(before.namespace, finalizer=True)
    assert not after_it.namespace.has_finalizer
    assert after_it.applied is None
    assert take_back(after_it, known) == ()
    assert left_over(known[0], known, [after_it.namespace]) == ()


@given(applied_worlds(), st.integers(0, 20))
def test_after_a_crash_at_any_point_the_rest_is_done(made: tuple[ClusterState, QuayIntegration], crash: int) -> None:
    before, integration = made
    known = [going(integration)]
    observed, actions = Observed(before), take_back(before, known)
    for action in actions[:crash]:
        observed = after(observed, action)
    assert take_back(observed.cluster, known) == actions[crash:]


@given(applied_worlds())
def test_links_go_before_secrets_and_the_record_is_last(made: tuple[ClusterState, QuayIntegration]) -> None:
    order = [UnlinkPullSecret, DeletePullSecret, ClearRecord]
    kinds = [order.index(type(action)) for action in take_back(made[0], [going(made[1])])]
    assert kinds == sorted(kinds)
    assert kinds.count(2) == 1


@given(applied_worlds(), st.booleans(), st.booleans())
def test_nothing_is_taken_that_another_integration_owns(
    made: tuple[ClusterState, QuayIntegration], same_quay: bool, same_id: bool
) -> None:
    before, integration = made
    endpoint = integration.endpoint if same_quay else evolve(integration.endpoint, url="https://other")
    other = evolve(integration, endpoint=endpoint, cluster_id=integration.cluster_id if same_id else "other-one")
    known = [going(integration), tenure(other, "other")]
    after_it = carried_out(before, known)
    if same_quay and same_id:
        assert after_it == before
        assert left_over(known[0], known, [before.namespace]) == ()
        return
    owned = {robot.secret for robot in desired_state(other, before, "").robots}
    assert {n: t for n, t in after_it.pull_secrets.items() if n in owned} == {
        n: t for n, t in before.pull_secrets.items() if n in owned
    }
    assert after_it.namespace.finalizers == before.namespace.finalizers
    assert not after_it.namespace.has_incumbents_finalizer
    assert after_it.applied is None


@given(applied_worlds())
def test_where_an_annotation_takes_the_namespace_out_nobody_else_owns_it(made: tuple[ClusterState, QuayIntegration]) -> None:
    before, integration = made
    annotations = {**before.namespace.annotations, IGNORE_ANNOTATION: "true"}
    ignored = evolve(before, namespace=evolve(before.namespace, annotations=annotations))
    known = [going(integration), tenure(integration, "other"), tenure(None, "unreadable")]
    assert carried_out(ignored, known) == carried_out(ignored, known[:1])


@given(applied_worlds())
def test_the_finalizer_waits_for_one_that_cannot_be_read(made: tuple[ClusterState, QuayIntegration]) -> None:
    before, integration = made
    after_it = carried_out(before, [going(integration), tenure(None, "unreadable")])
    assert after_it.namespace.finalizers == before.namespace.finalizers
    assert after_it.applied is None
    assert carried_out(before, [going(integration), going(None, "unreadable")]).namespace.has_finalizer is False


@given(applied_worlds())
def test_a_namespace_that_is_going_is_left_to_its_own_end(made: tuple[ClusterState, QuayIntegration]) -> None:
    before, integration = made
    leaving = evolve(before, namespace=evolve(before.namespace, terminating=True))
    known = [going(integration)]
    assert take_back(leaving, known) == ()
    assert left_over(known[0], known, [leaving.namespace]) == ()


@given(applied_worlds(), tenures)
def test_what_is_waited_for_is_what_is_taken_back(made: tuple[ClusterState, QuayIntegration], others: list[Tenure]) -> None:
    """So it ends: each namespace that holds the integration up has something to be done, after which it does no more."""
    before, integration = made
    known = [going(integration, "mine"), *others]
    left = left_over(known[0], known, [before.namespace])
    assert left == ((before.namespace.name,) if is_taken_back(before.namespace, known) else ())
    assert left_over(known[0], known, [carried_out(before, known).namespace]) == ()
    assert not is_record_of(None, before.namespace)


@given(st.none() | integrations(), policies, st.booleans(), st.booleans(), st.booleans())
def test_the_finalizer_is_there_exactly_while_it_is_wanted(
    basis: QuayIntegration | None, policy: CleanupPolicy, held: bool, deleted: bool, left: bool
) -> None:
    found = tenure(basis, policy=policy, held=held, deleted=deleted)
    step = tenure_step(found, ["shop"] if left and found.cleans else [])
    wanted = policy is CleanupPolicy.CLUSTER and (left or not deleted)
    expected = {(False, True): HoldIntegration(found.key), (True, False): LetIntegrationGo(found.key)}.get((held, wanted))
    assert step == (None if deleted and not held else expected)
    assert found.leaving == (deleted and (held or policy is CleanupPolicy.CLUSTER))


@pytest.mark.parametrize("finalizer", [FINALIZER, SEED_FINALIZER])
def test_a_finalizer_that_stays_is_still_told_from_the_go_operators(finalizer: str) -> None:
    found = Namespace("shop", "uid", finalizers=("a/b", finalizer), annotations={APPLIED_ANNOTATION: "x"})
    assert cleared(found, finalizer=False).annotations == {FINALIZER_ANNOTATION: "true"}
    assert cleared(found, finalizer=True) == Namespace("shop", "uid", finalizers=("a/b",))


@pytest.mark.parametrize(
    "spec", [{}, {"caBundle": "no PEM", "deletionLimit": "many", "credentialsSecret": 7, "cleanupPolicy": 1}]
)
@pytest.mark.parametrize(("version", "lists"), [("quay.redhat.com/v1", "allow"), ("redhatcop.redhat.io/v1alpha1", "white")])
def test_what_names_things_is_read_from_a_spec_that_is_wrong_otherwise(version: str, lists: str, spec: dict[str, object]) -> None:
    names = {"clusterID": "c", "quayHostname": "q.example", f"{lists}listNamespaces": ["shop"]}
    found = parse_basis({"apiVersion": version, "metadata": {"name": "quay", "generation": 7}, "spec": {**spec, **names}})
    assert found is not None
    assert (found.cluster_id, found.endpoint.url, found.allowlist) == ("c", "https://q.example", frozenset({"shop"}))
    assert found.generation == 0


@pytest.mark.parametrize(
    "body",
    [{}, {"metadata": {}, "spec": None}, {"metadata": 1, "spec": {}}, {"metadata": {"name": "q"}, "spec": {"clusterID": "c"}}],
)
def test_one_of_which_not_even_that_can_be_read(body: dict[str, object]) -> None:
    assert parse_basis(body) is None
