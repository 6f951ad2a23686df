"""One Quay client per endpoint and token, shared by all workers, replaced when either changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, Self

from attrs import define

from quaybridge_sdk.model.integration import QuayIntegration, SecretKey
from quaybridge_sdk.model.quay import QuayEndpoint, SecretText
from quaybridge_sdk.ports import Registry

OpenRegistry = Callable[[QuayEndpoint, SecretText], AbstractContextManager[Registry]]


class Credentials(Protocol):
    """Where tokens come from."""

    def credentials(self, key: SecretKey) -> SecretText:
        """Raises InvalidCredentialsError when the Secret or its key is missing or empty."""


@define
class _Client:
    endpoint: QuayEndpoint
    token: SecretText
    manager: AbstractContextManager[Registry]
    registry: Registry
    users: int = 0
    retired: bool = False


class RegistryPool:
    """Implements :class:`~quaybridge_sdk.ports.RegistryProvider`; a context manager that closes all clients at its end.

    Args:
        credentials: gives the token of an integration; read on every use, so that a changed Secret works at once.
        open_registry: makes a client.
    """

    def __init__(self, credentials: Credentials, open_registry: OpenRegistry) -> None:
        self._credentials, self._open = credentials, open_registry
        self._lock = threading.Lock()
        self._clients: dict[str, _Client] = {}

    @contextmanager
    def registry(self, integration: QuayIntegration) -> Iterator[Registry]:
        """The client of ``integration``, for the length of a ``with``. Raises InvalidCredentialsError."""
        token = self._credentials.credentials(integration.credentials)
        client = self._enter(integration, token)
        try:
            yield client.registry
        finally:
            self._leave(client)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            clients = list(self._clients.values())
            self._clients.clear()
        for client in clients:
            self._retire(client)

    def _enter(self, integration: QuayIntegration, token: SecretText) -> _Client:
        old = None
        with self._lock:
            client = self._clients.get(integration.key)
            if client is None or (client.endpoint, client.token) != (integration.endpoint, token):
                old = client
                manager = self._open(integration.endpoint, token)
                client = _Client(integration.endpoint, token, manager, manager.__enter__())
                self._clients[integration.key] = client
            client.users += 1
        if old is not None:
            self._retire(old)
        return client

    def _leave(self, client: _Client) -> None:
        with self._lock:
            client.users -= 1
            last = client.retired and client.users == 0
        if last:
            client.manager.__exit__(None, None, None)

    def _retire(self, client: _Client) -> None:
        """Closes a client that is not handed out any more, now or when its last user leaves."""
        with self._lock:
            client.retired = True
            unused = client.users == 0
        if unused:
            client.manager.__exit__(None, None, None)
