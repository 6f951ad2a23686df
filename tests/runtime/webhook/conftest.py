"""Webhook servers for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Protocol

import pytest
from tests.admission_caches import Caches, linked_caches

from quaybridge_sdk.runtime.webhook import WebhookServer


class Serve(Protocol):
    def __call__(self, caches: Caches | None = None, **options: Any) -> WebhookServer: ...


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that are stopped at the test's end, in plain HTTP and on a free port when nothing else is said."""
    with ExitStack() as stack:

        def start(caches: Caches | None = None, **options: Any) -> WebhookServer:
            ready: Callable[[], bool] = options.pop("ready", lambda: True)
            found = caches or linked_caches()
            given = {"host": "127.0.0.1", "port": 0, "grace": 0.5, **options}
            return stack.enter_context(WebhookServer(found, found, ready=ready, **given))

        yield start
