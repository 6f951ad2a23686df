"""What a pass over one namespace came to."""

from __future__ import annotations

from enum import Enum

from attrs import frozen

from quaybridge_sdk.model.actions import Action
from quaybridge_sdk.model.integration import QuayIntegration


class Result(Enum):
    """How a pass ended, when it did not raise."""

    CONVERGED = "both sides are as wanted"
    RELEASED = "the namespace was let go"
    GONE = "the namespace is gone"
    OUT_OF_SCOPE = "no integration covers the namespace"
    CONTESTED = "several integrations cover the namespace, so none acts"
    WAITING = "the project is still being made"
    PACED = "it has asked Quay so often lately that it waits a little"
    SURVEYING = "a new integration looks at the organizations of its namespaces before it writes the first"


def unheard(_: QuayIntegration) -> None:
    """Nobody wants to know that Quay has answered."""


@frozen
class Outcome:
    """What a pass did.

    ``actions`` are those that were carried out, in order. ``wait``: seconds after which a pass that did nothing yet
    (:attr:`Result.PACED`) may be made.
    """

    result: Result
    integration: QuayIntegration | None = None
    organization: str | None = None
    actions: tuple[Action, ...] = ()
    covering: tuple[QuayIntegration, ...] = ()
    wait: float = 0.0
