"""Words for whose an organization is, and for what may be taken over."""

from __future__ import annotations

from enum import Enum

ADOPT_ANNOTATION = "quaybridge.io/adopt"
"""On a namespace: the name of the one organization that an administrator gives to it, whoever made that."""


class Ownership(Enum):
    """What is proved about an organization."""

    OURS = "made by this bridge for this very namespace"
    PREDECESSOR = "made by this bridge for an earlier namespace of the same name in this cluster"
    INCUMBENT = "made by a Go quay-bridge-operator for this clusterID"
    ELSEWHERE = "made by the bridge of another cluster"
    AMBIGUOUS = "marked by this cluster in one place, and by another in a second one"
    FOREIGN = "nothing proves that a bridge of this cluster made it"


class AdoptionPolicy(str, Enum):
    """Which organizations an integration takes over that are not marked as its own."""

    INCUMBENT = "Incumbent"
    ALWAYS = "Always"
    NEVER = "Never"
