"""kill -9 of the real controller between any two writes: a new process goes on where the last one was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from attrs import define, field
from tests.faults.life import Life, life

from quaybridge_sdk.cli.stage import DemoError, eventually
from quaybridge_sdk.testing.http import HttpServer, Request, Response

ROOT = Path(__file__).parents[2]
WRITES = ("POST", "PUT", "PATCH", "DELETE")
PATIENCE = 90.0


@define
class Killer:
    """Kills the controller at its next write: after the write took effect, and before its answer is out (or before both)."""

    before: bool
    running: subprocess.Popen[bytes] | None = None
    kills: list[str] = field(factory=list)
    armed: bool = True
    _lock: threading.Lock = field(factory=threading.Lock)

    def install(self, server: HttpServer) -> None:
        handle: Callable[[Request], Response] = server.handle

        def handled(request: Request) -> Response:
            theirs = request.method in WRITES and "fieldManager" not in request.query and not request.path.startswith("/v2/")
            if not theirs or request.path.endswith(("/events", "/status")):
                return handle(request)
            if self.before and self._kill(f"{request.method} {request.path}"):
                return Response(503)
            answer = handle(request)
            if not self.before:
                self._kill(f"{request.method} {request.path}")
            return answer

        replaced: Any = handled
        setattr(server, "handle", replaced)  # noqa: B010 - a method is replaced on one instance

    def _kill(self, line: str) -> bool:
        """Before its effect each write is killed once, after it three times, since there may be three alike."""
        with self._lock:
            enough = self.kills.count(line) >= (1 if self.before else 3)
            if not self.armed or self.running is None or self.running.poll() is not None or enough:
                return False
            self.running.kill()
            self.running.wait()
            self.kills.append(line)
            return True


@contextmanager
def controllers(lived: Life, killer: Killer) -> Iterator[None]:
    """As a pod's ReplicaSet: whenever the process has died, a new one is started."""
    ended = threading.Event()
    log = (lived.world.stage.folder / "controller.log").open("ab")
    pages = ["--metrics-bind-address", "0", "--health-probe-bind-address", "0"]
    command = [sys.executable, "-m", "entrypoints.controller", "--kubeconfig", str(lived.world.stage.kubeconfig), *pages]
    paths = os.pathsep.join([str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH") or paths}

    def keep() -> None:
        while not ended.is_set():
            killer.running = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=ROOT)
            killer.running.wait()

    keeper = threading.Thread(target=keep, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        killer.armed = False
        if killer.running is not None:
            killer.running.kill()
        keeper.join(20)
        log.close()


@define
class Killed:
    """How the chain of kills ended."""

    when: str
    kills: int = 0
    broken: list[str] = field(factory=list)

    def expect(self, what: str, wrong: Callable[[], str]) -> None:
        try:
            eventually(what, lambda: not wrong(), PATIENCE)
        except DemoError:
            self.broken.append(f"{what}: {wrong()}")


def run(folder: Path, *, before: bool) -> Killed:
    """One namespace's life under a controller that dies at each of its writes."""
    found, killer = Killed("before each write" if before else "after each write, its answer lost"), Killer(before)
    with life(folder, ("shop",)) as lived:
        for server in (lived.world.stage.quay, lived.world.stage.openshift):
            killer.install(server)
        with controllers(lived, killer):
            lived.link()
            lived.make()
            found.expect("made", lambda: lived.wrong("shop", ("app",)))
            lived.build()
            found.expect("imported", lambda: lived.imported("shop"))
            lived.damage()
            lived.quay("DELETE", "/api/v1/organization/openshift_shop/robots/builder")  # its Secret is gone, so it is looked for
            found.expect("repaired", lambda: _without_prototypes(lived.wrong("shop", ("app", "web"))))
            lived.delete()
            found.expect("deleted", lambda: lived.left("shop"))
        stranger = lived.world.stage.quay.organizations()["openshift_strangers"]
        if stranger.robots or stranger.repositories:
            found.broken.append("the stranger's organization was changed")
        log = (lived.world.stage.folder / "controller.log").read_text(encoding="utf-8")
        if lived.world.stage.quay.token in log:
            found.broken.append("the token is in the log")
    found.kills = len(killer.kills)
    return found


def _without_prototypes(text: str) -> str:
    """No full check is due in this life: what only such a one finds is left out."""
    return ", ".join(part for part in text.split(", ") if part not in ("", "robots", "default permissions", "rights", "secrets"))
