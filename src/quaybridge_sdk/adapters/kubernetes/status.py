"""A QuayIntegration's status, written when it changes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from attrs import frozen

from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient, api_path
from quaybridge_sdk.adapters.kubernetes.kinds import GENERATIONS
from quaybridge_sdk.adapters.kubernetes.objects import dig
from quaybridge_sdk.errors import NotFoundError
from quaybridge_sdk.model.integration import PLURAL


@frozen
class KubernetesStatus:
    """Implements :class:`~quaybridge_sdk.ports.StatusPort`: the status subresource of either generation's API."""

    client: KubernetesClient

    def read_status(self, key: str) -> Mapping[str, Any] | None:
        """The status as it is, ``{}`` when there is none yet; None when the integration is gone."""
        try:
            found = dig(self.client.get(status_path(key)), "status")
        except NotFoundError:
            return None
        return found if isinstance(found, Mapping) else {}

    def write_status(self, key: str, status: Mapping[str, Any]) -> None:
        """Sets the given fields of the status and leaves its others; an integration that is gone is success.

        Args:
            key: :attr:`.QuayIntegration.key`.
            status: top-level fields. A list such as ``conditions`` replaces the former one as a whole.
        """
        with suppress(NotFoundError):
            self.client.patch_merge(status_path(key), {"status": dict(status)})


def status_path(key: str) -> str:
    """Where the status of the integration with this key is."""
    return f"{integration_path(key)}/status"


def integration_path(key: str) -> str:
    """Where the integration with this key is."""
    group, _, name = key.partition("/")
    return api_path(f"/apis/{group}/{dict(GENERATIONS)[group]}/{PLURAL}", name)
