"""The error tree: drawn as it is, each class with its retry, and no message that asks for a token."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from quaybridge_sdk import errors
from quaybridge_sdk.errors import (
    ClusterConflictError,
    InvalidCredentialsError,
    InvalidInputError,
    InvalidIntegrationError,
    OwnershipError,
    PermanentRemoteError,
    QuaybridgeError,
    RemoteError,
    Retry,
    System,
    ThrottledError,
    TransientRemoteError,
)


def classes(base: type[QuaybridgeError] = QuaybridgeError) -> list[type[QuaybridgeError]]:
    """The tree in the order of its definition, parents first; only what the module itself defines."""
    children = [child for child in base.__subclasses__() if child.__module__ == errors.__name__]
    return [base, *(found for child in children for found in classes(child))]


def drawn() -> list[tuple[int, str]]:
    rows = re.findall(r"^ {4}([|` -]*)(\w+Error)\b", errors.__doc__ or "", re.MULTILINE)
    return [(len(indent) // 4, name) for indent, name in rows]


def depth(error: type[QuaybridgeError]) -> int:
    return 0 if error is QuaybridgeError else 1 + depth(next(b for b in error.__bases__ if issubclass(b, QuaybridgeError)))


def test_the_picture_is_the_tree() -> None:
    assert drawn() == [(depth(error), error.__name__) for error in classes()]


@pytest.mark.parametrize("error", classes())
def test_each_class_says_what_to_do_and_has_a_reason_for_conditions(error: type[QuaybridgeError]) -> None:
    assert (error.__doc__ or "").strip()
    assert re.fullmatch("[A-Z][A-Za-z]+", error.__name__.removesuffix("Error"))


@pytest.mark.parametrize("error", classes())
def test_retry_is_a_property_of_the_class(error: type[QuaybridgeError]) -> None:
    remote = (PermanentRemoteError, TransientRemoteError)
    helps = issubclass(error, (*remote, InvalidCredentialsError, InvalidIntegrationError, OwnershipError, ClusterConflictError))
    assert error.retry is (Retry.BACKOFF if helps else Retry.NEVER)


@pytest.mark.parametrize("error", classes(RemoteError))
@pytest.mark.parametrize("system", get_args(System))
def test_a_remote_error_says_which_side_and_its_reason(error: type[RemoteError], system: System) -> None:
    made = error("GET /x: no", system=system)
    assert (str(made), made.system, made.reason) == (
        "GET /x: no",
        system,
        ("Api" if system == "kubernetes" else "") + error.__name__.removesuffix("Error"),
    )


def test_throttling_carries_the_servers_wish() -> None:
    assert ThrottledError("x", system="quay").retry_after is None
    assert ThrottledError("x", system="quay", retry_after=2.5).retry_after == 2.5


def test_an_invalid_integration_names_the_field() -> None:
    made = InvalidIntegrationError("spec.quayHostname", "is required")
    assert (str(made), made.field, made.reason) == ("spec.quayHostname: is required", "spec.quayHostname", "InvalidIntegration")
    assert isinstance(made, (InvalidInputError, ValueError))
    assert OwnershipError("x").reason == "Ownership"
