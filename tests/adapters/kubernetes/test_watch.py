"""The reflector: list and watch kept going through everything that was seen to happen to real servers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from attrs import Factory, define, evolve
from tests.adapters.kubernetes.support import (
    Scripted,
    break_off,
    client_of,
    event,
    events,
    eventually,
    item,
    page,
    recorded,
)

from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient, Timeouts
from quaybridge_sdk.adapters.kubernetes.objects import Json, key_of
from quaybridge_sdk.adapters.kubernetes.sources import Pace, Source
from quaybridge_sdk.adapters.kubernetes.watch import Reflector
from quaybridge_sdk.errors import ForbiddenError, NotFoundError, ServerFaultError, UnreachableError
from quaybridge_sdk.testing.http import Request, Response
from quaybridge_sdk.testing.openshift import EmbeddedOpenShift

STREAMS = Source("/apis/image.openshift.io/v1/imagestreams", metadata_only=True)
QUICK = Pace(watch=(30.0, 30.0), silence=10.0, first=0.01, limit=0.05, absent=0.05)
UNTIL_STOPPED = 10.0
Step = Response | Callable[[Request], Response]


@define
class Notes:
    """A sink that writes down what it is told, and keeps names and versions."""

    told: list[tuple[str, str]] = Factory(list)
    held: dict[str, str] = Factory(dict)
    _listed: dict[str, str] = Factory(dict)

    def start_list(self, version: str) -> None:
        self.told.append(("list", version))
        self._listed = {}

    def list_item(self, item: Json) -> None:
        self._listed[key_of(item)[1]] = item["metadata"]["resourceVersion"]

    def end_list(self) -> None:
        self.told.append(("listed", " ".join(sorted(self._listed))))
        self.held = dict(self._listed)

    def put(self, item: Json) -> None:
        self.told.append(("put", key_of(item)[1]))
        self.held[key_of(item)[1]] = item["metadata"]["resourceVersion"]

    def remove(self, item: Json) -> None:
        self.told.append(("remove", key_of(item)[1]))
        self.held.pop(key_of(item)[1], None)

    def progress(self, version: str) -> None:
        self.told.append(("progress", version))


@contextmanager
def reflecting(
    client: KubernetesClient, source: Source = STREAMS, pace: Pace = QUICK, version: str = ""
) -> Iterator[tuple[Reflector, Notes]]:
    """``version``: as if the list had been read already, with this resourceVersion."""
    notes = Notes()
    reflector = Reflector(client, source, notes, pace)
    reflector._version = version
    thread = threading.Thread(target=reflector.run)
    thread.start()
    try:
        yield reflector, notes
    finally:
        reflector.stop()
        thread.join(5)
        assert not thread.is_alive()


@define
class Scene:
    server: Scripted
    reflector: Reflector
    notes: Notes
    hold: threading.Event

    def watches(self) -> list[Request]:
        return [request for request in self.server.received if "watch" in request.query]

    def lists(self) -> list[Request]:
        return [request for request in self.server.received if "watch" not in request.query]


@contextmanager
def scene(script: Sequence[Step], source: Source = STREAMS, pace: Pace = QUICK) -> Iterator[Scene]:
    """A reflector against a script, whose last step is a watch that stays open and silent."""
    hold = threading.Event()
    server = Scripted([*script, lambda _: events(then=lambda: hold.wait(UNTIL_STOPPED))])
    with server, client_of(server) as client, reflecting(client, source, pace) as (reflector, notes):
        try:
            yield Scene(server, reflector, notes, hold)
        finally:
            hold.set()


def expired() -> Response:
    """HTTP 200, and the recorded ERROR event."""
    return events(recorded("12-aggregation-outage", 30).answer.encode())


def test_a_paged_list_then_a_watch_from_its_version() -> None:
    script = [page(10, item("a", 1), token="t1"), page(10, item("b", 2), token="t2"), page(10, item("c", 3))]
    with scene(script, source=Source("/x", {"fieldSelector": "f"}, page_size=2)) as it:
        assert it.reflector.ready.wait(5)
        eventually(it.watches)
        assert it.notes.told == [("list", "10"), ("listed", "a b c")]
        assert [request.query.get("continue") for request in it.lists()] == [None, "t1", "t2"]
        assert all(request.query["limit"] == "2" and request.query["fieldSelector"] == "f" for request in it.lists())
        assert all("resourceVersion" not in request.query for request in it.lists())  # with one, the limit may be ignored
        assert it.watches()[0].query == {
            "fieldSelector": "f", "watch": "1", "resourceVersion": "10", "allowWatchBookmarks": "true", "timeoutSeconds": "30",
        }  # fmt: skip


def test_metadata_only_is_asked_for_in_lists_and_watches() -> None:
    with scene([page(10)]) as it:
        eventually(it.watches)
        assert ";as=PartialObjectMetadataList;" in it.lists()[0].headers["accept"]
        assert ";as=PartialObjectMetadata;" in it.watches()[0].headers["accept"]


@pytest.mark.parametrize("broken", [False, True], ids=["clean end", "abrupt end"])
def test_after_its_end_a_watch_goes_on_from_the_last_event(broken: bool) -> None:
    first = events(event("ADDED", item("a", 11)), event("MODIFIED", item("a", 12)), then=break_off if broken else None)
    with scene([page(10), first, events(event("DELETED", item("a", 13)))]) as it:
        eventually(lambda: len(it.watches()) == 3)
        assert [request.query["resourceVersion"] for request in it.watches()] == ["10", "12", "13"]
        assert it.notes.told[2:] == [("put", "a"), ("put", "a"), ("remove", "a")]
        assert len(it.lists()) == 1


def test_a_bookmark_is_where_the_next_watch_begins() -> None:
    bookmark = {"kind": "ImageStream", "metadata": {"resourceVersion": "99", "namespace": "default"}, "spec": {}}
    with scene([page(10), events(event("BOOKMARK", bookmark))]) as it:
        eventually(lambda: len(it.watches()) == 2)
        assert it.watches()[1].query["resourceVersion"] == "99"
        assert it.notes.told[2:] == [("progress", "99")]


def test_an_expired_version_leads_to_a_new_list() -> None:
    with scene([page(10, item("a", 1)), expired(), page(50, item("b", 40))]) as it:
        eventually(lambda: len(it.watches()) == 2)
        assert it.notes.told == [("list", "10"), ("listed", "a"), ("list", "50"), ("listed", "b")]
        assert it.watches()[1].query["resourceVersion"] == "50"


def test_a_410_as_a_status_does_too() -> None:
    with scene([page(10), recorded("11-errors", 94).response(), page(50)]) as it:
        eventually(lambda: len(it.watches()) == 2)
        assert len(it.lists()) == 2


def test_a_page_token_that_has_expired_starts_the_list_anew() -> None:
    script = [page(10, item("a", 1), token="t"), recorded("11-errors", 94).response(), page(50, item("b", 2))]
    with scene(script) as it:
        eventually(it.watches)
        assert it.notes.told == [("list", "10"), ("list", "50"), ("listed", "b")]


@pytest.mark.parametrize("number", [5, 6, 14, 15, 19], ids=["reset", "refused", "refused again", "passing 403", "unavailable"])
def test_an_outage_behind_the_aggregator_passes(number: int) -> None:
    """503 as text, and the 403 as system:anonymous of the moment of its start: during a list, and during a watch."""
    outage = recorded("12-aggregation-outage", number).response()
    with scene([outage, outage, page(10), outage, outage, events(event("ADDED", item("a", 11)))]) as it:
        eventually(lambda: len(it.watches()) == 4)
        assert it.notes.told == [("list", "10"), ("listed", ""), ("put", "a")]
        assert it.reflector.error is None


def test_a_missing_right_is_reported_and_tried_again() -> None:
    denied = recorded("12-aggregation-outage", 13).response()
    release = threading.Event()

    def gated(_: Request) -> Response:
        release.wait(5)
        return page(10)

    with scene([denied, gated]) as it:
        assert it.reflector.answered.wait(5)
        eventually(lambda: isinstance(it.reflector.error, ForbiddenError))
        assert not it.reflector.ready.is_set()
        release.set()
        assert it.reflector.ready.wait(5)
        assert it.reflector.error is None


def test_lines_that_are_no_events_are_a_fault_of_the_server() -> None:
    for junk in (b"<html>\n", b'{"type":"ADDED"}\n', b"[]\n"):
        with scene([page(10), events(junk)]) as it:
            eventually(lambda: len(it.watches()) == 2)
            assert it.watches()[1].query["resourceVersion"] == "10"


def test_an_error_event_of_another_kind_is_tried_again_from_the_same_version() -> None:
    status = {"kind": "Status", "status": "Failure", "message": "etcd is unwell", "reason": "InternalError", "code": 500}
    with scene([page(10), events(event("ERROR", status)), events(event("ADDED", item("a", 11)))]) as it:
        eventually(lambda: len(it.watches()) == 3)
        assert it.watches()[1].query["resourceVersion"] == "10"


def test_a_list_without_a_version_is_a_fault_of_the_server() -> None:
    with scene([Response.of_json(200, {"items": None}), page(10)]) as it:
        assert it.reflector.answered.wait(5)
        assert it.reflector.ready.wait(5)
        assert it.notes.told == [("list", "10"), ("listed", "")]


def test_silence_from_the_start_of_a_watch_leads_to_a_new_list() -> None:
    """So a resourceVersion of the future is got rid of: the server waits for it in silence."""
    hold = threading.Event()
    silent = events(then=lambda: hold.wait(UNTIL_STOPPED))
    with scene([page(10), silent, page(11)], pace=evolve(QUICK, silence=0.1)) as it:
        eventually(lambda: len(it.lists()) >= 2)
        hold.set()


def test_silence_that_ends_cleanly_does_too() -> None:
    wait = threading.Event()
    silent = events(then=lambda: wait.wait(0.15))
    with scene([page(10), silent, page(11)], pace=evolve(QUICK, silence=0.1)) as it:
        eventually(lambda: len(it.lists()) == 2)


def test_silence_after_an_event_only_leads_to_a_new_watch() -> None:
    hold = threading.Event()
    silent = events(event("ADDED", item("a", 11)), then=lambda: hold.wait(UNTIL_STOPPED))
    with scene([page(10), silent], pace=evolve(QUICK, silence=0.1)) as it:
        eventually(lambda: len(it.watches()) >= 2)
        assert it.watches()[1].query["resourceVersion"] == "11"
        assert len(it.lists()) == 1
        hold.set()


def test_an_api_that_is_not_installed_counts_as_empty() -> None:
    missing = recorded("01-discovery", 18).response()
    with scene([missing, missing, page(10, item("a", 1))], source=Source("/x", optional=True)) as it:
        assert it.reflector.ready.wait(5)
        eventually(it.watches)
        assert it.notes.held == {"a": "1"}


def test_an_api_that_is_required_is_not_ready_when_it_is_missing() -> None:
    missing = recorded("01-discovery", 18).response()
    with scene([missing, missing, missing, page(10)]) as it:
        assert it.reflector.answered.wait(5)
        assert isinstance(it.reflector.error, NotFoundError | None)
        assert it.reflector.ready.wait(5)
        assert len(it.lists()) == 4


def test_an_api_that_was_there_is_given_up_at_the_second_look_only() -> None:
    """A starting API server does not know its CRDs at once: what is cached must not vanish for that."""
    missing, looked = recorded("01-discovery", 18).response(), threading.Event()

    def second(_: Request) -> Response:
        looked.wait(5)
        return missing

    with scene([page(10, item("a", 1)), missing, second, page(20)], source=Source("/x", optional=True)) as it:
        eventually(lambda: isinstance(it.reflector.error, NotFoundError))
        assert it.notes.held == {"a": "1"}
        looked.set()
        eventually(lambda: it.notes.told[2:4] == [("list", ""), ("listed", "")])


class Waits:
    """Records the pauses instead of making them, and stops the reflector after so many."""

    def __init__(self, limit: int) -> None:
        self.seconds: list[float] = []
        self.reflector: Reflector | None = None
        self._limit = limit

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        if len(self.seconds) >= self._limit and self.reflector is not None:
            self.reflector.stop()


def pauses(script: Sequence[Step], count: int, uniform: Callable[[float, float], float]) -> list[float]:
    waits = Waits(count)
    with Scripted(script) as server, client_of(server) as client:
        waits.reflector = Reflector(client, STREAMS, Notes(), Pace(), wait=waits, uniform=uniform, monotonic=lambda: 0.0)
        waits.reflector.run()
    return waits.seconds


def highest(_low: float, high: float) -> float:
    return high


def lowest(low: float, _high: float) -> float:
    return low


def test_the_pause_doubles_up_to_its_limit() -> None:
    outage = recorded("12-aggregation-outage", 6).response()
    assert pauses([outage], 10, highest) == [0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0, 30.0]
    assert pauses([outage], 2, lowest) == [0.2, 0.4]


def test_a_server_that_ends_each_watch_at_once_is_not_asked_in_a_hot_loop() -> None:
    found = pauses([page(10), events()], 5, highest)
    assert found == [0.2, 0.4, 0.8, 1.6, 3.2]


def test_an_event_ends_a_series_of_failures() -> None:
    outage = recorded("12-aggregation-outage", 6).response()
    found = pauses([outage, outage, page(10), events(event("ADDED", item("a", 11))), outage], 4, highest)
    assert found == [0.4, 0.8, 0.2, 0.4]


def test_stop_ends_a_list_between_two_pages() -> None:
    waits = Waits(100)
    notes = Notes()

    def stopping(_: Request) -> Response:
        assert waits.reflector is not None
        waits.reflector.stop()
        return page(10, token="more")

    with Scripted([stopping]) as server, client_of(server) as client:
        waits.reflector = Reflector(client, STREAMS, notes, QUICK, wait=waits)
        waits.reflector.run()
        assert len(server.received) == 1
    assert notes.told == [("list", "10")]
    assert not waits.reflector.ready.is_set()


def test_stop_during_the_opening_of_a_watch_ends_it() -> None:
    hold = threading.Event()
    reflector: Reflector | None = None

    def opening(_: Request) -> Response:
        assert reflector is not None
        reflector.stop()
        return events(then=lambda: hold.wait(UNTIL_STOPPED))

    with Scripted([page(10), opening]) as server, client_of(server) as client:
        reflector = Reflector(client, STREAMS, Notes(), QUICK)
        thread = threading.Thread(target=reflector.run)
        thread.start()
        thread.join(5)
        assert not thread.is_alive()
        hold.set()


# Against the embedded server, which is held against recordings of real ones.


def stream(client: KubernetesClient, name: str) -> Json:
    return client.create("/apis/image.openshift.io/v1/namespaces/default/imagestreams", {"metadata": {"name": name}})


def test_it_follows_a_server(cluster: EmbeddedOpenShift, client: KubernetesClient) -> None:
    stream(client, "one")
    with reflecting(client) as (reflector, notes):
        assert reflector.ready.wait(5)
        assert notes.held.keys() == {"one"}
        stream(client, "two")
        eventually(lambda: "two" in notes.held)
        client.delete("/apis/image.openshift.io/v1/namespaces/default/imagestreams/one")
        eventually(lambda: notes.held.keys() == {"two"})


@pytest.mark.parametrize("clean", [True, False])
def test_it_survives_the_end_of_its_watches(cluster: EmbeddedOpenShift, client: KubernetesClient, clean: bool) -> None:
    with reflecting(client) as (reflector, notes):
        assert reflector.ready.wait(5)
        for number in range(3):
            cluster.break_watches(clean)
            stream(client, f"s{number}")
            eventually(lambda number=number: f"s{number}" in notes.held)  # type: ignore[misc]
        assert notes.told.count(("listed", "")) == 1


def test_it_lists_again_after_a_restart_of_the_server(cluster: EmbeddedOpenShift, client: KubernetesClient) -> None:
    stream(client, "before")
    with reflecting(client) as (reflector, notes):
        assert reflector.ready.wait(5)
        cluster.stop()
        eventually(lambda: isinstance(reflector.error, UnreachableError))
        cluster.start()
        stream(client, "after")
        eventually(lambda: notes.held.keys() == {"before", "after"})


@pytest.mark.parametrize("outage", ["refused", "unavailable", "reset", "anonymous"])
def test_it_survives_each_kind_of_outage(cluster: EmbeddedOpenShift, client: KubernetesClient, outage: Any) -> None:
    with reflecting(client) as (reflector, notes):
        assert reflector.ready.wait(5)
        cluster.aggregation = outage
        cluster.break_watches(clean=True)
        eventually(lambda: isinstance(reflector.error, UnreachableError | ServerFaultError))
        cluster.aggregation = "up"
        stream(client, "after")
        eventually(lambda: "after" in notes.held)
        assert ("remove", "after") not in notes.told


def test_it_resumes_from_a_bookmark_of_the_server(cluster: EmbeddedOpenShift, client: KubernetesClient) -> None:
    """The server's minute is a tenth of a real one here, and the watch's last bookmark comes before its end."""
    with reflecting(client, pace=evolve(QUICK, watch=(6.0, 6.0))) as (reflector, notes):
        assert reflector.ready.wait(5)
        client.create("/api/v1/namespaces/default/configmaps", {"metadata": {"name": "elsewhere"}})
        eventually(lambda: [told for told in notes.told if told[0] == "progress"])
        version = next(told[1] for told in notes.told if told[0] == "progress")
        eventually(lambda: any(entry.query.get("resourceVersion") == version for entry in cluster.requests))


def test_it_gets_rid_of_a_version_of_the_future(cluster: EmbeddedOpenShift, client: KubernetesClient) -> None:
    """As after the restore of an etcd: the server waits in silence for a version that it will not reach."""
    with reflecting(client, pace=evolve(QUICK, silence=0.3), version="99999999") as (reflector, notes):
        eventually(lambda: any(entry.query.get("resourceVersion") == "99999999" for entry in cluster.requests))
        assert not reflector.ready.is_set()
        stream(client, "after")
        eventually(lambda: "after" in notes.held)


def test_stop_wakes_it_out_of_a_read(cluster: EmbeddedOpenShift) -> None:
    """``reflecting`` asserts that its thread ends in time."""
    patient = evolve(QUICK, silence=60.0)
    with client_of(cluster, cluster.admin_token, Timeouts(read=60)) as client, reflecting(client, pace=patient) as (reflector, _):
        assert reflector.ready.wait(5)
        eventually(lambda: reflector._stream)
