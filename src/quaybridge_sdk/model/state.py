"""The two worlds of one namespace: what is (:class:`Observed`) and what should be (:class:`Desired`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from attrs import field, frozen

from quaybridge_sdk.model.openshift import APPLIED_ANNOTATION, Namespace, ServiceAccount
from quaybridge_sdk.model.quay import Organization, Prototype, QuayEndpoint, Robot, Role, SecretText


class Absent(Enum):
    """The answer «looked at, and it is not there», apart from None: «not looked at»."""

    ABSENT = "absent"


@frozen
class Applied:
    """What the annotation ``quaybridge.io/applied`` on a namespace says: what a restart needs in order to do nothing.

    Attributes:
        registry: fingerprint of the Quay side that was last brought about.
        secrets: pull secret name -> fingerprint of its bytes when it was last written.
        checked_at: when the Quay side was last read in full.
    """

    registry: str
    secrets: Mapping[str, str]
    checked_at: datetime

    def dumps(self) -> str:
        """The annotation's value."""
        value = {"registry": self.registry, "secrets": dict(sorted(self.secrets.items())), "checked": self.checked_at.isoformat()}
        return json.dumps(value, separators=(",", ":"))

    @classmethod
    def loads(cls, text: str | None) -> Applied | None:
        """Reads the annotation; None when there is none, or when somebody has spoilt it: then all is looked at again."""
        try:
            value = json.loads(text or "")
            checked = datetime.fromisoformat(value["checked"])
            registry, secrets = value["registry"], value["secrets"]
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        well_formed = isinstance(registry, str) and isinstance(secrets, dict) and checked.tzinfo is not None
        if not well_formed or not all(isinstance(item, str) for item in secrets.values()):
            return None
        return cls(registry, secrets, checked)


@frozen
class ClusterState:
    """The cluster's side of one namespace, as the watch caches have it.

    ``pull_secrets`` maps the names of Secrets of our type to the fingerprints of their bytes.
    """

    namespace: Namespace
    accounts: Mapping[str, ServiceAccount] = field(factory=dict)
    pull_secrets: Mapping[str, str] = field(factory=dict)
    image_streams: frozenset[str] = frozenset()

    @property
    def applied(self) -> Applied | None:
        return Applied.loads(self.namespace.annotations.get(APPLIED_ANNOTATION))


@frozen
class RegistryState:
    """Quay's side of one namespace. None means «not looked at»; nothing is concluded from it.

    ``complete_at`` is the time at which all parts were last read from Quay together.
    """

    organization: Organization | Absent | None = None
    robots: Mapping[str, Robot] | None = None
    prototypes: tuple[Prototype, ...] | None = None
    repositories: frozenset[str] | None = None
    complete_at: datetime | None = None


@frozen
class Observed:
    """Both sides of one namespace."""

    cluster: ClusterState
    registry: RegistryState = RegistryState()


@frozen
class DesiredRobot:
    """One service account's robot, and the Secret that carries its token into the namespace."""

    account: str
    name: str
    role: Role
    description: str
    secret: str

    @property
    def short_name(self) -> str:
        return self.name.partition("+")[2]


@frozen
class Desired:
    """What the mapping wants for one namespace.

    ``email`` is the ownership mark (see :mod:`quaybridge_sdk.mapping.ownership`); ``repositories`` only ever grow: an
    ImageStream that goes leaves its repository. ``contents`` maps pull secret names to their bytes, for the robots whose tokens
    are known; ``writable`` is False when the organization is there and not proved ours: then nothing is done to it.
    """

    namespace: str
    namespace_uid: str
    organization: str
    email: str
    endpoint: QuayEndpoint
    robots: tuple[DesiredRobot, ...]
    repositories: frozenset[str]
    contents: Mapping[str, SecretText] = field(factory=dict)
    writable: bool = True

    @property
    def place(self) -> str:
        """16 hex digits over the Quay, the organization and the namespace: for another place nothing is proved by a record."""
        return _hex([self.namespace_uid, self.organization, self.endpoint.url])

    @property
    def fingerprint(self) -> str:
        """:attr:`place`, and 16 hex digits over all that is wanted there and what the pull secrets are made from."""
        robots = sorted((r.account, r.name, r.role.value, r.secret) for r in self.robots)
        return f"{self.place}-{_hex([robots, sorted(self.repositories)])}"

    def robot(self, name: str) -> DesiredRobot | None:
        return next((robot for robot in self.robots if robot.name == name), None)


def _hex(parts: list[object]) -> str:
    return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()[:16]


@frozen
class Released:
    """What is wanted for a namespace that is going: nothing of ours. ``deletable``: the organization is proved ours."""

    namespace: str
    organization: str | None
    deletable: bool = False
