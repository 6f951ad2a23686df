"""The real programs as processes: two replicas of the controller and one webhook, each started anew at once when it ends."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
from attrs import define, field
from tests.soak.diary import Counters

from quaybridge_sdk.cli.stage import Stage, eventually, free_ports, register_webhook
from quaybridge_sdk.testing.tls import self_signed

ROOT = Path(__file__).parents[2]
LEASE_LOST = 3
EXPECTED = {0, -signal.SIGKILL, LEASE_LOST}
"""SIGTERM, SIGKILL, and a leader that could not renew its lease. Any other end is a difference."""

CONTROLLER = (
    "--leader-elect", "--leader-election-namespace", "default", "--full-check-interval", "12s", "--deletion-deadline", "15s",
    "--workers", "6", "--grace", "4", "--metrics-bind-address", "0", "--health-probe-bind-address", "0",
)  # fmt: skip


@define
class Program:
    """One program, in a process after the other; all of them write into one log."""

    name: str
    command: list[str]
    log: Path
    counters: Counters
    ended: threading.Event = field(factory=threading.Event)
    running: subprocess.Popen[bytes] | None = None
    odd_ends: list[str] = field(factory=list)

    def keep(self) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("KUBE", "QUAYBRIDGE_", "POD_"))}
        environment["POD_NAME"] = self.name
        while not self.ended.is_set():
            with self.log.open("ab") as output:
                self.running = subprocess.Popen(self.command, stdout=output, stderr=output, env=environment, cwd=ROOT)
                code = self.running.wait()
            self.counters.count(f"{self.name.partition('-')[0]} ended with {code}")
            if code not in EXPECTED:
                self.odd_ends.append(f"{self.name} ended with exit code {code}: see its log")
                self.ended.wait(1)

    def strike(self, signal_number: int) -> None:
        if self.running is not None and self.running.poll() is None:
            self.running.send_signal(signal_number)

    def stop(self) -> None:
        self.ended.set()
        self.strike(signal.SIGTERM)


@define
class Programs:
    """All of them."""

    controllers: tuple[Program, ...]
    webhook: Program

    @property
    def all(self) -> tuple[Program, ...]:
        return (*self.controllers, self.webhook)


def _command(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"entrypoints.{module}", *arguments]


@contextmanager
def programs(stage: Stage, counters: Counters) -> Iterator[Programs]:
    """Runs them until the end of the ``with``; the webhook is ready then, and registered."""
    certificate, key, authority = self_signed(stage.folder, "127.0.0.1")
    health, port = free_ports(2)
    cluster = ("--kubeconfig", str(stage.kubeconfig))
    served = ["--webhook-bind-address", f"127.0.0.1:{port}", "--webhook-cert-file", str(certificate), "--hold", "5"]
    pages = ["--webhook-key-file", str(key), "--metrics-bind-address", "0", "--health-probe-bind-address", f"127.0.0.1:{health}"]
    levels = (("controller-1", "info"), ("controller-2", "debug"))
    made = [
        Program(
            name, _command("controller", *CONTROLLER, *cluster, "--zap-log-level", level), stage.folder / f"{name}.log", counters
        )
        for name, level in levels
    ]
    webhook = Program("webhook", _command("webhook", *cluster, *served, *pages), stage.folder / "webhook.log", counters)
    with ExitStack() as stack:
        for program in (*made, webhook):
            thread = threading.Thread(target=program.keep, daemon=True)
            thread.start()
            stack.callback(thread.join, 30)
            stack.callback(program.stop)
        eventually("the webhook is ready", lambda: _is_ready(health), 60)
        register_webhook(stage.cluster, f"https://127.0.0.1:{port}/admissionwebhook", authority)
        yield Programs(tuple(made), webhook)


def _is_ready(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=2, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def kill_now_and_then(
    made: Programs, chance: random.Random, counters: Counters, over: threading.Event, calm: threading.Event
) -> None:
    """Strikes one program after the other, until it is over; once it is calm, only the webhook."""
    while not over.wait(chance.uniform(6, 20)):
        victim = chance.choice((made.webhook,) if calm.is_set() else made.all)
        number = chance.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM))
        counters.count(f"{'kill -9' if number is signal.SIGKILL else 'SIGTERM'} of a {victim.name.partition('-')[0]}")
        victim.strike(number)
