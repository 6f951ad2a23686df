"""Leases, guarded by their resourceVersion."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from attrs import evolve
from tests.adapters.kubernetes.support import Scripted, client_of, recorded

from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient, Timeouts
from quaybridge_sdk.adapters.kubernetes.leases import IN_TIME, KubernetesLeases
from quaybridge_sdk.errors import ConflictError, NotFoundError, UnreachableError
from quaybridge_sdk.ports import LeasePort, LeaseRecord
from quaybridge_sdk.runtime.leader import ElectionTimes
from quaybridge_sdk.testing.http import Fault, Response
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift

T0, T1 = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
FRESH = LeaseRecord("default", "leader", "a", 15, T0, T1)
PATH = "/apis/coordination.k8s.io/v1/namespaces/default/leases"


@pytest.fixture
def leases(client: KubernetesClient) -> LeasePort:
    return KubernetesLeases(client)


def test_a_life(leases: LeasePort) -> None:
    assert leases.read("default", "leader") is None
    made = leases.write(FRESH)
    assert evolve(made, version="") == FRESH
    assert leases.read("default", "leader") == made
    renewed = leases.write(evolve(made, renewed=datetime(2026, 1, 1, 0, 0, 10, tzinfo=UTC)))
    assert renewed.version != made.version
    released = leases.write(evolve(renewed, holder="", transitions=1))
    assert (released.holder, released.transitions) == ("", 1)


def test_rivals(leases: LeasePort, client: KubernetesClient) -> None:
    made = leases.write(FRESH)
    with pytest.raises(ConflictError, match="already exists"):
        leases.write(FRESH)
    leases.write(evolve(made, holder="b"))
    with pytest.raises(ConflictError):
        leases.write(evolve(made, holder="a"))
    client.delete(f"{PATH}/leader")
    with pytest.raises(ConflictError, match="not found"):
        leases.write(made)


def test_a_missing_namespace(leases: LeasePort) -> None:
    with pytest.raises(NotFoundError):
        leases.write(evolve(FRESH, namespace="nowhere"))


def test_a_silent_server_is_given_up_while_a_leader_can_still_try_again(
    cluster: EmbeddedOpenShift, client: KubernetesClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 2 * (IN_TIME.connect + IN_TIME.read) <= ElectionTimes().renew_deadline
    monkeypatch.setattr("quaybridge_sdk.adapters.kubernetes.leases.IN_TIME", Timeouts(connect=0.1, read=0.1))
    leases = KubernetesLeases(client)
    made = leases.write(FRESH)
    cluster.faults.inject(Fault("silence", "leases", times=None, seconds=30))
    started = time.monotonic()
    with pytest.raises(UnreachableError, match="timed out"):
        leases.read("default", "leader")
    with pytest.raises(UnreachableError, match="timed out"):
        leases.write(made)
    with pytest.raises(UnreachableError, match="timed out"):
        leases.write(FRESH)
    assert time.monotonic() - started < 5, "the client's own limit is 10 s"


def test_what_others_put_on_it_stays(leases: LeasePort, client: KubernetesClient) -> None:
    leases.write(FRESH)
    client.patch_merge(f"{PATH}/leader", {"metadata": {"labels": {"a": "b"}}, "spec": {"strategy": "OldestEmulationVersion"}})
    found = leases.read("default", "leader")
    assert found is not None
    leases.write(evolve(found, holder="b"))
    live = client.get(f"{PATH}/leader")
    assert live["metadata"]["labels"] == {"a": "b"}
    assert live["spec"]["strategy"] == "OldestEmulationVersion"
    assert live["spec"]["holderIdentity"] == "b"


def test_recorded_answers() -> None:
    missing, made, taken = (recorded("10a-leases-events", number).response() for number in (2, 3, 7))
    with Scripted([missing, made, taken]) as server, client_of(server) as client:
        leases = KubernetesLeases(client)
        assert leases.read("vcr-misc", "quay-bridge") is None
        record = leases.write(LeaseRecord("vcr-misc", "quay-bridge", "a", 15, T0, T1))
        assert (record.holder, record.acquired, record.renewed, record.version) == ("a", T0, T1, "2072")
        with pytest.raises(ConflictError):
            leases.write(record)
    assert server.received[1].json()["spec"] == {
        "holderIdentity": "a",
        "leaseDurationSeconds": 15,
        "leaseTransitions": 0,
        "acquireTime": "2026-01-01T00:00:00.000000Z",
        "renewTime": "2026-01-01T00:00:00.123456Z",
    }


@pytest.mark.parametrize(
    "spec", [None, {}, {"renewTime": "soon", "acquireTime": "2026-01-01T00:00:00", "leaseDurationSeconds": "x"}]
)
def test_a_lease_of_another_s_making(spec: object) -> None:
    with (
        Scripted(
            [Response.of_json(200, {"metadata": {"name": "l", "namespace": "n", "resourceVersion": "1"}, "spec": spec})]
        ) as server,
        client_of(server) as client,
    ):
        assert KubernetesLeases(client).read("n", "l") == LeaseRecord("n", "l", version="1")


def test_a_lease_never_taken_has_no_times(leases: LeasePort, cluster: EmbeddedOpenShift) -> None:
    made = leases.write(evolve(FRESH, acquired=None, renewed=None))
    assert (made.acquired, made.renewed) == (None, None)
