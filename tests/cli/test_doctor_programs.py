from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.cli.fakes import NOW, FakeNetwork, examination, statuses, the

from quaybridge_sdk.cli.doctor import programs
from quaybridge_sdk.cli.doctor.finding import Status
from quaybridge_sdk.cli.doctor.lease import LEASES
from quaybridge_sdk.cli.doctor.ports import Json, Page
from quaybridge_sdk.errors import ForbiddenError

GO = "quay.io/quay/quay-bridge-operator:v3.15"


def deployment(
    name: str, image: str = "example/quaybridge:1", namespace: str = "ops", wanted: int = 1, ready: int = 1, **container: Any
) -> Json:
    spec = {"replicas": wanted, "template": {"spec": {"containers": [{"image": image, **container}]}}}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec, "status": {"readyReplicas": ready}}


def lease(holder: str = "pod_1", namespace: str = "ops", renewed: str = "2026-11-24T11:59:50.000000Z", lasts: int = 15) -> Json:
    spec = {"holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": lasts}
    return {"metadata": {"name": "0111fb36.redhat.com", "namespace": namespace}, "spec": spec}


def examine(deployments: list[Json], leases: list[Json] | None = None, network: FakeNetwork | None = None) -> list[Any]:
    objects = {programs.DEPLOYMENTS: {"items": deployments}, LEASES: {"items": leases or []}}
    return list(programs.examine(examination(objects, network)))


@pytest.mark.parametrize(
    ("item", "ours"),
    [
        (deployment("bridge"), True),
        (deployment("x", "example/py", command=["python", "-m", "entrypoints.controller"]), True),
        (deployment("quay-bridge-operator", "example/quaybridge:1"), True),
        (deployment("quay-bridge-operator", GO), False),
        (deployment("quay-bridge-operator-controller-manager", "mirror/x@sha256:1"), False),
        (deployment("other", GO), False),
        (deployment("nginx", "nginx"), None),
        ({"metadata": {"name": "empty"}}, None),
    ],
)
def test_what_a_deployment_is(item: Json, ours: bool | None) -> None:
    found = programs.program(item)
    assert (found.ours if found else None) is ours


@pytest.mark.parametrize(
    ("wanted", "ready", "status"), [(2, 2, Status.OK), (2, 1, Status.WARNING), (2, 0, Status.FAILURE), (0, 0, Status.FAILURE)]
)
def test_replicas(wanted: int, ready: int, status: Status) -> None:
    finding = the(examine([deployment("bridge", wanted=wanted, ready=ready)]), "programs.replicas")
    assert finding.status is status
    assert (finding.commands[:1] == ("oc scale deployment bridge -n ops --replicas=1",)) is (wanted == 0)


def test_nothing_runs() -> None:
    findings = examine([])
    assert statuses(findings, "programs.replicas") == [Status.WARNING]
    assert statuses(findings, "programs.incumbent") == [Status.OK]


@pytest.mark.parametrize(
    ("deployments", "status"),
    [
        ([deployment("quay-bridge-operator", GO)], Status.WARNING),  # not yet taken over
        ([deployment("quay-bridge-operator", GO), deployment("bridge")], Status.WARNING),  # one lease for both
        ([deployment("quay-bridge-operator", GO, "elsewhere"), deployment("bridge")], Status.FAILURE),
        ([deployment("quay-bridge-operator", GO, wanted=0), deployment("bridge")], Status.OK),
    ],
)
def test_the_go_operator_beside_us(deployments: list[Json], status: Status) -> None:
    finding = the(examine(deployments), "programs.incumbent")
    assert finding.status is status
    if status is not Status.OK:
        assert GO in finding.detail
        assert finding.commands[0].startswith("oc scale deployment quay-bridge-operator -n ")


@pytest.mark.parametrize(
    ("leases", "expected"),
    [
        ([], [Status.OK]),
        ([lease()], [Status.OK]),
        ([lease(""), lease("a", "other", "2026-11-24T10:00:00Z")], [Status.WARNING]),
        ([lease(), lease("a", "other", "2026-11-24T10:00:00Z")], [Status.OK, Status.OK]),
        ([lease(renewed="2026-11-24T11:58:59Z")], [Status.WARNING]),
        ([lease(renewed="2026-11-24T11:58:59Z", lasts=137)], [Status.OK]),
        ([lease(), lease("b", "other")], [Status.OK, Status.OK, Status.FAILURE]),
        ([lease(renewed="long ago")], [Status.WARNING]),
    ],
)
def test_who_holds_the_lease(leases: list[Json], expected: list[Status]) -> None:
    findings = examine([], leases)
    assert statuses(findings, "programs.lease") == expected


OLD = "2026-11-20T12:00:00Z"
WEBHOOK = deployment("hook", args=["webhook"])


@pytest.mark.parametrize(
    ("deployments", "status"),
    [
        ([WEBHOOK], Status.FAILURE),
        ([deployment("hook", "x", command=["python", "-m", "entrypoints.webhook"])], Status.FAILURE),
        ([WEBHOOK, deployment("bridge", args=["controller", "--leader-elect"])], Status.FAILURE),
        ([WEBHOOK, deployment("bridge", args=["controller", "--leader-elect=true"])], Status.FAILURE),
        ([deployment("quay-bridge-operator", GO, args=["--leader-elect"])], Status.FAILURE),
        ([WEBHOOK, deployment("bridge", args=["controller"])], Status.WARNING),
        ([deployment("bridge", args=["controller", "--leader-elect=false"])], Status.WARNING),
        ([deployment("bridge", args=["controller", "--leader-elect", "--leader-election-id=x"])], Status.WARNING),
        ([deployment("bridge")], Status.WARNING),
    ],
)
def test_a_lease_that_nobody_renews_any_more(deployments: list[Json], status: Status) -> None:
    finding = the(examine(deployments, [lease("pod-1_2", renewed=OLD)]), "programs.lease")
    assert finding.status is status
    assert "no controller acts" in finding.detail
    assert ("unless one runs without" in finding.detail) is (status is Status.WARNING)
    assert finding.commands == ("oc get pods -n ops", "oc logs -n ops pod-1")


@pytest.mark.parametrize(("minutes", "status"), [(-5, Status.OK), (0, Status.WARNING), (5, Status.WARNING)])
def test_the_clusters_clock_counts_and_not_this_machines(minutes: int, status: Status) -> None:
    ahead = FakeNetwork({"https://api.cluster:6443/version": Page(200, date=NOW + timedelta(minutes=minutes))})
    assert the(examine([], [lease(renewed="2026-11-24T11:55:00Z")], ahead), "programs.lease").status is status


def test_a_webhook_alone_is_no_bridge() -> None:
    assert statuses(examine([WEBHOOK]), "programs.replicas") == [Status.OK, Status.WARNING]
    assert statuses(examine([WEBHOOK, deployment("bridge", args=["controller"])]), "programs.replicas") == [Status.OK] * 2
    assert statuses(examine([WEBHOOK, deployment("quay-bridge-operator", GO)]), "programs.replicas") == [Status.OK]


def test_what_may_not_be_read_is_no_verdict() -> None:
    forbidden = ForbiddenError("403", system="kubernetes")
    findings = list(programs.examine(examination({programs.DEPLOYMENTS: forbidden, LEASES: forbidden})))
    assert {f.status for f in findings} == {Status.NOT_CHECKED}
