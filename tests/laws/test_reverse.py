"""Laws of reading Quay's names back: a round trip with the forward rules, in every way a name may be written."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.laws.strategies import ALNUM, accounts, any_text, cluster_ids, digest, hosts, image_streams, namespaces, tags

from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.repository import image_pull_spec, repository_name
from quaybridge_sdk.mapping.reverse import Reversed, reverse
from quaybridge_sdk.mapping.robot import robot_name, robot_short_name

IMAGE = "sha256:" + "0123456789abcdef" * 4
schemes = st.sampled_from(["", "https://", "docker://", "http://"])


def origin(cluster_id: str, namespace: str) -> tuple[str, str | None, str | None]:
    organization = organization_name(cluster_id, namespace)
    plain = organization.rpartition("_")[0] == cluster_id
    return namespace, cluster_id if plain else None, None if plain else digest(cluster_id)


def of(found: Reversed | None) -> tuple[str, str | None, str | None]:
    assert found is not None
    return found.namespace, found.cluster_id, found.cluster_digest


@given(cluster_ids, namespaces, image_streams, tags, hosts, st.sampled_from(["", "@" + IMAGE]), schemes)
def test_a_pull_spec_is_read_back(
    cluster_id: str, namespace: str, stream: str, tag: str, host: str, image_digest: str, scheme: str
) -> None:
    organization = organization_name(cluster_id, namespace)
    repository = repository_name(host, organization, stream)
    spec = image_pull_spec(host, organization, repository, tag)
    found = reverse(scheme + spec + image_digest, ["another", "Not An ImageStream", stream])
    assert of(found) == origin(cluster_id, namespace)
    assert found is not None
    assert (found.host, found.organization, found.repository) == (host, organization, repository)
    assert (found.image_stream, found.tag, found.image_digest) == (stream, tag, image_digest[1:] or None)
    assert (found.robot, found.service_account) == (None, None)
    bare = reverse(f"{organization}/{repository}")
    assert bare is not None
    assert (bare.host, bare.tag, bare.image_digest) == (None, None, None)
    assert bare.image_stream == (stream if repository == stream else None)


@given(cluster_ids, namespaces, accounts, st.sampled_from(["", "q/", "quay.example.com:8443/"]), schemes)
def test_a_robot_is_read_back(cluster_id: str, namespace: str, account: str, host: str, scheme: str) -> None:
    organization = organization_name(cluster_id, namespace)
    found = reverse(scheme + host + robot_name(organization, account), service_accounts=["Not An Account", "x", account])
    assert of(found) == origin(cluster_id, namespace)
    assert found is not None
    assert found.service_account == account
    assert found.robot == robot_short_name(organization, account)
    assert (found.host, found.repository, found.tag) == (host.rstrip("/") or None, None, None)


@given(cluster_ids, namespaces, st.sampled_from(["", "q/", "https://quay.example.com:8443/"]), st.sampled_from(["", "/"]))
def test_an_organization_is_read_back(cluster_id: str, namespace: str, host: str, slash: str) -> None:
    organization = organization_name(cluster_id, namespace)
    found = reverse(host + organization + slash)
    assert of(found) == origin(cluster_id, namespace)
    assert found == Reversed(
        *origin(cluster_id, namespace), organization=organization, host=host.removeprefix("https://").rstrip("/") or None
    )


@given(any_text | st.text(ALNUM + "_.-+/:@", max_size=40), st.lists(any_text, max_size=2))
@example("openshift_shop/app@sha256:0", [])
@example("openshift_shop/:v1", [])
@example("q/p/openshift_shop/app", [])
@example("openshift_shop/app:", [])
@example("+", [])
def test_reading_is_total_and_says_only_what_the_text_says(text: str, candidates: list[str]) -> None:
    found = reverse(text, candidates, candidates)
    assert found == reverse(text, iter(candidates), iter(candidates))
    if found is not None:
        said = (found.organization, found.host, found.repository, found.robot, found.tag, found.image_digest)
        assert all(part in text for part in said if part is not None)
        assert not (found.robot is not None and found.repository is not None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "quay.example.com",
        "library/busybox",
        "quay.io/prometheus/busybox:latest",
        "openshift_Shop",
        "openshift_shop/app:",
        "openshift_shop/:v1",
        "openshift_shop/app:a:b",
        "openshift_shop/app@sha256:short",
        "openshift_shop/nested/app",
        "q/p/openshift_shop/app",
        "openshift_shop:v1",
        "/openshift_shop/app",
    ],
)
def test_what_is_none_of_ours_is_not_read(text: str) -> None:
    assert reverse(text) is None


def test_what_is_not_the_bridges_inside_an_organization_of_ours_is_shown_as_it_is() -> None:
    shop = Reversed("shop", "openshift", None, "openshift_shop")
    assert reverse("openshift_shop/Some--Repo") == Reversed(*of(shop), "openshift_shop", repository="Some--Repo")
    assert reverse("openshift_shop+own_robot") == Reversed(*of(shop), "openshift_shop", robot="own_robot")
    assert reverse("openshift_shop+") == Reversed(*of(shop), "openshift_shop", robot="")
