"""What the short-lived commands read of the cluster: each object once, with plain requests instead of watches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from quaybridge_sdk.adapters.kubernetes.client import api_path
from quaybridge_sdk.adapters.kubernetes.kinds import GENERATIONS, Unreadable, integration_parser
from quaybridge_sdk.adapters.kubernetes.objects import parse_credentials
from quaybridge_sdk.errors import InvalidIntegrationError, NotFoundError
from quaybridge_sdk.model.integration import PLURAL, QuayIntegration, SecretKey
from quaybridge_sdk.model.quay import SecretText


class Reads(Protocol):
    """The half of a client that is needed here."""

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]: ...


def integration_items(client: Reads) -> list[tuple[str, str, dict[str, Any]]]:
    """All QuayIntegrations of both generations as the API gives them, each with its group and version."""
    found = []
    for group, version in GENERATIONS:
        try:
            items = client.get(f"/apis/{group}/{version}/{PLURAL}").get("items") or []
        except NotFoundError:  # this generation's CRD is not installed
            continue
        found += [(group, version, item) for item in items]
    return found


def integrations(client: Reads) -> tuple[tuple[QuayIntegration, ...], Mapping[str, InvalidIntegrationError]]:
    """All QuayIntegrations of both generations: those that can be read, and why the others cannot, by key."""
    good: list[QuayIntegration] = []
    bad: dict[str, InvalidIntegrationError] = {}
    for group, version, item in integration_items(client):
        parsed = integration_parser(group, version)(item)
        if isinstance(parsed, Unreadable):
            bad[parsed.key] = parsed.error()
        else:
            good.append(parsed)
    return tuple(sorted(good, key=lambda integration: integration.key)), bad


def secret_values(client: Reads, key: SecretKey) -> Mapping[str, SecretText] | None:
    """All values of a credentials Secret, just as they are; None when there is no such Secret."""
    try:
        return parse_credentials(client.get(api_path("/api/v1/namespaces", key.namespace, "secrets", key.name))) or {}
    except NotFoundError:
        return None
