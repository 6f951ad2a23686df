"""The survey of a new integration: it writes nothing before it knows, and no single namespace can hold it up for good."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import define
from hypothesis import given
from hypothesis import strategies as st

from quaybridge_sdk.model.state import RegistryState
from quaybridge_sdk.reconcile.standing import FRESH, RESAMPLED, SURVEYED, Standing

NOW = datetime.fromisoformat("2026-01-02T03:04:05+00:00")
SUBJECT = "quay.redhat.com/quay openshift https://q"
SEEN = RegistryState()


@define
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


def surveying(names: list[str], clock: Clock | None = None) -> Standing:
    standing = Standing(clock or Clock())
    assert not standing.established(SUBJECT, lambda: (False, names))
    return standing


names = st.lists(st.from_regex(r"[a-z]{1,3}", fullmatch=True), min_size=1, max_size=6, unique=True)


@given(names, st.randoms(use_true_random=False))
def test_it_may_write_when_all_were_looked_at_in_any_order(found: list[str], shuffler: st.DataObject) -> None:
    standing = surveying(found)
    shuffler.shuffle(found)  # type: ignore[attr-defined] # a random.Random
    answers = [standing.note(SUBJECT, name, SEEN) for name in found]
    assert answers == [False] * (len(found) - 1) + [True]
    assert standing.established(SUBJECT, lambda: (False, []))


@given(names, st.data())
def test_one_conflict_stops_them_all_until_it_is_gone(found: list[str], data: st.DataObject) -> None:
    standing, strange = surveying(found), data.draw(st.sampled_from(found))
    for name in found:
        assert not standing.note(SUBJECT, name, *((None, "another cluster") if name == strange else (SEEN,))) or name != strange
        if name == strange:
            break
    else:
        raise AssertionError
    rest = [name for name in found if name != strange]
    answers = [standing.note(SUBJECT, name, SEEN) for name in rest]
    assert not any(answers)
    assert [standing.conflict(SUBJECT, name) for name in rest] == ["another cluster"] * len(rest)
    assert standing.conflict(SUBJECT, strange) is None  # it looks for itself
    assert standing.note(SUBJECT, strange, SEEN)


def test_a_conflict_of_a_namespace_that_is_gone_counts_no_longer() -> None:
    clock = Clock()
    standing = surveying(["a", "b"], clock)
    standing.note(SUBJECT, "a", None, "another cluster")
    clock.now += RESAMPLED
    assert not standing.established(SUBJECT, lambda: (False, ["b"]))
    assert standing.conflict(SUBJECT, "b") is None
    assert standing.note(SUBJECT, "b", SEEN)


def test_who_has_written_before_has_its_standing_at_once() -> None:
    assert Standing(Clock()).established(SUBJECT, lambda: (True, ["a"]))
    standing = surveying(["a"])
    standing.establish(SUBJECT)
    assert standing.established(SUBJECT, lambda: (False, ["a"]))


def test_what_the_survey_saw_is_used_once_and_only_while_it_is_fresh() -> None:
    clock = Clock()
    standing = surveying(["a", "b"], clock)
    seen = RegistryState(complete_at=NOW)
    standing.note(SUBJECT, "a", seen)
    assert standing.looked(SUBJECT, "a")
    assert standing.recall(SUBJECT, "a") is seen
    assert standing.recall(SUBJECT, "a") is None
    standing.note(SUBJECT, "a", seen)
    clock.now += FRESH
    assert not standing.looked(SUBJECT, "a")
    assert standing.recall(SUBJECT, "a") is None


def test_of_many_namespaces_a_stable_part_is_looked_at() -> None:
    many = [f"n{number}" for number in range(1000)]
    standing = surveying(many)
    looked = 0
    for name in many:
        looked += 1
        if standing.note(SUBJECT, name, SEEN):
            break
    assert looked <= 1000
    again = surveying(many[::-1])
    answers = sum(not again.note(SUBJECT, name, SEEN) for name in many)
    assert answers == looked - 1
    assert looked > SURVEYED


def test_a_namespace_that_alone_fails_does_not_hold_the_others_up() -> None:
    standing = surveying(["a", "b"])
    standing.skip(SUBJECT, "a")  # nobody succeeded: it may be Quay as a whole
    assert not standing.note(SUBJECT, "b", SEEN)
    standing.skip(SUBJECT, "a")
    assert standing.note(SUBJECT, "b", SEEN)
    assert standing.recall(SUBJECT, "a") is None


def test_a_clock_that_goes_back_lists_anew() -> None:
    clock = Clock()
    standing = surveying(["a"], clock)
    clock.now -= timedelta(hours=1)
    assert standing.established(SUBJECT, lambda: (True, []))
