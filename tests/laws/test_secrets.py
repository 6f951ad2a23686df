"""Laws of the pull secrets: names legal in Kubernetes, injective and stable; bytes exactly the contract's; tokens never shown."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.laws.strategies import DNS_SUBDOMAIN, accounts, any_text, cluster_ids, digest, hosts, pairs

from quaybridge_sdk.errors import InvalidNameError
from quaybridge_sdk.mapping.pull_secret import pull_secret_bytes, pull_secret_name
from quaybridge_sdk.mapping.roles import DEFAULT_ROLES
from quaybridge_sdk.model.quay import Role, SecretText


def is_secret_name(name: str) -> bool:
    return len(name) <= 253 and DNS_SUBDOMAIN.fullmatch(name) is not None


@given(accounts, cluster_ids)
def test_the_names_are_legal_in_kubernetes(account: str, cluster_id: str) -> None:
    assert is_secret_name(pull_secret_name(account, cluster_id))


@given(any_text, cluster_ids)
def test_only_accounts_that_kubernetes_refuses_are_refused(account: str, cluster_id: str) -> None:
    assume(not is_secret_name(account))
    with pytest.raises(InvalidNameError, match="service account"):
        pull_secret_name(account, cluster_id)


@given(st.sampled_from(sorted(DEFAULT_ROLES)), cluster_ids)
def test_the_incumbents_names_are_kept_where_kubernetes_takes_them(account: str, cluster_id: str) -> None:
    theirs = account + "-quay-" + cluster_id
    assert (pull_secret_name(account, cluster_id) == theirs) == is_secret_name(theirs)


@given(pairs(accounts, cluster_ids))
@example((("a-quay-b", "c"), ("a", "b-quay-c")))
@example((("a-quay", "b"), ("a", "quay-b")))
@example((("builder-quay-x", "y"), ("builder", "x-quay-y")))
def test_two_accounts_never_share_a_secret_whatever_their_clusters(two: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
    (a1, c1), (a2, c2) = two
    assert pull_secret_name(a1, c1) != pull_secret_name(a2, c2)


infixed = st.lists(st.sampled_from(["a", "b", "quay", "q", "uay"]), min_size=1, max_size=9).map("-".join)


@given(st.one_of(accounts, infixed), st.one_of(cluster_ids, infixed))
@example("a-quay-quay-quay-quay-b", "c")
def test_a_clusterid_made_from_somebody_elses_secret_takes_nobodys_name(account: str, cluster_id: str) -> None:
    """The attacker cuts somebody else's name at each place that looks like the infix."""
    victim = pull_secret_name(account, cluster_id)
    cuts = [i for i in range(len(victim)) if victim.startswith("-quay-", i)]
    for mine, forged in ((victim[:i], victim[i + len("-quay-") :]) for i in cuts):
        if (mine, forged) != (account, cluster_id) and is_secret_name(mine):
            assert pull_secret_name(mine, forged) != victim


@given(accounts, cluster_ids)
def test_an_escaped_name_never_holds_what_each_plain_one_does(account: str, cluster_id: str) -> None:
    name = pull_secret_name(account, cluster_id)
    assert name == f"{account}-quay-{cluster_id}" or ("-quay-" not in name and name.endswith("." + digest(account, cluster_id)))


@given(st.sets(st.tuples(accounts, cluster_ids), min_size=2, max_size=25))
def test_many_names_are_all_different(found: set[tuple[str, str]]) -> None:
    assert len({pull_secret_name(account, cluster_id) for account, cluster_id in found}) == len(found)


PINNED = [
    ("builder", "openshift", "builder-quay-openshift"),
    ("default", "x-quay-y", "default-quay-x-quay-y"),
    ("pipeline", "openshift", "pipeline-quay-openshift"),
    ("a.b", "c", "a.b-quay-c"),
    ("builder", "Prod", "builder.quay.prod.frsebixavl37pzevomua"),
    ("builder", "my_cluster", "builder.quay.my-cluster.55d6maj75gbuqvjuq3qv"),
    ("builder", "", "builder.quay.x.iyjykaifzralrm7g4gul"),
    ("a-quay-b", "c", "a-b.quay.c.ekrmfvqpfzyl6tcdnsgg"),
    ("a", "b-quay-c", "a.quay.b-c.i2wp5q4ni3aljet7sjxv"),
    ("a-quay-quay-quay-quay-b", "c", "a-b.quay.c.tlpav3hnlxanolkkcrxu"),
]


@pytest.mark.parametrize(("account", "cluster_id", "name"), PINNED)
def test_names_never_change(account: str, cluster_id: str, name: str) -> None:
    assert pull_secret_name(account, cluster_id) == name


@given(hosts, any_text, any_text)
def test_the_bytes_are_the_contracts(host: str, robot: str, token: str) -> None:
    """One key ``auths``, one host, one ``auth``; no spaces; and the credentials come out as they went in."""
    written = pull_secret_bytes(host, robot, SecretText(token)).reveal()
    auth = json.loads(written)["auths"][host]["auth"]
    assert written == '{"auths":{"' + host + '":{"auth":"' + auth + '"}}}'
    assert base64.b64decode(auth, validate=True).decode("utf-8", "surrogatepass") == f"{robot}:{token}"


@given(st.text(min_size=12), any_text)
def test_no_secret_shows_itself(token: str, other: str) -> None:
    secret = SecretText(token)
    assert repr(secret) == str(secret) == f"{secret}" == "SecretText(********)"
    assert token not in repr([secret, {"token": secret}])
    assert secret.fingerprint() == SecretText(token).fingerprint()
    assert (secret.fingerprint() == SecretText(other).fingerprint()) == (token == other)
    assert secret
    assert not SecretText("")


def test_the_roles_are_the_incumbents() -> None:
    assert dict(DEFAULT_ROLES) == {"builder": Role.WRITE, "default": Role.READ, "deployer": Role.READ}
