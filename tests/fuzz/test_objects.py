"""The cluster's objects of any shape: what is kept of them, QuayIntegrations, Secrets, records, conditions and statuses."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.fuzz.corpus import SCALARS, documents, encoded, mangled, odd_values, turned
from tests.fuzz.watching import CANARY, only_documented
from tests.laws.bodies import bodies as integration_bodies
from tests.laws.strategies import bare

from quaybridge_sdk.adapters.kubernetes import objects
from quaybridge_sdk.adapters.kubernetes.kinds import GENERATIONS, Unreadable, deletions_parser, integration_parser, tenure_parser
from quaybridge_sdk.adapters.kubernetes.stores import Store
from quaybridge_sdk.adapters.quay import QuayRegistry
from quaybridge_sdk.depth import Depth, assumed, depth
from quaybridge_sdk.errors import InvalidCredentialsError, InvalidIntegrationError
from quaybridge_sdk.mapping.conditions import (
    CONDITION_OF_REASON,
    MESSAGE_LENGTH,
    Condition,
    NamespaceReport,
    NamespaceState,
    conditions,
    invalid_conditions,
)
from quaybridge_sdk.mapping.desired import desired_state, waits_for_project
from quaybridge_sdk.model.integration import QuayIntegration, parse_integration
from quaybridge_sdk.model.openshift import APPLIED_ANNOTATION, Namespace
from quaybridge_sdk.model.quay import SecretText
from quaybridge_sdk.model.state import Applied, ClusterState
from quaybridge_sdk.runtime.status import merge_status

NOW = datetime(2026, 1, 1, tzinfo=UTC)
READERS = (
    objects.parse_namespace,
    objects.parse_service_account,
    objects.parse_pull_secret,
    objects.parse_credentials,
    objects.parse_build,
    objects.key_of,
    objects.version_of,
    objects.is_terminating,
    *(integration_parser(*generation) for generation in GENERATIONS),
    *(tenure_parser(*generation) for generation in GENERATIONS),
    deletions_parser("quay.redhat.com"),
)
items = turned(documents("openshift")) | odd_values


@given(items)
@pytest.mark.parametrize("reader", READERS)
def test_whatever_an_object_holds_it_is_read(reader: Any, item: Any) -> None:
    """Total: what is not of its type counts as not there. A value so read can be compared and hashed by its key."""
    assert reader(item) == reader(item)


@given(st.lists(st.tuples(st.sampled_from(["put", "remove", "observe", "list"]), items), max_size=8))
def test_a_store_takes_any_object_in_any_order(steps: list[tuple[str, Any]]) -> None:
    told: list[Any] = []
    for parse in (objects.parse_namespace, objects.parse_build, integration_parser(*GENERATIONS[0])):
        store: Store[Any] = Store(parse, told.append)
        for step, item in steps:
            if step == "list":
                store.start_list(objects.version_of(item))
                store.list_item(item)
                store.end_list()
            else:
                getattr(store, step)(item)
        assert len(store.all()) <= len(steps)


# --- QuayIntegrations ---


turned_objects = turned(documents("openshift")).filter(lambda value: isinstance(value, dict))


@given(integration_bodies() | turned_objects | st.dictionaries(st.text(max_size=9), odd_values, max_size=4))
def test_an_integration_is_read_or_the_field_is_named(body: Any) -> None:
    found = only_documented(lambda: parse_integration(body), InvalidIntegrationError)
    if isinstance(found, QuayIntegration):
        assert desired_state(found, ClusterState(Namespace("shop", "u")), "c").fingerprint
        return
    assert isinstance(found, InvalidIntegrationError)
    assert found.field
    (condition,) = invalid_conditions(str(found))
    assert len(condition.message) <= MESSAGE_LENGTH


hosts = st.one_of(
    st.sampled_from(
        ["xn--a", "xn--", "q.xn--99999999.io", "a..b", "1.2.3.4.5", "999.1.1.1", "a" * 300, "0", "0x7f.1", "localhost:0"]
    ),
    st.from_regex(r"(https?://)?[A-Za-z0-9]([A-Za-z0-9.-]{0,12}[A-Za-z0-9])?(:[0-9]{1,5})?/{0,2}", fullmatch=True),
    st.from_regex(r"(https?://)?xn--[a-z0-9-]{0,8}[a-z0-9]", fullmatch=True),
)


@given(hosts, st.none() | st.binary(max_size=40))
@example("xn--a", None)
@example("quay.example.com", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
def test_a_client_for_any_address_and_bundle_is_made_or_the_field_is_named(host: str, bundle: bytes | None) -> None:
    spec = {"quayHostname": host, "credentialsSecret": {"namespace": "a", "name": "b"}}
    if bundle is not None:
        spec["caBundle"] = base64.b64encode(bundle).decode()

    def made() -> None:
        integration = parse_integration({"metadata": {"name": "quay"}, "spec": spec})
        QuayRegistry(integration.endpoint, SecretText("token")).close()

    only_documented(made, InvalidIntegrationError)


@given(integration_bodies(), st.sampled_from(GENERATIONS))
def test_an_integration_in_the_cache_is_one_or_says_why_not(body: Any, generation: tuple[str, str]) -> None:
    found = integration_parser(*generation)(body)
    assert isinstance(found, QuayIntegration | Unreadable)
    if isinstance(found, Unreadable):
        assert str(found.error()).startswith(found.field)


@given(odd_values.filter(lambda value: isinstance(value, dict)) | st.dictionaries(st.just("conditions"), odd_values))
@example({"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": None}, None, 7]})
def test_whatever_the_status_holds_it_is_brought_up_to_date(current: Any) -> None:
    found, fields = [Condition("Ready", "True", "Synchronized", "")], {"namespaces": 1}
    status = merge_status(current, found, fields, 3, NOW)
    assert status is not None
    assert merge_status(status, found, fields, 3, NOW) is None


messages = st.text(st.characters(), max_size=40) | st.just("x" * 5_000)
reasons = st.sampled_from([*CONDITION_OF_REASON, "InternalError", ""])


@given(st.lists(st.builds(NamespaceReport, st.text(max_size=9), st.sampled_from(NamespaceState), reasons, messages), max_size=8))
def test_conditions_of_any_reports_fit_the_api(reports: list[NamespaceReport]) -> None:
    found = conditions(bare(), reports)
    assert found == conditions(bare(), list(reversed(reports))) or len({r.namespace for r in reports}) < len(reports)
    assert all(len(condition.message) <= MESSAGE_LENGTH for condition in found)
    assert len({condition.type for condition in found}) == len(found)


words = st.sampled_from(["Delete", "Retain", "Burst", "Undone", "2026-01-01T00:00:00+00:00", "2026-01-01", "x"]) | odd_values
entries = st.dictionaries(
    st.sampled_from(["organization", "namespace", "namespaceUID", "quay", "policy", "reason", "due"]), words, max_size=7
)


@given(st.lists(entries | odd_values, max_size=3) | odd_values)
def test_what_the_status_remembers_of_deletions_is_whole_or_void(found: Any) -> None:
    item = {"metadata": {"name": "quay"}, "status": {"deletions": found}}
    for deletion in deletions_parser("quay.redhat.com")(item) or ():
        assert all((deletion.organization, deletion.namespace, deletion.namespace_uid, deletion.quay))
        assert deletion.due is None or deletion.due.tzinfo is not None


# --- Secrets ---


@given(
    st.binary(max_size=40) | st.sampled_from([CANARY.encode(), f"{CANARY}\n".encode(), b"\xff" + CANARY.encode()]), st.booleans()
)
def test_credentials_of_any_bytes_are_a_token_or_a_clear_refusal(value: bytes, encoded_well: bool) -> None:
    data = base64.b64encode(value).decode() if encoded_well else value.decode("latin-1")
    found = objects.parse_credentials({"data": {"token": data}})
    assert CANARY not in repr(found)

    def used() -> None:
        with QuayRegistry(bare().endpoint, found["token"]) as registry:
            assert CANARY not in repr(registry)

    only_documented(used, InvalidCredentialsError)


@given(odd_values | st.binary().map(lambda raw: base64.b64encode(raw).decode()), st.binary(max_size=30))
def test_a_pull_secret_of_any_content_is_a_fingerprint_and_no_more(content: Any, raw: bytes) -> None:
    secrets = (CANARY.encode() + raw, b"{" + CANARY.encode())
    items = [{"data": {objects.PULL_SECRET_KEY: base64.b64encode(secret).decode()}} for secret in secrets]
    found = [
        objects.parse_pull_secret(item) for item in [*items, {"data": {objects.PULL_SECRET_KEY: content}}, {"data": content}]
    ]
    assert all(value == objects.UNREADABLE or len(value) == 16 for value in found)
    assert CANARY[:8] not in "".join(found)


# --- the record on a namespace ---

records = st.one_of(
    st.dictionaries(st.sampled_from(["registry", "secrets", "checked", "x"]), odd_values, max_size=4).map(json.dumps),
    st.builds(
        lambda registry, secrets, checked: json.dumps({"registry": registry, "secrets": secrets, "checked": checked}),
        odd_values,
        st.dictionaries(st.text(max_size=5), odd_values, max_size=3),
        st.datetimes().map(lambda at: at.isoformat() + "+23:59") | odd_values,
    ),
    st.just(encoded({"registry": "r", "secrets": {}, "checked": "2026-01-01T00:00:00+00:00"})).flatmap(mangled).map(
        lambda raw: raw.decode("utf-8", "surrogateescape")
    ),
    st.text(st.characters()),
    st.sampled_from([json.dumps(value) for value in SCALARS]),
)  # fmt: skip


@given(records)
@example("[" * 100_000)
@example("1" * 100_000)
def test_a_record_of_anything_is_read_or_void_and_never_stops_a_pass(text: str) -> None:
    found = Applied.loads(text)
    if found is not None:
        assert Applied.loads(found.dumps()) == found
    cluster = ClusterState(Namespace("shop", "u", annotations={APPLIED_ANNOTATION: text}))
    desired = desired_state(bare(), cluster, "c")
    believed = assumed(desired, cluster.applied)
    assert isinstance(depth(cluster, desired, believed, NOW, timedelta(hours=10)), Depth)
    assert waits_for_project(cluster) is False
