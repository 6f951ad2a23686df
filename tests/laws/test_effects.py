"""Laws of ``after``, ``settle`` and the fingerprint."""

from __future__ import annotations

import copy

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.passes import NOW
from tests.laws.worlds import (
    ModelQuay,
    Situation,
    World,
    situations,
    worlds,
)

from quaybridge_sdk.effects import after
from quaybridge_sdk.mapping.desired import settle
from quaybridge_sdk.model import actions as act
from quaybridge_sdk.model.openshift import FINALIZER, Namespace
from quaybridge_sdk.model.quay import Prototype, Robot, RobotToken, Role
from quaybridge_sdk.model.state import Absent, ClusterState, Desired, Observed, RegistryState


def test_what_was_deleted_is_known_to_be_gone() -> None:
    observed = Observed(ClusterState(Namespace("n", "u")), RegistryState())
    gone = after(observed, act.DeleteOrganization("o")).registry
    assert gone == RegistryState(Absent.ABSENT, {}, (), frozenset(), contents=())


def test_a_new_token_is_the_robots_and_counts_as_rotated() -> None:
    observed = Observed(
        ClusterState(Namespace("n", "u")), RegistryState(robots={"o+r": Robot("o+r", "mine", token=RobotToken("old"))})
    )
    made = Robot("o+r", "", token=RobotToken("new"))
    registry = after(observed, act.RegenerateRobot("o", "o+r"), made).registry
    assert registry.rotated == {"o+r"}
    assert registry.robots == {"o+r": Robot("o+r", "mine", token=RobotToken("new"))}
    unread = after(observed, act.RegenerateRobot("o", "o+r"), None).registry
    assert unread.robots == {"o+r": Robot("o+r", "mine")}


@given(situations(), st.data())
def test_after_is_total_and_changes_nothing(situation: Situation, data: st.DataObject) -> None:
    """Also for actions that no plan of this observation holds."""
    prototype = Prototype("id-0", "o+r", Role.READ)
    strange: list[act.Action] = [
        act.AddFinalizer("n"),
        act.RemoveFinalizer("n"),
        act.CreateOrganization("o", "e"),
        act.CreateRobot("o", "o+r", ""),
        act.RegenerateRobot("o", "o+r"),
        act.CreatePrototype("o", "o+r", prototype.role),
        act.UpdatePrototype("o", prototype, prototype.role),
        act.DeletePrototype("o", prototype),
        act.CreateRepository("o", "r"),
        act.DeleteRepository("o", "r"),
        act.SetRepositoryPermission("o", "r", "o+r", prototype.role),
        act.LinkPullSecret("n", "nobody", "s"),
        act.DeleteOrganization("o"),
    ]
    before = copy.deepcopy(situation.observed)
    observed = situation.observed
    for action in data.draw(st.permutations(strange)):
        once = after(observed, action)
        assert once == after(copy.deepcopy(observed), action)
        assert once.cluster.namespace.finalizers.count(FINALIZER) <= 1
        observed = once
    assert situation.observed == before


@given(worlds())
def test_settling_adds_the_bytes_of_known_tokens_and_nothing_else(world: World) -> None:
    registry = world.quay.observe(NOW)
    settled = world.settled(registry)
    tokens = {name for name, robot in (registry.robots or {}).items() if robot.token is not None}
    assert set(settled.contents) == {robot.secret for robot in world.wishes.robots if robot.name in tokens}
    assert settle(settled, Observed(world.cluster.state, registry)) == settled
    assert evolve(settled, contents={}) == world.wishes
    assert settled.fingerprint == world.wishes.fingerprint
    assert world.settled(ModelQuay().observe(None)) == world.wishes
    assert all(f"{settled.organization}+{robot.short_name}" == robot.name for robot in settled.robots)


@given(worlds())
def test_a_fingerprint_changes_with_each_single_wish(world: World) -> None:
    wishes = world.wishes
    changed = [evolve(wishes, repositories=wishes.repositories | {"one-more"}), evolve(wishes, robots=wishes.robots[1:])]
    for robot in wishes.robots[:1]:
        rest = wishes.robots[1:]
        role = Role.ADMIN if robot.role is not Role.ADMIN else Role.READ
        changed += [evolve(wishes, robots=(evolve(robot, role=role), *rest))]
        others = (evolve(robot, account="x"), evolve(robot, name="x"), evolve(robot, secret="x"))
        changed += [evolve(wishes, robots=(other, *rest)) for other in others]
    assert all((other.fingerprint == wishes.fingerprint) == (other == wishes) for other in changed)
    assert all(other.place == wishes.place for other in changed)


@given(worlds(), worlds())
def test_fingerprints_differ_where_the_wishes_for_quay_do(one: World, other: World) -> None:
    def wishes(d: Desired) -> tuple[object, ...]:
        robots = {(r.account, r.name, r.role, r.secret) for r in d.robots}
        return d.namespace_uid, d.organization, d.endpoint.url, robots, d.repositories

    assert (one.wishes.fingerprint == other.wishes.fingerprint) == (wishes(one.wishes) == wishes(other.wishes))
