"""Quay's objects, as far as the bridge looks at them."""

from __future__ import annotations

import hashlib
from enum import Enum

from attrs import field, frozen


class Role(str, Enum):
    """A permission on a repository, in Quay's own words."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@frozen(repr=False)
class SecretText:
    """A secret string that no ``repr``, ``str``, log line or test diff shows. :meth:`reveal` gives it to the one who needs it."""

    _value: str

    def reveal(self) -> str:
        return self._value

    def fingerprint(self) -> str:
        """16 hex digits of SHA-256: enough to see a change; tells nothing of a random token."""
        return hashlib.sha256(self._value.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def __repr__(self) -> str:
        return "SecretText(********)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)


RobotToken = SecretText
"""A robot's password for the registry."""


@frozen
class Organization:
    """An organization.

    ``administered`` is False when the token's user does not administer it: then Quay hides the e-mail, ``email`` is "", and
    nothing can be told of whose it is.
    """

    name: str
    email: str = ""
    administered: bool = True


@frozen
class Robot:
    """A robot account ``<organization>+<short>``.

    ``token`` is None when it was not asked for. ``repositories`` are those on which the robot has any right, None when not
    asked for.
    """

    name: str
    description: str = ""
    token: RobotToken | None = None
    repositories: frozenset[str] | None = None


@frozen
class Prototype:
    """A default permission, given on each repository at its creation. ``activating_user`` restricts it to one creator."""

    id: str
    delegate: str
    role: Role
    activating_user: str | None = None


@frozen
class QuayEndpoint:
    """Where a Quay is and how it is trusted.

    ``url`` has a scheme and no trailing slash; ``host`` (with port) is what image pull specs and pull secrets carry.
    ``ca_bundle`` is PEM text, added to nothing: when given it is the only trust anchor.
    """

    url: str
    host: str
    insecure: bool = False
    ca_bundle: str | None = field(default=None, repr=False)
