"""``quaybridge controller``: builds the adapters, joins them with the runtime, and runs until told to stop."""

from __future__ import annotations

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import click
from attrs import define

from quaybridge_sdk.adapters.kubernetes.caches import ClusterCaches
from quaybridge_sdk.cli.assembly import Assembly, assemble, utc_now
from quaybridge_sdk.cli.options import Duration, cluster_options, go_flag, log_options, namespace_of_pod, page_options, set_up
from quaybridge_sdk.cli.pages import serve_pages
from quaybridge_sdk.ports import Change
from quaybridge_sdk.runtime.controller import Controller
from quaybridge_sdk.runtime.keys import Key
from quaybridge_sdk.runtime.leader import INCUMBENT_LOCK, LeaderElector, Term
from quaybridge_sdk.runtime.lifecycle import Stopper
from quaybridge_sdk.runtime.metrics import Metrics
from quaybridge_sdk.runtime.surroundings import ControllerOptions
from quaybridge_sdk.runtime.watches import tell_of_watches
from quaybridge_sdk.runtime.workers import WorkerPool

_log = logging.getLogger(__name__)

SPARE_WORKERS = 2
"""So many workers are never at work on the same Quay: one that hangs must not hold up what needs no Quay, or another one."""

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
    "--workers", type=click.IntRange(1, 64), default=10, show_default=True, help="Namespaces worked on at the same time."
)
@click.option(
    "--full-check-interval",
    type=Duration(),
    default="10h",
    show_default=True,
    help="The longest time between two full reads of a namespace's organization in Quay.",
)
@click.option(
    "--deletion-deadline",
    type=Duration(),
    default="5m",
    show_default=True,
    help="The longest time for which Quay may hold up the deletion of a namespace; then its organization is deleted later.",
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
        assembly = stack.enter_context(
            assemble(flags["kubeconfig"], flags["context"], metrics, feed, places=max(1, flags["workers"] - SPARE_WORKERS))
        )
        options = ControllerOptions(flags["full_check_interval"], flags["deletion_deadline"])
        controller = Controller(assembly.ports, options, metrics, utc_now)
        feed.listener = controller.on_change
        pool: WorkerPool[Key] = WorkerPool(
            controller.queue, controller.work, flags["workers"], controller.on_error, controller, grace=flags["grace"]
        )
        alive = {"workers": lambda: pool.alive}
        serve_pages(stack, flags["metrics_bind_address"], flags["health_probe_bind_address"], metrics, assembly, alive)
        run = partial(_run, controller, pool, assembly, metrics, stopper.stopped)
        if not flags["leader_elect"]:
            run()
            return 0
        elector = LeaderElector(
            assembly.leases,
            namespace_of_pod(flags["leader_election_namespace"]),
            flags["leader_election_id"],
            f"{os.environ.get('POD_NAME') or socket.gethostname()}_{uuid.uuid4()}",
        )
        return _run_as_leader(elector, run, metrics, stopper.stopped)


def _run_as_leader(elector: LeaderElector, run: Callable[[], bool], metrics: Metrics, stopped: threading.Event) -> int:
    """Waits for the lease, works while it is held, and gives it back when the work is done.

    Two ends come without any unwinding: a thread that is within a call cannot be stopped in another way, and what it does next it
    must not do while somebody else leads.
    """
    if not elector.acquire(stopped.wait):
        return 0
    metrics.set("quaybridge_leader", 1)
    with Term(elector, partial(os._exit, LEASE_LOST)) as term:
        if not run():
            _log.warning("work is still under way after the grace: the lease is not released, and runs out by itself")
            os._exit(0)
        if term.end():
            elector.release()
    metrics.set("quaybridge_leader", 0)
    return 0


def _run(controller: Controller, pool: WorkerPool[Key], assembly: Assembly, metrics: Metrics, stopped: threading.Event) -> bool:
    """Feeds the queue from the caches once they are filled, and works on it until told to stop.

    Returns:
        Whether all work has ended: False when some was still under way after the grace.
    """
    if not _filled(assembly.caches, stopped):
        return True
    with pool:
        controller.enqueue_all()
        _log.info("working with %d workers", pool.count)
        tell_of_watches(assembly.caches.faults, metrics, stopped.wait)
        assembly.registries.stop()  # who waits for a turn to call Quay waits no longer
        return pool.stop()


def _filled(caches: ClusterCaches, stopped: threading.Event) -> bool:
    """Waits until the caches are filled, and says now and then what is in the way; False when told to stop before."""
    waits = 0
    while not caches.wait_synced(0.5):
        if stopped.is_set():
            return False
        waits += 1
        if waits % 10 == 0:
            _log.warning("the cluster could not be read yet: %s", dict(caches.faults()))
    return True
