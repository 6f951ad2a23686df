"""The closed union of actions: each is one call of one port, as a frozen value that can be compared, printed and counted."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from attrs import field, frozen

from quaybridge_sdk.model.deletion import Deletion
from quaybridge_sdk.model.quay import Prototype, Role, SecretText
from quaybridge_sdk.model.state import Applied


@frozen
class AddFinalizer:
    """Put our finalizer on the namespace with this UID: before anything exists in Quay, so that nothing can be left behind."""

    namespace: str
    uid: str = ""


@frozen
class RemoveFinalizer:
    """Let the namespace go."""

    namespace: str


@frozen
class CreateOrganization:
    organization: str
    email: str


@frozen
class MarkOrganization:
    """Put the ownership mark on an organization that is taken over, or whose mark was edited."""

    organization: str
    email: str


@frozen
class DeleteOrganization:
    """Delete an organization that is proved ours, and all that is in it."""

    organization: str


@frozen
class _OfRobot:
    """``robot`` is the full name; Quay's calls take the short one."""

    organization: str
    robot: str

    @property
    def short_name(self) -> str:
        return self.robot.partition("+")[2]


@frozen
class CreateRobot(_OfRobot):
    description: str


@frozen
class DeleteRobot(_OfRobot):
    """Take a robot's rights away, for good: a namespace that gets its organization back gets new robots."""


@frozen
class RegenerateRobot(_OfRobot):
    """Give a robot a new token; the pull secret follows at once."""


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
    """``description`` is the mark by which the bridge knows it again."""

    organization: str
    repository: str
    description: str = ""


@frozen
class DeleteRepository:
    """Delete a repository of ours whose ImageStream is gone, with all images in it."""

    organization: str
    repository: str


@frozen
class SetRepositoryState:
    """Stop pushes to a repository, or let them again."""

    organization: str
    repository: str
    read_only: bool


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
    """Write down in the cluster what was brought about, so that a restart has nothing to do; ``status`` says so to people."""

    namespace: str
    applied: Applied
    status: str = ""

    @property
    def checked_at(self) -> datetime:
        return self.applied.checked_at


@frozen
class RememberDeletion:
    """Write down in the integration's status that an organization outlives its namespace: before the namespace may go."""

    namespace: str
    deletion: Deletion


@frozen
class ForgetDeletion:
    """Strike that out: it is done, or the organization was given back."""

    namespace: str
    deletion: Deletion


@frozen
class UnlinkPullSecret:
    """Take the Secret out of both lists of the service account, keeping every other entry: before the Secret goes."""

    namespace: str
    account: str
    secret: str


@frozen
class DeletePullSecret:
    """Delete a pull secret, if it still has this fingerprint: then it is what we wrote last."""

    namespace: str
    secret: str
    fingerprint: str


@frozen
class ClearRecord:
    """Take our annotations off the namespace, and with ``finalizer`` our finalizer: one write, after all else is taken back."""

    namespace: str
    finalizer: bool


OrganizationAction: TypeAlias = CreateOrganization | MarkOrganization | DeleteOrganization
RobotAction: TypeAlias = CreateRobot | RegenerateRobot | DeleteRobot
PrototypeAction: TypeAlias = CreatePrototype | UpdatePrototype | DeletePrototype
RepositoryAction: TypeAlias = CreateRepository | DeleteRepository | SetRepositoryPermission | SetRepositoryState
RegistryAction: TypeAlias = OrganizationAction | RobotAction | PrototypeAction | RepositoryAction
CleanupAction: TypeAlias = UnlinkPullSecret | DeletePullSecret | ClearRecord
ClusterAction: TypeAlias = (
    AddFinalizer
    | RemoveFinalizer
    | WritePullSecret
    | LinkPullSecret
    | RecordApplied
    | RememberDeletion
    | ForgetDeletion
    | CleanupAction
)
Action: TypeAlias = RegistryAction | ClusterAction
