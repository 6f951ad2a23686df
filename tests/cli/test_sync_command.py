from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from quaybridge_sdk.cli.sync import ROUNDS, Done, Syncing
from quaybridge_sdk.errors import ForbiddenError, UnreachableError
from quaybridge_sdk.model.actions import AddFinalizer
from quaybridge_sdk.reconcile import Outcome, Result

CONVERGED = Outcome(Result.CONVERGED)


def test_each_namespace_is_worked_on_once_and_told() -> None:
    calls: Counter[str] = Counter()
    told: list[Done] = []

    def work(name: str) -> Outcome:
        calls[name] += 1
        return Outcome(Result.CONVERGED, actions=(AddFinalizer(name),))

    names = [f"n{number}" for number in range(20)]
    results = Syncing(work, told.append).run(names, 4)
    assert calls == Counter(names)
    assert set(results) == set(names) == {done.namespace for done in told}
    assert results["n0"].entries[0].line == "~ namespace n0: add finalizer"
    assert not any(done.failure for done in told)


@pytest.mark.parametrize("parallel", [1, 3])
def test_no_more_than_so_many_at_a_time(parallel: int) -> None:
    lock, running, most = threading.Lock(), 0, 0

    def work(_: str) -> Outcome:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return CONVERGED

    Syncing(work, lambda _: None).run([str(number) for number in range(9)], parallel)
    assert most == parallel


def test_told_to_stop_it_finishes_what_is_under_way_and_begins_nothing() -> None:
    stopped, finished = threading.Event(), []

    def work(name: str) -> Outcome:
        stopped.set()
        time.sleep(0.05)
        finished.append(name)
        return CONVERGED

    results = Syncing(work, lambda _: None, stopped).run([f"n{number}" for number in range(10)], 2)
    assert 1 <= len(results) <= 2
    assert set(results) == set(finished)


def test_failures_say_what_to_do() -> None:
    def work(name: str) -> Outcome:
        raise ForbiddenError("no", system="quay") if name == "a" else UnreachableError("gone", system="quay")

    results = Syncing(work, lambda _: None).run(["a", "b"], 2)
    assert results["a"].failure == "Forbidden: no"
    assert "doctor" in results["a"].mend
    assert "again" in results["b"].mend


def test_a_namespace_that_was_only_looked_at_comes_again() -> None:
    calls: Counter[str] = Counter()
    told: list[str] = []

    def work(name: str) -> Outcome:
        calls[name] += 1
        return Outcome(Result.SURVEYING) if calls[name] == 1 and name != "c" else CONVERGED

    results = Syncing(work, lambda done: told.append(done.namespace)).run(["a", "b", "c"], 1)
    assert calls == Counter({"a": 2, "b": 2, "c": 1})
    assert sorted(told) == ["a", "b", "c"]
    assert not any(done.failure for done in results.values())


@pytest.mark.parametrize(
    ("result", "told"), [(Result.SURVEYING, "without --namespace"), (Result.WAITING, "again"), (Result.CONTESTED, "allowlist")]
)
def test_what_is_not_done_is_no_success(result: Result, told: str) -> None:
    calls: list[str] = []

    def work(name: str) -> Outcome:
        calls.append(name)
        return Outcome(result)

    results = Syncing(work, lambda _: None).run(["a"], 1)
    assert results["a"].failure == result.value
    assert told in results["a"].mend
    assert len(calls) == (ROUNDS if result is Result.SURVEYING else 1)
