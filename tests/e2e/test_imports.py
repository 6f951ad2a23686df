"""Builds whose import is not the usual one: clones, images and ImageStreams that are gone, images without a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import define, evolve, field
from tests.e2e.running import BUILDS, DESTINATION, IMAGES, IMPORTED, MANAGED, World, bridge
from tests.isolation.attacker import HOST, NEW, OLD, Caches
from tests.laws.strategies import bare

from quaybridge_sdk.adapters.kubernetes.kinds import Kind
from quaybridge_sdk.adapters.kubernetes.objects import MARKED_UID_ANNOTATION
from quaybridge_sdk.cli.stage import bridge as programs
from quaybridge_sdk.cli.stage import eventually
from quaybridge_sdk.errors import NotFoundError, QuaybridgeError, StaleImageError, UnreachableError
from quaybridge_sdk.importing import BuildImporter, ImportResult
from quaybridge_sdk.model.integration import parse_endpoint
from quaybridge_sdk.model.openshift import Build, ImageImport, ImportedImage
from quaybridge_sdk.runtime.keys import Key

GONE = "sha256:" + "0" * 64


def build(world: World, name: str) -> dict[str, Any]:
    return world.cluster.call("GET", f"{BUILDS}/shop/builds/{name}")


def clone(world: World, name: str, of: str) -> None:
    """What `oc start-build --from-build` makes: the API server's generator copies annotations and spec."""
    original = build(world, of)
    annotations = {**original["metadata"]["annotations"], "openshift.io/build.clone-of": of}
    body = {"metadata": {"name": name, "annotations": annotations}, "spec": original["spec"]}
    world.cluster.call("POST", f"{BUILDS}/shop/builds", body)


def tag_holds(world: World, digest: str) -> bool:
    tag = world.tag("shop", "app")
    return tag is not None and tag["image"]["metadata"]["name"] == digest


def imports(world: World) -> int:
    return sum(e.path.endswith("/imagestreamimports") for e in world.stage.openshift.requests if e.method == "POST")


def told(world: World, reason: str) -> int:
    events = world.stage.openshift.objects("events", "shop")
    return sum(event.get("count", 1) for event in events if event["reason"] == reason)


# --- clones ---


def test_a_clone_s_image_is_imported(world: World) -> None:
    world.namespace("shop", "app")
    with programs(world.stage):
        world.link(allowlistNamespaces=["shop"])
        eventually("credentials", lambda: world.credentials("shop"))
        spec = {
            "source": {"type": "Dockerfile", "dockerfile": "FROM scratch"},
            "strategy": {"type": "Docker", "dockerStrategy": {}},
            "output": {"to": {"kind": "ImageStreamTag", "name": "app:latest"}},
        }
        world.cluster.call("POST", f"{BUILDS}/shop/builds", {"metadata": {"name": "app-1"}, "spec": spec})
        world.finish("shop", "app-1", world.push("shop", "app", content=b"one"))
        eventually("imported", lambda: world.is_imported("shop", "app-1"))
        clone(world, "app-2", "app-1")
        assert IMPORTED not in build(world, "app-2")["metadata"]["annotations"]
        second = world.push("shop", "app", content=b"two")
        world.finish("shop", "app-2", second)
        eventually("the clone's image", lambda: tag_holds(world, second))


def test_a_clone_that_no_webhook_saw_is_imported_once_and_so_is_a_clone_of_the_clone(world: World) -> None:
    world.namespace("shop", "app")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        world.rewritten_build("shop", "app-1", "app")
        world.finish("shop", "app-1", world.push("shop", "app", content=b"one"))
        eventually("imported", lambda: world.is_imported("shop", "app-1"))
        for name, of in (("app-2", "app-1"), ("app-3", "app-2")):
            clone(world, name, of)
            assert world.is_imported("shop", name)  # as it reads for the Go operator
            digest = world.push("shop", "app", content=name.encode())
            world.finish("shop", name, digest)
            eventually("the clone's image", lambda digest=digest: tag_holds(world, digest))  # type: ignore[misc]
            uid = build(world, name)["metadata"]["uid"]
            eventually("marked", lambda name=name, uid=uid: uid == _marked(world, name))  # type: ignore[misc]
        running.settle(world, 1)
        before = imports(world)
    with bridge(world) as running:
        running.settle(world, 1)
        assert imports(world) == before == 3


def _marked(world: World, name: str) -> object:
    return build(world, name)["metadata"]["annotations"].get(MARKED_UID_ANNOTATION)


def test_what_the_go_operator_imported_is_not_imported_again(world: World) -> None:
    world.namespace("shop", "app")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        digest = world.push("shop", "app")
        world.rewritten_build("shop", "app-1", "app", annotations={IMPORTED: "true"})
        world.finish("shop", "app-1", digest)
        running.settle(world, 1)
        assert imports(world) == 0


# --- what is not there ---


def test_an_old_build_without_its_image_stream_costs_no_request_at_any_start(world: World) -> None:
    world.namespace("shop", "app", "other")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
    world.cluster.call("DELETE", f"{IMAGES}/shop/imagestreams/app")
    for number in range(10):
        world.rewritten_build("shop", f"app-{number}", "app")
        world.finish("shop", f"app-{number}", GONE)
    world.clock_offset = timedelta(hours=1)
    world.stage.openshift.clear_requests()
    with bridge(world) as running:
        running.settle(world, 1)
        assert [running.controller.queue.failures(Key("build", "shop", f"app-{number}")) for number in range(10)] == [0] * 10
    touched = [e.path for e in world.stage.openshift.requests if "imagestream" in e.path and "/namespaces/" in e.path]
    assert (touched, told(world, "ApiNotFound"), told(world, "ImageNotImported")) == ([], 0, 0)


def test_an_image_that_never_came_is_told_of_while_it_is_waited_for_and_once_when_it_is_given_up(world: World) -> None:
    world.namespace("shop", "app")
    with bridge(world) as running:
        world.link(allowlistNamespaces=["shop"])
        running.settle(world, 1)
        world.push("shop", "app", "another")  # of a repository without any tag Quay says something else
        world.rewritten_build("shop", "app-1", "app")
        world.finish("shop", "app-1", GONE)
        eventually("told", lambda: told(world, "ApiNotFound"))
        world.clock_offset = timedelta(hours=1)
        eventually("given up", lambda: told(world, "ImageNotImported"), 40)
        running.settle(world, 1)
        assert not world.is_imported("shop", "app-1")
        assert running.controller.queue.failures(Key("build", "shop", "app-1")) == 0
    tried, events = imports(world), (told(world, "ApiNotFound"), told(world, "ImageNotImported"))
    assert events[1] == 1
    with bridge(world) as running:
        running.settle(world, 1)
        assert imports(world) == tried + 1  # which decides
    assert (told(world, "ApiNotFound"), told(world, "ImageNotImported")) == events


# --- by the minute ---

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@define
class Importer:
    """Answers or raises what it is given, and takes note."""

    answer: ImportedImage | QuaybridgeError
    asked: list[str] = field(factory=list)
    marked: list[str] = field(factory=list)

    def import_image(self, request: ImageImport) -> ImportedImage:
        self.asked.append(str(request.destination))
        if isinstance(self.answer, QuaybridgeError):
            raise self.answer
        return self.answer

    def may_import(self, user: str, namespace: str) -> bool:
        self.asked.append(user)
        return False

    def mark_imported(self, build: Build) -> None:
        self.marked.append(build.name)


@define
class Case:
    """A namespace ``shop`` with an ImageStream ``app``, finished Builds, and an importer on a clock that can be turned."""

    importer: Importer
    caches: Caches = field(factory=lambda: Caches(_integration()))
    seconds: float = 0

    def __attrs_post_init__(self) -> None:
        for name in ("shop", "pay"):
            self.caches.namespace(name)

    def finished(self, name: str, stream: str = "app", place: str = "shop") -> None:
        annotations = {MANAGED: "true", DESTINATION: f"{place}/{stream}:latest"}
        output = {"to": {"kind": "DockerImage", "name": f"{HOST}/openshift_{place}/{stream}:latest"}}
        status = {"phase": "Complete", "completionTimestamp": "2026-01-02T03:04:05Z", "output": {"to": {"imageDigest": NEW}}}
        metadata = {"namespace": "shop", "name": name, "uid": f"uid-of-{name}", "annotations": annotations}
        item = {"metadata": metadata, "spec": {"strategy": {"type": "Docker"}, "output": output}, "status": status}
        self.caches.write(Kind.BUILD, "put", item)

    def worker(self) -> BuildImporter:
        return BuildImporter(self.caches, self.importer, lambda: NOW + timedelta(seconds=self.seconds))


def _integration() -> Any:
    return evolve(bare(), endpoint=parse_endpoint(HOST))


NOT_FOUND = NotFoundError("no such tag", system="kubernetes")


def test_a_thousand_old_builds_without_a_stream_cost_no_call_also_where_a_right_would_be_asked_for() -> None:
    case = Case(Importer(NOT_FOUND), seconds=3600)
    for number in range(1000):
        case.finished(f"b{number}", "gone", "pay" if number % 2 else "shop")
    worker = case.worker()
    outcomes = [worker.process("shop", f"b{number}") for number in range(1000)]
    assert {(outcome.result, outcome.recent) for outcome in outcomes} == {(ImportResult.LOST, False)}
    assert (case.importer.asked, case.importer.marked) == ([], [])


@pytest.mark.parametrize("stream", ["app", "gone"])
def test_what_is_not_there_is_waited_for_and_given_up_with_one_word(stream: str) -> None:
    case = Case(Importer(NOT_FOUND))
    case.finished("b", stream)
    worker = case.worker()
    for seconds in (0, 30, 599):
        case.seconds = seconds
        with pytest.raises(NotFoundError):
            worker.process("shop", "b")
    case.seconds = 601
    outcomes = [worker.process("shop", "b") for _ in range(3)] + [case.worker().process("shop", "b")]
    assert {outcome.result for outcome in outcomes} == {ImportResult.LOST}
    assert [outcome.recent for outcome in outcomes] == [True, False, False, False]
    assert case.importer.marked == []


def test_what_mends_itself_is_tried_again_however_old_the_build_is() -> None:
    case = Case(Importer(UnreachableError("down", system="kubernetes")), seconds=3600)
    case.finished("b")
    with pytest.raises(UnreachableError):
        case.worker().process("shop", "b")
    case.importer.answer = ImportedImage(NEW)
    assert case.worker().process("shop", "b").result is ImportResult.IMPORTED


@pytest.mark.parametrize(
    ("created", "waits", "ends"),
    [
        ("", 60, ImportResult.SUPERSEDED),
        ("1970-01-01T00:00:00Z", 60, ImportResult.SUPERSEDED),
        ("2026-01-02T03:04:04Z", 600, ImportResult.GAVE_UP),
        ("2026-01-02T03:04:06Z", 0, ImportResult.SUPERSEDED),
    ],
)
def test_another_image_is_doubted_for_as_long_as_its_time_gives_reason_to(created: str, waits: int, ends: ImportResult) -> None:
    case = Case(Importer(ImportedImage(OLD, created)))
    case.finished("b")
    worker = case.worker()
    for seconds in (0, waits - 1) if waits else ():
        case.seconds = seconds
        with pytest.raises(StaleImageError):
            worker.process("shop", "b")
    case.seconds = waits
    assert (worker.process("shop", "b").result, case.importer.marked) == (ends, ["b"])
