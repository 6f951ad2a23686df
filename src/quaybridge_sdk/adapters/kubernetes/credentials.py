"""The credentials Secrets that the QuayIntegrations name: one watch each, begun and ended as the integrations change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping

from attrs import define

from quaybridge_sdk.adapters.kubernetes.answers import SYSTEM
from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient, api_path
from quaybridge_sdk.adapters.kubernetes.objects import Key, parse_credentials
from quaybridge_sdk.adapters.kubernetes.sources import Pace, Source
from quaybridge_sdk.adapters.kubernetes.stores import Store
from quaybridge_sdk.adapters.kubernetes.watch import Reflector
from quaybridge_sdk.errors import InvalidCredentialsError, InvalidNameError, UnreachableError
from quaybridge_sdk.model.integration import SecretKey
from quaybridge_sdk.model.quay import SecretText


@define(eq=False)
class _Watched:
    store: Store[Mapping[str, SecretText]]
    reflector: Reflector
    thread: threading.Thread


class CredentialWatches:
    """Watches single Secrets by name, so that a role may be limited to those names.

    Args:
        changed: called with namespace and name when a Secret has come, changed or gone.
    """

    def __init__(self, client: KubernetesClient, pace: Pace, changed: Callable[[Key], None]) -> None:
        self._client, self._pace, self._changed = client, pace, changed
        self._lock = threading.Lock()
        self._watched: dict[Key, _Watched] = {}
        self._stopped = False

    def follow(self, wanted: Callable[[], Iterable[SecretKey]]) -> None:
        """Watches just these from now on. ``wanted`` is asked under the lock: of two calls the later one has the later answer."""
        with self._lock:
            keys = set() if self._stopped else {(key.namespace, key.name) for key in wanted()}
            for gone in self._watched.keys() - keys:
                self._watched.pop(gone).reflector.stop()
            for key in keys - self._watched.keys():
                watched = self._watch(key)
                if watched is not None:
                    self._watched[key] = watched
                    watched.thread.start()

    def _watch(self, key: Key) -> _Watched | None:
        path = _collection(key)
        if path is None:
            return None
        store = Store(parse_credentials, self._changed)
        reflector = Reflector(self._client, Source(path, {"fieldSelector": f"metadata.name={key[1]}"}), store, self._pace)
        thread = threading.Thread(target=reflector.run, name=f"watch-credentials-{key[0]}-{key[1]}", daemon=True)
        return _Watched(store, reflector, thread)

    def get(self, key: SecretKey) -> SecretText:
        """The token.

        Raises:
            InvalidCredentialsError: the Secret is missing, or lacks the key, or the token is empty.
            RemoteError: the Secret could not be read yet, and why.
        """
        with self._lock:
            watched = self._watched.get((key.namespace, key.name))
        if watched is None:
            raise InvalidCredentialsError(f"the credentials Secret {key} is not one that a QuayIntegration names")
        if not watched.reflector.ready.is_set():
            raise watched.reflector.error or UnreachableError(f"the Secret {key} has not been read yet", system=SYSTEM)
        data = watched.store.get(key.namespace, key.name)
        if data is None:
            raise InvalidCredentialsError(f"the credentials Secret {key.namespace}/{key.name} does not exist")
        token = SecretText(data.get(key.key, SecretText("")).reveal().strip())  # `echo` ends a line, a header cannot
        if not token:
            raise InvalidCredentialsError(f"the credentials Secret {key} has no such key, or its value is empty or no text")
        return token

    def answered(self, key: SecretKey) -> bool:
        """Whether :meth:`get` has something to say: the Secret has been read, or an attempt has failed, or there can be none.

        False for one that is not watched yet: the watch begins a moment after the integration that names it was seen.
        """
        name = (key.namespace, key.name)
        with self._lock:
            watched = self._watched.get(name)
        return _collection(name) is None if watched is None else watched.reflector.answered.is_set()

    @property
    def all_answered(self) -> bool:
        """Whether each Secret has been read, or an attempt has failed."""
        with self._lock:
            return all(watched.reflector.answered.is_set() for watched in self._watched.values())

    @property
    def alive(self) -> bool:
        with self._lock:
            return all(watched.thread.is_alive() for watched in self._watched.values())

    def stop(self) -> list[threading.Thread]:
        """Ends all watches; answers the threads that are ending."""
        with self._lock:
            self._stopped = True
            threads = [watched.thread for watched in self._watched.values()]
            for watched in self._watched.values():
                watched.reflector.stop()
            self._watched.clear()
        return threads


def _collection(key: Key) -> str | None:
    """The path of the Secrets of its namespace. None: no Secret can have that name, and it is reported as missing."""
    try:
        path = api_path("/api/v1/namespaces", key[0], "secrets")
        api_path(path, key[1])
    except InvalidNameError:
        return None
    return path
