"""Laws of a whole pass: from any start to what is wanted, also when it breaks off, and strangers' things stay."""

from __future__ import annotations

import copy
import random
from datetime import timedelta

from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.laws.passes import INTERVAL, NOW, assert_as_wished, converge, same, shuffled
from tests.laws.worlds import (
    World,
    worlds,
)

from quaybridge_sdk.depth import Depth, assumed, depth
from quaybridge_sdk.effects import after
from quaybridge_sdk.model import actions as act
from quaybridge_sdk.model.state import Observed
from quaybridge_sdk.plan import plan
from quaybridge_sdk.reconcile import MAX_ROUNDS, without_tokens


@given(worlds(), st.randoms(use_true_random=False))
def test_any_world_converges_in_any_order_of_independent_actions(world: World, shuffler: random.Random) -> None:
    """And after each single action, what ``after`` believes is what a fresh look would show."""
    assert converge(world, shuffler) <= MAX_ROUNDS - 1
    assert_as_wished(world)
    assert converge(world) == 1


@given(worlds(), st.randoms(use_true_random=False))
def test_roles_that_are_looked_at_are_right_afterwards_and_those_elsewhere_are_left_alone(
    world: World, shuffler: random.Random
) -> None:
    before = copy.deepcopy(world.quay.rights)
    assert converge(world, shuffler, roles=True) <= MAX_ROUNDS - 1
    assert_as_wished(world)
    wanted = {robot.name: robot.role for robot in world.wishes.robots}
    for name, rights in world.quay.rights.items():
        ours = world.wishes.repositories if name in wanted else frozenset[str]()
        assert all(rights[repository] is wanted[name] for repository in ours)
        former = before.get(name, {})
        assert all(rights[r] is former[r] for r in former.keys() - ours)
    assert converge(world, roles=True) == 1
    kept = without_tokens(world.quay.observe(NOW, wanted)).robots or {}
    assert all(robot.roles is None for robot in kept.values())  # they may be changed before the next pass


@given(worlds(), st.integers(0, 12), st.randoms(use_true_random=False))
def test_a_pass_that_breaks_off_anywhere_is_made_good_by_the_next(world: World, kept: int, shuffler: random.Random) -> None:
    observed = world.observed(NOW)
    for action in shuffled(plan(observed, world.settled(observed.registry)), shuffler)[:kept]:
        world.apply(action)  # and nothing of it is remembered
    converge(world)
    assert_as_wished(world)


@given(worlds(), st.sets(st.sampled_from(["app", "db"]), min_size=1))
def test_a_repository_that_somebody_makes_in_the_meantime_gets_its_rights_all_the_same(world: World, raced: set[str]) -> None:
    """Quay answers that it is there already: made before the default permissions, perhaps, so they gave it nothing."""
    observed = world.observed(NOW)
    raced &= world.wishes.repositories - world.quay.repositories
    for action in plan(observed, world.settled(observed.registry)):
        if isinstance(action, act.CreateRepository) and action.repository in raced:
            world.quay.repositories.add(action.repository)
        observed = after(observed, action, world.apply(action))
    assert same(observed, world.observed(NOW))
    converge(world)
    assert_as_wished(world)


@given(worlds())
def test_what_others_made_stays_as_it_was(world: World) -> None:
    before = copy.deepcopy(world)
    mine = {robot.name for robot in world.wishes.robots}
    converge(world)
    kept = [p for p in world.quay.prototypes if p.delegate not in mine or p.activating_user is not None]
    assert kept == [p for p in before.quay.prototypes if p.delegate not in mine or p.activating_user is not None]
    assert before.quay.repositories <= world.quay.repositories
    own_names = world.wishes.repositories
    assert all(rights.keys() <= before.quay.rights.get(name, {}).keys() | own_names for name, rights in world.quay.rights.items())
    assert all(world.quay.robots[name] == robot for name, robot in before.quay.robots.items())
    for name, rights in before.quay.rights.items():  # of our own robots the roles on what we want are ours to set
        kept_there = {repository: role for repository, role in rights.items() if name not in mine or repository not in own_names}
        assert world.quay.rights[name].items() >= kept_there.items()
        assert world.quay.rights[name].keys() >= rights.keys()
    for name, account in before.cluster.state.accounts.items():
        now = world.cluster.state.accounts[name]
        assert now.secrets[: len(account.secrets)] == account.secrets
        assert now.image_pull_secrets[: len(account.image_pull_secrets)] == account.image_pull_secrets
    own = {robot.secret for robot in world.wishes.robots}
    strange = {name: text for name, text in before.cluster.state.pull_secrets.items() if name not in own}
    assert strange.items() <= world.cluster.state.pull_secrets.items()


@given(worlds(), st.sampled_from(["app2", "z"]))
def test_after_convergence_one_more_image_stream_is_one_repository_and_the_record(world: World, stream: str) -> None:
    converge(world)
    beliefs = without_tokens(world.quay.observe(NOW))
    assume(stream not in world.wishes.repositories and stream not in world.quay.repositories)
    wishes = evolve(world.wishes, repositories=world.wishes.repositories | {stream})
    assert depth(world.cluster.state, wishes, beliefs, NOW, INTERVAL) is Depth.NOTHING
    observed = Observed(world.cluster.state, beliefs)
    assert plan(observed, wishes) == (act.CreateRepository(wishes.organization, stream, wishes.mark),)
    observed = after(observed, plan(observed, wishes)[0], True)
    (record,) = plan(observed, wishes)
    assert isinstance(record, act.RecordApplied)
    assert plan(after(observed, record), wishes) == ()


@given(worlds())
def test_a_restart_after_convergence_believes_the_record_and_has_nothing_to_do(world: World) -> None:
    converge(world)
    cluster = world.cluster.state
    beliefs = assumed(world.wishes, cluster.applied)
    assert depth(cluster, world.wishes, beliefs, NOW + timedelta(hours=1), INTERVAL) is Depth.NOTHING
    assert plan(Observed(cluster, beliefs), world.wishes) == ()
