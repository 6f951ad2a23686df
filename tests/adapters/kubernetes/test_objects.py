"""Parsing: recorded objects of real servers, and anything else that JSON can hold."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.kubernetes.support import recorded

from quaybridge_sdk.adapters.kubernetes import objects
from quaybridge_sdk.adapters.kubernetes.kinds import Unreadable, integration_parser, looks_like_pull_secret
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import DESTINATION_ANNOTATION, IMPORTED_ANNOTATION, MANAGED_ANNOTATION, Namespace
from quaybridge_sdk.model.quay import SecretText

PARSERS: list[Callable[[Any], object]] = [
    objects.parse_namespace,
    objects.parse_service_account,
    objects.parse_pull_secret,
    objects.parse_credentials,
    objects.parse_build,
    objects.key_of,
    objects.version_of,
]
MANAGED = {MANAGED_ANNOTATION: "true", DESTINATION_ANNOTATION: "team/app:1", "other": "dropped"}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_a_recorded_namespace() -> None:
    assert objects.parse_namespace(recorded("02-namespaces", 34).json()) == Namespace(
        name="vcr-ns",
        uid="4b361e08-84e2-4237-aaf3-b30602006c3a",
        finalizers=("quay.redhat.com/quayintegrations",),
        annotations={"openshift.io/sa.scc.mcs": "s0:c23,c7"},
    )


def test_a_recorded_namespace_that_is_going() -> None:
    assert objects.parse_namespace(recorded("02-namespaces", 40).json()).terminating


def test_recorded_service_accounts() -> None:
    before, after = recorded("03-serviceaccounts", 5).json(), recorded("03-serviceaccounts", 7).json()
    assert objects.parse_service_account(before).image_pull_secrets == ("pre-dockercfg",)
    account = objects.parse_service_account(after)
    assert (account.name, account.secrets) == ("app", ("pre-token", "q1"))
    assert account.links("q1")
    bare = recorded("03-serviceaccounts", 2).json()["items"][0]
    assert objects.parse_service_account(bare).secrets == ()


def test_only_the_fingerprint_of_a_pull_secret_is_kept() -> None:
    content = '{"auths":{}}'
    item = {"data": {".dockerconfigjson": encoded(content), "other": "x"}}
    assert objects.parse_pull_secret(item) == SecretText(content).fingerprint()


@pytest.mark.parametrize("data", [None, {}, {".dockerconfigjson": 5}, {".dockerconfigjson": "%"}, {".dockerconfigjson": "/w=="}])
def test_an_unreadable_pull_secret_equals_none_that_is_wanted(data: object) -> None:
    assert objects.parse_pull_secret({"data": data}) == "unreadable"


def test_credentials_are_masked_and_bad_values_empty() -> None:
    found = objects.parse_credentials({"data": {"token": encoded("secret"), "broken": "%%", "number": 5}})
    assert found == {"token": SecretText("secret"), "broken": SecretText("")}
    assert "secret" not in repr(found)


def test_a_build_that_was_not_rewritten_is_dropped() -> None:
    assert objects.parse_build(recorded("07-builds", 2).json()) is None


def managed_build(**annotations: str) -> Any:
    item = recorded("07-builds", 2).json()
    item["metadata"]["annotations"] = MANAGED | annotations
    item["spec"]["output"] = {"to": {"kind": "DockerImage", "name": "q/o/app:1"}, "pushSecret": {"name": "p"}}
    item["spec"]["serviceAccount"] = "pusher"
    item["status"] |= {"phase": "Complete", "startTimestamp": "s", "completionTimestamp": "c"}
    item["status"]["output"] = {"to": {"imageDigest": "sha256:1"}}
    return item


def test_a_managed_build() -> None:
    build = objects.parse_build(managed_build())
    assert build is not None
    assert (build.namespace, build.name, build.strategy) == ("vcr-builds", "docker", "Docker")
    assert (build.output_kind, build.output_name, build.push_secret) == ("DockerImage", "q/o/app:1", "p")
    assert (build.account, build.phase, build.digest) == ("pusher", "Complete", "sha256:1")
    assert (build.started, build.completed, len(build.uid)) == ("s", "c", 36)
    assert build.annotations == {MANAGED_ANNOTATION: "true", DESTINATION_ANNOTATION: "team/app:1"}


def test_of_an_imported_build_little_is_remembered() -> None:
    build = objects.parse_build(managed_build(**{IMPORTED_ANNOTATION: "true"}))
    assert build is not None
    assert (build.output_name, build.digest, build.completed) == ("q/o/app:1", "sha256:1", "c")
    assert (build.strategy, build.push_secret, build.service_account, build.started) == ("", None, None, "")


def test_integrations_of_both_generations_come_out_of_a_list_without_their_api_version() -> None:
    spec = {"quayHostname": "quay.example.com", "credentialsSecret": {"namespace": "n", "name": "s"}}
    item = {"metadata": {"name": "q"}, "spec": spec}
    found = integration_parser("quay.redhat.com", "v1")(item)
    assert isinstance(found, QuayIntegration)
    assert not found.seed
    seed = {"metadata": {"name": "q"}, "spec": {"quayHostname": "https://q.example", "credentialsSecretName": "n/s"}}
    found = integration_parser("redhatcop.redhat.io", "v1alpha1")(seed)
    assert isinstance(found, QuayIntegration)
    assert found.seed


def test_a_malformed_integration_keeps_its_reason() -> None:
    found = integration_parser("quay.redhat.com", "v1")({"metadata": {"name": "q"}, "spec": {}})
    assert isinstance(found, Unreadable)
    assert found.key == "quay.redhat.com/q"
    assert (found.error().field, str(found.error())) == (found.field, f"{found.field}: {found.problem}")


def test_names_of_pull_secrets() -> None:
    assert looks_like_pull_secret("any", "builder-quay-openshift")
    assert looks_like_pull_secret("any", "builder.quay.prod-1.abc123")
    assert not looks_like_pull_secret("any", "builder-dockercfg-x7k2p")


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["metadata", "name", "annotations", "finalizers", "data", "spec", "output", "to", "secrets", MANAGED_ANNOTATION]
            ),
            children,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@given(JUNK)
def test_whatever_comes_nothing_raises(junk: object) -> None:
    for parse in PARSERS:
        parse(junk)


@given(JUNK)
def test_whatever_an_integration_holds_it_is_read_or_reported(junk: object) -> None:
    item = {"metadata": {"name": "q"}, "spec": junk}
    assert isinstance(integration_parser("quay.redhat.com", "v1")(item), QuayIntegration | Unreadable)
