"""A store never goes back in time, whoever tells it what, and in which order."""

from __future__ import annotations

from typing import Any

import pytest
from tests.adapters.kubernetes.support import item

from quaybridge_sdk.adapters.kubernetes.objects import Json, Key
from quaybridge_sdk.adapters.kubernetes.stores import Store, ordinal


class Watched(Store[str]):
    """A store of each object's ``value``, which notes what it announces; "drop" is not kept."""

    def __init__(self) -> None:
        self.announced: list[Key] = []
        super().__init__(self._value, self.announced.append)

    @staticmethod
    def _value(thing: Json) -> str | None:
        return None if thing["value"] == "drop" else str(thing["value"])

    def listed(self, version: int | str, *items: Json) -> None:
        self.start_list(str(version))
        for entry in items:
            self.list_item(entry)
        self.end_list()


@pytest.fixture
def store() -> Watched:
    return Watched()


def thing(name: str, version: int | str, value: str = "x", namespace: str = "team") -> Any:
    return item(name, version, namespace, value=value)


def test_a_list_fills_it_and_the_next_one_sweeps_it(store: Watched) -> None:
    store.listed(10, thing("a", 1), thing("b", 2), thing("c", 3, "drop"))
    assert store.within("team") == {"a": "x", "b": "x"}
    assert store.all() == ["x", "x"]
    store.announced.clear()
    store.listed(20, thing("a", 1))
    assert store.within("team") == {"a": "x"}
    assert store.announced == [("team", "b")]


def test_a_list_that_was_broken_off_sweeps_nothing(store: Watched) -> None:
    store.listed(10, thing("a", 1), thing("b", 2))
    store.start_list("20")
    store.list_item(thing("a", 1))
    assert store.within("team") == {"a": "x", "b": "x"}
    store.listed(30, thing("b", 2))
    assert store.within("team") == {"b": "x"}


def test_events_change_it(store: Watched) -> None:
    store.put(thing("a", 1))
    store.put(thing("a", 2, "y"))
    assert store.get("team", "a") == "y"
    assert store.version("team", "a") == 2
    store.remove(thing("a", 3))
    assert store.get("team", "a") is None
    assert store.version("team", "a") is None
    assert store.within("team") == {}


def test_only_what_is_kept_is_announced(store: Watched) -> None:
    store.put(thing("a", 1))
    store.put(thing("a", 2))
    store.put(thing("b", 3, "drop"))
    store.remove(thing("b", 4))
    assert store.announced == [("team", "a")]
    store.put(thing("a", 5, "drop"))
    assert store.get("team", "a") is None
    assert store.announced == [("team", "a")] * 2


def test_a_write_of_ours_is_seen_at_once_and_a_late_event_does_not_undo_it(store: Watched) -> None:
    store.listed(10, thing("a", 1))
    store.observe(thing("a", 15, "ours"))
    assert store.get("team", "a") == "ours"
    store.put(thing("a", 12, "late"))
    assert store.get("team", "a") == "ours"
    store.put(thing("a", 15, "ours"))
    store.put(thing("a", 16, "theirs"))
    assert store.get("team", "a") == "theirs"


def test_what_the_watch_has_gone_past_is_not_brought_back_by_a_late_answer(store: Watched) -> None:
    store.listed(10, thing("a", 1))
    store.put(thing("a", 12, "ours"))
    store.remove(thing("a", 13))
    store.observe(thing("a", 12, "ours"))
    assert store.get("team", "a") is None


def test_a_bookmark_counts_as_gone_past(store: Watched) -> None:
    store.listed(10, thing("a", 1))
    store.progress("20")
    store.observe(thing("b", 15))
    assert store.get("team", "b") is None


def test_what_was_made_anew_survives_the_event_of_its_deletion(store: Watched) -> None:
    store.listed(10, thing("a", 1))
    store.observe(thing("a", 14, "new"))
    store.remove(thing("a", 12))
    assert store.get("team", "a") == "new"


def test_what_was_written_during_a_list_survives_it(store: Watched) -> None:
    store.listed(10, thing("b", 1))
    store.start_list("20")
    store.observe(thing("a", 25, "ours"))
    store.observe(thing("b", 26, "ours"))
    store.list_item(thing("b", 1))
    store.end_list()
    assert store.within("team") == {"a": "ours", "b": "ours"}


def test_a_restored_server_is_believed(store: Watched) -> None:
    """Its resourceVersions are lower than those from before the backup was put back."""
    store.listed(1000, thing("a", 900, "after"), thing("b", 950))
    store.listed(500, thing("a", 400, "before"))
    assert store.within("team") == {"a": "before"}
    store.put(thing("a", 501, "now"))
    store.observe(thing("c", 502))
    assert store.within("team") == {"a": "now", "c": "x"}


def test_versions_that_are_no_numbers_are_taken_as_they_come(store: Watched) -> None:
    store.listed("opaque-1", thing("a", "opaque-1"))
    store.put(thing("a", "opaque-0", "y"))
    assert store.get("team", "a") == "y"
    store.observe(thing("a", "opaque-2", "z"))
    assert store.get("team", "a") == "z"
    store.remove(thing("a", "opaque-3"))
    assert store.within("team") == {}


@pytest.mark.parametrize(("text", "number"), [("12", 12), ("", None), ("abc", None), ("-1", None), ("²", None)])
def test_ordinals(text: str, number: int | None) -> None:
    assert ordinal(text) == number
