"""An ImageStream that is gone -> whether its repository goes with it.

Only one that we made for this very namespace goes: its description is the mark that its creation gave it, word for word. Where
somebody has changed that, nothing is proved.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from quaybridge_sdk.mapping.repository import repositories_of
from quaybridge_sdk.model.quay import Repository
from quaybridge_sdk.model.state import Desired, RegistryState


def removable(desired: Desired, registry: RegistryState, there: Iterable[str]) -> frozenset[str]:
    """The repositories that may go, by what was looked at just now.

    Args:
        there: the ImageStreams that the API itself has, also those that are left alone.
    """
    return desired.forsaken(registry) - repositories_of(desired.endpoint.host, desired.organization, there)


def empty(names: Iterable[str], contents: Iterable[Repository]) -> frozenset[str]:
    """Those of ``names`` that were seen to hold no image."""
    return frozenset(names) & {repository.name for repository in contents if repository.empty}


def remembered(registry: RegistryState, desired: Desired) -> RegistryState:
    """``registry`` for the next pass: which of the wanted repositories are ours. Of the others a full check reads it anew."""
    ours = (name for name, text in registry.described.items() if text == desired.mark and name in desired.repositories)
    return evolve(registry, described=dict.fromkeys(ours, desired.mark))
