"""Quay's objects, as far as the bridge looks at them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from enum import Enum
from typing import Never, Self, SupportsIndex, final

from attrs import field, frozen


class Role(str, Enum):
    """A permission on a repository, in Quay's own words."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


DEFAULT_ACCOUNTS = ("builder", "default", "deployer")
"""The service accounts that OpenShift makes in each namespace. Each gets a robot, without being asked for."""

PULL_SECRET_TYPE = "kubernetes.io/dockerconfigjson"  # noqa: S105 - a type, no secret
PULL_SECRET_KEY = ".dockerconfigjson"  # noqa: S105 - a key, no secret
"""The Secret in which a robot's token comes to the cluster, and the key in its data."""


@final
class SecretText:
    """A secret string that no ``repr``, ``str``, format, log line or test diff shows. :meth:`reveal` gives it to the one who
    needs it.

    A plain class on purpose: ``attrs.asdict`` and ``cattrs.unstructure`` open every attrs class and dataclass, and would write
    it out. It cannot be pickled, changed or turned into JSON; a copy is the very same object.
    """

    __slots__ = ("_value",)
    _value: str

    def __init__(self, value: str) -> None:
        object.__setattr__(self, "_value", value)

    def reveal(self) -> str:
        return self._value

    def fingerprint(self) -> str:
        """16 hex digits of SHA-256: enough to see a change; tells nothing of a random token."""
        return hashlib.sha256(self._bytes()).hexdigest()[:16]

    def _bytes(self) -> bytes:
        return self._value.encode("utf-8", "surrogatepass")

    def __repr__(self) -> str:
        return "SecretText(********)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        """In a time that does not depend on where the two differ."""
        return hmac.compare_digest(self._bytes(), other._bytes()) if isinstance(other, SecretText) else NotImplemented

    def __hash__(self) -> int:
        return hash((SecretText, self._value))

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError("a SecretText cannot be changed")

    def __delattr__(self, name: str) -> Never:
        raise AttributeError("a SecretText cannot be changed")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __getstate__(self) -> Never:
        """Pickle, and whoever else asks an object for its state, gets none."""
        raise TypeError("a SecretText is not written out: reveal() it where it is needed")

    def __reduce_ex__(self, protocol: SupportsIndex) -> Never:
        self.__getstate__()


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
    asked for. ``roles`` are its roles there by repository, None when not looked at: the list of robots does not name them.
    """

    name: str
    description: str = ""
    token: RobotToken | None = None
    repositories: frozenset[str] | None = None
    roles: Mapping[str, Role] | None = None


@frozen
class Repository:
    """A repository's own state, which only deletion and its undoing look at.

    ``empty``: no tag is in it (Quay gives no time of a last change). ``read_only``: nobody can push to it.
    """

    name: str
    empty: bool = True
    read_only: bool = False


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
