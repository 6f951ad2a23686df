"""Every recorded interaction with the real servers, replayed against the embedded one."""

from __future__ import annotations

import functools

import pytest
from tests.contract import openshift_replay as replay

from quaybridge_sdk.testing.openshift import NOT_IMITATED

COUNTS = {
    "01-discovery": (22, 3),
    "02-namespaces": (59, 5),
    "03-serviceaccounts": (25, 12),
    "04-secrets": (30, 4),
    "05-imagestreams": (48, 7),
    "06-imagestreamimports": (41, 1),
    "07-builds": (54, 4),
    "08-watches": (74, 15),
    "09-quayintegrations": (48, 4),
    "10a-leases-events": (24, 9),
    "10b-webhookconfigurations": (12, 8),
    "10c-access-reviews": (25, 9),
    "11-errors": (85, 30),
    "12-aggregation-outage": (31, 1),
}
"""By recording: interactions replayed and equal, and interactions of a kind that is not imitated."""

replayed = functools.cache(replay.replayed)


@pytest.mark.parametrize("cassette", COUNTS)
def test_the_embedded_server_answers_as_the_real_ones_did(cassette: str) -> None:
    faults = [f"{outcome.it}: {fault}" for outcome in replayed(cassette) for fault in outcome.faults]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("cassette", COUNTS)
def test_what_is_replayed_and_what_is_outside_is_counted(cassette: str) -> None:
    outcomes = replayed(cassette)
    assert (sum(not entry.outside for entry in outcomes), sum(entry.outside for entry in outcomes)) == COUNTS[cassette]


def test_the_counts_cover_every_recorded_interaction() -> None:
    assert sorted(COUNTS) == list(replay.all_cassettes())
    assert sum(map(sum, COUNTS.values())) == sum(len(replay.load(cassette)) for cassette in COUNTS) == 690


def test_every_kind_outside_is_a_row_of_the_printed_table_and_occurs_in_a_recording() -> None:
    found = {kind.row for cassette in COUNTS for it in replay.load(cassette) if (kind := replay.outside(it))}
    assert {kind.row for kind in replay.OUTSIDE} == found
    assert found <= set(NOT_IMITATED)


def test_a_difference_in_status_value_member_or_resource_version_is_found() -> None:
    """The comparison itself can fail: a replay that finds nothing proves something."""
    it = replay.load("04-secrets")[1]
    learned = replay.Learned()
    recorded = {"kind": "Secret", "metadata": {"resourceVersion": "1", "uid": "a"}, "type": "Opaque"}
    changes: tuple[dict[str, object], ...] = (
        {"type": "other"},
        {"metadata": {"resourceVersion": "1"}},
        {"metadata": {"resourceVersion": "2", "uid": "a"}},
        {"metadata": {"resourceVersion": "1", "uid": "b"}},
        {"data": {}},
    )
    first = replay.Comparison(it, learned)
    first.bodies(recorded, {"kind": "Secret", "metadata": {"resourceVersion": "1", "uid": "x"}, "type": "Opaque"})
    assert not first.faults
    for change in changes:
        comparison = replay.Comparison(it, learned)
        comparison.bodies(recorded, recorded | {"metadata": {"resourceVersion": "1", "uid": "x"}} | change)
        assert comparison.faults, change
