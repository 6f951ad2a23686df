"""The conditions of an integration's status: who fails, why, and that no order of reports matters."""

from __future__ import annotations

import random

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.strategies import bare, namespaces

from quaybridge_sdk import errors
from quaybridge_sdk.mapping.collisions import Inventory, collisions
from quaybridge_sdk.mapping.conditions import (
    CONDITION_OF_REASON,
    CONDITIONS,
    MESSAGE_LENGTH,
    OF_QUAY,
    Condition,
    Facts,
    NamespaceReport,
    NamespaceState,
    Problem,
    WebhookState,
    collision_report,
    conditions,
    invalid_conditions,
    namespace_status,
    says_the_same,
)
from quaybridge_sdk.model.deletion import Deletion, DeletionPolicy, DeletionReason
from quaybridge_sdk.model.integration import parse_endpoint

SERVED = Facts(webhook=WebhookState.SERVING)
READY = NamespaceReport("shop", NamespaceState.READY)
reports = st.lists(
    st.builds(
        NamespaceReport,
        namespaces,
        st.sampled_from(NamespaceState),
        st.sampled_from(sorted(CONDITION_OF_REASON)) | st.just("Conflict"),
        st.text(max_size=400),
    ),
    max_size=9,
    unique_by=lambda report: report.namespace,
)


def failing(reason: str, namespace: str = "shop") -> NamespaceReport:
    return NamespaceReport(namespace, NamespaceState.FAILING, reason, "what happened")


def by_type(found: tuple[Condition, ...]) -> dict[str, Condition]:
    return {condition.type: condition for condition in found}


@given(reports, st.randoms(use_true_random=False), st.booleans())
def test_the_conditions_are_complete_of_metav1s_form_and_know_no_order(
    rows: list[NamespaceReport], shuffler: random.Random, prefixed: bool
) -> None:
    integration = evolve(bare(), organization_prefix="x" if prefixed else "")
    found = conditions(integration, rows)
    shuffled = list(rows)
    shuffler.shuffle(shuffled)
    assert conditions(integration, iter(shuffled)) == found
    assert [c.type for c in found] == [
        "Ready",
        *CONDITIONS,
        "WebhookServing",
        *(["OrganizationPrefixIgnored"] if prefixed else []),
    ]
    assert all(c.status in ("True", "False", "Unknown") for c in found)
    assert all(c.reason.isidentifier() and len(c.message) <= MESSAGE_LENGTH for c in found)
    ready = all(row.state is NamespaceState.READY for row in rows)
    assert (found[0].status == "True") == ready


@pytest.mark.parametrize(("reason", "condition"), sorted(CONDITION_OF_REASON.items()))
def test_each_reason_makes_its_condition_false_and_no_other(reason: str, condition: str) -> None:
    found = by_type(conditions(bare(), [READY, failing(reason, "pay")], SERVED))
    assert found[condition] == Condition(condition, "False", reason, "pay: what happened")
    assert found["Ready"] == Condition("Ready", "False", reason, "1 of 2 namespaces: pay: what happened")
    others = [c for c in found.values() if c.type not in ("Ready", condition)]
    assert {c.status for c in others} == {"True"}


def test_each_reason_of_the_table_is_an_errors_or_the_runtimes() -> None:
    known = {getattr(errors, name).__name__.removesuffix("Error") for name in vars(errors) if name.endswith("Error")} | {
        "Contested",
        "NameCollision",
    }
    assert set(CONDITION_OF_REASON) <= known
    assert set(CONDITION_OF_REASON.values()) == set(CONDITIONS)


def test_a_reason_without_a_condition_only_makes_it_not_ready() -> None:
    found = conditions(bare(), [READY, failing("Conflict", "pay")], SERVED)
    assert [c.status for c in found] == ["False"] + ["True"] * (len(CONDITIONS) + 1)


def test_what_was_not_asked_of_quay_is_unknown() -> None:
    found = by_type(conditions(bare(), [NamespaceReport("shop", NamespaceState.WAITING)], Facts(asked=False)))
    assert found["Ready"] == Condition("Ready", "False", "Progressing", "0 of 1 namespaces are ready")
    assert {kind for kind in CONDITIONS if found[kind].status == "Unknown"} == OF_QUAY


@pytest.mark.parametrize(("hostname", "insecure"), [("http://quay.example.com", False), ("https://quay.example.com", True)])
def test_a_certificate_that_nobody_looks_at_is_not_verified_and_no_trouble(hostname: str, insecure: bool) -> None:
    integration = evolve(bare(), endpoint=parse_endpoint(hostname, insecure=insecure))
    found = by_type(conditions(integration, [READY], SERVED))
    assert (found["TLSVerified"].status, found["TLSVerified"].reason) == ("False", "NotVerified")
    assert found["Ready"].status == "True"


@pytest.mark.parametrize(
    ("webhook", "status", "ready"),
    [(WebhookState.SERVING, "True", "True"), (WebhookState.SILENT, "False", "False"), (WebhookState.UNKNOWN, "Unknown", "True")],
)
def test_a_webhook_that_fell_silent_is_trouble_and_one_that_never_spoke_is_not(
    webhook: WebhookState, status: str, ready: str
) -> None:
    found = by_type(conditions(bare(), [READY], Facts(webhook=webhook)))
    assert (found["WebhookServing"].status, found["Ready"].status) == (status, ready)


def test_a_problem_of_the_whole_goes_before_what_the_namespaces_met() -> None:
    found = by_type(conditions(bare(), [READY, failing("Unreachable")], Facts(problem=Problem("TokenInvalid", "no"))))
    assert found["Ready"] == Condition("Ready", "False", "TokenInvalid", "no")
    assert found["TokenValid"].status == found["QuayReachable"].status == "False"


def test_a_burst_of_deletions_waits_for_somebody_and_is_told() -> None:
    held = Deletion("i", "o_shop", "shop", "u", "q", DeletionPolicy.DELETE, DeletionReason.BURST)
    found = by_type(conditions(bare(), [READY], Facts(deletions=(held, evolve(held, reason=DeletionReason.QUARANTINE)))))
    assert (found["DeletionsHeld"].status, found["DeletionsHeld"].reason) == ("True", "Burst")
    assert found["DeletionsHeld"].message.startswith("o_shop: ")
    assert "DeletionsHeld" not in by_type(conditions(bare(), [READY]))


def test_no_namespace_is_no_trouble() -> None:
    assert conditions(bare(), [])[0] == Condition("Ready", "True", "Synchronized", "0 namespaces are organizations in Quay")


def test_many_failures_are_counted_and_the_first_five_told() -> None:
    rows = [failing("Unreachable", f"n{number}") for number in range(7)]
    message = conditions(bare(), rows)[0].message
    assert message.startswith("7 of 7 namespaces: n0: what happened; n1: ")
    assert message.endswith("n4: what happened; and 2 more")


@pytest.mark.parametrize("length", [10, MESSAGE_LENGTH, MESSAGE_LENGTH + 9])
def test_an_unreadable_spec_is_one_condition_of_bounded_length(length: int) -> None:
    (found,) = invalid_conditions("x" * length)
    assert found == Condition("Ready", "False", "InvalidSpec", "x" * min(length, MESSAGE_LENGTH))


def test_a_contested_namespace_is_a_conflict() -> None:
    found = by_type(conditions(bare(), [NamespaceReport("shop", NamespaceState.CONTESTED, "Contested", "two integrations")]))
    assert found["NoConflict"] == Condition("NoConflict", "False", "Contested", "shop: two integrations")


def test_streams_that_share_a_repository_are_a_conflict_that_names_them() -> None:
    """Only where an organization's name leaves five characters for a digest; the two were found by trying."""
    integration = evolve(bare(), cluster_id="c" * 182)
    namespace = "n" * 63

    def of(*streams: str) -> NamespaceReport | None:
        return collision_report(namespace, collisions([Inventory("here", (integration,), {namespace: frozenset(streams)})]))

    assert of("app-13287", "app-13352") is None
    report = of("app-13287", "app-13351")
    assert report is not None
    assert (report.state, report.reason) == (NamespaceState.FAILING, "NameCollision")
    assert report.message.startswith("app-13287, app-13351 share the repository ")
    assert by_type(conditions(integration, [report]))["NoConflict"].status == "False"


def test_what_only_the_incumbent_would_mix_up_is_no_trouble() -> None:
    capitals = Inventory("other", (evolve(bare(), cluster_id="Prod"),), {"shop": frozenset()})
    small = Inventory("here", (evolve(bare(), cluster_id="prod"),), {"shop": frozenset()})
    found = collisions([capitals, small])
    assert found
    assert collision_report("shop", found) is None


@pytest.mark.parametrize(
    ("report", "text"),
    [
        (READY, "Ready: images are in Quay's organization c_shop"),
        (NamespaceReport("shop", NamespaceState.WAITING), "Waiting: "),
        (failing("Unreachable"), "Unreachable: what happened"),
        (NamespaceReport("shop", NamespaceState.FAILING, "TokenInvalid", "x" * 5000), "TokenInvalid: " + "x" * 500),
    ],
)
def test_a_namespace_says_one_word_and_what_to_know(report: NamespaceReport, text: str) -> None:
    assert namespace_status(report, "c_shop") == text


def test_a_message_that_varies_is_no_other_status() -> None:
    assert says_the_same("Unreachable: try 1", "Unreachable: try 2")
    assert not says_the_same("Unreachable: try 1", "TokenInvalid: try 1")
