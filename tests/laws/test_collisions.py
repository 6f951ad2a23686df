"""Laws of the collision report: empty exactly where no two objects share a name; no order matters; every claimant is named."""

from __future__ import annotations

import copy
import random
from itertools import combinations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.strategies import accounts, bare, image_streams, namespaces, one_of_each_key

from quaybridge_sdk.errors import InvalidNameError
from quaybridge_sdk.mapping.collisions import Claim, Collision, Inventory, collisions, quay_of
from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.pull_secret import pull_secret_name
from quaybridge_sdk.mapping.repository import repository_name
from quaybridge_sdk.mapping.robot import robot_name
from quaybridge_sdk.mapping.scope import scope
from quaybridge_sdk.model.integration import QuayIntegration, parse_endpoint

few_ids = st.sampled_from(["openshift", "Prod", "prod", "a", "a-quay-b", "b", "l" * 181])
few_names = st.sampled_from(["shop", "pay", "a--b", "openshift", "x" * 63])
few_streams = st.sampled_from(["app", "db", "Not An ImageStream", "frontends", "y" * 240, "z" * 253])
quays = st.sampled_from(["https://q.example", "q.example:443", "http://Q.example:80", "https://other.example"]).map(
    parse_endpoint
)
few_integrations = st.builds(
    lambda name, cluster_id, endpoint, allow, seed: evolve(
        bare(allow=tuple(allow), cluster_id=cluster_id), name=name, endpoint=endpoint, seed=seed
    ),
    st.sampled_from(["one", "two"]),
    few_ids,
    quays,
    st.lists(few_names, max_size=2),
    st.booleans(),
)
inventories = st.builds(
    Inventory,
    st.sampled_from(["east", "west", "north"]),
    st.lists(few_integrations, max_size=2).map(one_of_each_key).map(tuple),
    st.dictionaries(few_names, st.frozensets(few_streams, max_size=3), max_size=3),
    st.frozensets(st.sampled_from(["builder", "default", "a", "a-quay-b", "a--b"]), max_size=3),
)
fleets = st.lists(inventories, max_size=3, unique_by=lambda inventory: inventory.cluster)

Row = tuple[str, tuple[str, ...], str, str, Claim]


def everything(fleet: list[Inventory]) -> list[Row]:
    """All objects with their names, once more and plainly: kind, where it must be unique, ours, the incumbent's, the claim."""
    rows: list[Row] = []
    for inventory in fleet:
        for one in inventory.integrations:
            for namespace in (n for n in inventory.namespaces if scope(one, n).covered):
                rows += names_of(inventory, one, namespace)
    return rows


def names_of(inventory: Inventory, one: QuayIntegration, namespace: str) -> list[Row]:
    place, here = (quay_of(one.endpoint),), (inventory.cluster, namespace)
    organization = organization_name(one.cluster_id, namespace)
    theirs = one.cluster_id.lower() + "_" + namespace
    claim = [Claim(inventory.cluster, one.key, namespace, namespace)]
    rows: list[Row] = [("organization", place, organization, theirs, claim[0])]
    for account in inventory.accounts:
        mine = Claim(inventory.cluster, one.key, namespace, account)
        secret = pull_secret_name(account, one.cluster_id)
        rows.append(("robot", place, robot_name(organization, account), theirs + "+" + account, mine))
        rows.append(("pull secret", here, secret, account + "-quay-" + one.cluster_id, mine))
    for stream in inventory.namespaces[namespace]:
        if stream != "Not An ImageStream":
            mine = Claim(inventory.cluster, one.key, namespace, stream)
            repository = f"{organization}/{repository_name(one.endpoint.host, organization, stream)}"
            rows.append(("repository", place, repository, f"{theirs}/{stream}", mine))
    return rows


@given(fleets)
def test_it_reports_exactly_the_pairs_that_share_a_name(fleet: list[Inventory]) -> None:
    found = collisions(fleet)
    reported = {(c.kind, c.name, pair) for c in found if not c.incumbent for pair in combinations(c.claimants, 2)}
    rows = everything(fleet)
    expected = {(a[0], a[2], tuple(sorted((a[4], b[4])))) for a, b in combinations(rows, 2) if a[:3] == b[:3] and a[4] != b[4]}
    assert reported == expected
    assert bool([c for c in found if not c.incumbent]) == (len({row[:3] for row in rows}) < len(rows))


@given(fleets)
def test_the_incumbents_are_reported_where_ours_differ(fleet: list[Inventory]) -> None:
    found = [c for c in collisions(fleet) if c.incumbent]
    rows = everything(fleet)
    reported = {(c.kind, c.name, pair) for c in found for pair in combinations(c.claimants, 2)}
    for a, b in combinations(rows, 2):
        if a[:2] == b[:2] and a[3] == b[3] and a[2] != b[2]:
            assert (a[0], a[3], tuple(sorted((a[4], b[4])))) in reported
    ours = {(row[0], row[4]): row[2] for row in rows}
    for collision in found:
        assert len({ours[collision.kind, claim] for claim in collision.claimants}) > 1


@given(fleets, st.randoms(use_true_random=False))
def test_it_is_sorted_deterministic_and_knows_no_order(fleet: list[Inventory], shuffler: random.Random) -> None:
    before = copy.deepcopy(fleet)
    found = collisions(fleet)
    turned = [
        evolve(i, integrations=i.integrations[::-1], namespaces=dict(reversed(list(i.namespaces.items()))))
        for i in [*fleet, *fleet]
    ]
    shuffler.shuffle(turned)
    assert collisions(iter(turned)) == found
    assert fleet == before
    assert all(c.claimants == tuple(sorted(set(c.claimants))) and len(c.claimants) > 1 for c in found)
    kinds = ["organization", "robot", "repository", "pull secret"]
    keys = [(c.incumbent, kinds.index(c.kind), c.where, c.name) for c in found]
    assert keys == sorted(keys)


@given(namespaces, st.frozensets(image_streams, max_size=3), st.frozensets(accounts, max_size=3), few_ids, few_ids)
def test_one_integration_of_each_cluster_with_clusterids_of_their_own_never_collides(
    namespace: str, streams: frozenset[str], names: frozenset[str], one: str, other: str
) -> None:
    """Cut names aside: there only a part of a digest tells two apart."""
    clusters = [Inventory(c, (bare(cluster_id=c),), {namespace: streams}, names) for c in {one, other} if len(c) < 100]
    assert [c for c in collisions(clusters) if not c.incumbent] == []


def claim(cluster: str, integration: str = "quay.redhat.com/quay", name: str = "shop") -> Claim:
    return Claim(cluster, integration, "shop", name)


def test_two_clusters_with_one_clusterid_share_all_they_have() -> None:
    east, west = (Inventory(c, (bare(),), {"shop": frozenset({"app"})}, frozenset({"builder"})) for c in ("east", "west"))
    names = {"shop": "organization", "builder": "robot", "app": "repository"}
    full = {"shop": "openshift_shop", "builder": "openshift_shop+builder", "app": "openshift_shop/app"}
    assert collisions([west, east]) == tuple(
        Collision(kind, full[name], "q", (claim("east", name=name), claim("west", name=name)))  # type: ignore[arg-type]
        for name, kind in names.items()
    )


def test_two_integrations_with_one_clusterid_contest_a_namespace_and_its_secrets() -> None:
    other = evolve(bare(allow=("shop",)), name="other", endpoint=parse_endpoint("elsewhere.example"))
    found = collisions([Inventory("east", (bare(), other), {"shop": frozenset(), "pay": frozenset()}, frozenset({"builder"}))])
    claims = (claim("east", "quay.redhat.com/other", "builder"), claim("east", name="builder"))
    assert found == (Collision("pull secret", "builder-quay-openshift", "shop", claims),)


def test_capitals_are_lost_to_the_incumbent_only() -> None:
    east, west = (
        Inventory(c, (bare(cluster_id=i),), {"shop": frozenset()}, frozenset()) for c, i in (("east", "Prod"), ("west", "prod"))
    )
    assert collisions([east, west]) == (
        Collision("organization", "prod_shop", "q", (claim("east"), claim("west")), incumbent=True),
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("q.example", "https://q.example", True),
        ("q.example", "https://Q.example:443/", True),
        ("http://q.example", "http://q.example:80", True),
        ("http://q.example", "https://q.example", True),
        ("q.example", "q.example:8443", False),
        ("http://q.example:443", "q.example", False),
        ("q.example", "p.example", False),
    ],
)
def test_one_quay_is_recognised_however_it_is_written(one: str, other: str, same: bool) -> None:
    assert (quay_of(parse_endpoint(one)) == quay_of(parse_endpoint(other))) == same


def test_a_name_that_kubernetes_refuses_is_refused() -> None:
    with pytest.raises(InvalidNameError, match="namespace"):
        collisions([Inventory("east", (bare(),), {"Not A Name": frozenset()})])
