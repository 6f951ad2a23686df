from __future__ import annotations

from datetime import UTC, datetime, timedelta

from quaybridge_sdk.mapping.conditions import NOT_MET, Condition, NamespaceReport, NamespaceState
from quaybridge_sdk.runtime.status import Ledger, is_doubtful, merge_status

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
READY = Condition("Ready", "True", "Synchronized", "1 namespaces are organizations in Quay")
FAILED = Condition("Ready", "False", "TokenInvalid", "no")


def report(name: str, state: NamespaceState = NamespaceState.READY) -> NamespaceReport:
    return NamespaceReport(name, state)


def test_the_ledger_says_which_integrations_changed() -> None:
    ledger = Ledger()
    assert ledger.record(report("shop"), ["a"]) == {"a"}
    assert ledger.record(report("shop"), ["a"]) == set()
    assert ledger.record(report("shop", NamespaceState.FAILING), ["a"]) == {"a"}
    assert ledger.record(report("shop"), ["b"]) == {"a", "b"}
    assert ledger.reports("a") == ()
    assert ledger.reports("b") == (report("shop"),)
    assert ledger.counts()[NamespaceState.READY] == 1
    assert ledger.drop("shop") == {"b"}
    assert ledger.drop("shop") == set()


def test_a_status_that_says_the_same_is_not_written() -> None:
    written = merge_status({}, [READY], {"namespaces": 1}, 3, NOW)
    assert written is not None
    assert written["lastUpdate"] == "2026-01-02T03:04:05Z"
    assert merge_status(written, [READY], {"namespaces": 1}, 3, NOW + timedelta(hours=1)) is None


def test_the_transition_time_changes_only_with_the_status() -> None:
    first = merge_status({}, [READY], {}, 1, NOW)
    assert first is not None
    later = NOW + timedelta(hours=1)
    same = merge_status(first, [Condition("Ready", "True", "Synchronized", "2 namespaces")], {}, 1, later)
    other = merge_status(first, [FAILED], {}, 1, later)
    assert same is not None
    assert other is not None
    assert same["conditions"][0]["lastTransitionTime"] == "2026-01-02T03:04:05Z"
    assert other["conditions"][0]["lastTransitionTime"] == "2026-01-02T04:04:05Z"


def test_a_spoilt_status_is_written_anew() -> None:
    assert merge_status({"conditions": [None, {"type": "Ready", "status": "True", "lastTransitionTime": 7}]}, [READY], {}, 1, NOW)


def test_a_condition_that_nothing_bears_out_any_more_is_in_doubt() -> None:
    was = {"conditions": [{"type": "TokenValid", "status": "False", "reason": "InvalidCredentials"}]}
    unmet = [Condition("TokenValid", "Unknown", NOT_MET, "")]
    assert is_doubtful(was, unmet, settled=False)
    assert not is_doubtful(was, [Condition("TokenValid", "False", "InvalidCredentials", "")], settled=False)
    right = {"conditions": [{"type": "TokenValid", "status": "True"}]}
    assert not is_doubtful(right, unmet, settled=True)
    unknown = {"conditions": [{"type": "TokenValid", "status": "Unknown"}]}
    assert [is_doubtful(status, unmet, settled=settled) for status in ({}, unknown) for settled in (False, True)] == [
        False,
        True,
    ] * 2
