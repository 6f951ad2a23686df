"""Fixtures of the adapter's unit tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.adapters.quay.support import registry_of

from quaybridge_sdk.adapters.quay import QuayRegistry
from quaybridge_sdk.testing.quay import EmbeddedQuay


@pytest.fixture
def quay() -> Iterator[EmbeddedQuay]:
    with EmbeddedQuay() as server:
        yield server


@pytest.fixture
def registry(quay: EmbeddedQuay) -> Iterator[QuayRegistry]:
    with registry_of(quay) as opened:
        yield opened
