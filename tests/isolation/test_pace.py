"""Who makes the bridge ask Quay in a loop spends a bounded number of calls, loses nothing, and is in nobody's way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest
from attrs import define, evolve
from tests.e2e.running import Bridge, World, bridge
from tests.e2e.running import world as make_world

from quaybridge_sdk.cli.stage import eventually
from quaybridge_sdk.errors import BusyError
from quaybridge_sdk.mapping.conditions import NamespaceState
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.state import ClusterState
from quaybridge_sdk.ports import Registry
from quaybridge_sdk.reconcile import Result
from quaybridge_sdk.reconcile.pace import BURST, SECONDS_A_PASS, Pace
from quaybridge_sdk.runtime.keys import Key
from quaybridge_sdk.testing.http import Fault

MERGE = "application/merge-patch+json"
MALLORY = "/api/v1/namespaces/mallory"
SECRET = "default-quay-openshift"
COST = 3 + 3
"""Calls of a check that is asked for: three lists, and the roles of three robots."""


@define
class Scene:
    """A running bridge, and one who asks it for much."""

    world: World
    bridge: Bridge

    def annotate(self, text: str) -> None:
        self.world.cluster.call("PATCH", MALLORY, {"metadata": {"annotations": {"quaybridge.io/check": text}}}, MERGE)

    def cached(self) -> ClusterState:
        cluster = self.bridge.assembly.caches.state("mallory")
        assert cluster is not None
        return cluster

    def followed(self) -> str:
        applied = self.cached().applied
        return applied.check if applied else ""

    def calls(self) -> int:
        return len(self.world.stage.quay.api_calls)

    def quiet(self) -> None:
        eventually("quiet", lambda: self.bridge.controller.queue.idle)

    def ask(self, text: str) -> None:
        """A new text, and the pass that it makes is over: so none of them is gathered with the one before."""
        self.annotate(text)
        eventually("seen", lambda: self.cached().namespace.annotations.get("quaybridge.io/check") == text)
        self.quiet()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with make_world(tmp_path) as world:
        for name in ("mallory", "bystander"):
            world.namespace(name, "app")
        with bridge(world) as running:
            world.link(allowlistNamespaces=["mallory", "bystander"])
            running.settle(world, 2)
            yield Scene(world, running)


def test_two_hundred_checks_cost_what_the_limit_allows_and_the_last_text_is_followed(scene: Scene) -> None:
    started, before = time.monotonic(), scene.calls()
    made = scene.world.stage.quay.organizations
    events = len(scene.world.stage.openshift.objects("events"))
    for number in range(200):
        scene.ask(f"text {number}")
        if number == 150:
            began = time.monotonic()
            scene.world.image_stream("bystander", "late")
            eventually("bystander", lambda: "late" in made()["openshift_bystander"].repositories)
            assert time.monotonic() - began < SECONDS_A_PASS / 2
    passes = BURST + (time.monotonic() - started) / SECONDS_A_PASS
    spent = scene.calls() - before - 1  # the bystander's
    assert spent <= passes * COST, "each text had its pass"
    assert spent >= (BURST - 3) * COST, "the first ones were not limited"
    assert scene.bridge.controller.queue.failures(Key("namespace", "mallory")) == 0
    reports = scene.bridge.controller.ledger.reports("quay.redhat.com/quay")
    assert {report.state for report in reports} == {NamespaceState.READY}
    assert not [e for e in scene.world.stage.openshift.objects("events")[events:] if e["type"] == "Warning"]
    page = scene.bridge.controller.metrics.page().decode()
    assert float(page.split("\nquaybridge_passes_held_back_total ")[1].split()[0]) > 0
    eventually("the last one is followed", lambda: scene.followed() == "text 199")
    scene.bridge.settle(scene.world, 2)
    assert scene.calls() - before - 1 <= (BURST + (time.monotonic() - started) / SECONDS_A_PASS) * COST


def test_what_needs_no_quay_and_what_the_time_brings_is_done_with_an_empty_bucket(scene: Scene) -> None:
    reconciler, now = scene.bridge.controller.reconciler, time.monotonic()
    reconciler.pace.clock = lambda: now
    while not reconciler.pace.take("mallory"):
        pass
    before = scene.calls()
    account = f"{MALLORY}/serviceaccounts/default"
    scene.world.cluster.call("PATCH", account, {"imagePullSecrets": None}, MERGE)
    eventually("link again", lambda: (scene.world.cluster.find(account) or {}).get("imagePullSecrets"))
    scene.world.image_stream("mallory", "late")
    scene.world.cluster.call("DELETE", f"{MALLORY}/secrets/{SECRET}")
    eventually("seen", lambda: SECRET not in scene.cached().pull_secrets and "late" in scene.cached().image_streams)
    scene.ask("look")
    assert scene.calls() == before
    now += SECONDS_A_PASS
    scene.bridge.controller.queue.add(Key("namespace", "mallory"))
    eventually("all at once", lambda: scene.followed() == "look")
    scene.quiet()
    assert scene.calls() - before == COST + 1
    assert scene.world.credentials("mallory", "default")
    scene.world.clock_offset += timedelta(hours=11)
    scene.bridge.controller.queue.add(Key("namespace", "mallory"))
    scene.quiet()
    assert scene.calls() - before == COST + 1 + 3, "the periodic check"


def left(pace: Pace, namespace: str) -> int:
    """How many tokens there are; takes them."""
    count = 0
    while not pace.take(namespace):
        count += 1
    return count


def test_a_pass_that_found_no_place_took_none(scene: Scene) -> None:
    @contextmanager
    def busy(_: QuayIntegration, *, background: bool) -> Iterator[Registry]:
        raise BusyError("all places are taken", system="quay")
        yield  # makes it a generator

    reconciler, now = scene.bridge.controller.reconciler, time.monotonic() + BURST * SECONDS_A_PASS
    reconciler.pace.clock = lambda: now
    crowded = evolve(reconciler, registries=Mock(registry=busy))
    reconciler.beliefs.clear()
    scene.world.clock_offset += timedelta(hours=11)  # so by the record a full check is due, which this process knows nothing of
    with pytest.raises(BusyError):
        crowded.reconcile("mallory")
    assert left(reconciler.pace, "mallory") == BURST
    assert reconciler.reconcile("mallory").result is Result.PACED


def test_who_waits_for_the_survey_of_a_new_integration_takes_none_meanwhile(tmp_path: Path) -> None:
    with make_world(tmp_path) as world:
        for name in ("slow", "shop"):
            world.namespace(name)
        slow = Fault("latency", "GET /api/v1/organization/openshift_slow", times=1, seconds=3)
        world.stage.quay.faults.inject(slow)
        with bridge(world) as running:
            pace, now = running.controller.reconciler.pace, time.monotonic()
            pace.clock = lambda: now
            world.link(allowlistNamespaces=["slow", "shop"])
            running.settle(world, 2)
            assert left(pace, "shop") == BURST - 2, "one for the survey's look, and one for the pass that followed"


def test_the_end_of_a_namespace_does_not_wait_and_ends_what_is_kept_of_it(scene: Scene) -> None:
    reconciler = scene.bridge.controller.reconciler
    while not reconciler.pace.take("mallory"):
        pass
    kept = len(reconciler.pace)
    scene.world.cluster.call("DELETE", MALLORY)
    eventually("gone", lambda: "openshift_mallory" not in scene.world.stage.quay.organizations())
    eventually("forgotten", lambda: len(reconciler.pace) < kept)
    scene.quiet()
    assert reconciler.pace.take("mallory") == 0
