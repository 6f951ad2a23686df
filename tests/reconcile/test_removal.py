"""Laws of what goes with an ImageStream: only what is marked, without an ImageStream, and within the limit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st
from tests.laws.strategies import bare

from quaybridge_sdk.mapping.desired import desired_state
from quaybridge_sdk.mapping.removal import remembered
from quaybridge_sdk.model.deletion import StreamDeletionPolicy
from quaybridge_sdk.model.openshift import Namespace
from quaybridge_sdk.model.quay import Repository
from quaybridge_sdk.model.state import ClusterState, Desired, RegistryState
from quaybridge_sdk.reconcile.removal import Remover

NAMES = ["app", "db", "web", "cache"]
NOW = datetime(2026, 1, 2, tzinfo=UTC)
some = st.frozensets(st.sampled_from(NAMES))


@frozen
class Streams:
    there: frozenset[str]

    def image_streams(self, namespace: str, uid: str) -> frozenset[str]:
        assert (namespace, uid) == ("shop", "N")
        return self.there


@frozen
class Contents:
    full: frozenset[str]

    def repository_states(self, organization: str) -> tuple[Repository, ...]:
        return tuple(Repository(name, empty=name not in self.full) for name in NAMES)


def wishes(policy: StreamDeletionPolicy, cached: frozenset[str]) -> Desired:
    cluster = ClusterState(Namespace("shop", "N"), image_streams=cached)
    return desired_state(evolve(bare(), stream_deletion_policy=policy), cluster, "C")


@given(st.sampled_from(StreamDeletionPolicy), st.tuples(some, some, some, some), st.integers(0, 3))
def test_only_what_is_ours_has_no_image_stream_and_is_empty_where_it_must_be(
    policy: StreamDeletionPolicy, sets: tuple[frozenset[str], ...], limit: int
) -> None:
    cached, live, ours, full = sets
    integration, desired = evolve(bare(), deletion_limit=limit), wishes(policy, cached)
    described = {name: desired.mark if name in ours else "somebody's" for name in NAMES}
    state = RegistryState(repositories=frozenset(NAMES), described=described)
    quay: Any = Contents(full)
    remover = Remover(Streams(live), lambda: NOW)
    removable = remover.prove(quay, desired, integration, state).removable
    allowed = ours - cached - live - (full if policy is StreamDeletionPolicy.DELETE_IF_EMPTY else frozenset())
    if policy is StreamDeletionPolicy.RETAIN:
        allowed = frozenset()
    assert removable <= allowed
    assert len(removable) == min(limit or len(NAMES), len(allowed))
    assert Remover(None, lambda: NOW).prove(quay, desired, integration, state) == desired


@given(st.sampled_from(StreamDeletionPolicy), some, some)
def test_what_was_looked_at_once_is_not_looked_at_again_until_a_full_check(
    policy: StreamDeletionPolicy, cached: frozenset[str], ours: frozenset[str]
) -> None:
    desired = wishes(policy, cached)
    state = RegistryState(described=dict.fromkeys(ours, desired.mark) | {"other": "somebody's"})
    kept = remembered(state, desired)
    assert desired.forsaken(kept) == frozenset()
    assert set(kept.described) == ours & cached
    assert remembered(kept, desired) == kept
