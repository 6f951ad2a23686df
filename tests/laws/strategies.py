"""The full domain of the pure core, as Hypothesis strategies: every name that Kubernetes or OpenShift allows, any clusterID.

The grammars are stated here once more, from the servers' own documents and not from the code under test.
"""

from __future__ import annotations

import base64
import hashlib
import re

from hypothesis import settings
from hypothesis import strategies as st

from quaybridge_sdk.model.integration import QuayIntegration, SecretKey
from quaybridge_sdk.model.quay import QuayEndpoint

ALNUM = "abcdefghijklmnopqrstuvwxyz0123456789"

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
"""RFC 1123, as Kubernetes has it for namespaces."""

DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
"""Kubernetes' NameIsDNSSubdomain, beside its 253 characters: service accounts and Secrets."""

IMAGE_STREAM = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")

QUAY = re.compile(r"^([a-z0-9]+(?:[._-][a-z0-9]+)*)\Z")
"""Organizations and robots, as Quay says it in its own refusal, with ``$`` made strict."""

DOCKER_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*")
"""A path component of an image reference (distribution's grammar)."""


def is_quay_name(name: str) -> bool:
    """What Quay accepts for an organization or a robot's short name."""
    return 2 <= len(name) <= 255 and QUAY.match(name) is not None


words = st.text(ALNUM, min_size=1, max_size=8)
dashes = st.integers(1, 12).map(lambda count: "-" * count)


def _runs(separators: st.SearchStrategy[str], longest: int) -> st.SearchStrategy[str]:
    """Words with separators between them, cut so that a letter or digit is last."""
    tail = st.lists(st.tuples(separators, words), max_size=14)
    joined = st.tuples(words, tail).map(lambda parts: parts[0] + "".join(sep + word for sep, word in parts[1]))
    return joined.map(lambda name: re.sub(r"[^a-z0-9]+\Z", "", name[:longest]))


def _long(length: int, fill: str) -> st.SearchStrategy[str]:
    """Names near and at the greatest length."""
    return st.integers(length - 4, length).map(lambda n: "a" + (fill * n)[: n - 2] + "b")


def _lookalikes(names: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Names that hold what an escape could look like to a careless reader: counts, and the infix of pull secrets."""
    infix = st.sampled_from(["-quay-", "-quay-quay-", "-2-", "-quay-quay-quay-quay-", "--", "---", "-1-"])
    return st.tuples(names, infix, names).map("".join)


namespaces = st.one_of(
    st.sampled_from(["a", "7", "a--b", "default", "openshift", "openshift-x", "kube-system", "a-2-b", "shop", "x" * 63]),
    _runs(dashes, 63),
    st.text(ALNUM + "-", min_size=1, max_size=63).filter(DNS_LABEL.fullmatch),
    _long(63, "-"),
    _long(63, "-c-"),
    _long(63, "--d"),
    _lookalikes(words).map(lambda name: name[:63]).filter(DNS_LABEL.fullmatch),
)
"""Every name that a namespace may have."""

_labels = st.one_of(words, _runs(dashes, 60), _lookalikes(words))
accounts = st.one_of(
    st.sampled_from(["builder", "default", "deployer", "a", "0", "a--b", "a.b", "a-quay-b", "quay", "x" * 253, "a-1"]),
    st.lists(_labels, min_size=1, max_size=6).map(".".join).filter(lambda name: len(name) <= 253),
    _runs(st.one_of(dashes, st.just(".")), 253),
    _long(253, "-"),
    _long(253, ".c-d"),
    _long(253, "--d"),
)
"""Every name that a service account may have."""

image_streams = st.one_of(
    st.sampled_from(["a", "app", "a.b_c-d", "x" * 253, "y" * 253]),
    _runs(st.sampled_from("._-"), 253),
    st.integers(200, 253).map(lambda n: "s" * n),
    st.tuples(st.integers(8, 250), words)
    .map(lambda parts: ("q" * parts[0] + "." + parts[1])[:253])
    .filter(IMAGE_STREAM.fullmatch),
)
"""Every name that an ImageStream may have."""

tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True)

any_text = st.text(st.characters(), max_size=60)
"""Any Python string, lone surrogates too."""
surrogates = st.text(st.characters(categories=["Cs", "Ll", "Lu", "Zs"]), max_size=12)

legal_cluster_ids = st.one_of(
    st.sampled_from(["openshift", "peer", "a", "prod-1", "c.d_e", "550e8400-e29b-41d4-a716-446655440000"]),
    _runs(st.sampled_from("._-"), 80),
    st.integers(100, 260).map(lambda n: "l" * n),
)
"""ClusterIDs that Quay takes as they are, in part too long."""

cluster_ids = st.one_of(
    legal_cluster_ids,
    any_text,
    surrogates,
    st.sampled_from(
        [
            "",
            " ",
            "_",
            "-",
            "Prod",
            "prod",
            "PROD",
            "My cluster!",
            "a--b",
            "a_",
            "\ud800",
            "\N{KELVIN SIGN}",
            "prod\n",
            "x" * 5000,
        ]
    ),
    _lookalikes(words),
    legal_cluster_ids.map(str.upper),
)
"""Any string at all."""


def digest(*parts: str) -> str:
    """The digest that escaped names carry, stated a second time."""
    hashed = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        hashed.update(str(len(data)).encode() + b":" + data)
    return base64.b32encode(hashed.digest()).decode().lower()[:20]


def more_examples(times: int) -> settings:
    """For laws whose interesting cases are rare: so many times the examples of the profile."""
    return settings(max_examples=times * settings().max_examples)


def pairs(*strategies: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Two different tuples, often with most parts the same, so that a collision would show."""
    one = st.tuples(*strategies)

    def near(first: tuple[str, ...]) -> st.SearchStrategy[tuple[tuple[str, ...], tuple[str, ...]]]:
        changed = (st.tuples(*(s if i == k else st.just(first[k]) for k, s in enumerate(strategies))) for i in range(len(first)))
        return st.tuples(st.just(first), st.one_of(*changed, one))

    return one.flatmap(near).filter(lambda two: two[0] != two[1])


long_hosts = st.integers(1, 259).map(lambda length: "h" * length)
"""With Quay's port; those of over 255 characters leave no room for any image."""
hosts = st.sampled_from(["quay.example.com", "quay.example.com:8443", "localhost:8080", "10.0.0.1", "127.0.0.1:8085", "q"])
endpoints = st.builds(
    lambda host, scheme, insecure: QuayEndpoint(f"{scheme}://{host}", host, insecure),
    hosts,
    st.sampled_from(["https", "http"]),
    st.booleans(),
)
_namespace_sets = st.frozensets(namespaces, max_size=4)


def integrations(
    cluster_id: st.SearchStrategy[str] = cluster_ids, names: st.SearchStrategy[str] = words
) -> st.SearchStrategy[QuayIntegration]:
    """Integrations of both generations."""
    return st.builds(
        QuayIntegration,
        name=names,
        cluster_id=cluster_id,
        credentials=st.builds(SecretKey, words, words, words),
        endpoint=endpoints,
        scheduled_import=st.booleans(),
        denylist=_namespace_sets,
        allowlist=_namespace_sets,
        organization_prefix=any_text,
        uid=words,
        generation=st.integers(0, 9),
        seed=st.booleans(),
    )


def bare(allow: tuple[str, ...] = (), deny: tuple[str, ...] = (), cluster_id: str = "openshift") -> QuayIntegration:
    """An integration with little in it."""
    endpoint, denylist, allowlist = QuayEndpoint("https://q", "q"), frozenset(deny), frozenset(allow)
    return QuayIntegration("quay", cluster_id, SecretKey("n", "s"), endpoint, denylist=denylist, allowlist=allowlist)


def one_of_each_key(found: list[QuayIntegration]) -> list[QuayIntegration]:
    """A cluster holds one integration of a name in each generation."""
    return list({integration.key: integration for integration in found}.values())


many_integrations = st.lists(integrations(), max_size=5).map(one_of_each_key)
