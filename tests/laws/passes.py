"""A whole pass as ``reconcile`` makes it, in memory on the model of both servers, with independent actions in any order."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from attrs import evolve
from tests.laws.worlds import (
    World,
)

from quaybridge_sdk.effects import after
from quaybridge_sdk.model import actions as act
from quaybridge_sdk.model.openshift import FINALIZER
from quaybridge_sdk.model.quay import Prototype
from quaybridge_sdk.model.state import Observed
from quaybridge_sdk.plan import plan
from quaybridge_sdk.reconcile import MAX_ROUNDS

STAGE = {
    act.AddFinalizer: 1,
    act.CreateOrganization: 2,
    act.MarkOrganization: 2,
    act.CreateRobot: 3,
    act.RegenerateRobot: 3,
    act.DeleteRobot: 3,
    act.SetRepositoryPermission: 4,
    act.CreatePrototype: 5,
    act.UpdatePrototype: 5,
    act.DeletePrototype: 5,
    act.CreateRepository: 6,
    act.DeleteRepository: 6,
    act.WritePullSecret: 7,
    act.LinkPullSecret: 8,
    act.RecordApplied: 9,
}
"""The documented order; within a stage actions are independent. Secrets and links of different accounts are, too."""

NOW = datetime.fromisoformat("2026-01-02T03:04:05+00:00")
INTERVAL = timedelta(hours=10)


def shuffled(actions: tuple[act.Action, ...], shuffler: random.Random) -> list[act.Action]:
    keyed = [(STAGE[type(action)], shuffler.random(), action) for action in actions]
    return [action for _, _, action in sorted(keyed, key=lambda row: row[:2])]


def converge(world: World, shuffler: random.Random | None = None, *, roles: bool = False) -> int:
    """What ``reconcile`` does, in memory, on the model. Returns the number of rounds, the last and empty one with them.

    ``roles``: those on single repositories are looked at, too.
    """
    observed = world.observed(NOW, [robot.name for robot in world.wishes.robots] if roles else ())
    for rounds in range(1, MAX_ROUNDS + 1):
        actions = plan(observed, world.settled(observed.registry))
        if not actions:
            return rounds
        for action in shuffled(actions, shuffler) if shuffler else actions:
            observed = after(observed, action, world.apply(action))
            known = [robot.name for robot in (observed.registry.robots or {}).values() if robot.roles is not None]
            assert same(observed, world.observed(NOW, known))
    raise AssertionError("no end")


def same(one: Observed, other: Observed) -> bool:
    """Equal, apart from the order of default permissions, which Quay does not promise."""

    def key(prototype: Prototype) -> tuple[str, str]:
        return prototype.id, repr(prototype)

    sides = [evolve(o.registry, prototypes=tuple(sorted(o.registry.prototypes or (), key=key))) for o in (one, other)]
    return one.cluster == other.cluster and sides[0] == sides[1]


def assert_as_wished(world: World) -> None:
    quay, cluster, wishes = world.quay, world.cluster.state, world.wishes
    assert quay.organization is not None
    assert quay.organization.email == wishes.email
    assert FINALIZER in cluster.namespace.finalizers
    assert wishes.repositories <= quay.repositories
    for robot in wishes.robots:
        assert all(repository in quay.rights[robot.name] for repository in wishes.repositories)
        general = [p for p in quay.prototypes if p.delegate == robot.name and p.activating_user is None]
        assert [p.role for p in general] == [robot.role]
        content = world.settled(quay.observe(None)).contents[robot.secret]
        assert cluster.pull_secrets[robot.secret] == content.fingerprint()
        account = cluster.accounts.get(robot.account)
        assert account is None or account.links(robot.secret)
    applied = cluster.applied
    assert applied is not None
    assert applied.registry == wishes.fingerprint
    assert applied.secrets == {robot.secret: cluster.pull_secrets[robot.secret] for robot in wishes.robots}
