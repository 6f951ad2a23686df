"""The cluster's namespaces, each with the integrations that cover it: as the bridge itself sees it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import frozen

from quaybridge_sdk.adapters.kubernetes.objects import Json, parse_namespace
from quaybridge_sdk.mapping.scope import Assignment, assign
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import Namespace

NAMESPACES = "/api/v1/namespaces"


@frozen
class Covered:
    """A namespace, as read (``item``) and as understood; nothing covers one whose own annotation takes it out."""

    item: Json
    parsed: Namespace
    assignment: Assignment


def covered(integrations: Sequence[QuayIntegration], items: Sequence[Json]) -> Iterator[Covered]:
    """All of ``items`` that at least one integration covers, in their order."""
    for item in items:
        parsed = parse_namespace(item)
        found = assign(integrations, parsed.name, {parsed.name} if parsed.ignored else frozenset())
        if found.covering:
            yield Covered(item, parsed, found)
