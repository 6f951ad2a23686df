"""Faults that come and go on both sides, and an administrator who replaces the bridge's tokens, at times with a wrong one."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType

from attrs import evolve, frozen
from tests.soak.diary import Counters
from tests.soak.ground import OPERATORS, USER, Ground, RefusedError

from quaybridge_sdk.testing.http import Fault, HttpServer
from quaybridge_sdk.testing.openshift.cluster import Outage

PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
CSRF = b'{"error": "CSRF token was invalid or missing."}'
READ_ONLY = b'{"is_readonly": true, "message": "System is currently read-only"}'


INJECTED = b'{"message": "injected"}'
LATER = {"Retry-After": "1"}


def _status(
    code: int, body: bytes = INJECTED, kind: str = "application/json", headers: Mapping[str, str] = MappingProxyType({})
) -> Fault:
    return Fault("status", status=code, body=body, content_type=kind, headers=headers)


def _kubernetes(code: int, reason: str, headers: Mapping[str, str] = MappingProxyType({})) -> Fault:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code, "message": "injected"}
    return _status(code, json.dumps(body).encode(), headers=headers)


WIRE = {
    "reset": Fault("reset"),
    "reset after the effect": Fault("reset", after=True),
    "silence": Fault("silence", seconds=6),
    "a timeout": Fault("silence", seconds=40, times=4),
    "slow": Fault("latency", seconds=1.5),
    "truncated": Fault("truncate"),
    "500, HTML": _status(500, PAGE, "text/html"),
    "503, plain text": _status(503, b"upstream connect error", "text/plain"),
}
QUAY = {
    **WIRE,
    "401": _status(401, b'{"message": "Invalid bearer token format"}'),
    "403": _status(403),
    "403, CSRF page": _status(403, CSRF, "text/html"),
    "404": _status(404, b'{"detail": "Not Found", "error_type": "not_found", "title": "not_found", "status": 404}'),
    "404, a gateway's page": _status(404, PAGE, "text/html"),
    "409": _status(409),
    "422": _status(422),
    "429": _status(429, headers=LATER),
    "503, read-only": _status(503, READ_ONLY),
}
CLUSTER = {
    **WIRE,
    "401": _kubernetes(401, "Unauthorized"),
    "403": _kubernetes(403, "Forbidden"),
    "404": _kubernetes(404, "NotFound"),
    "409": _kubernetes(409, "Conflict"),
    "410": _kubernetes(410, "Expired"),
    "422": _kubernetes(422, "Invalid"),
    "429": _kubernetes(429, "TooManyRequests", LATER),
}
QUAY_PLACES = (
    " /api/v1/", "^(POST|PUT|DELETE) /api/v1/", "^GET /api/v1/", "/robots", "/prototypes", " /api/v1/repository", "/permissions",
    "^(GET|POST|DELETE) /api/v1/organization/[^/]*$", "^GET /v2/.*/manifests/", "^DELETE ",
)  # fmt: skip
CLUSTER_PLACES = (
    "", "^(POST|PUT|PATCH|DELETE) ", "^GET .*watch=", "/secrets", "/serviceaccounts", "/imagestreamimports", "/builds", "/events",
    "/quayintegrations", " /api/v1/namespaces/[^/]*$", "^GET (?!.*watch=)",
)  # fmt: skip


@frozen
class Trouble:
    """Until ``over``; ``calm`` spares the leases, so that a leader can grow old."""

    ground: Ground
    chance: random.Random
    counters: Counters
    over: threading.Event
    calm: threading.Event

    def faults(self, side: str) -> None:
        """One fault after the other on one side, with pauses."""
        server: HttpServer = self.ground.stage.quay if side == "Quay" else self.ground.stage.openshift
        kinds, places = (QUAY, QUAY_PLACES) if side == "Quay" else (CLUSTER, CLUSTER_PLACES)
        while not self.over.wait(self.chance.uniform(0.5, 6)):
            name, place = self.chance.choice(sorted(kinds)), self.chance.choice(places)
            spared = f"^(?!.*{USER})" + ("(?!.*/leases/)" if self.calm.is_set() else "")
            fault = kinds[name]
            server.faults.inject(
                evolve(fault, pattern=f"{spared}.*{place}" if not place.startswith("^") else f"{spared}{place[1:]}",
                       times=fault.times if name == "a timeout" else self.chance.choice((1, 3, 10, None)))
            )  # fmt: skip
            self.counters.count(f"fault in {side}: {name}")
            self.over.wait(self.chance.uniform(1, 7))
            server.faults.clear()

    def outages(self) -> None:
        """Servers that are stopped, watches that break, resourceVersions that expire."""
        deeds: tuple[Callable[[], None], ...] = (
            self._stop_quay, self._stop_quay, self._stop_cluster, self._aggregation, self._watches, self._watches,
        )  # fmt: skip
        while not self.over.wait(self.chance.uniform(10, 30)):
            self.chance.choice(deeds)()

    def _stop_quay(self) -> None:
        seconds = self.chance.choice((2, 5, 10, 25))
        self.counters.count(f"outage of Quay, {seconds} s")
        self._stopped(self.ground.stage.quay, seconds)

    def _stop_cluster(self) -> None:
        self.counters.count("outage of the API server")
        self._stopped(self.ground.stage.openshift, self.chance.uniform(1, 5))

    def _stopped(self, server: HttpServer, seconds: float) -> None:
        gate = self.ground.quay_gate if server is self.ground.stage.quay else self.ground.cluster_gate
        with gate.closed():
            server.stop()
            time.sleep(seconds)
            server.start()

    def _aggregation(self) -> None:
        kinds: tuple[Outage, ...] = ("refused", "reset", "unavailable", "anonymous")
        openshift, kind = self.ground.stage.openshift, self.chance.choice(kinds)
        self.counters.count(f"outage of the OpenShift API groups: {kind}")
        openshift.aggregation = kind
        self.over.wait(self.chance.uniform(1, 6))
        openshift.aggregation = "up"

    def _watches(self) -> None:
        self.counters.count("all watches broken")
        if self.chance.random() < 0.5:
            self.ground.stage.openshift.compact()
        self.ground.stage.openshift.break_watches(clean=self.chance.random() < 0.5)

    def credentials(self, secrets: dict[str, str]) -> None:
        """Replaces the tokens of the bridge: in good order, or with the wrong one or none for a while."""
        while not self.over.wait(self.chance.uniform(8, 25)):
            secret = self.chance.choice(sorted(secrets))
            way = self.chance.choice(("replaced", "revoked first", "a wrong one for a while", "the Secret is gone for a while"))
            self.counters.count(f"the bridge's token: {way}")
            try:
                self._replace(way, secret, secrets)
            except RefusedError:
                self.counters.count("refused to the user")

    def _replace(self, way: str, secret: str, secrets: dict[str, str]) -> None:
        quay, before = self.ground.stage.quay, secrets[secret]
        if way == "revoked first":
            quay.revoke_token(before)
        if way == "a wrong one for a while":
            self.ground.put_token(secret, "wrong-" + before[:10])
        if way == "the Secret is gone for a while":
            self.ground.oc("DELETE", f"{OPERATORS}/secrets/{secret}")
        if way != "replaced":
            self.over.wait(self.chance.uniform(1, 6))
        secrets[secret] = self.ground.new_token()
        self.ground.put_token(secret, secrets[secret])
        quay.revoke_token(before)

    def heal(self, secrets: dict[str, str]) -> None:
        """Everything works again; a token is put right only if it is wrong."""
        for server in (self.ground.stage.quay, self.ground.stage.openshift):
            server.faults.clear()
        self.ground.stage.openshift.aggregation = "up"
        for secret, token in secrets.items():
            self.ground.put_token(secret, token)
