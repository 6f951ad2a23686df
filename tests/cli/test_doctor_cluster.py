from __future__ import annotations

from typing import Any

import pytest
import yaml
from tests.cli.fakes import FakeCluster, examination, statuses, the

from quaybridge_sdk.cli import crds
from quaybridge_sdk.cli.doctor import cluster, rights
from quaybridge_sdk.cli.doctor.finding import Status
from quaybridge_sdk.errors import ForbiddenError, ServerFaultError, TokenInvalidError, UnreachableError

VERSIONS = "/apis/config.openshift.io/v1/clusterversions/version"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GROUPS: dict[str, Any] = {f"/apis/{group}": {"resources": []} for group, _ in cluster.GROUPS}


def definition(version: str, established: str = "True") -> dict[str, Any]:
    conditions = [{"type": "Established", "status": established}, {"type": "NamesAccepted", "message": "taken"}]
    return {"spec": {"versions": [{"name": version, "served": True}]}, "status": {"conditions": conditions}}


def test_a_cluster_that_answers_says_to_whom() -> None:
    finding, version = cluster.reach(FakeCluster({"/version": {"gitVersion": "v1.30.0"}}))
    assert (finding.status, finding.detail) == (Status.OK, "answers to system:admin")
    assert version == {"gitVersion": "v1.30.0"}


@pytest.mark.parametrize("error", [UnreachableError, TokenInvalidError])
def test_one_that_does_not_is_a_failure(error: Any) -> None:
    finding, _ = cluster.reach(FakeCluster({"/version": error("no", system="kubernetes")}))
    assert finding.status is Status.FAILURE
    assert "oc login" in finding.commands


@pytest.mark.parametrize(
    ("openshift", "kubernetes", "status"),
    [
        ("4.16.3", "v1.29.6", Status.OK),
        ("4.2.0", "v1.14.6", Status.OK),
        ("4.1.9", "v1.13.4", Status.FAILURE),
        ("3.11.0", "v1.11.0", Status.FAILURE),
        ("", "v1.36.2", Status.OK),
        ("", "v1.13.0", Status.FAILURE),
        ("", "nonsense", Status.FAILURE),
    ],
)
def test_version(openshift: str, kubernetes: str, status: Status) -> None:
    objects = {VERSIONS: {"status": {"desired": {"version": openshift}}}} if openshift else {}
    findings = cluster.examine(examination(objects), {"gitVersion": kubernetes})
    assert statuses(findings, "cluster.version") == [status]


def test_groups_that_are_missing_or_silent() -> None:
    broken = {**GROUPS, "/apis/image.openshift.io/v1": ServerFaultError("503", system="kubernetes")}
    del broken["/apis/build.openshift.io/v1"]
    findings = [f for f in cluster.examine(examination(broken), {}) if f.check == "cluster.groups"]
    wrong = {f.subject: f for f in findings if f.status is Status.FAILURE}
    assert set(wrong) == {"image.openshift.io/v1", "build.openshift.io/v1"}
    assert "capabilities" in wrong["build.openshift.io/v1"].commands[0]
    assert all(f.commands for f in wrong.values())


def test_a_crd_that_drops_what_must_be_remembered_is_named() -> None:
    shipped = {crd["metadata"]["name"]: crd for crd in crds.definitions()}
    name = "quayintegrations.quay.redhat.com"
    found = cluster.examine(examination({**GROUPS, f"{CRDS}/{name}": shipped[name]}), {})
    assert statuses(found, "cluster.crds") == [Status.OK]
    older = yaml.safe_load(yaml.safe_dump(shipped[name]))
    for version in older["spec"]["versions"]:
        del version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]["deletions"]
    (finding,) = [f for f in cluster.examine(examination({**GROUPS, f"{CRDS}/{name}": older}), {}) if f.check == "cluster.crds"]
    assert finding.status is Status.WARNING
    assert finding.detail.endswith("it drops status.deletions")
    assert finding.commands == ("quaybridge crds | oc apply -f -",)


def test_one_generation_of_the_crd_is_enough() -> None:
    objects = {**GROUPS, f"{CRDS}/quayintegrations.redhatcop.redhat.io": definition("v1alpha1")}
    assert statuses(cluster.examine(examination(objects), {}), "cluster.crds") == [Status.OK]
    assert statuses(cluster.examine(examination(GROUPS), {}), "cluster.crds") == [Status.FAILURE] * 2


@pytest.mark.parametrize(
    ("crd", "status"),
    [
        (definition("v1"), Status.OK),
        (definition("v2"), Status.FAILURE),
        (definition("v1", "False"), Status.WARNING),
        (ForbiddenError("403", system="kubernetes"), Status.NOT_CHECKED),
    ],
)
def test_crd(crd: Any, status: Status) -> None:
    found = cluster.definition(FakeCluster({f"{CRDS}/quayintegrations.quay.redhat.com": crd}), "quay.redhat.com", "v1")
    assert found.status is status


def test_a_crd_that_may_not_be_read_shows_in_discovery() -> None:
    forbidden = ForbiddenError("403", system="kubernetes")
    objects: dict[str, Any] = {f"{CRDS}/quayintegrations.quay.redhat.com": forbidden, "/apis/quay.redhat.com/v1": {}}
    assert cluster.definition(FakeCluster(objects), "quay.redhat.com", "v1").status is Status.OK


def test_all_rights_are_asked_about_one_by_one() -> None:
    fake = FakeCluster()
    findings = list(rights.examine(examination(cluster=fake)))
    assert {f.status for f in findings} == {Status.OK}
    assert len(fake.reviews) == sum(len(rule.verbs) for rule in rights.RULES)
    assert {kind for kind, _ in fake.reviews} == {"SelfSubjectAccessReview"}
    status = {"verb": "patch", "group": "quay.redhat.com", "resource": "quayintegrations", "subresource": "status"}
    assert ("SelfSubjectAccessReview", {"resourceAttributes": status}) in fake.reviews


def test_a_missing_right_of_a_service_account_comes_with_the_role_that_gives_it() -> None:
    home: dict[str, Any] = {"/api/v1/namespaces/ops/serviceaccounts/bridge": {}}
    fake = FakeCluster(dict(home), allowed=lambda asked: asked["resource"] != "secrets" and asked["resource"] != "leases")
    findings = list(rights.examine(examination(cluster=fake, account=("ops", "bridge"), namespace="ops")))
    wrong = {f.subject: f for f in findings if f.status is Status.FAILURE}
    assert set(wrong) == {"secrets", "leases.coordination.k8s.io in ops"}
    assert wrong["secrets"].commands == (
        "oc create clusterrole quaybridge-secrets --verb=get,list,watch,create,update,delete --resource=secrets",
        "oc create clusterrolebinding quaybridge-secrets --clusterrole=quaybridge-secrets --serviceaccount=ops:bridge",
    )
    assert wrong["leases.coordination.k8s.io in ops"].commands[0].startswith("oc create role ")
    kind, spec = fake.reviews[0]
    assert (kind, spec["user"]) == ("SubjectAccessReview", "system:serviceaccount:ops:bridge")
    assert "system:serviceaccounts:ops" in spec["groups"]


def test_a_service_account_that_is_not_there() -> None:
    finding = the(rights.examine(examination(account=("ops", "bridge"))), "rights.account")
    assert finding.commands == ("oc create serviceaccount bridge -n ops",)


def test_a_review_that_is_refused_is_no_verdict() -> None:
    class Refusing(FakeCluster):
        def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
            raise ForbiddenError("403", system="kubernetes")

    assert set(statuses(rights.examine(examination(cluster=Refusing())), "rights.rules")) == {Status.NOT_CHECKED}
