"""The webhook over TLS, and beside it, in the same run, a bare uvicorn application that only reads and writes the JSON.

Each server is a process of its own, as in a pod; the load comes from this process, over kept-alive connections that each
send the next request when the answer is there. The request is the recorded review of a new Docker build, with 64 different
names. Run it on a quiet machine: ``python -m benchmarks.webhook``; the load average of the moment is printed with the figures.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import orjson
import uvloop
from attrs import frozen

from quaybridge_sdk.model.integration import QuayIntegration, SecretKey, parse_endpoint
from quaybridge_sdk.model.openshift import ServiceAccount
from quaybridge_sdk.ports import Change
from quaybridge_sdk.runtime.webhook import CertificateFiles, WebhookServer

RECORDING = Path(__file__).parents[1] / "tests/cassettes/admission/docker-annotated.request.json"
VARIANTS = 64
WARM_UP = 2_000
REQUESTS = 30_000
RUNS = 3


@frozen
class Target:
    """What is wanted at a number of connections, and what the incumbent reached on 2 cores."""

    connections: int
    rate: float
    p99: float
    incumbent: str


TARGETS = (Target(1, 6_000, 0.6, "5,980/s, 1.2 ms"), Target(16, 15_000, 3.0, "13,200/s, 16.8 ms"))


@frozen
class Figures:
    """One measurement. Times in milliseconds; ``cpu`` in microseconds of the server's processor time per request."""

    server: str
    connections: int
    rate: float
    p50: float
    p99: float
    cpu: float
    load_average: float


BUILDER = ServiceAccount("builder", ("builder-dockercfg-x", "builder-quay-peer"))
INTEGRATION = QuayIntegration("quay", "peer", SecretKey("quay", "token"), parse_endpoint("quay.example.com"))


NOBODY: frozenset[str] = frozenset()


@frozen
class Cache:
    """A cluster with one integration, in which every account has its pull secret."""

    known: tuple[QuayIntegration, ...] = (INTEGRATION,)

    def integrations(self) -> tuple[QuayIntegration, ...]:
        return self.known

    def ignored(self) -> frozenset[str]:
        return NOBODY

    def is_ignored_stream(self, namespace: str, name: str) -> bool:
        return False

    def service_account(self, namespace: str, name: str) -> ServiceAccount | None:
        return BUILDER

    def subscribe(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        return lambda: None


def serve_bridge(certificate: Path, key: Path) -> None:
    """The webhook; says its port on stdout, and ends when stdin does."""
    cache = Cache()
    files = CertificateFiles(certificate, key)
    with WebhookServer(cache, cache, ready=lambda: True, host="127.0.0.1", port=0, certificates=files) as server:
        print(server.port, flush=True)
        sys.stdin.read()


async def echo(_scope: Any, receive: Any, send: Any) -> None:
    """The least that an ASGI application can do with a review: read it and write it again."""
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    out = orjson.dumps(orjson.loads(body))
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(out))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": out})


def serve_uvicorn(certificate: Path, key: Path) -> None:
    import uvicorn

    config = uvicorn.Config(
        echo,
        host="127.0.0.1",
        port=0,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="error",
        ssl_certfile=str(certificate),
        ssl_keyfile=str(key),
        server_header=False,
    )
    listener = config.bind_socket()
    server = uvicorn.Server(config)
    threading.Thread(target=server.run, args=([listener],), daemon=True).start()
    while not server.started:  # uvicorn tells nobody else; before it, a connection is refused
        time.sleep(0.01)
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()


SERVERS = {"quaybridge": serve_bridge, "bare uvicorn": serve_uvicorn}


def requests() -> list[bytes]:
    """The recorded review with different names, as the API server sends it."""
    review = json.loads(RECORDING.read_text())
    made = []
    for number in range(VARIANTS):
        request = review["request"]
        request["uid"] = f"31f9dbb8-15fa-4806-84ca-{number:012d}"
        request["name"] = request["object"]["metadata"]["name"] = f"app-{number}-1"
        request["object"]["spec"]["output"]["to"]["name"] = f"app-{number}:latest"
        body = json.dumps(review, separators=(",", ":")).encode()
        head = (
            "POST /admissionwebhook?timeout=10s HTTP/1.1\r\nHost: webhook-service.quay.svc:443\r\n"
            "User-Agent: kube-apiserver-admission\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nAccept-Encoding: gzip\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


class Client(asyncio.Protocol):
    """One connection that sends the next request when it has the answer to the last."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.buffer = b""
        self.sent = 0.0
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's TLS transport is one in all but its class
        self.send()

    def send(self) -> None:
        request = self.load.next_request()
        if request is None:
            self.transport.close()
            return
        self.sent = time.perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n") + 4
        if head < 4:
            return
        start = self.buffer.index(b"content-length: ") + 16
        if len(self.buffer) >= head + int(self.buffer[start : self.buffer.index(b"\r", start)]):
            assert self.buffer.startswith(b"HTTP/1.1 200 "), self.buffer[:200]
            self.load.answered(time.perf_counter() - self.sent)
            self.buffer = b""
            self.send()

    def connection_lost(self, exc: Exception | None) -> None:
        self.load.closed(exc)


class Load:
    """A number of requests, shared by a number of connections."""

    def __init__(self, variants: list[bytes], count: int, connections: int) -> None:
        self.variants = variants
        self.left = count
        self.open = connections
        self.times: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def next_request(self) -> bytes | None:
        if not self.left:
            return None
        self.left -= 1
        return self.variants[self.left % len(self.variants)]

    def answered(self, seconds: float) -> None:
        self.times.append(seconds)

    def closed(self, error: Exception | None) -> None:
        self.open -= 1
        if error is not None or not self.open:
            self.done.set_result(None) if error is None else self.done.set_exception(error)


async def send_all(port: int, connections: int, count: int) -> tuple[float, list[float]]:
    """Seconds for all, and the seconds of each, sorted."""
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    load = Load(requests(), count, connections)
    started = time.perf_counter()
    for _ in range(connections):
        await loop.create_connection(lambda: Client(load), "127.0.0.1", port, ssl=context)
    await load.done
    return time.perf_counter() - started, sorted(load.times)


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(name: str, port: int, pid: int, connections: int, count: int) -> Figures:
    uvloop.run(send_all(port, connections, WARM_UP))
    before = processor_seconds(pid)
    seconds, times = uvloop.run(send_all(port, connections, count))
    cpu = (processor_seconds(pid) - before) / count
    p50, p99 = times[count // 2], times[count * 99 // 100]
    return Figures(name, connections, count / seconds, p50 * 1e3, p99 * 1e3, cpu * 1e6, os.getloadavg()[0])


@contextmanager
def server(name: str, certificate: Path, key: Path) -> Iterator[tuple[int, int]]:
    """Port and process id of a server of its own."""
    command = [sys.executable, "-m", "benchmarks.webhook", name, str(certificate), str(key)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline()), process.pid
        finally:
            process.terminate()


def run(runs: int = RUNS, count: int = REQUESTS) -> list[Figures]:
    """The best of several runs for each server and number of connections. The servers take turns on the same machine."""
    found: list[Figures] = []
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = Path(folder, "tls.crt"), Path(folder, "tls.key")
        subject = ["-subj", "/CN=localhost", "-days", "1", "-nodes", "-newkey", "rsa:2048"]
        make = ["openssl", "req", "-x509", *subject, "-keyout", str(key), "-out", str(certificate)]
        subprocess.run(make, check=True, capture_output=True)
        for _ in range(runs):
            for name in SERVERS:
                with server(name, certificate, key) as (port, pid):
                    found.extend(measure(name, port, pid, target.connections, count) for target in TARGETS)
    return [
        max((f for f in found if (f.server, f.connections) == (name, target.connections)), key=lambda f: f.rate)
        for target in TARGETS
        for name in SERVERS
    ]


def table(figures: list[Figures]) -> str:
    lines = [
        f"{'server':14} {'conn.':>5} {'requests/s':>10} {'p50 ms':>7} {'p99 ms':>7} {'cpu µs':>7} {'load':>5}  target; incumbent"
    ]
    for row in figures:
        target = next(t for t in TARGETS if t.connections == row.connections)
        met = "met" if row.rate >= target.rate and row.p99 < target.p99 else "MISSED"
        wanted = f"{target.rate:,.0f}/s, {target.p99} ms: {met}; {target.incumbent}" if row.server == "quaybridge" else ""
        lines.append(
            f"{row.server:14} {row.connections:5} {row.rate:10,.0f} {row.p50:7.3f} {row.p99:7.3f} {row.cpu:7.1f} "
            f"{row.load_average:5.2f}  {wanted}"
        )
    return "\n".join(lines)


def main() -> None:
    if len(sys.argv) == 4:
        SERVERS[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        print(table(run()))


if __name__ == "__main__":
    main()
