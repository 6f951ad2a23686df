"""The two worlds of one namespace: what is (:class:`Observed`) and what should be (:class:`Desired`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from attrs import field, frozen

from quaybridge_sdk.model.deletion import Deletion, StreamDeletionPolicy
from quaybridge_sdk.model.openshift import APPLIED_ANNOTATION, Namespace, ServiceAccount
from quaybridge_sdk.model.ownership import Ownership
from quaybridge_sdk.model.quay import Organization, Prototype, QuayEndpoint, Repository, Robot, Role, SecretText


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
        check: the text of the namespace's annotation that asked for a check, at that time.
        rotated: service account -> the text of its annotation that asked for a new token, when that was last given.
    """

    registry: str
    secrets: Mapping[str, str]
    checked_at: datetime
    check: str = ""
    rotated: Mapping[str, str] = field(factory=dict)

    def dumps(self) -> str:
        """The annotation's value."""
        value: dict[str, object] = {"registry": self.registry, "secrets": dict(sorted(self.secrets.items()))}
        value["checked"] = self.checked_at.isoformat()
        value |= {"check": self.check} if self.check else {}
        value |= {"rotated": dict(sorted(self.rotated.items()))} if self.rotated else {}
        return json.dumps(value, separators=(",", ":"))

    @classmethod
    def loads(cls, text: str | None) -> Applied | None:
        """Reads the annotation; None when there is none, or when somebody has spoilt it: then all is looked at again."""
        try:
            value = json.loads(text or "")
            checked = datetime.fromisoformat(value["checked"])
            registry, secrets = value["registry"], value["secrets"]
            check, rotated = value.get("check", ""), value.get("rotated", {})
        except (ValueError, TypeError, KeyError, RecursionError, AttributeError):
            return None
        well_formed = isinstance(registry, str) and isinstance(check, str) and checked.tzinfo is not None
        if not well_formed or not (_all_text(secrets) and _all_text(rotated)):
            return None
        return cls(registry, secrets, checked, check, rotated)


def _all_text(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


@frozen
class ClusterState:
    """The cluster's side of one namespace, as the watch caches have it.

    ``pull_secrets`` maps the names of Secrets of our type to the fingerprints of their bytes. ``deletions`` are those that are
    remembered of earlier namespaces of the name. ``busy``: a build of the namespace is under way, which may push at any moment.
    """

    namespace: Namespace
    accounts: Mapping[str, ServiceAccount] = field(factory=dict)
    pull_secrets: Mapping[str, str] = field(factory=dict)
    image_streams: frozenset[str] = frozenset()
    deletions: tuple[Deletion, ...] = ()
    busy: bool = False

    @property
    def applied(self) -> Applied | None:
        return Applied.loads(self.namespace.annotations.get(APPLIED_ANNOTATION))


@frozen
class RegistryState:
    """Quay's side of one namespace. None means «not looked at»; nothing is concluded from it.

    ``complete_at`` is the time at which all parts but ``contents`` were last read from Quay together. ``contents`` is looked at
    only where an organization goes, or comes back; ``described`` are the descriptions of the repositories that have one;
    ``rotated`` are the robots that got a new token in this pass.
    """

    organization: Organization | Absent | None = None
    robots: Mapping[str, Robot] | None = None
    prototypes: tuple[Prototype, ...] | None = None
    repositories: frozenset[str] | None = None
    complete_at: datetime | None = None
    contents: tuple[Repository, ...] | None = None
    described: Mapping[str, str] = field(factory=dict)
    rotated: frozenset[str] = frozenset()


@frozen
class Observed:
    """Both sides of one namespace."""

    cluster: ClusterState
    registry: RegistryState = RegistryState()


@frozen
class DesiredRobot:
    """One service account's robot, and the Secret that carries its token into the namespace.

    ``rotate`` is the text of the account's annotation that asks for a new token.
    """

    account: str
    name: str
    role: Role
    description: str
    secret: str
    rotate: str = ""

    @property
    def short_name(self) -> str:
        return self.name.partition("+")[2]


@frozen
class Desired:
    """What the mapping wants for one namespace.

    Attributes:
        email: the ownership mark (see :mod:`quaybridge_sdk.mapping.ownership`).
        repositories: those of the ImageStreams that are there.
        mark: the description of a repository that we make.
        removable: repositories of ours whose ImageStreams were proved to be gone, and which are to go with them.
        adoptable: what may be taken over if it is not marked as ours.
        given_back: what is remembered of the organization and ends here: the namespace gets it.
        unfinished: what is remembered of it and must be done first: what an earlier namespace left is not this one's.
        check: the text of the annotation that asks for a full check.
        rotations: the robots that are to get a new token now.
        contents: pull secret names -> their bytes, for the robots whose tokens are known.
        obsolete: robots of ours that nobody wants any more.
        found: what was proved of an organization that was looked at and may not be written to, so that nothing is done to it;
            None when it may.
    """

    namespace: str
    namespace_uid: str
    organization: str
    cluster_uid: str
    email: str
    endpoint: QuayEndpoint
    robots: tuple[DesiredRobot, ...]
    repositories: frozenset[str]
    mark: str = ""
    stream_policy: StreamDeletionPolicy = StreamDeletionPolicy.RETAIN
    removable: frozenset[str] = frozenset()
    adoptable: frozenset[Ownership] = frozenset()
    given_back: tuple[Deletion, ...] = ()
    unfinished: tuple[Deletion, ...] = ()
    check: str = ""
    rotations: frozenset[str] = frozenset()
    contents: Mapping[str, SecretText] = field(factory=dict)
    obsolete: frozenset[str] = frozenset()
    found: Ownership | None = None

    @property
    def writable(self) -> bool:
        return self.found is None

    def forsaken(self, registry: RegistryState) -> frozenset[str]:
        """The repositories that the policy may concern: their description says that we made them, and no ImageStream is theirs.

        The whole description is compared: where somebody has changed it, nothing is proved.
        """
        if self.stream_policy is StreamDeletionPolicy.RETAIN or not self.mark:
            return frozenset()
        ours = (name for name, description in registry.described.items() if description == self.mark)
        return frozenset(ours) - self.repositories

    @property
    def place(self) -> str:
        """16 hex digits over the Quay, the organization and the namespace: for another place nothing is proved by a record."""
        return place_of(self.namespace_uid, self.organization, self.endpoint)

    @property
    def fingerprint(self) -> str:
        """:attr:`place`, and 16 hex digits over all that is wanted there and what the pull secrets are made from."""
        robots = sorted((r.account, r.name, r.role.value, r.secret) for r in self.robots)
        return f"{self.place}-{_hex([robots, sorted(self.repositories)])}"


def place_of(namespace_uid: str, organization: str, endpoint: QuayEndpoint) -> str:
    """What :attr:`Desired.place` is."""
    return _hex([namespace_uid, organization, endpoint.url])


def _hex(parts: list[object]) -> str:
    return hashlib.sha256(json.dumps(parts).encode("ascii")).hexdigest()[:16]


class Fate(Enum):
    """What is done to an organization whose namespace goes."""

    KEEP = "nothing"
    DELETE = "it is deleted with all that is in it"
    QUARANTINE = "our robots are deleted and its repositories take no pushes, until it is deleted or given back"


@frozen
class Released:
    """What is wanted for a namespace that is going, or gone: nothing of ours.

    Attributes:
        fate: other than KEEP only for an organization that is proved ours.
        robots: ours, by full name: those that go with a quarantine.
        email: the mark that a quarantined organization must bear, since its robots tell no longer whose it is; "": it is let be.
        remember: what must be written down in the cluster before the namespace may go.
        forget: what was written down, and is done.
    """

    namespace: str
    organization: str | None
    fate: Fate = Fate.KEEP
    robots: frozenset[str] = frozenset()
    email: str = ""
    remember: Deletion | None = None
    forget: Deletion | None = None
