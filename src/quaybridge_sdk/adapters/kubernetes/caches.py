"""Watch caches: every read of a reconcile and of the webhook comes from here, and costs no call."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping
from types import TracebackType
from typing import Self

from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient
from quaybridge_sdk.adapters.kubernetes.credentials import CredentialWatches
from quaybridge_sdk.adapters.kubernetes.kinds import (
    ALL_KINDS,
    GENERATIONS,
    SOURCES,
    Accepts,
    Kind,
    integration_source,
    is_default_account,
    looks_like_pull_secret,
)
from quaybridge_sdk.adapters.kubernetes.objects import Json, text
from quaybridge_sdk.adapters.kubernetes.reads import CachedReads
from quaybridge_sdk.adapters.kubernetes.sources import NORMAL, Pace, Sink, Source, Tee
from quaybridge_sdk.adapters.kubernetes.watch import Reflector
from quaybridge_sdk.model.integration import SecretKey
from quaybridge_sdk.model.quay import SecretText


class ClusterCaches(CachedReads):
    """The :class:`~quaybridge_sdk.ports.ClusterReader`. Thread-safe; a context manager that starts and stops the watches.

    Args:
        kinds: what is watched; what is not reads as empty. CREDENTIALS needs INTEGRATION.
        owns_secret: which Secrets of the pull secrets' type are kept, as a fingerprint.
        needs_account: which service accounts are kept.
    """

    def __init__(
        self,
        client: KubernetesClient,
        *,
        kinds: Collection[Kind] = ALL_KINDS,
        owns_secret: Accepts = looks_like_pull_secret,
        needs_account: Accepts = is_default_account,
        pace: Pace = NORMAL,
    ) -> None:
        super().__init__(owns_secret, needs_account)
        self._kinds = frozenset(kinds)
        self._credentials = CredentialWatches(client, pace, lambda key: self._announce(Kind.CREDENTIALS, key))
        self._reflectors = [Reflector(client, source, store, pace) for source, store in self._watched()]
        self._threads = [
            threading.Thread(target=reflector.run, name=f"watch-{reflector.source.path.rpartition('/')[2]}", daemon=True)
            for reflector in self._reflectors
        ]

    def _watched(self) -> list[tuple[Source, Sink]]:
        chosen: list[tuple[Source, Sink]] = [
            (SOURCES[kind], store) for kind, store in self._stores.items() if kind in self._kinds
        ]
        if Kind.INTEGRATION in self._kinds:
            # Tenures first: who is told of a changed integration asks for its tenure; and one that has left must not look for a
            # moment, when it has no tenure any more, as if it stayed.
            kept = zip(self._tenures, self._integrations, self._remembered, strict=True)
            chosen += [(integration_source(*of), Tee(stores)) for of, stores in zip(GENERATIONS, kept, strict=True)]
        return chosen

    def start(self) -> None:
        """Begins to watch; once in an instance's life."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Ends the watches. Threads that hang in a request are waited for up to ``timeout`` seconds: they are daemons."""
        for reflector in self._reflectors:
            reflector.stop()
        threads = self._threads + self._credentials.stop()
        deadline = time.monotonic() + timeout
        for thread in threads:
            if thread.is_alive():
                thread.join(max(0.0, deadline - time.monotonic()))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def synced(self) -> bool:
        """Whether all that is watched has been read.

        An API that is not installed counts as read, and so does a credentials Secret that may not be read: what needs it says so.
        """
        return all(reflector.ready.is_set() for reflector in self._reflectors) and self._credentials.all_answered

    def wait_synced(self, timeout: float) -> bool:
        """Waits for :attr:`synced`, at most ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        for reflector in self._reflectors:
            reflector.ready.wait(max(0.0, deadline - time.monotonic()))
        while not self.synced and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.synced

    @property
    def alive(self) -> bool:
        """False when a watching thread has died of a bug: the caches go stale, and the process should be started anew."""
        return all(thread.is_alive() for thread in self._threads) and self._credentials.alive

    def faults(self) -> Mapping[str, str]:
        """What goes wrong at the moment: a collection's path, and the error's text. Empty when all is well."""
        return {reflector.source.path: str(error) for reflector in self._reflectors if (error := reflector.error) is not None}

    def _integrations_changed(self) -> None:
        super()._integrations_changed()
        if Kind.CREDENTIALS in self._kinds:
            self._credentials.follow(lambda: [integration.credentials for integration in self.integrations()])

    def observe(self, kind: Kind, item: Json) -> None:
        """Write-through: takes the answer to a write of our own, so that the next read sees it."""
        if kind not in self._kinds:
            return
        if kind is Kind.INTEGRATION:
            number = [group for group, _ in GENERATIONS].index(text(item, "apiVersion").partition("/")[0])
            self._tenures[number].observe(item)
            self._integrations[number].observe(item)
            self._remembered[number].observe(item)
        elif kind in self._stores:
            self._stores[kind].observe(item)

    def answered(self, key: SecretKey) -> bool:
        """Whether :meth:`credentials` has something to say: the Secret has been read, or an attempt has failed.

        What needs one Secret waits for this, and not for :attr:`synced`: a slow answer about another's concerns only that one.
        """
        return Kind.CREDENTIALS not in self._kinds or self._credentials.answered(key)

    def credentials(self, key: SecretKey) -> SecretText:
        """The Quay token that a QuayIntegration refers to.

        Raises:
            InvalidCredentialsError: the Secret or its key is missing, or the token is empty.
            RemoteError: the Secret could not be read yet.
        """
        return self._credentials.get(key)
