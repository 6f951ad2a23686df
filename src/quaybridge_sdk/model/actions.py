"""The closed union of actions: each is one call of one port, as a frozen value that can be compared, printed and counted."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from attrs import field, frozen

from quaybridge_sdk.model.quay import Prototype, Role, SecretText
from quaybridge_sdk.model.state import Applied


@frozen
class AddFinalizer:
    """Put our finalizer on the namespace: before anything exists in Quay, so that nothing can be left behind."""

    namespace: str


@frozen
class RemoveFinalizer:
    """Let the namespace go."""

    namespace: str


@frozen
class CreateOrganization:
    organization: str
    email: str


@frozen
class DeleteOrganization:
    """Delete an organization that is proved ours, and all that is in it."""

    organization: str


@frozen
class CreateRobot:
    organization: str
    robot: str
    description: str

    @property
    def short_name(self) -> str:
        return self.robot.partition("+")[2]


@frozen
class CreatePrototype:
    organization: str
    robot: str
    role: Role


@frozen
class UpdatePrototype:
    organization: str
    prototype: Prototype
    role: Role


@frozen
class DeletePrototype:
    """Remove a doubled default permission."""

    organization: str
    prototype: Prototype


@frozen
class CreateRepository:
    organization: str
    repository: str


@frozen
class SetRepositoryPermission:
    """Give a robot its role on a repository that was made before the default permissions were."""

    organization: str
    repository: str
    robot: str
    role: Role


@frozen
class WritePullSecret:
    """Create or replace a pull secret. ``content`` is the value of ``.dockerconfigjson``, masked in every ``repr``."""

    namespace: str
    secret: str
    content: SecretText = field(repr=False)


@frozen
class LinkPullSecret:
    """Add the Secret to the service account's ``secrets`` and ``imagePullSecrets``, keeping every other entry."""

    namespace: str
    account: str
    secret: str


@frozen
class RecordApplied:
    """Write down in the cluster what was brought about, so that a restart has nothing to do."""

    namespace: str
    applied: Applied

    @property
    def checked_at(self) -> datetime:
        return self.applied.checked_at


RegistryAction: TypeAlias = (
    CreateOrganization
    | DeleteOrganization
    | CreateRobot
    | CreatePrototype
    | UpdatePrototype
    | DeletePrototype
    | CreateRepository
    | SetRepositoryPermission
)
ClusterAction: TypeAlias = AddFinalizer | RemoveFinalizer | WritePullSecret | LinkPullSecret | RecordApplied
Action: TypeAlias = RegistryAction | ClusterAction
