"""The pages of a program: metrics, liveness and readiness."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import MappingProxyType

from quaybridge_sdk.cli.assembly import Assembly
from quaybridge_sdk.errors import InvalidInputError
from quaybridge_sdk.runtime.health import Address, Check, Page, PageServer, checks_page
from quaybridge_sdk.runtime.metrics import Metrics

NO_MORE: Mapping[str, Check] = MappingProxyType({})


def serve_pages(
    stack: ExitStack,
    metrics_at: Address | None,
    health_at: Address | None,
    metrics: Metrics,
    assembly: Assembly,
    alive: Mapping[str, Check] = NO_MORE,
) -> None:
    """Serves the pages until ``stack`` unwinds; ``alive``: what liveness depends on besides the watches.

    Raises:
        InvalidInputError: an address is taken, or none of this machine.
    """

    def metrics_page() -> Page:
        return Page(200, metrics.page(), "text/plain; version=0.0.4; charset=utf-8")

    if metrics_at is not None:
        stack.enter_context(_bound("--metrics-bind-address", metrics_at, {"/metrics": metrics_page}))
    if health_at is not None:
        # Alive: no thread that is needed has died of a bug. Ready: the caches are filled; a replica that waits for the lease is
        # ready, too.
        pages = {
            "/healthz": checks_page({"watches": lambda: assembly.caches.alive, **alive}),
            "/readyz": checks_page({"caches": lambda: assembly.caches.synced}),
        }
        stack.enter_context(_bound("--health-probe-bind-address", health_at, pages))


def _bound(option: str, address: Address, pages: Mapping[str, Callable[[], Page]]) -> PageServer:
    try:
        return PageServer(address, pages)
    except OSError as error:
        text = f"{option}: cannot listen on {address.host or '*'}:{address.port}: {error.strerror or error}"
        raise InvalidInputError(text) from error
