"""The server itself: HTTP in front, one lock around the records, and the cost of a call."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import nullcontext

from quaybridge_sdk.testing.http import Exchange, HttpServer, Request, Response

from . import answers, routes, snapshots
from .call import Call
from .login import Logins
from .records import ADMIN_SCOPES, IMPLIED, Token
from .registry import Registry
from .world import World

_MAX_BODY = 1 << 20  # nginx client_max_body_size of Quay's template, for /api
_SAFE = ("GET", "HEAD", "OPTIONS")


class EmbeddedQuay(HttpServer):
    """A Quay on loopback, with the superuser ``admin`` and no organization.

    Args:
        port: the port, 0 for a free one.
        tls: a server-side context to speak HTTPS with.
        latency: seconds each API call with a valid token takes (a real Quay: 0.215, bcrypt).
        parallelism: how many of those run at once, the rest queues (a real Quay: its processor cores); None: all.
        name_release: seconds the name of a deleted organization stays taken; ``math.inf``: until
            :meth:`collect_garbage`.
    """

    def __init__(
        self,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        latency: float = 0.0,
        parallelism: int | None = None,
        name_release: float = 0.0,
    ) -> None:
        super().__init__(port=port, tls=tls)
        self.latency = latency
        self.name_release = name_release
        self.read_only = False
        self._processors = threading.BoundedSemaphore(parallelism) if parallelism else nullcontext()
        self._lock = threading.Lock()
        self._world = World(superusers={"admin"})
        self._registry = Registry(self._world, Logins(self._world))
        self.add_user("admin")
        self.token = self.issue_token()

    # -- set up and inspect; everything else a test wants to happen goes through the REST API

    def add_user(self, name: str) -> None:
        with self._lock:
            self._world.users[name] = f"{name}@example.com"

    def issue_token(self, username: str = "admin", scopes: Iterable[str] = ADMIN_SCOPES) -> str:
        """A new OAuth token; wider scopes bring the narrower ones with them, as in ``auth/scopes.py``."""
        granted = {implied for scope in scopes for implied in ({scope} | IMPLIED.get(scope, set()))}
        with self._lock:
            return self._world.issue(Token(username, frozenset(granted)))

    def revoke_token(self, token: str) -> None:
        with self._lock:
            self._world.tokens.pop(token, None)

    def collect_garbage(self) -> None:
        """What Quay's namespace worker does within a minute or so: names of deleted organizations become free."""
        with self._lock:
            self._world.reserved.clear()

    def organizations(self) -> Mapping[str, snapshots.OrganizationSnapshot]:
        """A frozen copy of all organizations, by name."""
        with self._lock:
            return snapshots.organizations(self._world)

    @property
    def repository_states(self) -> bool:
        """Whether repositories can be made read-only: in a real Quay, FEATURE_REPO_MIRROR."""
        return self._world.repository_states

    @repository_states.setter
    def repository_states(self, value: bool) -> None:
        self._world.repository_states = value

    @property
    def api_calls(self) -> tuple[Exchange, ...]:
        """The log of REST API calls: what a bridge costs a Quay."""
        return tuple(entry for entry in self.requests if entry.path.startswith("/api/v1/"))

    # -- serve

    def handle(self, request: Request) -> Response:
        base_url = f"{self.url.partition('://')[0]}://{request.headers.get('host') or self.url.partition('//')[2]}"
        if request.path.startswith("/v2/"):
            with self._lock:
                return self._registry.handle(request, base_url, self.read_only)
        caller = self._caller(request)
        if caller is not None and self.latency:
            with self._processors:
                self.stopping.wait(self.latency)
        response = self._answer(request, caller, base_url)
        if request.path.startswith("/api/"):  # nginx: keepalive_timeout 0 there
            response.headers = {**response.headers, "Connection": "close"}
        return response

    def _caller(self, request: Request) -> Token | None:
        """The scheme's case and extra spaces do not matter; robot tokens and passwords are no callers of the API."""
        scheme, _, value = request.headers.get("authorization", "").strip().partition(" ")
        with self._lock:
            return self._world.tokens.get(value.strip()) if scheme.lower() == "bearer" else None

    def _answer(self, request: Request, caller: Token | None, base_url: str) -> Response:
        if len(request.body) > _MAX_BODY:
            return answers.page(413, "413 Request Entity Too Large")
        found = routes.find(request.method, request.path, base_url)
        if isinstance(found, Response):
            return found
        route, arguments = found
        call = Call(request, caller, self._world, base_url, self._reserved_until, self.read_only)
        try:
            if route.is_imitated and request.method not in _SAFE:
                self._refuse_write(caller)
            with self._lock:
                return route.handler(call, **arguments)
        except answers.RefusalError as refusal:
            return refusal.render(base_url)

    def _refuse_write(self, caller: Token | None) -> None:
        if caller is None:
            raise answers.csrf()
        if self.read_only:
            raise answers.read_only()

    def _reserved_until(self) -> float:
        return time.monotonic() + self.name_release
