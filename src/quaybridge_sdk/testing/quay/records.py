"""What the embedded Quay remembers.

Mutable on purpose, and never handed out: users of the server see the frozen values of
:mod:`quaybridge_sdk.testing.quay.snapshots`.
"""

from __future__ import annotations

import itertools
import secrets
import string
import time
import uuid

from attrs import Factory, define, field

ROLES = ("read", "write", "admin")
ADMIN_SCOPES = frozenset({"user:admin", "user:read", "org:admin", "repo:create", "repo:admin", "super:user"})
IMPLIED = {"user:admin": {"user:read"}, "repo:admin": {"repo:write", "repo:read"}, "repo:write": {"repo:read"}}
_serials = itertools.count(1)  # row numbers: pages are cut by them, so that a deletion between two pages loses nothing
_TOKEN_ALPHABET = string.ascii_uppercase + string.digits


def robot_token() -> str:
    """64 characters, upper case and digits, as Quay's robot tokens."""
    return "".join(secrets.choice(_TOKEN_ALPHABET) for _ in range(64))


@define
class Token:
    user: str
    scopes: frozenset[str]


@define
class Robot:
    name: str
    description: str = ""
    metadata: dict[str, object] | None = None
    created: float = Factory(time.time)
    token: str = field(factory=robot_token, repr=False)

    @property
    def short_name(self) -> str:
        return self.name.partition("+")[2]


@define
class Prototype:
    kind: str
    delegate: str
    role: str
    activating_user: str | None
    id: str = Factory(lambda: str(uuid.uuid4()))


@define
class Tag:
    name: str
    digest: str
    start: int


@define
class Manifest:
    media_type: str
    body: bytes = field(repr=False)
    size: int


@define
class Repository:
    namespace: str
    name: str
    public: bool
    description: str | None
    state: str = "NORMAL"
    users: dict[str, str] = Factory(dict)
    tags: dict[str, Tag] = Factory(dict)
    manifests: dict[str, Manifest] = Factory(dict)
    blobs: set[str] = Factory(set)
    status_token: str = Factory(lambda: str(uuid.uuid4()))
    serial: int = Factory(lambda: next(_serials))


@define
class Organization:
    """``owners`` are the members of the team of that name, the only one."""

    name: str
    email: str
    owners: tuple[str, ...]
    shown_email: bool = True
    robots: dict[str, Robot] = Factory(dict)
    prototypes: dict[str, Prototype] = Factory(dict)
    serial: int = Factory(lambda: next(_serials))

    def has_member(self, user: str) -> bool:
        """Whether Quay says ``is_org_member``: in a team, or one of the organization's own robots."""
        return user in self.robots or user in self.owners
