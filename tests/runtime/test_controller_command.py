"""The controller's command, in parts: waiting for the caches, and what its health depends on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, cast

import httpx
import pytest
from attrs import define

from quaybridge_sdk.cli.controller import _filled
from quaybridge_sdk.cli.pages import serve_pages
from quaybridge_sdk.cli.stage import free_ports
from quaybridge_sdk.runtime.health import Address
from quaybridge_sdk.runtime.metrics import Metrics


@define
class SlowCaches:
    """Filled after so many looks; ``enough`` is set at the last."""

    looks: int
    enough: threading.Event
    alive: bool = True
    synced: bool = False

    def wait_synced(self, timeout: float) -> bool:
        self.looks -= 1
        if self.looks == 0:
            self.enough.set()
        return self.looks < 0

    def faults(self) -> Mapping[str, str]:
        return {"/api/v1/namespaces": "GET /api/v1/namespaces: 503"}


@pytest.mark.parametrize(("looks", "lines"), [(9, 0), (10, 1), (35, 3)])
def test_a_cluster_that_cannot_be_read_is_told_now_and_then(looks: int, lines: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert _filled(cast(Any, SlowCaches(looks, threading.Event())), threading.Event())
    told = "the cluster could not be read yet: {'/api/v1/namespaces': 'GET /api/v1/namespaces: 503'}"
    assert [record.message for record in caplog.records] == [told] * lines


def test_the_wait_for_the_cluster_ends_when_the_process_is_told_to_stop() -> None:
    stopped = threading.Event()
    caches = SlowCaches(3, stopped)
    assert not _filled(cast(Any, caches), stopped)
    assert caches.looks == 0


@define
class Assembly:
    caches: SlowCaches


def test_liveness_fails_with_any_thread_that_is_needed() -> None:
    (port,) = free_ports(1)
    caches, alive = SlowCaches(0, threading.Event()), {"workers": True}
    with ExitStack() as stack:
        checks = {"workers": lambda: alive["workers"]}
        serve_pages(stack, None, Address("127.0.0.1", port), Metrics(), cast(Any, Assembly(caches)), checks)

        def healthz() -> tuple[int, str]:
            answer = httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
            return answer.status_code, answer.text

        assert healthz() == (200, "ok\n")
        alive["workers"] = False
        assert healthz() == (503, "not ready: workers\n")
        caches.alive = False
        assert healthz() == (503, "not ready: watches\nnot ready: workers\n")
