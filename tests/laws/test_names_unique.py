"""Laws of the name rules: nobody shares a name, not even on purpose, and each name is read back."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st
from tests.laws.strategies import (
    ALNUM,
    accounts,
    any_text,
    cluster_ids,
    digest,
    hosts,
    image_streams,
    is_quay_name,
    long_hosts,
    namespaces,
    pairs,
)

from quaybridge_sdk.mapping import escape
from quaybridge_sdk.mapping.organization import OrganizationOrigin, organization_name, organization_origin
from quaybridge_sdk.mapping.repository import (
    repository_name,
    repository_origin,
)
from quaybridge_sdk.mapping.robot import robot_name, robot_origin, robot_short_name

DEFAULT_ACCOUNTS = ("builder", "default", "deployer")
organizations = st.builds(organization_name, cluster_ids, namespaces)


# --- injective ---


@given(pairs(cluster_ids, namespaces))
@example((("prod", "shop"), ("Prod", "shop")))
@example((("a", "b--c"), ("a", "b-2-c")))
def test_two_namespaces_never_share_an_organization_whatever_their_clusters(two: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    (c1, n1), (c2, n2) = two
    assert organization_name(c1, n1) != organization_name(c2, n2)


@given(cluster_ids, namespaces, namespaces)
def test_a_clusterid_that_looks_like_an_escaped_organization_takes_nobodys_name(cluster_id: str, mine: str, theirs: str) -> None:
    """The attacker chooses a clusterID made from somebody else's organization, whole or cut anywhere."""
    victim = organization_name(cluster_id, theirs)
    for forged in (victim, victim.rpartition("_")[0], victim.rpartition(".")[0], victim + "_" + mine, victim.upper()):
        if (forged, mine) != (cluster_id, theirs):
            assert organization_name(forged, mine) != victim


@given(organizations, pairs(accounts))
@example("o_p", (("a",), ("a.1",)))
def test_two_accounts_never_share_a_robot(organization: str, two: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    (one,), (other,) = two
    assert robot_short_name(organization, one) != robot_short_name(organization, other)


@given(hosts | long_hosts, pairs(image_streams))
def test_two_image_streams_never_share_a_repository_where_the_digest_is_whole(
    host: str, two: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    (one,), (other,) = two
    organization = "o" * 231
    assert repository_name(host, organization, one) != repository_name(host, organization, other)


@given(st.data())
def test_many_names_of_many_clusters_are_all_different(data: st.DataObject) -> None:
    ids = data.draw(st.sets(cluster_ids, min_size=2, max_size=6))
    names = data.draw(st.sets(namespaces, min_size=2, max_size=6))
    made = {organization_name(cluster_id, namespace) for cluster_id in ids for namespace in names}
    assert len(made) == len(ids) * len(names)
    robots = data.draw(st.sets(accounts, min_size=2, max_size=12))
    assert len({robot_name(organization, account) for organization in made for account in robots}) == len(made) * len(robots)
    streams = data.draw(st.sets(image_streams, min_size=2, max_size=12))
    organization = data.draw(st.sampled_from(sorted(made)).filter(lambda name: len(name) <= 231))
    assert len({repository_name("quay.example.com", organization, stream) for stream in streams}) == len(streams)


# --- reversible ---


@given(cluster_ids, namespaces)
def test_an_organization_is_read_back(cluster_id: str, namespace: str) -> None:
    origin = organization_origin(organization_name(cluster_id, namespace))
    assert origin is not None
    assert origin.namespace == namespace
    assert origin in (
        OrganizationOrigin(namespace, cluster_id),
        OrganizationOrigin(namespace, None, digest(cluster_id)),
    )


@given(st.one_of(any_text, st.text(ALNUM + "._-", max_size=60), organizations, organizations.map(lambda name: name[1:])))
@example("FOO_shop." + "a" * 20)
@example("foo_shop." + "1" * 20)
@example("foo_shop." + "a" * 19)
@example("foo--bar_shop." + "a" * 20)
@example("foo_a.02.b")
@example("foo_a.1.b")
@example("foo_a.99999999999999999999999999999999.b")
@example("foo_a.2..3.b")
@example("foo_.2.b")
@example("foo_a\N{SUPERSCRIPT TWO}b")
@example("foo_a.\N{SUPERSCRIPT TWO}.b")
@example("Foo_shop")
@example("_shop")
def test_only_names_that_are_made_are_read_back(text: str) -> None:
    origin = organization_origin(text)
    if origin is None:
        return
    assert is_quay_name(text)
    if origin.cluster_id is not None:
        assert organization_name(origin.cluster_id, origin.namespace) == text
        assert origin.cluster_digest is None
    else:
        assert text.endswith("." + str(origin.cluster_digest))
        assert re.fullmatch("[a-z2-7]{20}", str(origin.cluster_digest))
        some = organization_name("Some Cluster", origin.namespace)
        assert some.partition("_")[2].rpartition(".")[0] == text.rpartition("_")[2].rpartition(".")[0]


@given(organizations, accounts)
def test_a_robot_is_read_back_unless_it_holds_a_digest(organization: str, account: str) -> None:
    short = robot_short_name(organization, account)
    holds_digest = f"_{digest(account)[:6]}" in short
    assert robot_origin(short) == (None if holds_digest else account)


@given(
    st.one_of(
        any_text,
        st.text(ALNUM + "_-.", max_size=9),
        st.sampled_from(["A_1", "__1", "-_1", "\N{LATIN SMALL LETTER E WITH ACUTE}_1", "a"]),
    )
)
def test_only_robots_that_are_made_are_read_back(short: str) -> None:
    account = robot_origin(short)
    if account is not None:
        assert robot_short_name("o_p", account) == short


@given(hosts | long_hosts, organizations, st.lists(image_streams, min_size=1, max_size=6))
def test_a_repository_is_read_back_whatever_host_it_was_made_for(host: str, organization: str, streams: list[str]) -> None:
    wanted = streams[-1]
    assert repository_origin(organization, repository_name(host, organization, wanted), streams) == wanted


@given(
    organizations,
    st.one_of(any_text, image_streams, st.builds(repository_name, hosts | long_hosts, organizations, image_streams))
    | st.sampled_from([f"s{dashes}{digest('s' * 253)[:length]}" for dashes in ("-", "--") for length in (0, 4, 5, 20)]),
)
@example("o_p", "--" + digest("s" * 253))
@example("o_p", "a--" + digest("s" * 253))
def test_only_repositories_that_are_made_are_read_back(organization: str, repository: str) -> None:
    """By what they say: a name that ends in the ImageStream's digest begins as the ImageStream does."""
    stream = repository_origin(organization, repository, ("app", "s" * 253))
    if stream is not None and stream != repository:
        start, _, tail = repository.rpartition("--")
        assert re.fullmatch("s+", start)
        assert len(tail) >= 5
        assert (digest(stream).startswith(tail), stream) == (True, "s" * 253)


@given(namespaces.flatmap(lambda name: st.tuples(st.just(name), st.sampled_from("._"))))
def test_the_escape_of_dashes_is_its_own_inverse(case: tuple[str, str]) -> None:
    name, mark = case
    escaped = escape.escape_dashes(name, mark)
    assert escape.unescape_dashes(escaped, mark) == name
    assert "--" not in escaped
    assert (escaped == name) == ("--" not in name)


@given(st.text("ab0129._-", max_size=14), st.sampled_from("._"))
def test_unescaping_takes_only_what_escaping_makes(text: str, mark: str) -> None:
    plain = escape.unescape_dashes(text, mark)
    assert plain is None or escape.escape_dashes(plain, mark) == text
