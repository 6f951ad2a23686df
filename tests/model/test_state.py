"""The record in the cluster, by example: what is read back, and what counts as none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from quaybridge_sdk.model.openshift import APPLIED_ANNOTATION, Namespace
from quaybridge_sdk.model.state import Applied, ClusterState

RECORD = Applied("place-rest", {"b": "2", "a": "1"}, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
TEXT = '{"registry":"place-rest","secrets":{"a":"1","b":"2"},"checked":"2026-01-02T03:04:05+00:00"}'


def test_the_annotation_never_changes_its_form() -> None:
    assert RECORD.dumps() == TEXT
    assert Applied.loads(TEXT) == RECORD
    assert ClusterState(Namespace("shop", "N", annotations={APPLIED_ANNOTATION: TEXT})).applied == RECORD
    assert ClusterState(Namespace("shop", "N")).applied is None


def test_a_time_of_another_zone_is_the_same_moment() -> None:
    zone = timezone(timedelta(hours=2))
    assert Applied.loads(TEXT.replace("03:04:05+00:00", "05:04:05+02:00")) == RECORD
    assert Applied("x", {}, datetime(2026, 1, 2, 5, 4, 5, tzinfo=zone)) == Applied.loads(
        Applied("x", {}, RECORD.checked_at).dumps()
    )


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{",
        "null",
        "7",
        "[]",
        "[" * 100_000,
        "9" * 5_000,
        TEXT.replace('"registry":"place-rest",', ""),
        TEXT.replace('"place-rest"', "7"),
        TEXT.replace('{"a":"1","b":"2"}', "[]"),
        TEXT.replace('"1"', "1"),
        TEXT.replace('"2026-01-02T03:04:05+00:00"', "7"),
        TEXT.replace("2026-01-02T03:04:05+00:00", "yesterday"),
        TEXT.replace("+00:00", ""),  # a time without a zone cannot be compared with now
    ],
)
def test_a_spoilt_record_is_no_record(text: str | None) -> None:
    assert Applied.loads(text) is None
