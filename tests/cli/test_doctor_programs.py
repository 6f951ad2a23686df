from __future__ import annotations

from typing import Any

import pytest
from tests.cli.fakes import NOW, examination, statuses, the

from quaybridge_sdk.cli.doctor import programs
from quaybridge_sdk.cli.doctor.finding import Status
from quaybridge_sdk.cli.doctor.ports import Json
from quaybridge_sdk.errors import ForbiddenError

GO = "quay.io/quay/quay-bridge-operator:v3.15"


def deployment(
    name: str, image: str = "example/quaybridge:1", namespace: str = "ops", wanted: int = 1, ready: int = 1, **container: Any
) -> Json:
    spec = {"replicas": wanted, "template": {"spec": {"containers": [{"image": image, **container}]}}}
    return {"metadata": {"name": name, "namespace": namespace}, "spec": spec, "status": {"readyReplicas": ready}}


def lease(holder: str = "pod_1", namespace: str = "ops", renewed: str = "2026-11-24T11:59:50.000000Z") -> Json:
    spec = {"holderIdentity": holder, "renewTime": renewed}
    return {"metadata": {"name": "0111fb36.redhat.com", "namespace": namespace}, "spec": spec}


def examine(deployments: list[Json], leases: list[Json] | None = None) -> list[Any]:
    objects = {programs.DEPLOYMENTS: {"items": deployments}, programs.LEASES: {"items": leases or []}}
    return list(programs.examine(examination(objects)))


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
        ([lease(""), lease("a", "other", "2026-11-24T10:00:00Z")], [Status.OK]),
        ([lease(), lease("b", "other")], [Status.OK, Status.OK, Status.FAILURE]),
        ([lease(renewed="long ago")], [Status.OK]),
    ],
)
def test_who_holds_the_lease(leases: list[Json], expected: list[Status]) -> None:
    findings = examine([], leases)
    assert statuses(findings, "programs.lease") == expected
    assert NOW.year == 2026


def test_what_may_not_be_read_is_no_verdict() -> None:
    forbidden = ForbiddenError("403", system="kubernetes")
    findings = list(programs.examine(examination({programs.DEPLOYMENTS: forbidden, programs.LEASES: forbidden})))
    assert {f.status for f in findings} == {Status.NOT_CHECKED}
