from __future__ import annotations

import json
from typing import Any

import pytest
from tests.cli.fakes import examination, the
from tests.cli.registrations import each, rule
from tests.laws.strategies import bare

from quaybridge_sdk.cli.doctor import webhook
from quaybridge_sdk.cli.doctor.finding import Finding, Status
from quaybridge_sdk.cli.doctor.ports import Json
from quaybridge_sdk.cli.doctor.selector import selects
from quaybridge_sdk.errors import ForbiddenError
from quaybridge_sdk.model.openshift import IGNORE_ANNOTATION

TEAM = {"matchLabels": {"team": "web"}}


def namespaces(**labels: Json) -> Json:
    return {"items": [{"metadata": {"name": name, "labels": found}} for name, found in labels.items()]}


def judged(seen: Any = None, **changes: Any) -> Finding:
    objects = {"/api/v1/namespaces": seen or namespaces(shop={"team": "web"})}
    found = webhook.examine_registration(examination(objects), [each(**changes)], [bare()])
    return the(found, "webhook.rules")


def patched(command: str) -> tuple[str, object]:
    (patch,) = json.loads(command.partition("-p '")[2].removesuffix("'"))
    return patch["path"], patch["value"]


@pytest.mark.parametrize("scope", ["*", "Namespaced", None])
def test_scopes_that_builds_are_in(scope: str | None) -> None:
    assert judged(rules=[rule(scope=scope)]).status is Status.OK


def test_a_rule_for_what_is_in_no_namespace() -> None:
    finding = judged(rules=[rule(resources=["pods"]), rule(scope="Cluster")])
    assert finding.status is Status.FAILURE
    assert patched(finding.commands[0]) == ("/webhooks/0/rules/1/scope", "Namespaced")
    assert judged(rules=[rule(scope="Cluster"), rule()]).status is Status.OK


@pytest.mark.parametrize("operations", [["CREATE", "UPDATE"], ["*"]])
def test_more_than_new_builds(operations: list[str]) -> None:
    finding = judged(rules=[rule(operations=operations)])
    assert finding.status is Status.WARNING
    assert patched(finding.commands[0]) == ("/webhooks/0/rules/0/operations", ["CREATE"])
    assert judged(rules=[rule(), rule(operations=["DELETE"])]).status is Status.WARNING
    assert judged(rules=[rule(), rule(resources=["pods"], operations=["DELETE"])]).status is Status.OK


@pytest.mark.parametrize("resource", ["builds/clone", "buildconfigs", "*/scale"])
def test_resources_that_are_no_builds(resource: str) -> None:
    assert judged(rules=[rule(resources=[resource])]).status is Status.FAILURE


def test_match_conditions_may_exclude_builds() -> None:
    finding = judged(matchConditions=[{"name": "only-ours", "expression": "false"}])
    assert finding.status is Status.WARNING
    assert "matchConditions (only-ours) may exclude builds" in finding.detail
    assert judged(matchConditions=[]).status is Status.OK


def test_an_object_selector_may_exclude_builds() -> None:
    finding = judged(objectSelector=TEAM)
    assert finding.status is Status.WARNING
    assert patched(finding.commands[0]) == ("/webhooks/0/objectSelector", {})


@pytest.mark.parametrize("selector", [None, {}, {"matchLabels": {}, "matchExpressions": []}])
def test_selectors_that_ask_for_nothing(selector: Json | None) -> None:
    assert judged(objectSelector=selector, namespaceSelector=selector).status is Status.OK


def test_a_namespace_selector_that_leaves_out_what_is_covered() -> None:
    assert judged(namespaceSelector=TEAM).status is Status.OK
    seen = namespaces(e={}, d={"team": "db"}, c={}, shop={"team": "web"}, b={}, default={})
    finding = judged(seen, namespaceSelector=TEAM)
    assert finding.status is Status.WARNING
    assert ": b, c, d and 1 more;" in finding.detail
    assert patched(finding.commands[-1]) == ("/webhooks/0/namespaceSelector", {})


def test_namespaces_that_the_bridge_leaves_alone_may_be_left_out() -> None:
    seen = namespaces(shop={"team": "web"}, kube={}, openshift={}, gone={}, out={})
    seen["items"][3]["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    seen["items"][4]["metadata"]["annotations"] = {IGNORE_ANNOTATION: "true"}
    del seen["items"][1]
    assert judged(seen, namespaceSelector=TEAM).status is Status.OK


@pytest.mark.parametrize("seen", [ForbiddenError("403", system="kubernetes"), namespaces(default={})])
def test_a_namespace_selector_that_cannot_be_tried(seen: Any) -> None:
    assert judged(seen, namespaceSelector=TEAM).status is Status.NOT_CHECKED


@pytest.mark.parametrize(
    ("operator", "values", "one", "other", "none"),
    [
        ("In", ["a"], True, False, False),
        ("NotIn", ["a"], False, True, True),
        ("Exists", None, True, True, False),
        ("DoesNotExist", None, False, False, True),
        ("Else", ["a"], False, False, False),
    ],
)
def test_expressions(operator: str, values: list[str] | None, one: bool, other: bool, none: bool) -> None:
    selector = {"matchExpressions": [{"key": "k", "operator": operator, "values": values}]}
    assert [selects(selector, labels) for labels in ({"k": "a"}, {"k": "b"}, {})] == [one, other, none]
    assert not selects({**selector, "matchLabels": {"team": "web"}}, {"k": "a"})
