"""ImageStreams that go: what becomes of their repositories under each policy, and which are never touched."""

from __future__ import annotations

import pytest
from tests.e2e.running import IMAGES, Bridge, World, bridge
from tests.e2e.test_bridge import MERGE, quay
from tests.e2e.test_deletion import delete, made

from quaybridge_sdk.cli.stage import eventually
from quaybridge_sdk.testing.http import Fault

STREAMS = f"{IMAGES}/shop/imagestreams"


def repositories(world: World) -> set[str]:
    return set(world.stage.quay.organizations()["openshift_shop"].repositories)


def drop(world: World, running: Bridge, *names: str) -> list[str]:
    """Deletes ImageStreams; the calls that this led to."""
    before = len(world.stage.quay.api_calls)
    for name in names:
        world.cluster.call("DELETE", f"{STREAMS}/{name}")
    eventually("seen", lambda: not set(names) & running.assembly.caches.state("shop").image_streams)  # type: ignore[union-attr]
    running.settle(world, 1)
    return [f"{e.method} {e.path}" for e in world.stage.quay.api_calls[before:]]


def test_a_repository_stays_by_default_and_nothing_is_asked(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "shop")
        assert drop(world, running, "app") == []
        assert repositories(world) == {"app"}


def test_a_repository_goes_with_its_image_stream_and_an_image_stream_made_again_gets_a_new_one(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "shop", imageStreamDeletionPolicy="Delete")
        world.image_stream("shop", "other")
        running.settle(world, 1)
        world.push("shop", "app")
        calls = drop(world, running, "app")
        assert [call.split()[0] for call in calls] == ["GET"] * 3 + ["DELETE"]
        assert repositories(world) == {"other"}
        world.image_stream("shop", "app")
        eventually("made again", lambda: repositories(world) == {"app", "other"})
        running.settle(world, 1)
        assert world.push("shop", "app")


def test_what_holds_an_image_stays_where_only_empty_ones_go_and_is_not_asked_about_again(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "shop", imageStreamDeletionPolicy="DeleteIfEmpty")
        world.image_stream("shop", "empty")
        running.settle(world, 1)
        world.push("shop", "app")
        assert len(drop(world, running, "app", "empty")) <= 9
        assert repositories(world) == {"app"}
        world.image_stream("shop", "third")
        running.settle(world, 1)
        assert drop(world, running) == []
        before = len(world.stage.quay.api_calls)
        world.image_stream("shop", "fourth")
        eventually("made", lambda: "fourth" in repositories(world))
        running.settle(world, 1)
        assert len(world.stage.quay.api_calls) == before + 1


@pytest.mark.parametrize("how", ["described anew", "made by hand"])
def test_what_is_not_proved_to_be_the_bridges_stays(world: World, how: str) -> None:
    with bridge(world) as running:
        made(world, running, "shop", imageStreamDeletionPolicy="Delete")
        if how == "made by hand":
            body = {"namespace": "openshift_shop", "repository": "late", "visibility": "private", "description": ""}
            quay(world, "POST", "/api/v1/repository", body)
        world.image_stream("shop", "late")
        running.settle(world, 1)
        if how == "described anew":
            quay(world, "PUT", "/api/v1/repository/openshift_shop/late", {"description": "keep this"})
        drop(world, running, "late")
        assert repositories(world) == {"app", "late"}


def test_an_image_stream_that_is_only_left_alone_keeps_its_repository(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "shop", imageStreamDeletionPolicy="Delete")
        annotation = {"metadata": {"annotations": {"quaybridge.io/ignore": "true"}}}
        world.cluster.call("PATCH", f"{STREAMS}/app", annotation, MERGE)
        eventually("left alone", lambda: "app" not in running.assembly.caches.state("shop").image_streams)  # type: ignore[union-attr]
        running.settle(world, 1)
        assert repositories(world) == {"app"}


def test_one_that_went_while_no_bridge_ran_is_noticed_by_the_next(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "shop", imageStreamDeletionPolicy="Delete")
    world.cluster.call("DELETE", f"{STREAMS}/app")
    with bridge(world) as running:
        running.settle(world, 1)
        assert repositories(world) == set()


def test_the_image_streams_of_a_namespace_that_goes_take_no_repository_with_them(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "shop", imageStreamDeletionPolicy="Delete", deletionPolicy="Retain")
        world.push("shop", "app")
        delete(world, "shop")
        assert repositories(world) == {"app"}


def test_a_deletion_that_quay_refuses_is_tried_again_and_counts_once(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "shop", imageStreamDeletionPolicy="Delete", deletionLimit=1)
        world.stage.quay.faults.inject(Fault("status", "DELETE /api/v1/repository/", times=3, status=500))
        drop(world, running, "app")
        eventually("gone", lambda: repositories(world) == set())
        world.image_stream("shop", "next")
        eventually("made", lambda: repositories(world) == {"next"})
        running.settle(world, 1)
        drop(world, running, "next")
        assert repositories(world) == {"next"}


def test_no_more_go_within_an_hour_than_the_integration_allows(world: World) -> None:
    with bridge(world) as running:
        made(world, running, "shop", imageStreamDeletionPolicy="Delete", deletionLimit=1)
        world.image_stream("shop", "second")
        running.settle(world, 1)
        drop(world, running, "app", "second")
        assert len(repositories(world)) == 1
