"""What the short-lived commands read of the cluster: each object once, with plain requests instead of watches."""

from __future__ import annotations

from collections.abc import Mapping

from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient, api_path
from quaybridge_sdk.adapters.kubernetes.kinds import GENERATIONS, Unreadable, integration_parser
from quaybridge_sdk.adapters.kubernetes.objects import parse_credentials
from quaybridge_sdk.errors import InvalidCredentialsError, InvalidIntegrationError, NotFoundError
from quaybridge_sdk.model.integration import PLURAL, QuayIntegration
from quaybridge_sdk.model.quay import SecretText


def integrations(client: KubernetesClient) -> tuple[tuple[QuayIntegration, ...], Mapping[str, InvalidIntegrationError]]:
    """All QuayIntegrations of both generations: those that can be read, and why the others cannot, by key."""
    good: list[QuayIntegration] = []
    bad: dict[str, InvalidIntegrationError] = {}
    for group, version in GENERATIONS:
        try:
            items = client.get(f"/apis/{group}/{version}/{PLURAL}").get("items") or []
        except NotFoundError:  # this generation's CRD is not installed
            continue
        for item in map(integration_parser(group, version), items):
            if isinstance(item, Unreadable):
                bad[item.key] = item.error()
            else:
                good.append(item)
    return tuple(sorted(good, key=lambda integration: integration.key)), bad


def token_of(client: KubernetesClient, integration: QuayIntegration) -> SecretText:
    """The token of an integration, read from its Secret now.

    Raises:
        InvalidCredentialsError: the Secret or its key is missing, or the token is empty.
    """
    key = integration.credentials
    try:
        secret = client.get(api_path("/api/v1/namespaces", key.namespace, "secrets", key.name))
    except NotFoundError as error:
        raise InvalidCredentialsError(f"the credentials Secret {key.namespace}/{key.name} does not exist") from error
    token = SecretText((parse_credentials(secret) or {}).get(key.key, SecretText("")).reveal().strip())
    if not token:
        raise InvalidCredentialsError(f"the credentials Secret {key} has no such key, or its value is empty")
    return token
