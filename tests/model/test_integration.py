"""QuayIntegrations of both generations, field by field: what is said of a wrong one is for the person who wrote it."""

from __future__ import annotations

from typing import Any

import pytest

from quaybridge_sdk.errors import InvalidIntegrationError
from quaybridge_sdk.model.integration import (
    DEFAULT_DELETION_LIMIT,
    DEFAULT_QUARANTINE_DAYS,
    CleanupPolicy,
    FailurePolicy,
    QuayIntegration,
    SecretKey,
    parse_integration,
)

TODAY: dict[str, Any] = {"quayHostname": "quay.example.com", "credentialsSecret": {"namespace": "ops", "name": "quay"}}
SEED: dict[str, Any] = {"quayHostname": "quay.example.com", "credentialsSecretName": "ops/quay"}


def read(spec: dict[str, Any], version: str = "quay.redhat.com/v1") -> QuayIntegration:
    return parse_integration({"apiVersion": version, "metadata": {"name": "quay"}, "spec": spec})


def test_the_least_that_is_enough() -> None:
    found = read(TODAY)
    assert (found.cluster_id, found.credentials) == ("openshift", SecretKey("ops", "quay", "token"))
    assert (found.failure_policy, found.scheduled_import, found.insecure) == (FailurePolicy.FAIL, False, False)
    assert (found.allowlist, found.denylist, found.organization_prefix) == (frozenset(), frozenset(), "")
    assert (found.uid, found.generation, found.seed, found.key) == ("", 0, False, "quay.redhat.com/quay")
    assert read(SEED, "redhatcop.redhat.io/v1alpha1").key == "redhatcop.redhat.io/quay"


def test_the_key_of_the_secret_is_honoured() -> None:
    found = read({**TODAY, "credentialsSecret": {"namespace": "ops", "name": "quay", "key": "oauth"}})
    assert str(found.credentials) == "ops/quay (key 'oauth')"
    assert read({**TODAY, "credentialsSecret": {"namespace": "ops", "name": "quay", "key": ""}}).credentials.key == "token"


def test_the_numbers_of_deletion_are_read_and_have_defaults() -> None:
    found = read({**TODAY, "quarantineDays": 3, "deletionLimit": 0})
    assert (found.quarantine_days, found.deletion_limit) == (3, 0)
    found = read(TODAY)
    assert (found.quarantine_days, found.deletion_limit) == (DEFAULT_QUARANTINE_DAYS, DEFAULT_DELETION_LIMIT)


def test_what_becomes_of_the_clusters_side_is_read_and_stays_unless_said_otherwise() -> None:
    assert read(TODAY).cleanup_policy is CleanupPolicy.RETAIN
    assert read({**TODAY, "cleanupPolicy": "Cluster"}).cleanup_policy is CleanupPolicy.CLUSTER


def test_a_policy_that_lets_builds_through() -> None:
    assert read({**TODAY, "failurePolicy": "Ignore"}).failure_policy is FailurePolicy.IGNORE


@pytest.mark.parametrize(
    ("change", "field", "problem"),
    [
        ({"quayHostname": None}, "spec.quayHostname", "is required and must be a string"),
        ({"quayHostname": ""}, "spec.quayHostname", "is required and must be a string"),
        ({"quayHostname": "https://q:bad port"}, "spec.quayHostname", "not a host name"),
        ({"credentialsSecret": None}, "spec.credentialsSecret", "is required and must be an object"),
        ({"credentialsSecret": {"name": "quay"}}, "spec.credentialsSecret.namespace", "is required"),
        ({"credentialsSecret": {"namespace": "ops"}}, "spec.credentialsSecret.name", "is required"),
        ({"credentialsSecret": {**TODAY["credentialsSecret"], "key": 1}}, "spec.credentialsSecret.key", "must be a string"),
        ({"clusterID": 1}, "spec.clusterID", "must be a string"),
        ({"insecureRegistry": "yes"}, "spec.insecureRegistry", "must be true or false"),
        ({"scheduledImageStreamImport": 1}, "spec.scheduledImageStreamImport", "must be true or false"),
        ({"allowlistNamespaces": "shop"}, "spec.allowlistNamespaces", "must be a list of namespace names"),
        ({"denylistNamespaces": [1]}, "spec.denylistNamespaces", "must be a list of namespace names"),
        ({"failurePolicy": "fail"}, "spec.failurePolicy", "must be Fail or Ignore, not 'fail'"),
        ({"cleanupPolicy": "All"}, "spec.cleanupPolicy", "must be Retain or Cluster, not 'All'"),
        ({"quarantineDays": 0}, "spec.quarantineDays", "must be a whole number from 1 to 3650"),
        ({"quarantineDays": 3651}, "spec.quarantineDays", "must be a whole number from 1 to 3650"),
        ({"quarantineDays": "7"}, "spec.quarantineDays", "must be a whole number"),
        ({"deletionLimit": True}, "spec.deletionLimit", "must be a whole number from 0 to 1000000"),
        ({"caBundle": "*"}, "spec.caBundle", "must be PEM certificates, base64-encoded"),
        ({"caBundle": "\u00e9"}, "spec.caBundle", "must be PEM certificates, base64-encoded"),
        ({"caBundle": "AAAA"}, "spec.caBundle", "holds no PEM certificate"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_wrong(change: dict[str, Any], field: str, problem: str) -> None:
    with pytest.raises(InvalidIntegrationError, match=problem) as caught:
        read({**TODAY, **change})
    assert caught.value.field == field


@pytest.mark.parametrize("value", ["quay", "ops/", "/quay", "a/b/c", "/"])
def test_the_seeds_secret_is_a_namespace_and_a_name(value: str) -> None:
    with pytest.raises(InvalidIntegrationError, match="must be <namespace>/<name>") as caught:
        read({**SEED, "credentialsSecretName": value}, "redhatcop.redhat.io/v1alpha1")
    assert caught.value.field == "spec.credentialsSecretName"


def test_an_object_without_a_name_is_refused() -> None:
    with pytest.raises(InvalidIntegrationError) as caught:
        parse_integration({"apiVersion": "quay.redhat.com/v1", "metadata": {}, "spec": TODAY})
    assert caught.value.field == "metadata.name"


def test_a_generation_that_is_no_number_counts_as_none() -> None:
    body = {"apiVersion": "quay.redhat.com/v1", "metadata": {"name": "quay", "generation": "3"}, "spec": TODAY}
    assert parse_integration(body).generation == 0
