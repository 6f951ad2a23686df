"""A secret stays masked whatever is done to what holds it, beside the one method that gives it away."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import pickle
import pprint
import traceback
from collections.abc import Callable
from typing import Any

import attrs
import cattrs
import orjson
import pytest

from quaybridge_sdk.mapping.roles import DEFAULT_ROLES
from quaybridge_sdk.model.actions import WritePullSecret
from quaybridge_sdk.model.quay import DEFAULT_ACCOUNTS, Robot, SecretText

TOKEN = "s3cret-token-of-a-robot"


@dataclasses.dataclass
class Holder:
    token: SecretText


def traced(holder: object) -> str:
    """A traceback that shows the local variables, as some handlers of errors print it."""

    def fail(token: SecretText) -> None:
        raise RuntimeError(f"{holder} failed")

    try:
        fail(SecretText(TOKEN))
    except RuntimeError as error:
        return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    return ""


SHOWN: dict[str, Callable[[Any], object]] = {
    "asdict": attrs.asdict,
    "asdict, turned over": lambda robot: attrs.asdict(robot, value_serializer=lambda _a, _f, value: repr(value)),
    "astuple": attrs.astuple,
    "unstructure": cattrs.unstructure,
    "unstructure of an action": lambda robot: cattrs.unstructure(WritePullSecret("ns", "s", robot.token)),
    "asdict of a dataclass": lambda robot: dataclasses.asdict(Holder(robot.token)),
    "pprint": pprint.pformat,
    "repr": repr,
    "f-string": lambda robot: f"{robot.token} {robot.token!s:>40} {robot.token:>40} {robot.token!r}",
    "percent": lambda robot: "%s %r" % (robot.token, robot.token),  # noqa: UP031 - as the log does
    "json, what it cannot write as text": lambda robot: json.dumps(attrs.asdict(robot), default=str),
    "orjson, what it cannot write as text": lambda robot: orjson.dumps(attrs.asdict(robot), default=str),
    "traceback": traced,
}


@pytest.mark.parametrize("way", SHOWN)
def test_a_secret_is_not_shown(way: str) -> None:
    shown = SHOWN[way](Robot("o+b", "d", SecretText(TOKEN), frozenset({"app"})))
    assert TOKEN not in str(shown)
    assert "********" in str(shown)


WRITTEN: dict[str, Callable[[Any], object]] = {
    "pickle": pickle.dumps,
    "the oldest pickle": lambda secret: pickle.dumps(secret, 0),
    "pickle in Python": lambda secret: pickle._Pickler(io.BytesIO()).dump(secret),
    "state": lambda secret: secret.__getstate__(),
    "json": json.dumps,
    "orjson": orjson.dumps,
    "vars": vars,
}


@pytest.mark.parametrize("way", WRITTEN)
def test_a_secret_is_not_written_out(way: str) -> None:
    with pytest.raises(TypeError) as caught:
        WRITTEN[way](SecretText(TOKEN))
    assert TOKEN not in str(caught.value)


def test_a_secret_is_a_value() -> None:
    secret = SecretText(TOKEN)
    assert secret == SecretText(TOKEN) != SecretText(f"{TOKEN}x")
    assert len({secret, SecretText(TOKEN), SecretText("\ud800"), SecretText("")}) == 3
    assert secret != TOKEN
    assert copy.copy(secret) is copy.deepcopy(secret) is secret
    assert secret.reveal() == TOKEN


@pytest.mark.parametrize("name", ["_value", "another"])
def test_a_secret_is_not_changed(name: str) -> None:
    secret = SecretText(TOKEN)
    with pytest.raises(AttributeError, match="cannot be changed"):
        setattr(secret, name, "x")
    with pytest.raises(AttributeError, match="cannot be changed"):
        delattr(secret, name)
    assert secret.reveal() == TOKEN


def test_each_of_the_usual_accounts_has_a_role() -> None:
    assert tuple(DEFAULT_ROLES) == DEFAULT_ACCOUNTS
