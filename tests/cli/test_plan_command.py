from __future__ import annotations

import json

import pytest

from quaybridge_sdk.cli.plan import NamespacePlan, as_json, exit_code, totals
from quaybridge_sdk.cli.render import entry
from quaybridge_sdk.errors import UnreachableError
from quaybridge_sdk.model.actions import Action, CreateOrganization, CreateRepository, LinkPullSecret

ACTIONS: tuple[Action, ...] = (
    CreateOrganization("openshift_shop", ""),
    CreateRepository("openshift_shop", "a"),
    LinkPullSecret("shop", "b", "s"),
)
CHANGED = NamespacePlan("shop", "openshift_shop", tuple(entry(action) for action in ACTIONS))
SAME = NamespacePlan("same", "openshift_same")
UNREAD = NamespacePlan("lost", "openshift_lost", error=UnreachableError("no connection", system="quay"))


@pytest.mark.parametrize(
    ("plans", "plain", "detailed"),
    [([SAME], 0, 0), ([SAME, CHANGED], 0, 3), ([UNREAD], 1, 1), ([CHANGED, UNREAD], 1, 1), ([], 0, 0)],
)
def test_exit_codes(plans: list[NamespacePlan], plain: int, detailed: int) -> None:
    assert exit_code(plans, detailed=False) == plain
    assert exit_code(plans, detailed=True) == detailed


def test_totals_are_by_kind() -> None:
    assert list(totals([CHANGED, SAME, UNREAD])) == [
        "organization: 1 to create",
        "repository: 1 to create",
        "service account: 1 to change",
        "3 changes in 1 of 3 namespaces; 1 could not be read",
    ]


def test_json_has_one_object_an_action() -> None:
    document = json.loads(as_json([CHANGED, UNREAD]))
    assert (document["format"], document["namespaces"]) == (1, 2)
    assert document["actions"][1] == {
        "side": "quay", "verb": "create", "kind": "repository", "name": "openshift_shop/a", "namespace": "shop", "detail": ""
    }  # fmt: skip
    assert document["failures"] == [{"namespace": "lost", "reason": "Unreachable", "message": "no connection"}]
