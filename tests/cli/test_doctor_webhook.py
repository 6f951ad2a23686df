from __future__ import annotations

import json
import shutil
import subprocess
from datetime import timedelta
from typing import Any

import pytest
import yaml
from tests.cli.fakes import NOW, FakeNetwork, examination, statuses, the
from tests.cli.pki import DAY, Pair, issue
from tests.cli.registrations import BEGIN, CA, each, manual, rule

from quaybridge_sdk.cli.doctor import serving, webhook
from quaybridge_sdk.cli.doctor.finding import Finding, Status
from quaybridge_sdk.cli.doctor.manifests import INTEGRATION, REGISTER, SERVICE
from quaybridge_sdk.cli.doctor.ports import Json
from quaybridge_sdk.cli.doctor.registered import Registered
from quaybridge_sdk.errors import ForbiddenError

HOST = "quay-bridge-operator.openshift-operators.svc"
SERVICES = "/api/v1/namespaces/openshift-operators/services/quay-bridge-operator"
ENDPOINTS = "/api/v1/namespaces/openshift-operators/endpoints/quay-bridge-operator"
SECRETS = "/api/v1/namespaces/openshift-operators/secrets"
CLIENT_CA = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
LEAF = issue("quay-bridge-operator", "quay-bridge-operator.openshift-operators", HOST, by=CA, begin=BEGIN)
OTHER = issue(ca=True, cn="clients", begin=BEGIN)

MANUAL_SERVICE = {
    "spec": {"ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 8443}],
             "selector": {"name": "quay-bridge-operator"}},
}  # fmt: skip
READY = {"subsets": [{"addresses": [{"ip": "10.0.0.1"}]}]}


def configurations(*named: tuple[str, Json]) -> dict[str, Any]:
    items = [{"metadata": {"name": name}, "webhooks": [body]} for name, body in named]
    return {webhook.CONFIGURATIONS: {"items": items}}


def judged(*found: Registered) -> list[Finding]:
    return list(webhook.examine_registration(examination(), list(found), ()))


def test_the_manuals_objects_are_all_right_as_they_are() -> None:
    objects = {**configurations(("quay-bridge-operator", manual())), SERVICES: MANUAL_SERVICE, ENDPOINTS: READY,
               f"{SECRETS}/quay-bridge-operator-webhook-certs": pair(LEAF, "cert.pem", "key.pem")}  # fmt: skip
    asked = examination(objects)
    registered, missing = webhook.registered(asked)
    assert missing is None
    findings = [
        *judged(*registered),
        *webhook.examine_service(asked, registered[0]),
        *serving.examine(asked, registered[0]),
    ]
    assert {f.status for f in findings} == {Status.OK}
    assert "leads to 8443" in the(findings, "webhook.service").detail


def test_none_is_a_failure_with_the_manifest_that_mends_it() -> None:
    _, missing = webhook.registered(examination({webhook.CONFIGURATIONS: {"items": []}}, namespace="ops"))
    assert missing is not None
    assert missing.status is Status.FAILURE
    assert "namespace: ops" in missing.commands[0]


def test_what_may_not_be_read_is_no_verdict() -> None:
    _, missing = webhook.registered(examination({webhook.CONFIGURATIONS: ForbiddenError("403", system="kubernetes")}))
    assert missing is not None
    assert missing.status is Status.NOT_CHECKED


def test_the_incumbents_and_ours_at_once_is_a_warning() -> None:
    objects = configurations(("ours", manual()), ("a-incumbents", manual(name="quayintegration.quay.redhat.com")),
                             ("foreign", {"name": "else", "clientConfig": {"service": {"path": "/else"}}}))  # fmt: skip
    registered, _ = webhook.registered(examination(objects))
    findings = judged(*registered)
    assert statuses(findings, "webhook.configuration") == [Status.OK, Status.OK, Status.WARNING]


def test_the_webhook_of_another_product_with_the_same_path_is_not_ours() -> None:
    pods = manual(name="sidecars.acme.example", rules=[rule(apiGroups=[""], resources=["pods"])])
    everything = manual(name="policy.acme.example", rules=[rule(apiGroups=["*"], resources=["*/*"])])
    strangers = (("acme-sidecars", pods), ("acme-policy", everything))
    found, _ = webhook.registered(examination(configurations(*strangers, ("quay-bridge-operator", manual()))))
    assert [registered.configuration for registered in found] == ["quay-bridge-operator"]
    none, missing = webhook.registered(examination(configurations(*strangers)))
    assert (none, missing and missing.status) == ([], Status.FAILURE)


def test_one_with_another_name_is_ours_by_its_path_and_its_rule() -> None:
    found, _ = webhook.registered(examination(configurations(("mine", manual(name="mine.example", rules=[rule()])))))
    assert [registered.configuration for registered in found] == ["mine"]


def several(*named: tuple[str, Json]) -> Finding:
    registered, _ = webhook.registered(examination(configurations(*named)))
    (found,) = [finding for finding in judged(*registered) if finding.status is not Status.OK]
    assert found.subject == ", ".join(sorted(name for name, _ in named))
    return found


def test_of_several_the_first_with_a_known_name_is_kept() -> None:
    finding = several(("c-ours", manual()), ("b-ours", manual()), ("a-copy", manual(name="mine.example")))
    assert finding.commands == (
        "oc delete mutatingwebhookconfiguration c-ours",
        "oc get mutatingwebhookconfiguration a-copy -o yaml",
    )
    assert "keep b-ours" in finding.mend
    assert "look whether a-copy is needed" in finding.mend


def test_none_without_a_known_name_is_to_be_deleted() -> None:
    finding = several(("a", manual(name="a.example")), ("b", manual(name="b.example")))
    assert finding.commands == ("oc get mutatingwebhookconfiguration b -o yaml",)


def test_a_configuration_with_webhooks_of_others_in_it_is_not_to_be_deleted() -> None:
    objects = configurations(("a", manual()), ("b", manual()))
    objects[webhook.CONFIGURATIONS]["items"][1]["webhooks"].append({"name": "else.example"})
    registered, _ = webhook.registered(examination(objects))
    finding = judged(*registered)[2]
    assert finding.commands == ("oc get mutatingwebhookconfiguration b -o yaml",)


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"rules": []}, Status.FAILURE, "/webhooks/0/rules"),
        ({"rules": [{"operations": ["UPDATE"]}]}, Status.FAILURE, "/webhooks/0/rules"),
        ({"admissionReviewVersions": ["v2"]}, Status.FAILURE, "/webhooks/0/admissionReviewVersions"),
        ({"sideEffects": "Some"}, Status.WARNING, "/webhooks/0/sideEffects"),
        ({"timeoutSeconds": 5}, Status.WARNING, "/webhooks/0/timeoutSeconds"),
        ({"failurePolicy": "Maybe"}, Status.FAILURE, "/webhooks/0/failurePolicy"),
        (
            {"clientConfig": {"service": {"namespace": "n", "name": "s", "path": "/"}}},
            Status.FAILURE,
            "/webhooks/0/clientConfig/service/path",
        ),
    ],
)
def test_fields_and_the_patch_that_corrects_each(changes: Json, status: Status, field: str) -> None:
    finding = the(judged(each(**changes)), "webhook.rules")
    assert finding.status is status
    patch = json.loads(finding.commands[0].partition("-p '")[2].removesuffix("'"))
    assert patch[0]["path"] == field


@pytest.mark.parametrize("resources", [["*"], ["*/*"], ["pods", "builds"], ["builds/*"]])
def test_wider_rules_and_both_policies_are_fine(resources: list[str]) -> None:
    rules = [rule(apiGroups=["*"], apiVersions=["*"], resources=resources)]
    ignoring = the(judged(each(rules=rules, failurePolicy="Ignore")), "webhook.rules")
    assert ignoring.status is Status.OK
    assert "integrated registry" in ignoring.detail


def service(objects: dict[str, Any], **changes: Any) -> list[Finding]:
    return list(webhook.examine_service(examination(objects), each(**changes)))


def test_no_service() -> None:
    finding = the(service({}), "webhook.service")
    assert finding.status is Status.FAILURE
    assert "kind: Service" in finding.commands[0]


def test_a_service_without_the_port() -> None:
    assert the(service({SERVICES: {"spec": {"ports": [{"port": 80}]}}}), "webhook.service").status is Status.FAILURE


@pytest.mark.parametrize(
    ("endpoints", "status", "told"),
    [
        (READY, Status.OK, "1 ready"),
        ({"subsets": [{"notReadyAddresses": [{}, {}]}]}, Status.FAILURE, "2 pods"),
        ({}, Status.FAILURE, "none has the labels name=quay-bridge-operator"),
        (ForbiddenError("403", system="kubernetes"), Status.NOT_CHECKED, "may not"),
    ],
)
def test_endpoints(endpoints: Any, status: Status, told: str) -> None:
    finding = the(service({SERVICES: MANUAL_SERVICE, ENDPOINTS: endpoints}), "webhook.endpoints")
    assert finding.status is status
    assert told in finding.detail
    assert ("no new build can be made" in finding.detail) is (status is Status.FAILURE)


def pair(leaf: Pair, certificate: str, key: str) -> Json:
    return {"data": {certificate: leaf.base64, key: "bm9uZQ=="}}


def examine(objects: dict[str, Any], bundle: str = CA.base64, network: FakeNetwork | None = None, **more: Any) -> list[Finding]:
    return list(serving.examine(examination(objects, network, **more), each(bundle)))


@pytest.mark.parametrize("name", serving.SECRETS)
@pytest.mark.parametrize("files", [("cert.pem", "key.pem"), ("tls.crt", "tls.key"), ("apiserver.crt", "apiserver.key")])
def test_either_secret_under_any_of_the_three_pairs(name: str, files: tuple[str, str]) -> None:
    findings = examine({f"{SECRETS}/{name}": pair(LEAF, *files)})
    assert {f.status for f in findings} == {Status.OK}
    assert the(findings, "webhook.trust").subject == f"Secret openshift-operators/{name}"


def test_a_secret_that_the_service_is_annotated_with() -> None:
    annotated = {"metadata": {"annotations": {serving.ANNOTATION: "mine"}}}
    findings = examine({SERVICES: annotated, f"{SECRETS}/mine": pair(LEAF, "tls.crt", "tls.key")})
    assert the(findings, "webhook.trust").status is Status.OK


@pytest.mark.parametrize(
    ("leaf", "status", "told"),
    [
        (issue(HOST, by=CA, begin=NOW - 30 * DAY, lasts=29 * DAY), Status.FAILURE, "expired on"),
        (issue(HOST, by=CA, begin=NOW + DAY), Status.FAILURE, "not valid before"),
        (issue("quay-bridge-operator", by=CA, begin=BEGIN), Status.FAILURE, f"not for {HOST}"),
        (issue(by=CA, begin=BEGIN), Status.FAILURE, "a common name does not count"),
        (issue(HOST, by=CA, begin=NOW - 300 * DAY, lasts=303 * DAY), Status.WARNING, "valid until"),
    ],
)
def test_certificates(leaf: Pair, status: Status, told: str) -> None:
    finding = the(examine({f"{SECRETS}/webhook-server-cert": pair(leaf, "tls.crt", "tls.key")}), "webhook.certificate")
    assert finding.status is status
    assert told in finding.detail
    assert finding.commands[0] == "oc delete secret webhook-server-cert -n openshift-operators"


def test_a_secret_without_a_readable_certificate() -> None:
    for data in ({}, {"cert.pem": "bm8=", "key.pem": "bm8="}, {"tls.crt": "%", "tls.key": "bm8="}):
        finding = the(examine({f"{SECRETS}/webhook-server-cert": {"data": data}}), "webhook.certificate")
        assert finding.status is Status.FAILURE


def test_the_clusters_ca_for_clients_that_does_not_sign_it_is_named() -> None:
    objects = {
        f"{SECRETS}/webhook-server-cert": pair(LEAF, "tls.crt", "tls.key"),
        CLIENT_CA: {"data": {"client-ca-file": OTHER.pem.decode()}},
    }
    finding = the(examine(objects, OTHER.base64), "webhook.trust")
    assert finding.status is Status.FAILURE
    assert "extension-apiserver-authentication" in finding.detail
    assert "does not sign the certificate" in finding.detail


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell")
def test_the_command_that_trusts_a_certificate_is_valid_shell_and_json() -> None:
    finding = the(examine({f"{SECRETS}/webhook-server-cert": pair(LEAF, "tls.crt", "tls.key")}, OTHER.base64), "webhook.trust")
    script = 'oc() { if [ "$1" = get ]; then printf "%s " "$@" >&2; printf VALUE; else printf "%s" "${@: -1}"; fi; }\n'
    done = subprocess.run(["bash", "-c", script + finding.commands[-1]], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "VALUE"}]
    assert r"jsonpath={.data.tls\.crt}" in done.stderr


@pytest.mark.parametrize(("bundle", "told"), [("", "empty"), ("bm8=", "no PEM")])
def test_no_bundle(bundle: str, told: str) -> None:
    finding = the(examine({f"{SECRETS}/webhook-server-cert": pair(LEAF, "tls.crt", "tls.key")}, bundle), "webhook.trust")
    assert told in finding.detail
    assert serving.INJECT in finding.commands[0]


def test_from_a_laptop_a_certificate_that_is_nowhere_is_a_failure() -> None:
    assert the(examine({}), "webhook.certificate").status is Status.FAILURE


def test_in_the_pod_the_served_certificate_counts_too() -> None:
    network = FakeNetwork(certificates={(HOST, 443): LEAF.der})
    objects = {f"{SECRETS}/webhook-server-cert": pair(LEAF, "tls.crt", "tls.key")}
    assert statuses(examine(objects, network=network, in_pod=True), "webhook.trust") == [Status.OK, Status.OK]
    stale = FakeNetwork(certificates={(HOST, 443): issue(HOST, by=CA, begin=BEGIN + timedelta(hours=1)).der})
    findings = examine(objects, network=stale, in_pod=True)
    assert statuses(findings, "webhook.certificate") == [Status.OK, Status.OK, Status.WARNING]
    assert statuses(examine(objects, in_pod=True), "webhook.endpoints") == [Status.FAILURE]


def test_a_webhook_with_a_url_is_looked_at_there() -> None:
    leaf = issue("127.0.0.1", begin=BEGIN)
    config = {"url": "https://127.0.0.1:9443/admissionwebhook", "caBundle": leaf.base64}
    registered = each(clientConfig=config)
    asked = examination(network=FakeNetwork(certificates={("127.0.0.1", 9443): leaf.der}))
    findings = [*webhook.examine_service(asked, registered), *serving.examine(asked, registered)]
    assert {f.status for f in findings} == {Status.OK}
    wrong = each(clientConfig={**config, "caBundle": CA.base64})
    assert the(serving.examine(asked, wrong), "webhook.trust").status is Status.FAILURE
    assert the(judged(each(clientConfig={"url": "https://x/"})), "webhook.rules").status is Status.FAILURE


@pytest.mark.parametrize(
    ("bundle", "served", "check", "status", "command"),
    [
        ("", LEAF.der, "webhook.trust", Status.WARNING, "oc edit mutatingwebhookconfiguration quay-bridge-operator"),
        ("bm8=", LEAF.der, "webhook.trust", Status.FAILURE, "oc edit mutatingwebhookconfiguration quay-bridge-operator"),
        (CA.base64, b"no", "webhook.certificate", Status.FAILURE, f"openssl s_client -connect {HOST}:9443 -showcerts </dev/null"),
    ],
)
def test_no_advice_about_a_service_for_a_webhook_with_a_url(
    bundle: str, served: bytes, check: str, status: Status, command: str
) -> None:
    asked = examination(network=FakeNetwork(certificates={(HOST, 9443): served}))
    config = {"url": f"https://{HOST}:9443/admissionwebhook", "caBundle": bundle}
    findings = list(serving.examine(asked, each(clientConfig=config)))
    assert the(findings, check).status is status
    assert the(findings, check).commands == (command,)
    assert not [line for finding in findings for line in finding.commands if "annotate" in line]


@pytest.mark.parametrize(
    "command", [REGISTER.format(namespace="ops"), SERVICE.format(namespace="ops", name="s", port=443), INTEGRATION]
)
def test_manifests_are_yaml(command: str) -> None:
    lines = command.splitlines()
    assert (lines[0], lines[-1]) == ("oc apply -f - <<'END'", "END")
    assert yaml.safe_load("\n".join(lines[1:-1]))["kind"]


def test_the_manifest_passes_its_own_check() -> None:
    body = yaml.safe_load("\n".join(REGISTER.format(namespace="ops").splitlines()[1:-1]))
    registered, _ = webhook.registered(examination({webhook.CONFIGURATIONS: {"items": [body]}}))
    assert {f.status for f in judged(*registered)} == {Status.OK}
