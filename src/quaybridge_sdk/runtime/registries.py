"""One Quay client per endpoint and token, shared by all workers, replaced when either changes; and one governor per Quay."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, Self

from attrs import define, field

from quaybridge_sdk.adapters.quay.governor import Governor, GovernorObserver
from quaybridge_sdk.errors import BusyError
from quaybridge_sdk.model.integration import QuayIntegration, SecretKey
from quaybridge_sdk.model.quay import QuayEndpoint, SecretText
from quaybridge_sdk.ports import Registry


class GovernedRegistry(Registry, Protocol):
    """A client of which there is a view whose calls let others go first."""

    def in_background(self) -> Registry: ...


class OpenRegistry(Protocol):
    """Makes a client, such as :class:`~quaybridge_sdk.adapters.quay.QuayRegistry`."""

    def __call__(
        self, endpoint: QuayEndpoint, token: SecretText, *, governor: Governor
    ) -> AbstractContextManager[GovernedRegistry]: ...


class Credentials(Protocol):
    """Where tokens come from."""

    def credentials(self, key: SecretKey) -> SecretText:
        """Raises InvalidCredentialsError when the Secret or its key is missing or empty."""


@define
class Recoveries:
    """Passes on what governors tell, and says when a Quay is called again after it was not: what waited for it goes on.

    Attributes:
        observer: is told all of it.
        recovered: is given the Quay's address; must be quick.
    """

    observer: GovernorObserver | None
    recovered: Callable[[str], None]
    _shut: set[str] = field(factory=set)
    _lock: threading.Lock = field(factory=threading.Lock)

    def quay_governed(self, quay: str, *, is_called: bool, at_once: int) -> None:
        """See :class:`~quaybridge_sdk.adapters.quay.GovernorObserver`."""
        if self.observer is not None:
            self.observer.quay_governed(quay, is_called=is_called, at_once=at_once)
        with self._lock:
            again = is_called and quay in self._shut
            (self._shut.discard if is_called else self._shut.add)(quay)
        if again:
            self.recovered(quay)


@define
class _Client:
    endpoint: QuayEndpoint
    token: SecretText
    manager: AbstractContextManager[GovernedRegistry]
    registry: GovernedRegistry
    users: int = 0
    retired: bool = False


class RegistryPool:
    """Implements :class:`~quaybridge_sdk.ports.RegistryProvider`; a context manager that closes all clients at its end.

    Args:
        credentials: gives the token of an integration; read on every use, so that a changed Secret works at once.
        open_registry: makes a client.
        govern: makes the governor of the Quay at an address, once for each; all its clients, of whatever integration, share it,
            and a client that replaces another goes on under it.
        places: so many may use the clients of one Quay at the same time; None: any number. A Quay that hangs holds up all who
            wait for it, and they should not be all there are.
    """

    def __init__(
        self,
        credentials: Credentials,
        open_registry: OpenRegistry,
        govern: Callable[[str], Governor] = Governor,
        places: int | None = None,
    ) -> None:
        self._places, self._taken = places, Counter[str]()
        self._credentials, self._open, self._govern = credentials, open_registry, govern
        self._lock = threading.Lock()
        self._clients: dict[str, _Client] = {}
        self._governors: dict[str, Governor] = {}

    @contextmanager
    def registry(self, integration: QuayIntegration, *, background: bool = False) -> Iterator[Registry]:
        """The client of ``integration``, for the length of a ``with``; ``background``: a view of it whose calls let others go
        first.

        Raises:
            InvalidCredentialsError: the Secret or its key is missing.
            BusyError: all places of this Quay are taken.
        """
        token = self._credentials.credentials(integration.credentials)
        with self._place(integration.endpoint.url):
            client = self._enter(integration, token)
            try:
                yield client.registry.in_background() if background else client.registry
            finally:
                self._leave(client)

    @contextmanager
    def _place(self, url: str) -> Iterator[None]:
        with self._lock:
            if self._places is not None and self._taken[url] >= self._places:
                raise BusyError(f"{self._places} others are at work on {url}", system="quay")
            self._taken[url] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[url] -= 1

    def stop(self) -> None:
        """No further call is made, so that no worker that is to stop waits for its turn; those under way end."""
        with self._lock:
            governors = list(self._governors.values())
        for governor in governors:
            governor.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
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
                manager = self._open(integration.endpoint, token, governor=self._governor(integration.endpoint.url))
                client = _Client(integration.endpoint, token, manager, manager.__enter__())
                self._clients[integration.key] = client
            client.users += 1
        if old is not None:
            self._retire(old)
        return client

    def _governor(self, url: str) -> Governor:
        """The lock is held."""
        if url not in self._governors:
            self._governors[url] = self._govern(url)
        return self._governors[url]

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
