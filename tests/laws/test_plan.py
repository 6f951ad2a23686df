"""Laws of one plan: what it is, in which order, and never a hand on what is not ours or was not looked at."""

from __future__ import annotations

import copy

from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.laws.passes import NOW, STAGE
from tests.laws.worlds import (
    Situation,
    World,
    situations,
    worlds,
)

from quaybridge_sdk.effects import after
from quaybridge_sdk.model import actions as act
from quaybridge_sdk.model.ownership import Ownership
from quaybridge_sdk.model.quay import Organization, Robot, Role
from quaybridge_sdk.plan import plan


@given(situations())
def test_plan_is_total_deterministic_and_changes_nothing(situation: Situation) -> None:
    before = copy.deepcopy(situation)
    first = plan(situation.observed, situation.desired)
    assert first == plan(copy.deepcopy(situation.observed), copy.deepcopy(situation.desired))
    assert situation == before
    assert len(set(map(repr, first))) == len(first)
    observed = situation.observed
    for action in first:
        observed = after(observed, action)
    assert situation == before


@given(situations())
def test_the_order_is_the_documented_one(situation: Situation) -> None:
    actions = plan(situation.observed, situation.desired)
    stages = [STAGE[type(action)] for action in actions if not isinstance(action, (act.WritePullSecret, act.LinkPullSecret))]
    assert stages == sorted(stages)
    for kind in (act.CreateRepository, act.SetRepositoryPermission):
        names = [action.repository for action in actions if isinstance(action, kind)]
        assert names == sorted(names)
    kinds = [type(action) for action in actions]
    secrets = [i for i, kind in enumerate(kinds) if STAGE[kind] in (7, 8)]
    assert secrets == list(range(len(kinds) - len(secrets), len(kinds)))
    for position, action in enumerate(actions):
        if isinstance(action, act.LinkPullSecret) and action.secret not in situation.observed.cluster.pull_secrets:
            written = [a.secret for a in actions[:position] if isinstance(a, act.WritePullSecret)]
            assert action.secret in written
    if act.RecordApplied in kinds:
        assert kinds == [act.RecordApplied]


@given(situations())
def test_no_action_leaves_its_namespace_or_organization(situation: Situation) -> None:
    desired = situation.desired
    robots = {robot.name for robot in desired.robots}
    for action in plan(situation.observed, desired):
        assert getattr(action, "namespace", desired.namespace) == desired.namespace
        assert getattr(action, "organization", desired.organization) == desired.organization
        assert getattr(action, "repository", None) in desired.repositories | {None}
        assert getattr(action, "secret", None) in {robot.secret for robot in desired.robots} | {None}
        assert getattr(action, "account", None) in {robot.account for robot in desired.robots} | {None}
        if isinstance(action, (act.CreateRobot, act.CreatePrototype, act.SetRepositoryPermission)):
            assert action.robot in robots
        if isinstance(action, (act.UpdatePrototype, act.DeletePrototype)):
            assert action.prototype.delegate in robots
            assert action.prototype.activating_user is None
        assert not isinstance(action, (act.DeleteOrganization, act.RemoveFinalizer))


@given(situations())
def test_nothing_is_done_to_what_is_not_ours_or_is_going(situation: Situation) -> None:
    closed = evolve(situation.desired, found=Ownership.FOREIGN)
    assert plan(situation.observed, closed) == ()
    cluster = situation.observed.cluster
    going = evolve(situation.observed, cluster=evolve(cluster, namespace=evolve(cluster.namespace, terminating=True)))
    assert plan(going, situation.desired) == ()


@given(worlds(), st.text(max_size=20))
def test_a_strangers_organization_is_never_written_to(world: World, email: str) -> None:
    assume(email != world.wishes.email and not email.endswith("@redhat.com"))
    world.quay.organization = Organization(world.wishes.organization, email)
    observed = world.observed(NOW)
    settled = evolve(world, wishes=evolve(world.wishes, adoptable=frozenset())).settled(observed.registry)
    assert not settled.writable
    assert plan(observed, settled) == ()


CONCLUSIONS = {
    "robots": (act.CreateRobot, act.RegenerateRobot, act.DeleteRobot, act.SetRepositoryPermission),
    "prototypes": (act.CreatePrototype, act.UpdatePrototype, act.DeletePrototype),
    "repositories": (act.CreateRepository, act.SetRepositoryPermission),
    "organization": (act.CreateOrganization, act.MarkOrganization, act.DeleteOrganization),
}


@given(situations(), st.sets(st.sampled_from(sorted(CONCLUSIONS))))
def test_nothing_is_concluded_from_what_was_not_looked_at(situation: Situation, hidden: set[str]) -> None:
    """Hiding parts never adds an action on Quay, and leaves none that needs them; ``after`` never makes them known."""
    registry = evolve(situation.observed.registry, **dict.fromkeys(hidden, None))  # type: ignore[arg-type]  # parts of it
    observed = evolve(situation.observed, registry=registry)
    actions = plan(observed, situation.desired)
    full = plan(situation.observed, situation.desired)
    on_quay = [action for action in actions if isinstance(action, act.RegistryAction)]
    assert [action for action in on_quay if action not in full] == []
    assert not any(isinstance(action, CONCLUSIONS[part]) for action in actions for part in hidden)
    for action in full:
        observed = after(observed, action)
    still_hidden = hidden - ({"organization"} if any(isinstance(a, act.CreateOrganization) for a in full) else set())
    assert all(getattr(observed.registry, part) is None for part in still_hidden)


@given(situations())
def test_rights_that_are_unknown_are_not_given(situation: Situation) -> None:
    robots = situation.observed.registry.robots or {}
    unknown = {name for name, robot in robots.items() if robot.repositories is None}
    given_to = [a.robot for a in plan(situation.observed, situation.desired) if isinstance(a, act.SetRepositoryPermission)]
    assert not unknown & set(given_to)


@given(situations())
def test_where_roles_were_looked_at_exactly_the_wrong_ones_are_set(situation: Situation) -> None:
    registry, desired = situation.observed.registry, situation.desired
    actions = plan(situation.observed, desired)
    assume(actions and registry.robots is not None and registry.repositories is not None)
    looked = {n: r for n, r in (registry.robots or {}).items() if r.roles is not None and r.repositories is not None}
    there = desired.repositories & (registry.repositories or frozenset())
    wrong = {(r, robot.name) for robot in desired.robots if robot.name in looked for r in there}
    wrong -= {(r, robot.name) for robot in desired.robots for r in there if _role(looked.get(robot.name), r) is robot.role}
    found = {(a.repository, a.robot) for a in actions if isinstance(a, act.SetRepositoryPermission) and a.robot in looked}
    assert found == wrong


def _role(robot: Robot | None, repository: str) -> Role | None:
    return (robot.roles or {}).get(repository) if robot else None


@given(situations())
def test_only_what_is_proved_right_is_recorded(situation: Situation) -> None:
    before = situation.observed.cluster.applied
    for action in plan(situation.observed, situation.desired):
        if isinstance(action, act.RecordApplied):
            for name, fingerprint in action.applied.secrets.items():
                content = situation.desired.contents.get(name)
                proved = content.fingerprint() if content else (before.secrets.get(name) if before else None)
                assert fingerprint == proved == situation.observed.cluster.pull_secrets[name]
            registry = situation.observed.registry
            parts = (registry.robots, registry.prototypes, registry.repositories)
            assert None not in parts or (before is not None and before.registry == situation.desired.fingerprint)
            assert action.checked_at == action.applied.checked_at == (registry.complete_at or (before and before.checked_at))
