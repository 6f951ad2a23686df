from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from tests.cli.fakes import HEALTHY, NOW, FakeNetwork, FakeQuay, examination, statuses, the
from tests.cli.pki import issue

from quaybridge_sdk.cli.doctor import clocks, integrations, quay
from quaybridge_sdk.cli.doctor.finding import Finding, Status
from quaybridge_sdk.cli.doctor.ports import Examination, Json, NoAnswerError, Page, Trouble
from quaybridge_sdk.cli.doctor.token import NEEDED, examine_token
from quaybridge_sdk.errors import ForbiddenError, UnreachableError
from quaybridge_sdk.model.openshift import IGNORE_ANNOTATION
from quaybridge_sdk.model.quay import Organization

LIST = "/apis/quay.redhat.com/v1/quayintegrations"
SEED = "/apis/redhatcop.redhat.io/v1alpha1/quayintegrations"
SECRET = "/api/v1/namespaces/ops/secrets/quay-integration"
TOKEN = "t0k3n-that-nobody-sees"


def spec(**changes: Any) -> Json:
    reference = {"namespace": "ops", "name": "quay-integration"}
    return {"clusterID": "one", "quayHostname": "https://quay.example", "credentialsSecret": reference, **changes}


def item(name: str = "quay", **changes: Any) -> Json:
    return {"metadata": {"name": name}, "spec": spec(**changes)}


def secret(value: str = TOKEN, key: str = "token") -> Json:
    return {"data": {key: base64.b64encode(value.encode()).decode()}}


def cluster(*items: Json, **objects: Any) -> dict[str, Any]:
    names = [{"metadata": {"name": name}} for name in ("shop", "kube-system")]
    return {LIST: {"items": list(items)}, SECRET: secret(), "/api/v1/namespaces": {"items": names}, **objects}


def look(objects: dict[str, Any]) -> tuple[Finding, ...]:
    return integrations.examine(examination(objects)).findings


def test_none_at_all_is_a_failure_with_a_manifest() -> None:
    assert "kind: QuayIntegration" in the(look({LIST: {"items": []}}), "integrations.present").commands[0]
    assert the(look({}), "integrations.present").status is Status.FAILURE
    assert the(look({LIST: ForbiddenError("403", system="kubernetes")}), "integrations.present").status is Status.FAILURE


def test_one_that_cannot_be_read_names_its_field() -> None:
    finding = the(look(cluster(item(quayHostname="no host/with path"))), "integrations.readable")
    assert finding.status is Status.FAILURE
    assert finding.mend == "correct spec.quayHostname"
    assert finding.commands == ("oc edit quayintegrations.quay.redhat.com quay",)


def test_the_first_generation_is_read_too() -> None:
    body = {"quayHostname": "quay.example", "credentialsSecretName": "ops/quay-integration"}
    found = integrations.examine(examination({SEED: {"items": [{"metadata": {"name": "old"}, "spec": body}]}, SECRET: secret()}))
    assert [each.title for each in found.usable] == ["quayintegrations.redhatcop.redhat.io/old"]
    assert "is read as https://quay.example" in the(found.findings, "integrations.hostname").detail
    assert "'openshift'" in the(found.findings, "integrations.clusterid").detail
    assert found.usable[0].token is not None


def test_overlap_names_the_namespaces() -> None:
    finding = the(look(cluster(item("a"), item("b"))), "integrations.overlap")
    assert finding.status is Status.FAILURE
    assert finding.detail.endswith(": shop")
    apart = look(cluster(item("a", allowlistNamespaces=["x"]), item("b", denylistNamespaces=["x"])))
    assert the(apart, "integrations.overlap").status is Status.OK


def test_a_namespace_that_its_annotation_takes_out_is_no_overlap() -> None:
    out: Json = {"metadata": {"name": "shop", "annotations": {IGNORE_ANNOTATION: "true"}}}
    objects = cluster(item("a"), item("b"), **{"/api/v1/namespaces": {"items": [out]}})
    assert the(look(objects), "integrations.overlap").status is Status.OK
    out["metadata"]["annotations"] = {IGNORE_ANNOTATION: "false"}
    assert the(look(objects), "integrations.overlap").status is Status.FAILURE


def test_doubtful_fields() -> None:
    findings = look(cluster(item(clusterID="", quayHostname="http://quay.example", organizationPrefix="p"), item("b")))
    assert statuses(findings, "integrations.clusterid") == [Status.WARNING, Status.OK]
    assert statuses(findings, "integrations.hostname") == [Status.WARNING, Status.OK]
    assert statuses(findings, "integrations.prefix") == [Status.WARNING]


@pytest.mark.parametrize(
    ("found", "status", "told"),
    [
        (secret(), Status.OK, "there"),
        (secret(TOKEN + "\n"), Status.WARNING, "line end"),
        (secret(""), Status.FAILURE, "empty"),
        (secret("a\nb"), Status.FAILURE, "characters inside"),
        (secret(key="access_token"), Status.FAILURE, "the keys access_token"),
        ({}, Status.FAILURE, "no data"),
        (None, Status.FAILURE, "does not exist"),
        (ForbiddenError("403", system="kubernetes"), Status.FAILURE, "Forbidden"),
    ],
)
def test_credentials(found: Any, status: Status, told: str) -> None:
    objects = cluster(item())
    del objects[SECRET]
    result = integrations.examine(examination({**objects, **({SECRET: found} if found is not None else {})}))
    finding = the(result.findings, "integrations.secret")
    assert finding.status is status
    assert told in finding.detail
    assert status is Status.OK or finding.commands
    assert (result.usable[0].token is None) == (status is Status.FAILURE)


def examine(network: FakeNetwork, probe: FakeQuay | None = None, **changes: Any) -> list[Finding]:
    asked = examination(cluster(item(**changes)), network, probe)
    return list(quay.examine(asked, integrations.examine(asked).usable[0]))


def pages(health: Page | Exception | None = None, config: bytes = b"{}", url: str = "https://quay.example") -> FakeNetwork:
    return FakeNetwork({f"{url}/health/instance": health or Page(200, HEALTHY, NOW), f"{url}/config": Page(200, config)})


def test_a_quay_where_all_is_well() -> None:
    config = b'{"version_number": "3.19.0", "registry_state": "normal", "features": {"SUPERUSERS_FULL_ACCESS": true}}'
    findings = examine(pages(config=config))
    assert {f.status for f in findings} == {Status.OK, Status.NOT_CHECKED}
    assert the(findings, "quay.version").detail == "Quay 3.19.0"
    assert the(findings, "quay.token").detail == "the token belongs to admin"
    assert "verified" in the(findings, "quay.tls").detail
    assert [f.subject.partition(": ")[2] for f in findings if f.status is Status.NOT_CHECKED] == ["user:admin"]


@pytest.mark.parametrize("trouble", [Trouble.DNS, Trouble.REFUSED, Trouble.TIMEOUT, Trouble.UNREACHABLE])
def test_no_way_there(trouble: Trouble) -> None:
    findings = examine(pages(NoAnswerError(trouble)))
    assert trouble.value in the(findings, "quay.reachable").detail
    assert the(findings, "quay.reachable").status is Status.FAILURE
    assert len(findings) == 1


@pytest.mark.parametrize(
    ("trouble", "mend", "pins"),
    [
        (Trouble.UNKNOWN_CA, "spec.caBundle", True),
        (Trouble.UNTRUSTED, "spec.caBundle", True),
        (Trouble.EXPIRED, "renew Quay's certificate", False),
        (Trouble.NOT_YET_VALID, "clocks", False),
        (Trouble.WRONG_HOST, "use a name that the certificate has", False),
        (Trouble.NO_TLS, "http://", False),
    ],
)
def test_certificates_that_are_not_trusted_are_told_apart(trouble: Trouble, mend: str, pins: bool) -> None:
    network = pages(NoAnswerError(trouble))
    network.certificates["quay.example", 443] = issue("other.example", cn="other").der
    findings = examine(network)
    finding = the(findings, "quay.tls")
    assert finding.status is Status.FAILURE
    assert trouble.value in finding.detail
    assert "for other.example" in finding.detail
    assert mend in finding.mend
    assert ("openssl s_client -connect quay.example:443" in finding.commands[0]) is pins


def test_unverified_tls_and_none_at_all_are_warnings() -> None:
    assert the(examine(pages(), insecureRegistry=True), "quay.tls").status is Status.WARNING
    plain = examine(pages(url="http://quay.example"), quayHostname="http://quay.example")
    assert the(plain, "quay.tls").detail == "no TLS at all"


@pytest.mark.parametrize(
    ("health", "config", "told"),
    [
        (Page(503, b'{"data": {"services": {"auth": true, "database": false}}}'), b"{}", "not well: database"),
        (Page(404, b"<html>"), b"{}", "Quay's own address"),
        (Page(200, HEALTHY), b'{"registry_state": "readonly"}', "read-only"),
    ],
)
def test_health(health: Page, config: bytes, told: str) -> None:
    wrong = [f for f in examine(pages(health, config)) if f.status is Status.FAILURE]
    assert [told in f.detail for f in wrong if f.check == "quay.health"] == [True]


def scopes(probe: FakeQuay) -> dict[str, Status]:
    return {f.subject.partition(": ")[2]: f.status for f in examine(pages(), probe) if f.check == "quay.scopes"}


def test_a_wrong_token_comes_with_the_steps_to_a_new_one() -> None:
    findings = examine(pages(), FakeQuay(user=None, is_superuser=False))
    finding = the(findings, "quay.token")
    assert finding.status is Status.FAILURE
    assert "make a new OAuth token" in finding.mend
    assert "oc create secret generic quay-integration -n ops --from-literal=token=" in finding.commands[0]
    assert not statuses(findings, "quay.scopes")


def test_a_token_that_does_not_say_whose_it_is() -> None:
    assert the(examine(pages(), FakeQuay(user=None)), "quay.token").status is Status.OK


@pytest.mark.parametrize(
    ("probe", "owner", "repository"),
    [
        (FakeQuay(), Status.OK, Status.OK),
        (FakeQuay(is_superuser=False), Status.NOT_CHECKED, Status.NOT_CHECKED),
        (
            FakeQuay(is_superuser=False, organizations={"one_shop": Organization("one_shop", "", False)}),
            Status.FAILURE,
            Status.NOT_CHECKED,
        ),
        (
            FakeQuay(is_superuser=False, organizations={"one_shop": Organization("one_shop")}, content={"one_shop": ["app"]}),
            Status.OK,
            Status.OK,
        ),
        (
            FakeQuay(
                is_superuser=False,
                organizations={"one_shop": Organization("one_shop")},
                content={"one_shop": ["app"]},
                administers=False,
            ),
            Status.OK,
            Status.FAILURE,
        ),
    ],
)
def test_scopes_as_far_as_reading_shows_them(probe: FakeQuay, owner: Status, repository: Status) -> None:
    found = scopes(probe)
    assert found["org:admin or super:user"] is owner
    assert found["repo:admin or super:user"] is repository
    assert found["user:admin"] is Status.NOT_CHECKED


def test_a_superuser_without_full_access_is_none_abroad() -> None:
    findings = examine(pages(config=b'{"features": {"SUPERUSERS_FULL_ACCESS": false}}'))
    assert the(findings, "quay.superuser").status is Status.WARNING
    assert "FEATURE_SUPERUSERS_FULL_ACCESS" in the(findings, "quay.superuser").mend


def test_every_call_of_the_bridge_is_in_a_group() -> None:
    told = " ".join(f.detail for f in examine(pages(), FakeQuay(is_superuser=False)) if f.check == "quay.scopes")
    assert len(NEEDED) > 10
    assert all(f"{route.method} {route.shape}" in told for route in NEEDED)


def test_a_quay_that_breaks_off_is_a_failure() -> None:
    class Breaking(FakeQuay):
        def superuser(self) -> bool:
            raise UnreachableError("the connection broke", system="quay")

    asked = examination(cluster(item()), pages(), Breaking())
    each = integrations.examine(asked).usable[0]
    assert the(examine_token(asked, each, None), "quay.token").status is Status.FAILURE


@pytest.mark.parametrize(
    ("cluster_ahead", "quay_ahead", "expected"),
    [
        (0, 0, [Status.OK, Status.OK]),
        (20, -9, [Status.OK, Status.OK]),
        (60, 60, [Status.WARNING, Status.OK]),
        (0, 600, [Status.OK, Status.FAILURE]),
    ],
)
def test_clocks(cluster_ahead: int, quay_ahead: int, expected: list[Status]) -> None:
    network = pages(Page(200, HEALTHY, NOW + timedelta(seconds=quay_ahead)))
    network.pages["https://api.cluster:6443/version"] = Page(200, b"", NOW + timedelta(seconds=cluster_ahead))
    asked: Examination = examination(cluster(item()), network)
    usable = integrations.examine(asked).usable
    assert statuses(clocks.examine(asked, usable), "clocks.skew") == expected


def test_clocks_that_nobody_tells() -> None:
    assert statuses(clocks.examine(examination(), ()), "clocks.skew") == [Status.NOT_CHECKED]


def test_no_finding_holds_the_token() -> None:
    for probe in (FakeQuay(), FakeQuay(user=None, is_superuser=False), FakeQuay(is_superuser=False)):
        objects = cluster(item())
        found = integrations.examine(examination(objects))
        assert TOKEN not in repr(found)
        assert TOKEN not in repr(examine(pages(), probe))
