"""Which repositories may go with their ImageStreams, by example."""

from __future__ import annotations

import pytest
from attrs import evolve
from tests.laws.strategies import bare

from quaybridge_sdk.mapping.desired import desired_state
from quaybridge_sdk.mapping.removal import empty, remembered, removable
from quaybridge_sdk.model.deletion import StreamDeletionPolicy
from quaybridge_sdk.model.openshift import Namespace
from quaybridge_sdk.model.quay import Repository
from quaybridge_sdk.model.state import ClusterState, RegistryState

CLUSTER = ClusterState(Namespace("shop", "N"), image_streams=frozenset({"app"}))
DELETE = desired_state(evolve(bare(), stream_deletion_policy=StreamDeletionPolicy.DELETE), CLUSTER, "C")
FOUND = RegistryState(described={"app": DELETE.mark, "old": DELETE.mark, "left": DELETE.mark, "theirs": "keep", "push": ""})


@pytest.mark.parametrize(
    ("policy", "there", "names"),
    [
        (StreamDeletionPolicy.DELETE, ["app"], {"old", "left"}),
        (StreamDeletionPolicy.DELETE, ["app", "left", "No Name"], {"old"}),  # only left alone: it is there all the same
        (StreamDeletionPolicy.DELETE, ["app", "left", "old"], set()),  # the cache was behind
        (StreamDeletionPolicy.DELETE, [], {"old", "left"}),  # what the cache has stays
        (StreamDeletionPolicy.RETAIN, ["app"], set()),
    ],
)
def test_only_our_own_without_an_image_stream_may_go(policy: StreamDeletionPolicy, there: list[str], names: set[str]) -> None:
    assert removable(evolve(DELETE, stream_policy=policy), FOUND, there) == names


def test_what_was_not_seen_to_be_empty_is_not() -> None:
    assert empty({"a", "b", "c"}, [Repository("a"), Repository("b", empty=False), Repository("d")]) == {"a"}


def test_only_ours_that_are_wanted_are_remembered() -> None:
    kept = remembered(FOUND, DELETE)
    assert kept.described == {"app": DELETE.mark}
    assert not DELETE.forsaken(kept)
