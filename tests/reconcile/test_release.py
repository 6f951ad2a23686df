"""Whose trouble holds a namespace that goes, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve, field, frozen
from tests.laws.strategies import bare

from quaybridge_sdk.errors import (
    BusyError,
    InvalidCredentialsError,
    InvalidIntegrationError,
    OwnershipError,
    QuaybridgeError,
    ServerFaultError,
    TokenInvalidError,
    UnreachableError,
)
from quaybridge_sdk.mapping.scope import Assignment
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import FINALIZER, FINALIZER_ANNOTATION, SEED_FINALIZER, Namespace
from quaybridge_sdk.model.state import ClusterState
from quaybridge_sdk.reconcile.outcome import Result
from quaybridge_sdk.reconcile.release import Releaser

NOW = datetime(2026, 1, 2, tzinfo=UTC)
DEADLINE = timedelta(minutes=5)
COVERED = Assignment((bare(),))
CONTESTED = Assignment((bare(), evolve(bare(), name="second")))


@frozen
class Reader:
    complete: bool = True

    def integrations_complete(self) -> bool:
        return self.complete

    def cluster_uid(self) -> str:
        return "C"


@frozen
class Writer:
    done: list[str] = field(factory=list)

    def remove_finalizer(self, namespace: str) -> None:
        self.done.append(f"let {namespace} go")

    def remember_deletion(self, deletion: Any) -> None:
        self.done.append(f"remembered {deletion.organization}")


@frozen
class Failing:
    error: QuaybridgeError

    @contextmanager
    def registry(self, integration: QuayIntegration, *, background: bool = False) -> Iterator[Any]:
        raise self.error
        yield


def going(age: timedelta, *, ours: bool = True) -> ClusterState:
    annotations = {FINALIZER_ANNOTATION: "true"} if ours else {}
    finalizer = FINALIZER if ours else SEED_FINALIZER
    namespace = Namespace("shop", "N", True, (finalizer,), annotations=annotations, deleted=(NOW - age).isoformat())
    return ClusterState(namespace)


def releaser(error: QuaybridgeError, writer: Writer, *, complete: bool = True) -> Releaser:
    reader: Any = Reader(complete)
    cluster: Any = writer
    registries: Any = Failing(error)
    return Releaser(reader, cluster, registries, lambda: NOW, DEADLINE)


QUAYS = [
    *(UnreachableError("x", system="quay"), TokenInvalidError("x", system="quay"), InvalidCredentialsError("n/s", "x")),
    InvalidIntegrationError("spec.caBundle", "no certificate"),
]
OURS = [ServerFaultError("x", system="kubernetes"), BusyError("x", system="quay")]


@pytest.mark.parametrize("error", QUAYS, ids=lambda error: type(error).__name__)
def test_a_quay_that_cannot_be_asked_holds_a_namespace_until_the_deadline_and_no_longer(error: QuaybridgeError) -> None:
    writer = Writer()
    with pytest.raises(type(error)):
        releaser(error, writer).release(going(DEADLINE - timedelta(seconds=1)), COVERED)
    assert writer.done == []
    assert releaser(error, writer).release(going(DEADLINE), COVERED).result is Result.RELEASED
    assert writer.done == ["remembered openshift_shop", "let shop go"]


@pytest.mark.parametrize("error", OURS, ids=lambda error: type(error).__name__)
def test_what_is_not_quays_trouble_never_counts_as_its_silence(error: QuaybridgeError) -> None:
    """Else a busy bridge, or an API server that hiccups, would leave organizations behind."""
    writer = Writer()
    with pytest.raises(type(error)):
        releaser(error, writer).release(going(DEADLINE * 100), COVERED)
    assert writer.done == []


@pytest.mark.parametrize(("assignment", "complete"), [(CONTESTED, True), (Assignment(()), False)])
def test_an_integration_that_may_be_mended_is_waited_for_only_where_we_wrote(assignment: Assignment, complete: bool) -> None:
    writer = Writer()
    release = releaser(QUAYS[0], writer, complete=complete).release
    with pytest.raises(OwnershipError, match="is being deleted"):
        release(going(timedelta(0)), assignment)
    assert writer.done == []
    assert release(going(timedelta(0), ours=False), assignment).result is Result.RELEASED
    assert release(going(DEADLINE), assignment).result is Result.RELEASED
    assert writer.done == ["let shop go"] * 2


def test_where_no_integration_will_ever_come_nothing_is_waited_for() -> None:
    writer = Writer()
    assert releaser(QUAYS[0], writer).release(going(timedelta(0)), Assignment(())).result is Result.RELEASED
    assert writer.done == ["let shop go"]
