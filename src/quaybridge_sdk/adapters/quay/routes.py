"""The table of every call that the bridge makes: method, path, and the scopes that allow it; and one call as a value.

Trailing slashes are as Quay has them: with one too few it redirects, with one too many it answers a web page.
The scopes are measured, one token a scope; any single one of a row is enough. None: the call needs no right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import field, frozen

from quaybridge_sdk.errors import InvalidNameError

_PART = re.compile(r"[A-Za-z0-9._+-]+")
"""All characters of a name or id that Quay gives out. Others would leave their place in the path (``..``, ``?``, ``/``)."""


@frozen
class Call:
    """One request to be sent. ``body`` is its JSON."""

    route: Route
    path: str
    query: Mapping[str, str] = field(factory=dict, repr=False)
    body: Mapping[str, object] | None = field(default=None, repr=False)

    @property
    def is_read(self) -> bool:
        return self.route.method == "GET"

    def __str__(self) -> str:
        """For messages: organizations' and repositories' names may have 255 characters each."""
        shown = self.path if len(self.path) <= 120 else f"{self.path[:80]}…{self.path[-39:]}"
        return f"{self.route.method} {shown}"


@frozen
class Route:
    """A row of the table. ``shape`` is the path with its variables in braces: also the label of a metric."""

    method: str
    shape: str
    scopes: tuple[str, ...] = ()

    def call(
        self, names: Mapping[str, str], *, body: Mapping[str, object] | None = None, query: Mapping[str, str] | None = None
    ) -> Call:
        """The call for the objects with these names.

        Raises:
            InvalidNameError: a name would lead to another path.
        """
        for kind, name in names.items():
            require_path_safe(kind, name)
        return Call(self, self.shape.format(**names), query or {}, body)


def require_path_safe(kind: str, name: str) -> None:
    """Raises InvalidNameError unless ``name`` stays in its place in a path; only a repository's may have slashes, as in Quay."""
    parts = name.split("/") if kind == "repository" else [name]
    if any(part in (".", "..") or not _PART.fullmatch(part) for part in parts):
        raise InvalidNameError(f"no {kind} in Quay can be called {name[:80]!r}")


_ORGANIZATION = "/api/v1/organization/{organization}"
_REPOSITORY = "/api/v1/repository/{organization}/{repository}"
_OWNER = ("org:admin", "super:user")
_REPOSITORY_OWNER = ("repo:admin", "super:user")

GET_ORGANIZATION = Route("GET", _ORGANIZATION)
CREATE_ORGANIZATION = Route("POST", "/api/v1/organization/", ("user:admin",))
CHANGE_ORGANIZATION = Route("PUT", _ORGANIZATION, _OWNER)
DELETE_ORGANIZATION = Route("DELETE", _ORGANIZATION, _OWNER)
LIST_ROBOTS = Route("GET", _ORGANIZATION + "/robots", _OWNER)
GET_ROBOT = Route("GET", _ORGANIZATION + "/robots/{robot}", _OWNER)
CREATE_ROBOT = Route("PUT", _ORGANIZATION + "/robots/{robot}", _OWNER)
DELETE_ROBOT = Route("DELETE", _ORGANIZATION + "/robots/{robot}", _OWNER)
REGENERATE_ROBOT = Route("POST", _ORGANIZATION + "/robots/{robot}/regenerate", _OWNER)
LIST_ROBOT_ROLES = Route("GET", _ORGANIZATION + "/robots/{robot}/permissions", ("user:admin",))
"""Beside that scope the token's user must administer the organization: with ``org:admin`` alone it is 403 (measured)."""
LIST_PROTOTYPES = Route("GET", _ORGANIZATION + "/prototypes", _OWNER)
CREATE_PROTOTYPE = Route("POST", _ORGANIZATION + "/prototypes", _OWNER)
UPDATE_PROTOTYPE = Route("PUT", _ORGANIZATION + "/prototypes/{prototype}", _OWNER)
DELETE_PROTOTYPE = Route("DELETE", _ORGANIZATION + "/prototypes/{prototype}", _OWNER)
LIST_REPOSITORIES = Route("GET", "/api/v1/repository")
GET_REPOSITORY = Route("GET", _REPOSITORY, _REPOSITORY_OWNER)
CREATE_REPOSITORY = Route("POST", "/api/v1/repository", ("org:admin", "repo:create", "super:user"))
DELETE_REPOSITORY = Route("DELETE", _REPOSITORY, _REPOSITORY_OWNER)
SET_STATE = Route("PUT", _REPOSITORY + "/changestate", _REPOSITORY_OWNER)
GET_PERMISSION = Route("GET", _REPOSITORY + "/permissions/user/{robot}", _REPOSITORY_OWNER)
SET_PERMISSION = Route("PUT", _REPOSITORY + "/permissions/user/{robot}", _REPOSITORY_OWNER)
GET_USER = Route("GET", "/api/v1/user/", ("user:read", "user:admin"))
LIST_ALL_ORGANIZATIONS = Route("GET", "/api/v1/superuser/organizations/", ("super:user",))
