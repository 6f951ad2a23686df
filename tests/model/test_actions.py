"""Actions are plain values: comparable, printable without a secret, and exactly those that the ports can carry out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest
from attrs import exceptions, fields

from quaybridge_sdk.model import actions as act
from quaybridge_sdk.model.quay import SecretText
from quaybridge_sdk.model.state import Applied


def test_the_union_is_closed_and_names_every_action() -> None:
    own = (value for name, value in vars(act).items() if isinstance(value, type) and not name.startswith("_"))
    defined = {value for value in own if value.__module__ == act.__name__}
    assert set(get_args(act.Action)) == defined
    assert set(get_args(act.RegistryAction)) | set(get_args(act.ClusterAction)) == defined
    assert not set(get_args(act.RegistryAction)) & set(get_args(act.ClusterAction))


@pytest.mark.parametrize("action", get_args(act.Action))
def test_every_action_is_frozen_and_says_where(action: type) -> None:
    names = [attribute.name for attribute in fields(action)]
    assert names[0] == ("organization" if action in get_args(act.RegistryAction) else "namespace")
    value = action(*("x" for _ in names))
    with pytest.raises(exceptions.FrozenInstanceError):
        setattr(value, names[0], "y")


def test_a_robots_short_name_is_what_follows_the_plus() -> None:
    assert act.CreateRobot("openshift_shop", "openshift_shop+builder", "").short_name == "builder"


def test_no_action_prints_a_secret() -> None:
    action = act.WritePullSecret("shop", "builder-quay-openshift", SecretText("hunter2hunter2"))
    assert "hunter2" not in f"{action} {action!r}"
    assert action != act.WritePullSecret("shop", "builder-quay-openshift", SecretText("another"))


def test_a_record_tells_when_quay_was_last_read() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert act.RecordApplied("shop", Applied("x", {}, now)).checked_at == now
