"""GET, change, PUT with the resourceVersion, again on conflict: how every object of others is written."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias, TypeVar

from attrs import frozen
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from quaybridge_sdk.adapters.kubernetes.answers import SYSTEM
from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient
from quaybridge_sdk.adapters.kubernetes.kinds import Kind
from quaybridge_sdk.adapters.kubernetes.objects import Json
from quaybridge_sdk.errors import ConflictError, ServerFaultError

T = TypeVar("T")
Observer: TypeAlias = Callable[[Kind, Json], None]
"""Takes the answer to a write: :meth:`.caches.ClusterCaches.observe`."""

ATTEMPTS = 8
"""A new namespace is written by several controllers within its first 100 ms (measured), each round of which can lose."""


def unobserved(_kind: Kind, _item: Json) -> None:
    """For those who keep no caches."""


def until_no_conflict(attempt: Callable[[], T], sleep: Callable[[float], None] = time.sleep) -> T:
    """Calls ``attempt``, again after a short random pause when somebody else wrote in between.

    Raises:
        ConflictError: each of :data:`ATTEMPTS` attempts lost.
    """
    retrying = Retrying(
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(multiplier=0.02, max=1.0),
        retry=retry_if_exception_type(ConflictError),
        sleep=sleep,
        reraise=True,
    )
    return retrying(attempt)


def required(answer: Json, call: str) -> Json:
    """The answer, if it is an object: whatever else came, nothing says that the call did what was asked.

    Raises:
        ServerFaultError: it is none.
    """
    if not isinstance(answer.get("metadata"), dict):
        raise ServerFaultError(f"{call}: the answer is no object of Kubernetes", system=SYSTEM)
    return answer


@frozen
class Changer:
    """What the writers share.

    Attributes:
        observe: is told each answer, so that the caches see our own writes at once.
        sleep: pauses between attempts.
    """

    client: KubernetesClient
    observe: Observer = unobserved
    sleep: Callable[[float], None] = time.sleep

    def _change(self, kind: Kind, path: str, change: Callable[[Json], bool]) -> Json:
        """``change`` edits the object that was just read, and says whether there is anything to send. Answers the object."""

        def attempt() -> Json:
            item = self._read(path)
            return required(self.client.replace(path, item), f"PUT {path}") if change(item) else item

        answer = until_no_conflict(attempt, self.sleep)
        self.observe(kind, answer)
        return answer

    def _read(self, path: str) -> Json:
        return required(self.client.get(path), f"GET {path}")
