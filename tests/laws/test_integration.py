"""Laws of reading a QuayIntegration: total over any JSON, both generations to one value, one host however it is written."""

from __future__ import annotations

import base64
import copy
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.laws.bodies import bodies, json_values
from tests.laws.strategies import any_text, namespaces, words

from quaybridge_sdk.errors import InvalidIntegrationError
from quaybridge_sdk.model.integration import (
    DEFAULT_CLUSTER_ID,
    FailurePolicy,
    QuayIntegration,
    SecretKey,
    parse_endpoint,
    parse_integration,
)
from quaybridge_sdk.model.quay import QuayEndpoint

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def read(body: dict[str, Any]) -> QuayIntegration | InvalidIntegrationError:
    try:
        return parse_integration(body)
    except InvalidIntegrationError as error:
        return error


def minimal(**spec: Any) -> dict[str, Any]:
    secret = {"namespace": "ns", "name": "token"}
    return {
        "apiVersion": "quay.redhat.com/v1",
        "metadata": {"name": "quay"},
        "spec": {"quayHostname": "quay.example.com", "credentialsSecret": secret, **spec},
    }


@given(bodies())
@example(minimal(caBundle="\u00e9"))
@example(minimal(caBundle="\ud800"))
@example(minimal(clusterID=None))
@example(minimal(clusterID=7))
@example(minimal(organizationPrefix=[]))
@example({"spec": []})
def test_reading_is_total_deterministic_and_changes_nothing(body: dict[str, Any]) -> None:
    before = copy.deepcopy(body)
    first, second = read(body), read(body)
    assert body == before
    if isinstance(first, InvalidIntegrationError):
        assert str(first) == str(second)
        assert str(first).startswith(f"{first.field}: ")
        assert first.field.startswith(("spec", "metadata"))
    else:
        assert first == second
        required = (first.name, first.cluster_id, first.credentials.namespace, first.credentials.name, first.credentials.key)
        assert all(required)
        texts = {*required, first.organization_prefix, first.uid, *first.allowlist, *first.denylist}
        assert {type(text) for text in texts} == {str}
        assert {type(first.scheduled_import), type(first.insecure)} == {bool}


@given(json_values, st.sampled_from(["spec", "metadata"]))
def test_nonsense_in_the_place_of_an_object_names_the_place(value: Any, key: str) -> None:
    assume(not isinstance(value, dict))
    found = read({**minimal(), key: value})
    assert isinstance(found, InvalidIntegrationError)
    assert found.field == key


@given(any_text, any_text, st.booleans(), st.booleans(), st.lists(namespaces), st.lists(namespaces), any_text)
def test_both_generations_are_read_into_the_same_value(
    cluster_id: str, prefix: str, insecure: bool, scheduled: bool, allow: list[str], deny: list[str], uid: str
) -> None:
    common = {
        "clusterID": cluster_id,
        "organizationPrefix": prefix,
        "quayHostname": "https://q",
        "insecureRegistry": insecure,
        "scheduledImageStreamImport": scheduled,
    }
    metadata = {"name": "quay", "uid": uid, "generation": 3}
    today = {
        **common,
        "allowlistNamespaces": allow,
        "denylistNamespaces": deny,
        "credentialsSecret": {"namespace": "a", "name": "b"},
    }
    seed = {**common, "whitelistNamespaces": allow, "blacklistNamespaces": deny, "credentialsSecretName": "a/b"}
    for body in (
        {"apiVersion": "quay.redhat.com/v1", "metadata": metadata, "spec": today},
        {"apiVersion": "redhatcop.redhat.io/v1alpha1", "metadata": metadata, "spec": seed},
    ):
        assert parse_integration(body) == QuayIntegration(
            name="quay",
            cluster_id=cluster_id or DEFAULT_CLUSTER_ID,
            credentials=SecretKey("a", "b", "token"),
            endpoint=QuayEndpoint("https://q", "q", insecure),
            scheduled_import=scheduled,
            denylist=frozenset(deny),
            allowlist=frozenset(allow),
            organization_prefix=prefix,
            failure_policy=FailurePolicy.FAIL,
            uid=uid,
            generation=3,
            seed="whitelistNamespaces" in body["spec"],
        )


@given(
    st.sampled_from(["quay", "Quay.Example.com", "10.0.0.1", "a-b.c"]),
    st.sampled_from(["", ":1", ":443", ":8443", ":65535"]),
    st.sampled_from(["", "https://", "http://"]),
    st.sampled_from(["", "/", "//"]),
    st.booleans(),
)
def test_one_host_however_it_is_written(host: str, port: str, scheme: str, slashes: str, insecure: bool) -> None:
    endpoint = parse_endpoint(f"{scheme}{host}{port}{slashes}", insecure=insecure)
    assert endpoint.host == f"{host}{port}"
    assert endpoint.url == f"{scheme or 'https://'}{endpoint.host}"
    assert parse_endpoint(endpoint.url, insecure=insecure) == endpoint


@given(any_text | st.text("ahtps:/.-0159", max_size=24))
@example("q:65536")
@example("q\n")
@example("https://")
@example("q/path")
@example("user@q")
def test_any_text_is_a_host_or_a_clear_refusal(text: str) -> None:
    try:
        endpoint = parse_endpoint(text)
    except InvalidIntegrationError as error:
        assert error.field == "spec.quayHostname"  # noqa: PT017 - both outcomes are right, and each is looked at
    else:
        assert endpoint.host
        assert endpoint.host in text
        assert not set(endpoint.host) & set("/@ \n")


@given(st.binary(max_size=12) | st.just(PEM.encode()), words)
def test_a_ca_bundle_is_pem_or_refused(data: bytes, name: str) -> None:
    found = read(minimal(caBundle=base64.b64encode(data).decode()))
    if data == PEM.encode():
        assert isinstance(found, QuayIntegration)
        assert found.endpoint.ca_bundle == PEM
        assert "BEGIN CERTIFICATE" not in repr(found)
    elif data:
        assert isinstance(found, InvalidIntegrationError)
        assert found.field == "spec.caBundle"


@given(words, words)
def test_keys_tell_generations_and_names_apart(one: str, other: str) -> None:
    bodies_of = [
        {
            **minimal(),
            "apiVersion": version,
            "metadata": {"name": name},
            "spec": {**minimal()["spec"], "credentialsSecretName": "a/b"},
        }
        for name in {one, other}
        for version in ("quay.redhat.com/v1", "redhatcop.redhat.io/v1alpha1")
    ]
    assert len({parse_integration(body).key for body in bodies_of}) == len(bodies_of)
