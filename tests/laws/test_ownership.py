"""Laws of the marks: what is written is recognised, and nothing else is."""

from __future__ import annotations

from attrs import evolve
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.laws.strategies import any_text, cluster_ids, namespaces

from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.ownership import (
    MAY_DELETE,
    MAY_WRITE,
    Ownership,
    incumbent_mark,
    organization_mark,
    ownership,
    robot_description,
)
from quaybridge_sdk.model.quay import Organization

uids = st.uuids().map(str)
organizations = st.builds(organization_name, cluster_ids, namespaces)


@given(organizations, uids, uids)
def test_our_own_mark_is_recognised(name: str, cluster: str, namespace: str) -> None:
    assert ownership(Organization(name, organization_mark(cluster, namespace)), cluster, namespace) is Ownership.OURS


@given(organizations, uids, uids, uids)
def test_an_earlier_namespace_of_this_cluster_is_told_apart(name: str, cluster: str, earlier: str, namespace: str) -> None:
    assume(earlier != namespace)
    assert ownership(Organization(name, organization_mark(cluster, earlier)), cluster, namespace) is Ownership.PREDECESSOR


@given(organizations, uids, uids, uids, uids)
def test_another_clusters_mark_proves_nothing_here(name: str, other: str, theirs: str, cluster: str, namespace: str) -> None:
    assume(other != cluster)
    assert ownership(Organization(name, organization_mark(other, theirs)), cluster, namespace) is Ownership.FOREIGN


@given(organizations, organizations, uids, uids)
def test_the_incumbents_mark_counts_for_the_very_organization(name: str, other: str, cluster: str, namespace: str) -> None:
    marked = Organization(name, incumbent_mark(name))
    assert marked.email == name + "@redhat.com"
    assert ownership(marked, cluster, namespace) is Ownership.INCUMBENT
    assume(other != name)
    assert ownership(evolve(marked, name=other), cluster, namespace) is Ownership.FOREIGN


@given(organizations, any_text, uids, uids)
@example("openshift_shop", "", "c", "n")
@example("openshift_shop", "admin@example.com", "c", "n")
@example("openshift_shop", "n@c.quaybridge.invalid.example.com", "c", "n")
@example("openshift_shop", "n@xc.quaybridge.invalid", "c", "n")
def test_anything_else_is_a_strangers(name: str, email: str, cluster: str, namespace: str) -> None:
    assert ownership(Organization(name, email), cluster, namespace) is Ownership.FOREIGN


def test_only_what_is_proved_ours_is_written_or_deleted() -> None:
    assert MAY_WRITE == MAY_DELETE == {Ownership.OURS, Ownership.INCUMBENT}


@given(any_text | st.text(min_size=200, max_size=300), uids, uids)
def test_descriptions_fit_and_tell_both_ids(integration: str, cluster: str, namespace: str) -> None:
    description = robot_description(integration, cluster, namespace)
    assert len(description) <= 255
    assert description.startswith("quaybridge: ")
    assert cluster in description
    assert description.endswith(f" namespace={namespace}")
