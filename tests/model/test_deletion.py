"""Entries of ``status.deletions`` that nobody should have written."""

from __future__ import annotations

import pytest

from quaybridge_sdk.model.deletion import Deletion

GOOD = {
    "organization": "openshift_shop",
    "namespace": "shop",
    "namespaceUID": "u",
    "quay": "https://q.example",
    "policy": "Delete",
    "reason": "Unfinished",
    "due": "2026-01-02T00:00:00+00:00",
}


def test_a_good_entry_is_read() -> None:
    read = Deletion.loads("i", GOOD)
    assert read is not None
    assert read.dumps() == GOOD


@pytest.mark.parametrize(
    "entry",
    [
        None,
        "text",
        {**GOOD, "due": "2026-01-02T00:00:00"},  # in no zone
        {**GOOD, "due": 7},
        {key: value for key, value in GOOD.items() if key != "due"},  # what is only not done yet has a time
        {**GOOD, "organization": ""},
        {**GOOD, "reason": "Whim"},
    ],
)
def test_a_spoilt_entry_is_passed_over(entry: object) -> None:
    assert Deletion.loads("i", entry) is None
