"""``quaybridge controller``: builds the adapters, joins them with the runtime, and runs until told to stop."""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import click
from attrs import define

from quaybridge_sdk.cli.assembly import Assembly, assemble, utc_now
from quaybridge_sdk.cli.options import Duration, cluster_options, go_flag, log_options, namespace_of_pod, page_options, set_up
from quaybridge_sdk.cli.pages import serve_pages
from quaybridge_sdk.ports import Change
from quaybridge_sdk.runtime.controller import Controller, ControllerOptions, Key
from quaybridge_sdk.runtime.leader import INCUMBENT_LOCK, LeaderElector
from quaybridge_sdk.runtime.lifecycle import Stopper
from quaybridge_sdk.runtime.metrics import Metrics
from quaybridge_sdk.runtime.workers import WorkerPool

_log = logging.getLogger(__name__)

LEASE_LOST = 3
"""Exit code of a leader that lost its lease: the pod is started anew, and stands in line again."""


@define
class Feed:
    """Passes changes on to the controller, which is made after the caches; what came before, it reads from them."""

    listener: Callable[[Change], None] | None = None

    def __call__(self, change: Change) -> None:
        if self.listener is not None:
            self.listener(change)


@click.command("controller")
@page_options
@go_flag("--leader-elect", default=False, help="Act only while holding the lease, so that two replicas never act at once.")
@click.option("--leader-election-namespace", default=None, help="Where the lease is.  [default: the pod's namespace]")
@click.option("--leader-election-id", default=INCUMBENT_LOCK, show_default=True, help="The lease's name.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=8, show_default=True, help="Namespaces worked on at the same time."
)
@click.option(
    "--full-check-interval",
    type=Duration(),
    default="10h",
    show_default=True,
    help="The longest time between two full reads of a namespace's organization in Quay.",
)
@click.option(
    "--grace", type=click.FloatRange(0, 600), default=8.0, show_default=True, help="Seconds for work under way at the end."
)
@cluster_options
@log_options
def command(**flags: Any) -> int:
    """Keep Quay in step with the cluster.

    Namespaces become organizations, service accounts robots with pull secrets, ImageStreams repositories; the tags of finished
    builds are imported. Ends with exit code 0 on SIGTERM or SIGINT, and with 3 when its lease was lost.
    """
    set_up(flags["zap_devel"], flags["zap_log_level"], flags["zap_encoder"], flags["zap_stacktrace_level"])
    metrics = Metrics()
    with Stopper() as stopper, ExitStack() as stack:
        feed = Feed()
        assembly = stack.enter_context(assemble(flags["kubeconfig"], flags["context"], metrics, feed))
        options = ControllerOptions(full_check_interval=flags["full_check_interval"])
        controller = Controller(assembly.ports, options, metrics, utc_now)
        feed.listener = controller.on_change
        serve_pages(stack, flags["metrics_bind_address"], flags["health_probe_bind_address"], metrics, assembly)
        if not flags["leader_elect"]:
            return _run(controller, assembly, flags, stopper.stopped)
        elector = LeaderElector(
            assembly.leases,
            namespace_of_pod(flags["leader_election_namespace"]),
            flags["leader_election_id"],
            f"{os.environ.get('POD_NAME') or socket.gethostname()}_{uuid.uuid4()}",
        )
        return _run_as_leader(elector, controller, assembly, flags, stopper.stopped)


def _run_as_leader(
    elector: LeaderElector, controller: Controller, assembly: Assembly, flags: dict[str, Any], stopped: threading.Event
) -> int:
    """Waits for the lease, works while it is held, and gives it back when the work is done."""
    if not elector.acquire(stopped.wait):
        return 0
    controller.metrics.set("quaybridge_leader", 1)
    ended, held = threading.Event(), threading.Event()
    held.set()

    def renew() -> None:
        if not elector.hold(ended.wait):
            held.clear()
            stopped.set()

    renewing = threading.Thread(target=renew, name="lease", daemon=True)
    renewing.start()
    _run(controller, assembly, flags, stopped)
    ended.set()
    renewing.join(5)
    controller.metrics.set("quaybridge_leader", 0)
    if not held.is_set():
        return LEASE_LOST
    elector.release()
    return 0


def _run(controller: Controller, assembly: Assembly, flags: dict[str, Any], stopped: threading.Event) -> int:
    """Feeds the queue from the caches once they are filled, and works on it until told to stop."""
    waits = 0
    while not assembly.caches.wait_synced(0.5):
        if stopped.is_set():
            return 0
        waits += 1
        if waits % 10 == 0:
            _log.warning("the cluster could not be read yet: %s", dict(assembly.caches.faults()))
    pool: WorkerPool[Key] = WorkerPool(
        controller.queue, controller.work, flags["workers"], controller.on_error, controller, grace=flags["grace"]
    )
    with pool:
        controller.enqueue_all()
        _log.info("working with %d workers", flags["workers"])
        stopped.wait()
    return 0
