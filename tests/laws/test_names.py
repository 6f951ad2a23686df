"""Laws of the name rules: total, legal on both sides, stable, and the incumbent's own where those were accepted."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.laws.strategies import (
    DNS_LABEL,
    DNS_SUBDOMAIN,
    DOCKER_COMPONENT,
    IMAGE_STREAM,
    accounts,
    any_text,
    cluster_ids,
    digest,
    hosts,
    image_streams,
    is_quay_name,
    legal_cluster_ids,
    long_hosts,
    namespaces,
    tags,
    words,
)

from quaybridge_sdk.errors import InvalidNameError
from quaybridge_sdk.mapping import escape
from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.repository import (
    image_pull_spec,
    is_image_stream_name,
    is_tag,
    repository_name,
)
from quaybridge_sdk.mapping.robot import robot_name, robot_short_name

DEFAULT_ACCOUNTS = ("builder", "default", "deployer")
organizations = st.builds(organization_name, cluster_ids, namespaces)


# --- the domain itself: what the rules take for a name is what the servers take ---


@given(st.one_of(namespaces, any_text))
@example("a\n")
@example("x" * 64)
@example("-a")
@example("")
def test_a_namespace_is_an_rfc_1123_label(text: str) -> None:
    assert escape.is_dns_label(text) == bool(DNS_LABEL.fullmatch(text))


@given(st.one_of(accounts, any_text, st.text("ab.-", max_size=9)))
@example("x" * 254)
@example("a..b")
@example("a.\n")
def test_an_account_is_an_rfc_1123_subdomain(text: str) -> None:
    assert escape.is_dns_subdomain(text) == bool(DNS_SUBDOMAIN.fullmatch(text) and len(text) <= 253)


@given(st.one_of(image_streams, any_text, st.text("ab._-", max_size=9)))
@example("x" * 254)
@example("a--b")
def test_an_image_stream_is_of_openshifts_grammar(text: str) -> None:
    assert is_image_stream_name(text) == bool(IMAGE_STREAM.fullmatch(text) and len(text) <= 253)


@given(st.one_of(organizations, any_text, st.text("ab._-", max_size=9)))
@example("a")
@example("ab\n")
@example("b" * 255)
@example("b" * 256)
def test_quays_own_rule_is_known(text: str) -> None:
    assert escape.is_quay_name(text) == is_quay_name(text)


@given(any_text, any_text)
def test_only_names_that_kubernetes_refuses_are_refused_and_by_the_documented_error(text: str, cluster_id: str) -> None:
    rules: list[tuple[Callable[[], str], bool]] = [
        (lambda: organization_name(cluster_id, text), DNS_LABEL.fullmatch(text) is not None),
        (lambda: robot_name("openshift_shop", text), DNS_SUBDOMAIN.fullmatch(text) is not None and len(text) <= 253),
        (lambda: repository_name("q", "openshift_shop", text), IMAGE_STREAM.fullmatch(text) is not None and len(text) <= 253),
        (lambda: image_pull_spec("q", "o_p", "r", text), is_tag(text)),
    ]
    for rule, allowed in rules:
        if allowed:
            assert rule()
        else:
            with pytest.raises(InvalidNameError):
                rule()


# --- legal ---


@given(cluster_ids, namespaces)
def test_organizations_are_legal_in_quay_and_leave_room_for_the_default_robots(cluster_id: str, namespace: str) -> None:
    organization = organization_name(cluster_id, namespace)
    assert is_quay_name(organization)
    assert all(robot_name(organization, account) == f"{organization}+{account}" for account in DEFAULT_ACCOUNTS)
    assert len(organization) + len("+deployer") <= 255


@given(organizations, accounts)
def test_robots_are_legal_in_quay(organization: str, account: str) -> None:
    short = robot_short_name(organization, account)
    assert is_quay_name(short)
    assert robot_name(organization, account) == f"{organization}+{short}"
    assert len(f"{organization}+{short}") <= 255


@given(hosts | long_hosts, organizations, image_streams, tags)
def test_repositories_are_legal_in_quay_and_in_dockers_grammar(host: str, organization: str, image_stream: str, tag: str) -> None:
    repository = repository_name(host, organization, image_stream)
    assert re.fullmatch(r"[a-z0-9][.a-z0-9_-]{0,254}", repository)
    assert all(DOCKER_COMPONENT.fullmatch(part) for part in (organization, repository))
    assert len(f"{organization}/{repository}") <= 255
    assert image_pull_spec("q:1", organization, repository, tag) == f"q:1/{organization}/{repository}:{tag}"
    room = 255 - len(f"{host}/{organization}/")
    assert len(repository) <= room or room < max(len("x--" + "d" * 20), 1)


@given(st.integers(2, 246), st.one_of(accounts, image_streams))
def test_the_longest_organizations_leave_room_for_every_robot_and_repository(length: int, name: str) -> None:
    organization = "o" * length
    if DNS_SUBDOMAIN.fullmatch(name):
        short = robot_short_name(organization, name)
        assert is_quay_name(short)
        assert length + 1 + len(short) <= 255
    if IMAGE_STREAM.fullmatch(name):
        repository = repository_name("", organization, name)
        assert DOCKER_COMPONENT.fullmatch(repository)
        assert length + 1 + len(repository) <= 255


# --- the incumbent's names, where they were accepted ---


def incumbent_organization(cluster_id: str, namespace: str) -> str:
    return cluster_id.lower() + "_" + namespace


def incumbent_was_accepted(organization: str, robots: tuple[str, ...]) -> bool:
    fits = all(len(organization) + 1 + len(robot) <= 255 for robot in robots)
    return is_quay_name(organization) and all(is_quay_name(robot) for robot in robots) and fits


@given(legal_cluster_ids, namespaces)
@example("l" * 241, "shop")
def test_the_incumbents_organizations_are_kept(cluster_id: str, namespace: str) -> None:
    theirs = incumbent_organization(cluster_id, namespace)
    assume(incumbent_was_accepted(theirs, DEFAULT_ACCOUNTS))
    assert organization_name(cluster_id, namespace) == theirs


@given(cluster_ids, namespaces)
def test_an_unescaped_organization_is_the_incumbents(cluster_id: str, namespace: str) -> None:
    """The other way round: where ours differs, the incumbent's was refused, or had by halves (capitals break its Secrets)."""
    ours, theirs = organization_name(cluster_id, namespace), incumbent_organization(cluster_id, namespace)
    assert ours == theirs or not incumbent_was_accepted(theirs, DEFAULT_ACCOUNTS) or cluster_id != cluster_id.lower()


@given(organizations, accounts)
def test_the_incumbents_robots_are_kept(organization: str, account: str) -> None:
    assume(incumbent_was_accepted(organization, (account,)))
    assert robot_short_name(organization, account) == account


@given(hosts | long_hosts, organizations, image_streams)
def test_the_incumbents_repositories_are_kept_where_a_build_could_push_to_them(
    host: str, organization: str, image_stream: str
) -> None:
    assume(len(f"{host}/{organization}/{image_stream}") <= 255)
    assert repository_name(host, organization, image_stream) == image_stream


# --- what all rules share ---


@given(st.lists(any_text, max_size=4), st.lists(any_text, max_size=4))
@example(["ab", "c"], ["a", "bc"])
@example(["a"], ["a", ""])
def test_digests_differ_where_their_parts_do(one: list[str], other: list[str]) -> None:
    assert escape.digest(*one) == digest(*one)
    assert re.fullmatch("[a-z2-7]{20}", escape.digest(*one))
    assert (escape.digest(*one) == escape.digest(*other)) == (one == other)


@given(cluster_ids, st.integers(1, 80), words)
def test_a_slug_is_one_readable_word_and_stays_itself(text: str, length: int, default: str) -> None:
    made = escape.slug(text, length, default)
    assert re.fullmatch("[a-z0-9]+(?:-[a-z0-9]+)*", made)
    assert len(made) <= max(length, len(default))
    assert escape.slug(made, length, default) == made or made == default


PINNED = [
    ("openshift", "shop", "openshift_shop"),
    ("openshift", "a--b", "openshift_a.2.b"),
    ("openshift", "a---b--c", "openshift_a.3.b.2.c"),
    ("prod.eu_1", "a", "prod.eu_1_a"),
    ("Prod", "shop", "prod_shop.zyibv3fneo5uuycj2muh"),
    ("My cluster!", "a---b", "my-cluster_a.3.b.ezfk3iqljphv7wtl4adh"),
    ("", "shop", "cluster_shop.xj3iwmy73bwozab34bhf"),
    ("\ud800", "shop", "cluster_shop.upecajnzwo5bbkr4uhkm"),
    ("x" * 246, "shop", "x" * 40 + "_shop.e54e7jq6gotlsmxow6oo"),
]


@pytest.mark.parametrize(("cluster_id", "namespace", "organization"), PINNED)
def test_organizations_never_change(cluster_id: str, namespace: str, organization: str) -> None:
    assert organization_name(cluster_id, namespace) == organization


PINNED_ROBOTS = [
    ("o_p", "builder", "builder"),
    ("o_p", "my--account", "my_2_account"),
    ("o_p", "a", "a_1"),
    ("o_p", "a.b--c", "a.b_2_c"),
    ("o_p", "x" * 253, "x" * 60 + "_mqvntfpajmdjqmc5shzr"),
    ("o" * 246, "pipeline", "pipeline"),
    ("o" * 246, "pipelines", "p_oluiy3"),
]


@pytest.mark.parametrize(("organization", "account", "short"), PINNED_ROBOTS)
def test_robots_never_change(organization: str, account: str, short: str) -> None:
    assert robot_short_name(organization, account) == short


PINNED_REPOSITORIES = [
    ("quay.example.com", "o_p", "app", "app"),
    ("quay.example.com", "o_p", "a.b_c-d", "a.b_c-d"),
    ("quay.example.com", "o_p", "x" * 234, "x" * 234),
    ("quay.example.com", "o_p", "x" * 253, "x" * 212 + "--mqvntfpajmdjqmc5shzr"),
    ("", "o_p", "x" * 253, "x" * 229 + "--mqvntfpajmdjqmc5shzr"),
    ("h" * 227, "o_p", "x" * 253, "x--mqvntfpajmdjqmc5shzr"),
    ("h" * 228, "o_p", "x" * 253, "x" * 229 + "--mqvntfpajmdjqmc5shzr"),
    ("h" * 228, "o_p", "x" * 22, "x" * 22),
    ("h" * 228, "o_p", "x" * 23, "x" * 23),
    ("q", "o" * 246, "frontend", "frontend"),
    ("q", "o" * 246, "frontends", "f--qlby7"),
]


@pytest.mark.parametrize(("host", "organization", "stream", "repository"), PINNED_REPOSITORIES)
def test_repositories_never_change(host: str, organization: str, stream: str, repository: str) -> None:
    assert repository_name(host, organization, stream) == repository
