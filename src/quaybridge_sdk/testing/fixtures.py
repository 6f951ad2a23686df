"""pytest fixtures for people who embed the SDK: ``pytest_plugins = ["quaybridge_sdk.testing.fixtures"]`` in a conftest.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from quaybridge_sdk.testing.openshift import EmbeddedOpenShift
from quaybridge_sdk.testing.quay import EmbeddedQuay


@pytest.fixture
def embedded_quay() -> Iterator[EmbeddedQuay]:
    """A running, empty Quay."""
    with EmbeddedQuay() as quay:
        yield quay


@pytest.fixture
def embedded_openshift() -> Iterator[EmbeddedOpenShift]:
    """A running OpenShift API, with the CRDs of QuayIntegration and the platform's namespaces."""
    with EmbeddedOpenShift() as openshift:
        yield openshift
