"""What the controller is given: the caches, the ports, and its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from attrs import frozen

from quaybridge_sdk.errors import InvalidIntegrationError
from quaybridge_sdk.model.deletion import Deletion
from quaybridge_sdk.model.integration import SecretKey
from quaybridge_sdk.model.openshift import Build
from quaybridge_sdk.model.quay import SecretText
from quaybridge_sdk.ports import (
    ClusterReader,
    ClusterWriter,
    EventRecorder,
    ImageImporter,
    RegistryProvider,
    StatusPort,
    StreamLister,
)


class ControllerCaches(ClusterReader, Protocol):
    """The caches, as the controller needs them."""

    def credentials(self, key: SecretKey) -> SecretText:
        """The Quay token; raises InvalidCredentialsError when there is none."""
        ...

    def answered(self, key: SecretKey) -> bool:
        """Whether the credentials Secret has been read, or cannot be."""
        ...

    def all_builds(self) -> tuple[Build, ...]:
        """All managed Builds of the cluster."""
        ...

    def all_deletions(self) -> tuple[Deletion, ...]:
        """All that is remembered of organizations whose namespaces are gone."""
        ...

    def invalid_integrations(self) -> Mapping[str, InvalidIntegrationError]:
        """The QuayIntegrations that cannot be read, by key."""
        ...


@frozen
class ControllerPorts:
    """Everything outside that the controller uses. ``heartbeat``: when a webhook was last ready, None when none ever said so."""

    caches: ControllerCaches
    writer: ClusterWriter
    importer: ImageImporter
    recorder: EventRecorder
    status: StatusPort
    registries: RegistryProvider
    heartbeat: Callable[[], datetime | None] = lambda: None
    streams: StreamLister | None = None


@frozen
class ControllerOptions:
    """Settings. ``full_check_interval``: between two full reads of one namespace's side of Quay; ``deletion_deadline``: so
    long Quay may hold up a namespace that is being deleted; ``status_delay``: seconds for which changes of a status are
    gathered before it is written.
    """

    full_check_interval: timedelta = timedelta(hours=10)
    deletion_deadline: timedelta = timedelta(minutes=5)
    status_delay: float = 0.5
