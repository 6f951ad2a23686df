"""Whole plans, by example."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve
from tests.laws.strategies import bare

from quaybridge_sdk.effects import after
from quaybridge_sdk.mapping.desired import desired_state, settle
from quaybridge_sdk.model import actions as act
from quaybridge_sdk.model.deletion import Deletion, DeletionPolicy, DeletionReason, StreamDeletionPolicy
from quaybridge_sdk.model.openshift import APPLIED_ANNOTATION, FINALIZER, Namespace, ServiceAccount
from quaybridge_sdk.model.quay import Organization, Prototype, Repository, Robot, Role, SecretText
from quaybridge_sdk.model.state import Absent, Applied, ClusterState, Desired, Fate, Observed, RegistryState, Released
from quaybridge_sdk.plan import plan
from quaybridge_sdk.record import followed_rotations

ORG = "openshift_shop"
NOW = datetime(2026, 1, 2, tzinfo=UTC)
NAMESPACE = Namespace("shop", "N")
ACCOUNTS = {name: ServiceAccount(name) for name in ("builder", "default")}  # ``deployer`` was never made
CLUSTER = ClusterState(NAMESPACE, ACCOUNTS, image_streams=frozenset({"db", "app"}))
DESIRED = desired_state(bare(), CLUSTER, "C")
ROLES = {"builder": Role.WRITE, "default": Role.READ, "deployer": Role.READ}
NOTHING = RegistryState(Absent.ABSENT, {}, (), frozenset(), NOW)


def desired(registry: RegistryState) -> Desired:
    return settle(DESIRED, Observed(CLUSTER, registry))


def existing(**parts: object) -> RegistryState:
    """Quay's side as wanted, but for the given parts."""
    robots = {r.name: Robot(r.name, r.description, repositories=DESIRED.repositories) for r in DESIRED.robots}
    prototypes = tuple(Prototype(f"id-{r.account}", r.name, r.role) for r in DESIRED.robots)
    base = RegistryState(Organization(ORG, DESIRED.email), robots, prototypes, DESIRED.repositories, NOW)
    return evolve(base, **parts)  # type: ignore[arg-type] # parts of RegistryState


def test_a_new_namespace_in_full() -> None:
    first = plan(Observed(CLUSTER, NOTHING), desired(NOTHING))
    description = DESIRED.robots[0].description
    assert first == (
        act.AddFinalizer("shop", "N"),
        act.CreateOrganization(ORG, "N@C.quaybridge.invalid"),
        *(act.CreateRobot(ORG, f"{ORG}+{account}", description) for account in ROLES),
        *(act.CreatePrototype(ORG, f"{ORG}+{account}", role) for account, role in ROLES.items()),
        act.CreateRepository(ORG, "app", description),
        act.CreateRepository(ORG, "db", description),
    )
    observed = Observed(CLUSTER, NOTHING)
    for action in first:
        robot = isinstance(action, act.CreateRobot) and Robot(action.robot, token=SecretText(action.robot))
        observed = after(observed, action, robot or None)
    second = plan(observed, desired(observed.registry))
    kinds = [(type(action).__name__, getattr(action, "secret", "")) for action in second]
    assert kinds == [
        ("WritePullSecret", "builder-quay-openshift"),
        ("LinkPullSecret", "builder-quay-openshift"),
        ("WritePullSecret", "default-quay-openshift"),
        ("LinkPullSecret", "default-quay-openshift"),
        ("WritePullSecret", "deployer-quay-openshift"),  # ready for when the account comes
    ]
    for action in second:
        observed = after(observed, action)
    (record,) = plan(observed, desired(observed.registry))
    assert isinstance(record, act.RecordApplied)
    assert (record.applied.registry, record.checked_at) == (DESIRED.fingerprint, NOW)
    assert plan(after(observed, record), desired(observed.registry)) == ()


def managed(registry: RegistryState) -> tuple[act.Action, ...]:
    cluster = evolve(CLUSTER, namespace=evolve(NAMESPACE, finalizers=(FINALIZER,)))
    return plan(Observed(cluster, registry), desired(registry))


def test_a_wrong_role_is_corrected_and_doubles_go() -> None:
    builder = f"{ORG}+builder"
    wrong, double, personal = (
        Prototype("a", builder, Role.READ),
        Prototype("b", builder, Role.READ),
        Prototype("c", builder, Role.ADMIN, "me"),
    )
    others = (existing().prototypes or ())[1:]
    assert managed(existing(prototypes=(double, personal, wrong, *others))) == (
        act.SetRepositoryPermission(ORG, "app", builder, Role.WRITE),  # made while it was wrong, they may have the wrong role
        act.SetRepositoryPermission(ORG, "db", builder, Role.WRITE),
        act.UpdatePrototype(ORG, wrong, Role.WRITE),
        act.DeletePrototype(ORG, double),
    )
    right = Prototype("z", builder, Role.WRITE)
    assert managed(existing(prototypes=(wrong, right, *others))) == (
        act.SetRepositoryPermission(ORG, "app", builder, Role.WRITE),  # either may have been given
        act.SetRepositoryPermission(ORG, "db", builder, Role.WRITE),
        act.DeletePrototype(ORG, wrong),
    )
    equal = Prototype("y", builder, Role.WRITE)
    assert managed(existing(prototypes=(equal, right, *others))) == (act.DeletePrototype(ORG, right),)


def test_a_repository_that_was_there_before_its_default_permissions_gets_its_rights_directly() -> None:
    robots = {**(existing().robots or {}), f"{ORG}+default": Robot(f"{ORG}+default", repositories=frozenset({"app"}))}
    assert managed(existing(robots=robots)) == (act.SetRepositoryPermission(ORG, "db", f"{ORG}+default", Role.READ),)


def roles_of(account: str, **roles: Role) -> dict[str, Robot]:
    """All robots, with the roles that one was found to have; it has some right on the wanted repositories, and on another."""
    robots, name = existing().robots or {}, f"{ORG}+{account}"
    held = DESIRED.repositories | {"theirs"}
    return {**robots, name: evolve(robots[name], repositories=held, roles=roles)}


def test_a_role_that_was_looked_at_is_put_right_where_the_repository_is_wanted() -> None:
    wrong = roles_of("default", app=Role.ADMIN, db=Role.READ, theirs=Role.ADMIN)
    fixed = act.SetRepositoryPermission(ORG, "app", f"{ORG}+default", Role.READ)
    there = DESIRED.repositories | {"theirs"}
    assert managed(existing(robots=wrong, repositories=there)) == (fixed,)
    registry = after(Observed(CLUSTER, existing(robots=wrong, repositories=there)), fixed).registry
    assert (registry.robots or {})[f"{ORG}+default"].roles == {"app": Role.READ, "db": Role.READ, "theirs": Role.ADMIN}
    assert managed(registry) == ()
    assert managed(existing(robots=roles_of("default", app=Role.READ))) == (  # on "db" it has something unknown
        act.SetRepositoryPermission(ORG, "db", f"{ORG}+default", Role.READ),
    )


def test_roles_that_were_looked_at_are_in_no_doubt_for_a_wrong_default_permission() -> None:
    wrong = Prototype("a", f"{ORG}+builder", Role.READ)
    others = (existing().prototypes or ())[1:]
    robots = roles_of("builder", app=Role.WRITE, db=Role.READ)
    assert managed(existing(robots=robots, prototypes=(wrong, *others))) == (
        act.SetRepositoryPermission(ORG, "db", f"{ORG}+builder", Role.WRITE),
        act.UpdatePrototype(ORG, wrong, Role.WRITE),
    )


def test_which_of_two_default_permissions_gave_a_role_is_not_known() -> None:
    double = Prototype("b", f"{ORG}+builder", Role.READ)
    known = existing(robots=roles_of("builder", app=Role.WRITE), prototypes=(*(existing().prototypes or ()), double))
    registry = after(Observed(CLUSTER, known), act.CreateRepository(ORG, "new"), True).registry
    builder = (registry.robots or {})[f"{ORG}+builder"]
    assert builder.repositories == DESIRED.repositories | {"theirs", "new"}
    assert builder.roles == {"app": Role.WRITE}


def test_nothing_is_recorded_before_the_secrets_are_there() -> None:
    assert managed(existing()) == ()  # the tokens were not asked for


def test_nothing_is_done_where_nothing_was_looked_at() -> None:
    assert managed(RegistryState()) == ()


def test_a_strangers_organization_is_left_alone() -> None:
    assert managed(existing(organization=Organization(ORG, "admin@example.com"), robots={})) == ()


def test_a_namespace_is_let_go_after_its_organization() -> None:
    cluster = evolve(CLUSTER, namespace=evolve(NAMESPACE, terminating=True, finalizers=(FINALIZER,)))
    observed = Observed(cluster, existing())
    assert plan(observed, Released("shop", ORG, Fate.DELETE)) == (act.DeleteOrganization(ORG), act.RemoveFinalizer("shop"))
    assert plan(observed, Released("shop", ORG)) == (act.RemoveFinalizer("shop"),)
    assert plan(observed, Released("shop", None, Fate.DELETE)) == (act.RemoveFinalizer("shop"),)
    assert plan(observed, desired(existing())) == ()


def test_a_quarantine_marks_the_organization_before_the_robots_that_bear_the_mark_go() -> None:
    cluster = evolve(CLUSTER, namespace=evolve(NAMESPACE, terminating=True, finalizers=(FINALIZER,)))
    inside = (Repository("app"), Repository("db", read_only=True))
    observed = Observed(cluster, existing(organization=Organization(ORG, "edited"), contents=inside))
    builder = frozenset({f"{ORG}+builder", f"{ORG}+never-made"})
    assert plan(observed, Released("shop", ORG, Fate.QUARANTINE, builder, DESIRED.email)) == (
        act.MarkOrganization(ORG, DESIRED.email),
        act.DeleteRobot(ORG, f"{ORG}+builder"),
        act.SetRepositoryState(ORG, "app", read_only=True),
        act.RemoveFinalizer("shop"),
    )


def test_an_organization_that_is_given_back_takes_pushes_before_it_is_forgotten_that_it_was_to_go() -> None:
    kept = Deletion("i", ORG, "shop", "M", DESIRED.endpoint.url, DeletionPolicy.DELETE, DeletionReason.QUARANTINE, NOW)
    cluster = evolve(CLUSTER, namespace=evolve(NAMESPACE, finalizers=(FINALIZER,)), deletions=(kept,))
    wishes = desired_state(bare(), cluster, "C")
    shut = existing(contents=(Repository("app", read_only=True), Repository("db")))
    observed = Observed(cluster, shut)
    asked, opened = plan(observed, wishes)
    assert asked == act.AddFinalizer("shop", "N")  # the API itself, whether the namespace still is
    assert opened == act.SetRepositoryState(ORG, "app", read_only=False)
    observed = after(observed, opened)
    assert plan(observed, wishes) == (act.ForgetDeletion("shop", kept),)
    unseen = Observed(cluster, existing())  # whether its repositories take pushes was not looked at
    assert plan(unseen, wishes) == ()


def test_what_was_shut_before_a_quarantine_stays_shut() -> None:
    kept = Deletion(
        "i", ORG, "shop", "M", DESIRED.endpoint.url, DeletionPolicy.DELETE, DeletionReason.QUARANTINE, NOW, shut=("release",)
    )
    cluster = evolve(CLUSTER, namespace=evolve(NAMESPACE, finalizers=(FINALIZER,)), deletions=(kept,))
    inside = (Repository("app", read_only=True), Repository("release", read_only=True))
    observed = Observed(cluster, existing(repositories=frozenset({"app", "release"}), contents=inside))
    states = [a for a in plan(observed, desired_state(bare(), cluster, "C")) if isinstance(a, act.SetRepositoryState)]
    assert states == [act.SetRepositoryState(ORG, "app", read_only=False)]


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({"described": {"old": DESIRED.mark, "strange": "somebody's"}}, {"app", "old"}),
        ({"contents": (Repository("app"), Repository("old"), Repository("strange"))}, {"app", "old", "strange"}),
        ({}, {"app"}),
    ],
)
def test_a_robot_made_anew_gets_its_rights_on_all_that_it_had_them_on(changed: dict[str, Any], wanted: set[str]) -> None:
    """Also where there is no ImageStream (any more)."""
    lost = existing(robots={}, prototypes=(), repositories=frozenset({"app", "old", "strange"}), **changed)
    given = [a for a in managed(lost) if isinstance(a, act.SetRepositoryPermission) and a.robot == f"{ORG}+builder"]
    assert {action.repository for action in given} == wanted


def test_a_token_that_was_renewed_is_recorded_even_where_the_rest_fails() -> None:
    before = Applied("x", {"builder-quay-openshift": "old", "default-quay-openshift": "d"}, NOW)
    account = {"builder": ServiceAccount("builder", rotate="again")}
    annotated = evolve(NAMESPACE, annotations={APPLIED_ANNOTATION: before.dumps()})
    content = SecretText("with the new token")
    secrets = {"builder-quay-openshift": content.fingerprint()}
    cluster = evolve(CLUSTER, namespace=annotated, accounts=account, pull_secrets=secrets)
    wishes = evolve(desired_state(bare(), cluster, "C"), contents={"builder-quay-openshift": content})
    rotated = Observed(cluster, existing(rotated=frozenset({f"{ORG}+builder"})))
    record = followed_rotations(rotated, wishes)
    assert record is not None
    assert record.applied == evolve(before, secrets={"default-quay-openshift": "d", **secrets}, rotated={"builder": "again"})
    unwritten = evolve(rotated, cluster=evolve(cluster, pull_secrets={"builder-quay-openshift": "old"}))
    record = followed_rotations(unwritten, wishes)
    assert record is not None
    assert record.applied.secrets == {"default-quay-openshift": "d"}  # so the next pass looks at the other
    assert followed_rotations(Observed(cluster, existing()), wishes) is None
    assert followed_rotations(evolve(rotated, cluster=CLUSTER), wishes) is None


def test_a_repository_goes_when_it_is_proved_forsaken_and_only_then() -> None:
    described = dict.fromkeys(("app", "old", "gone"), DESIRED.mark) | {"theirs": "somebody's"}
    registry = existing(repositories=DESIRED.repositories | {"old", "theirs"}, described=described)
    wishes = evolve(DESIRED, stream_policy=StreamDeletionPolicy.DELETE)
    assert wishes.forsaken(registry) == {"old", "gone"}
    assert DESIRED.forsaken(registry) == frozenset()
    cluster = evolve(CLUSTER, namespace=evolve(NAMESPACE, finalizers=(FINALIZER,)))
    assert not [a for a in plan(Observed(cluster, registry), wishes) if isinstance(a, act.DeleteRepository)]
    actions = plan(Observed(cluster, registry), evolve(wishes, removable=frozenset({"old", "gone"})))
    assert [a for a in actions if isinstance(a, act.DeleteRepository)] == [act.DeleteRepository(ORG, "old")]
    after_it = after(Observed(cluster, registry), act.DeleteRepository(ORG, "old")).registry
    assert after_it.repositories == DESIRED.repositories | {"theirs"}
    assert set(after_it.described) == {"app", "gone", "theirs"}
