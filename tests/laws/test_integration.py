"""Laws of reading a QuayIntegration: total over any JSON, both generations to one value, one host however it is written."""

from __future__ import annotations

import base64
import copy
import re
from importlib.resources import files
from typing import Any

import pytest
import yaml
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
        "quayHostname": "https://q.example",
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
            endpoint=QuayEndpoint("https://q.example", "q.example", insecure),
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
    st.sampled_from(["quay.io", "Quay.Example.com", "10.0.0.1", "a-b.c", "localhost"]),
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


# --- the host, by the model and by the CRDs ---

LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)")


def is_host(text: str) -> bool:
    """Said a second time, without one large expression: RFC 1123 names, and what image references take for a registry."""
    text = re.sub(r"\Ahttps?://", "", text).rstrip("/")
    name, colon, port = text.partition(":")
    decimal = re.fullmatch("[1-9][0-9]{0,4}", port) is not None
    if len(name) > 253 or not all(LABEL.fullmatch(label) for label in name.split(".")) or (colon and not decimal):
        return False
    return int(port) < 65536 if colon else "." in name or name == "localhost"


def crd_rules(field: str) -> list[list[str]]:
    """The CEL rules on a field of the spec, for each of the two CRDs."""
    found = []
    for path in files("quaybridge_sdk").joinpath("crds").iterdir():
        (version,) = yaml.safe_load(path.read_text(encoding="utf-8"))["spec"]["versions"]
        spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        assert all(rule["message"] for rule in spec[field]["x-kubernetes-validations"])
        found.append([rule["rule"] for rule in spec[field]["x-kubernetes-validations"]])
    assert len(found) == 2
    return found


def expression(rule: str) -> re.Pattern[str]:
    """The regular expression of ``self.matches('^...$')``, as Python says it."""
    found = re.fullmatch(r"self\.matches\('\^(.*)\$'\)", rule)
    assert found is not None
    assert not {"\\", "'", "(?=", "(?!", "(?<"} & {found[1][i : i + n] for i in range(len(found[1])) for n in (1, 3)}  # CEL, RE2
    return re.compile(found[1])


HOST_RULES = [[expression(rule) for rule in rules] for rules in crd_rules("quayHostname")]
_label = st.sampled_from(["a", "quay", "Q-1", "-a", "a-", "", "a_b", "x" * 63, "x" * 64, "localhost", "[::1]", "127"])
_port = st.sampled_from(["", "", ":", ":0", ":1", ":080", ":443", ":8443", ":65535", ":65536", ":99999", ":a", ":1:2"])
host_texts = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "https://", "http://", "ftp://", "HTTPS://", "//", "u@"]),
    st.lists(_label, min_size=1, max_size=5).map(".".join),
    _port,
    st.sampled_from(["", "", "/", "//", "/path", "?q", "\n", " "]),
)


@given(host_texts | any_text | st.text("ahtps:/.-0159", max_size=24))
@example("quay")
@example("quay:0")
@example("a..b")
@example("x-.y")
@example("localhost")
@example("[::1]:5000")
@example(".".join(["x" * 63] * 3) + "." + "y" * 61)
@example(".".join(["x" * 63] * 3) + "." + "y" * 62)
def test_the_model_and_both_crds_take_the_very_hosts_that_image_references_do(text: str) -> None:
    try:
        taken = bool(parse_endpoint(text))
    except InvalidIntegrationError:
        taken = False
    assert taken == is_host(text)
    assert [all(rule.fullmatch(text) for rule in rules) for rules in HOST_RULES] == [taken] * 2


@pytest.mark.parametrize("text", ["quay", "QUAY", "a..b", "x-.y", "quay:0", "[::1]:5000", "::1", "quay.example.com.", "h:080"])
def test_a_host_that_images_cannot_name_is_refused_with_what_would_do(text: str) -> None:
    with pytest.raises(InvalidIntegrationError, match="with a dot or a port"):
        parse_endpoint(text)


def test_the_crds_do_not_let_the_cluster_id_change() -> None:
    assert crd_rules("clusterID") == [["self == oldSelf"]] * 2


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
