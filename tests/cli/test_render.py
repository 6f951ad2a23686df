from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from quaybridge_sdk.cli.render import COLOURS, ROWS, SYMBOLS, Verb, entry, render
from quaybridge_sdk.model import actions as act
from quaybridge_sdk.model.deletion import Deletion, DeletionPolicy, DeletionReason
from quaybridge_sdk.model.quay import Prototype, Role, SecretText
from quaybridge_sdk.model.state import Applied

ORG = "openshift_shop"
SECRET = "never-to-be-seen"
DELETION = Deletion("quay.redhat.com/quay", ORG, "shop", "uid", "https://quay", DeletionPolicy.DELETE, DeletionReason.QUARANTINE)
DOUBLED = Prototype("id", f"{ORG}+builder", Role.READ)

LINES: list[tuple[act.Action, str]] = [
    (act.AddFinalizer("shop"), "~ namespace shop: add finalizer"),
    (act.RemoveFinalizer("shop"), "~ namespace shop: remove finalizer"),
    (act.RecordApplied("shop", Applied("", {}, datetime(2026, 1, 1, tzinfo=UTC))), "~ namespace shop: record what was done"),
    (act.CreateOrganization(ORG, "a@b"), f"+ organization {ORG}"),
    (act.MarkOrganization(ORG, "a@b"), f"@ organization {ORG}: adopted: marked as ours"),
    (act.DeleteOrganization(ORG), f"- organization {ORG}: and all that is in it, images too"),
    (act.CreateRobot(ORG, f"{ORG}+builder", ""), f"+ robot {ORG}+builder"),
    (act.RegenerateRobot(ORG, f"{ORG}+builder"), f"~ robot {ORG}+builder: new token, the old one ends"),
    (act.DeleteRobot(ORG, f"{ORG}+builder"), f"- robot {ORG}+builder: its rights and its token end"),
    (act.CreatePrototype(ORG, f"{ORG}+builder", Role.WRITE), f"+ default permission {ORG}+builder: may write"),
    (act.UpdatePrototype(ORG, DOUBLED, Role.WRITE), f"~ default permission {ORG}+builder: may write, not read"),
    (act.DeletePrototype(ORG, DOUBLED), f"- default permission {ORG}+builder: it was doubled"),
    (act.CreateRepository(ORG, "app"), f"+ repository {ORG}/app"),
    (act.DeleteRepository(ORG, "app"), f"- repository {ORG}/app: and its images: its ImageStream is gone"),
    (act.SetRepositoryPermission(ORG, "app", f"{ORG}+builder", Role.WRITE), f"~ repository {ORG}/app: {ORG}+builder may write"),
    (act.SetRepositoryState(ORG, "app", True), f"~ repository {ORG}/app: nobody can push"),
    (act.WritePullSecret("shop", "s", SecretText(SECRET)), "+ pull secret shop/s"),
    (act.LinkPullSecret("shop", "builder", "s"), "~ service account shop/builder: add pull secret s"),
    (act.UnlinkPullSecret("shop", "builder", "s"), "~ service account shop/builder: remove pull secret s"),
    (act.DeletePullSecret("shop", "s", "f"), "- pull secret shop/s"),
    (act.ClearRecord("shop", True), "~ namespace shop: remove our annotations and finalizer"),
    (
        act.RememberDeletion("shop", DELETION),
        f"~ status quay.redhat.com/quay: remember {ORG}, an organization that outlives its namespace (Quarantine)",
    ),
    (
        act.ForgetDeletion("shop", DELETION),
        f"~ status quay.redhat.com/quay: forget {ORG}, an organization that outlives its namespace (Quarantine)",
    ),
]


def test_every_action_of_the_union_is_in_the_table() -> None:
    assert set(ROWS) == set(get_args(act.Action))
    assert {type(action) for action, _ in LINES} == set(ROWS)


@pytest.mark.parametrize(("action", "line"), LINES, ids=[type(action).__name__ for action, _ in LINES])
def test_line(action: Any, line: str) -> None:
    assert render(action) == line
    assert SECRET not in repr(entry(action))


def test_sides_are_those_of_the_unions() -> None:
    assert {type(a) for a, _ in LINES if entry(a).side == "quay"} == set(get_args(act.RegistryAction))
    assert {type(a) for a, _ in LINES if entry(a).side == "cluster"} == set(get_args(act.ClusterAction))


def test_a_secret_that_is_there_is_changed() -> None:
    action = act.WritePullSecret("shop", "s", SecretText(SECRET))
    assert entry(action, {"s"}).line == "~ pull secret shop/s"


def test_a_repository_that_may_be_pushed_to_again() -> None:
    assert render(act.SetRepositoryState(ORG, "app", False)) == f"~ repository {ORG}/app: can be pushed to again"


def test_each_verb_has_a_symbol_and_a_colour() -> None:
    assert set(SYMBOLS) == set(Verb)
    assert set(COLOURS) == set(SYMBOLS.values())
