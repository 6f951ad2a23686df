"""Where trouble is told."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from tests.laws.strategies import bare

from quaybridge_sdk.model.deletion import Deletion, DeletionPolicy, DeletionReason
from quaybridge_sdk.model.openshift import STATUS_ANNOTATION, Namespace
from quaybridge_sdk.model.state import ClusterState
from quaybridge_sdk.runtime.keys import Key
from quaybridge_sdk.runtime.metrics import Metrics
from quaybridge_sdk.runtime.telling import Teller

READY = ClusterState(Namespace("shop", "N", status="Ready: images are in Quay's organization openshift_shop"))
LEFT = Deletion(
    "quay.redhat.com/link", "openshift_shop", "shop", "N", "https://q", DeletionPolicy.DELETE, DeletionReason.UNFINISHED
)


def teller(state: ClusterState | None, *deletions: Deletion) -> tuple[Teller, Mock, Mock]:
    reader, writer, recorder = Mock(), Mock(), Mock()
    reader.state.return_value, reader.deletions.return_value = state, deletions
    reader.integrations.return_value, reader.ignored.return_value = (bare(),), frozenset()
    return Teller(reader, writer, recorder, Metrics()), writer, recorder


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("ApiRequestRefused", True),
        ("ApiForbidden", True),
        ("Ownership", True),
        ("ApiUnreachable", False),
        ("ApiThrottled", False),
    ],
)
def test_a_namespace_does_not_go_on_saying_that_it_is_ready(reason: str, told: bool) -> None:
    """Unless the API takes no annotation either."""
    telling, writer, recorder = teller(READY)
    telling.failed(Key("namespace", "shop"), reason, "a Secret of another type is in the way")
    recorder.event.assert_called_once()
    texts = [call.args[1][STATUS_ANNOTATION] for call in writer.annotate_namespace.call_args_list]
    assert texts == ([f"{reason}: a Secret of another type is in the way"] if told else [])


def test_where_nothing_covers_a_namespace_nothing_is_written_onto_it() -> None:
    """A cleanup whose last answer was lost, say: nobody would take the word back."""
    telling, writer, recorder = teller(READY)
    telling.reader.integrations.return_value = ()  # type: ignore[attr-defined]
    telling.failed(Key("namespace", "shop"), "ApiRequestRefused", "no")
    recorder.event.assert_called_once()
    writer.annotate_namespace.assert_not_called()


def test_a_deletion_that_fails_after_its_namespace_is_told_on_the_integration() -> None:
    telling, writer, recorder = teller(None, LEFT)
    telling.failed(Key("namespace", "shop"), "Forbidden", "the token may not")
    text = "openshift_shop is not deleted yet: the token may not"
    recorder.event.assert_called_once_with("QuayIntegration", "", "link", "DeletionNotDone", text, warning=True)
    writer.annotate_namespace.assert_not_called()
