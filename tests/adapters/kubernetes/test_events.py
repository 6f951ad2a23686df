"""Events: where they go, how equal ones become one, and that they never fail."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest
from tests.adapters.kubernetes.support import client_of

from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient
from quaybridge_sdk.adapters.kubernetes.events import Aggregation, KubernetesEvents
from quaybridge_sdk.ports import EventRecorder
from quaybridge_sdk.testing.http import Fault
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **delta: float) -> None:
        self.now += timedelta(**delta)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def recorder(client: KubernetesClient, clock: Clock) -> KubernetesEvents:
    return KubernetesEvents(client, clock=clock)


def test_it_is_an_event_recorder(recorder: KubernetesEvents) -> None:
    port: EventRecorder = recorder
    assert port is recorder


def test_an_event_on_a_namespace_is_in_that_namespace(cluster: EmbeddedOpenShift, recorder: KubernetesEvents) -> None:
    recorder.event("Namespace", "", "openshift", "OrganizationCreated", "made", warning=False)
    (made,) = cluster.objects("events", "openshift")
    assert made["involvedObject"] == {"apiVersion": "v1", "kind": "Namespace", "name": "openshift", "namespace": "openshift"}
    assert (made["type"], made["reason"], made["message"], made["count"]) == ("Normal", "OrganizationCreated", "made", 1)
    assert made["firstTimestamp"] == made["lastTimestamp"] == "2026-01-01T00:00:00Z"
    assert made["source"] == {"component": "quaybridge"}


def test_an_event_on_an_object_of_the_cluster_is_in_default(cluster: EmbeddedOpenShift, client: KubernetesClient) -> None:
    recorder = KubernetesEvents(client, lambda kind, namespace, name: "-".join((kind, namespace, name)))
    recorder.event("QuayIntegration", "", "quay", "TokenInvalid", "make a new one", warning=True)
    (made,) = cluster.objects("events", "default")
    about = {"apiVersion": "quay.redhat.com/v1", "kind": "QuayIntegration", "name": "quay", "uid": "QuayIntegration--quay"}
    assert made["involvedObject"] == about
    assert made["type"] == "Warning"


def test_names_and_messages_that_the_api_would_refuse(cluster: EmbeddedOpenShift, recorder: KubernetesEvents) -> None:
    recorder.event("ImageStream", "default", "my_app.x", "R", "m" * 5000, warning=True)
    (made,) = cluster.objects("events", "default")
    assert made["involvedObject"]["name"] == "my_app.x"
    assert len(made["message"]) == 1024


@pytest.mark.parametrize(
    ("message", "written"),
    [
        ("bad \ud800 name", "bad \ufffd name"),
        ("\udcff", "\ufffd"),
        ("two\r\nlines\tand a bell\a", "two  lines and a bell\ufffd"),
        ("\x1b[31mred\x1b[0m \x85\x9b", "\ufffd[31mred\ufffd[0m  \ufffd"),
        ("txt.\u202egnp", "txt.\ufffdgnp"),
        ("größer als «日本» 🚀", "größer als «日本» 🚀"),
    ],
)
def test_a_server_s_text_is_made_printable(
    cluster: EmbeddedOpenShift, recorder: KubernetesEvents, message: str, written: str
) -> None:
    recorder.event("Namespace", "", "default", "R", message, warning=True)
    recorder.event("Namespace", "", "default", message, "m", warning=True)
    assert {(made["reason"], made["message"]) for made in cluster.objects("events", "default")} == {
        ("R", written),
        (written, "m"),
    }


def test_a_name_that_no_request_can_carry_is_logged(recorder: KubernetesEvents, caplog: pytest.LogCaptureFixture) -> None:
    recorder.event("Build", "sh\ud800p", "app-1", "R", "m", warning=True)
    assert "event not written" in caplog.text


def test_equal_events_become_one_that_counts(cluster: EmbeddedOpenShift, recorder: KubernetesEvents, clock: Clock) -> None:
    for _ in range(5):
        recorder.event("Namespace", "", "default", "R", "same", warning=True)
        clock.forward(seconds=30)
    (made,) = cluster.objects("events", "default")
    assert made["count"] == 5
    assert made["firstTimestamp"] == "2026-01-01T00:00:00Z"
    assert made["lastTimestamp"] == "2026-01-01T00:02:00Z"
    assert [entry.method for entry in cluster.api_writes] == ["POST", "PATCH", "PATCH"]


def test_other_events_and_late_ones_are_their_own(cluster: EmbeddedOpenShift, recorder: KubernetesEvents, clock: Clock) -> None:
    recorder.event("Namespace", "", "default", "R", "one", warning=True)
    recorder.event("Namespace", "", "default", "R", "two", warning=True)
    recorder.event("Namespace", "", "default", "R", "one", warning=False)
    clock.forward(minutes=11)
    recorder.event("Namespace", "", "default", "R", "one", warning=True)
    assert len(cluster.objects("events", "default")) == 4


def test_an_event_that_has_expired_in_the_cluster_is_made_anew(
    cluster: EmbeddedOpenShift, client: KubernetesClient, recorder: KubernetesEvents, clock: Clock
) -> None:
    recorder.event("Namespace", "", "default", "R", "m", warning=True)
    (made,) = cluster.objects("events", "default")
    client.delete(f"/api/v1/namespaces/default/events/{made['metadata']['name']}")
    clock.forward(minutes=5)
    recorder.event("Namespace", "", "default", "R", "m", warning=True)
    (again,) = cluster.objects("events", "default")
    assert again["metadata"]["name"] != made["metadata"]["name"]
    assert again["count"] == 1
    clock.forward(minutes=5)
    recorder.event("Namespace", "", "default", "R", "m", warning=True)
    (again,) = cluster.objects("events", "default")
    assert again["count"] == 2


def test_only_so_many_are_remembered(cluster: EmbeddedOpenShift, client: KubernetesClient) -> None:
    recorder = KubernetesEvents(client, aggregation=Aggregation(remembered=2))
    for message in ("a", "b", "c", "a"):
        recorder.event("Namespace", "", "default", "R", message, warning=True)
    assert len(cluster.objects("events", "default")) == 4


def test_a_failure_is_logged_and_nothing_else(
    cluster: EmbeddedOpenShift, recorder: KubernetesEvents, caplog: pytest.LogCaptureFixture
) -> None:
    cluster.faults.inject(Fault("reset"))
    with caplog.at_level(logging.WARNING):
        recorder.event("Namespace", "", "default", "R", "m", warning=True)
        recorder.event("Namespace", "", "nowhere", "R", "m", warning=True)
        recorder.event("Secret", "..", "x", "R", "m", warning=True)
    assert [record.message.split(": ")[0] for record in caplog.records] == ["event not written"] * 3
    assert cluster.admin_token not in caplog.text
    recorder.event("Namespace", "", "default", "R", "m", warning=True)
    assert len(cluster.objects("events", "default")) == 1


def test_a_missing_right_is_no_failure_either(cluster: EmbeddedOpenShift, caplog: pytest.LogCaptureFixture) -> None:
    with client_of(cluster, cluster.token("system:serviceaccount:a:b")) as client:
        KubernetesEvents(client).event("Namespace", "", "default", "R", "m", warning=True)
    assert "cannot create resource" in caplog.text
