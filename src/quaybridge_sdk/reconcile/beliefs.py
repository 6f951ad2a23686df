"""What a process remembers of Quay between passes."""

from __future__ import annotations

import threading
from datetime import datetime

from attrs import evolve, field, frozen

from quaybridge_sdk.model.state import Desired, RegistryState


@frozen
class Beliefs:
    """What this process knows of Quay's side of each namespace, without tokens; thread-safe."""

    _lock: threading.Lock = field(factory=threading.Lock)
    _states: dict[str, tuple[str, RegistryState]] = field(factory=dict)
    _renewed: dict[str, dict[str, str]] = field(factory=dict)

    def recall(self, namespace: str, subject: str) -> RegistryState:
        """What is believed, if it was learned about the same ``subject`` (organization, Quay and namespace UID)."""
        with self._lock:
            known, state = self._states.get(namespace, ("", RegistryState()))
        return state if known == subject else RegistryState()

    def learn(self, namespace: str, subject: str, state: RegistryState) -> None:
        with self._lock:
            self._states[namespace] = (subject, without_tokens(state))

    def renewed(self, desired: Desired, robot: str) -> None:
        """That the robot's token was renewed for the text that asks for it now."""
        texts = {found.name: found.rotate for found in desired.robots}
        with self._lock:
            self._renewed.setdefault(desired.namespace_uid, {})[robot] = texts.get(robot, "")

    def with_renewed(self, desired: Desired, state: RegistryState) -> RegistryState:
        """``state`` with the robots whose tokens were renewed, and whose record could not be written: once is enough."""
        with self._lock:
            texts = dict(self._renewed.get(desired.namespace_uid, {}))
        done = {found.name for found in desired.robots if found.name in texts and texts[found.name] == found.rotate}
        return evolve(state, rotated=state.rotated | (done & desired.rotations))

    def recorded(self, desired: Desired) -> None:
        """The record of all that is written."""
        with self._lock:
            self._renewed.pop(desired.namespace_uid, None)

    def checked_at(self, namespace: str) -> datetime | None:
        """When all of the namespace's side of Quay was last known together."""
        with self._lock:
            return self._states.get(namespace, ("", RegistryState()))[1].complete_at

    def forget(self, namespace: str) -> None:
        with self._lock:
            self._states.pop(namespace, None)

    def clear(self) -> None:
        with self._lock:
            self._states.clear()


def without_tokens(state: RegistryState) -> RegistryState:
    """``state`` with no secret left in it, and nothing of this one pass: what is kept between passes."""
    robots = state.robots and {name: evolve(robot, token=None, roles=None) for name, robot in state.robots.items()}
    return evolve(state, robots=robots, rotated=frozenset())
