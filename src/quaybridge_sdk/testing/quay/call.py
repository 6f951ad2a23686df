"""One API call as a handler sees it: who calls, with which rights, and what was sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from attrs import frozen

from quaybridge_sdk.testing.http import Request, Response

from .answers import RefusalError, Schema, message, not_found, validate
from .records import ROLES, Organization, Repository, Token
from .world import World

_NOT_JSON = "Did not attempt to load JSON data because the request Content-Type was not 'application/json'."
_BROKEN = "The browser (or proxy) sent a request that this server could not understand."
_REPOSITORY_SCOPES = ("repo:read", "repo:write", "repo:admin")  # in the order of ROLES

Row = TypeVar("Row", Organization, Repository)


@frozen
class Call:
    """A request, its caller (None: anonymous, which an *invalid* token is too) and the world.

    The rights are Quay's scope matrix: a token reaches what its user may do, cut down to its scopes; a superuser
    reaches everything when the token has ``super:user`` (FEATURE_SUPERUSERS_FULL_ACCESS).
    """

    request: Request
    caller: Token | None
    world: World
    base_url: str
    reserved_until: Callable[[], float]
    read_only: bool

    def has_scope(self, *scopes: str) -> bool:
        return self.caller is not None and not self.caller.scopes.isdisjoint(scopes)

    @property
    def user(self) -> str:
        return self.caller.user if self.caller else ""

    @property
    def is_superuser(self) -> bool:
        return self.user in self.world.superusers and self.has_scope("super:user")

    def administers(self, namespace: str) -> bool:
        return self.is_superuser or (self.has_scope("org:admin") and self.world.administers(self.user, namespace))

    def belongs_to(self, namespace: str) -> bool:
        return self.is_superuser or (self.has_scope("org:admin", "repo:create") and self.world.owns(self.user, namespace))

    def may_create(self, namespace: str) -> bool:
        allowed = self.world.administers(self.user, namespace)
        return self.is_superuser or (self.has_scope("org:admin", "repo:create") and allowed)

    def has_role(self, path: str, role: str) -> bool:
        """Whether the caller has at least ``role`` in a repository, which need not exist."""
        if self.is_superuser:
            return True
        level = ROLES.index(role)
        held = self.world.role(self.user, path) if self.caller else None
        return held in ROLES[level:] and self.has_scope(*_REPOSITORY_SCOPES[level:])

    def refuse_unless(self, allowed: bool) -> None:
        """403 for a caller without the right, 401 for an anonymous one; before any 404, existing or not."""
        if allowed:
            return
        if self.caller is None:
            raise RefusalError(typed="invalid_token", detail="Requires authentication")
        raise RefusalError(typed="insufficient_scope", detail="Unauthorized")

    def organization(self, name: str) -> Organization:
        """Shape A, 404, where the endpoint looks the organization up itself."""
        if name not in self.world.organizations:
            raise not_found()
        return self.world.organizations[name]

    def parent(self, name: str) -> Organization:
        """Shape B, 400, where the lookup is left to the data model: robots."""
        if name not in self.world.organizations:
            raise message(f"Organization does not exist: {name}")
        return self.world.organizations[name]

    def repository(self, path: str) -> Repository:
        if path not in self.world.repositories:
            raise not_found()
        return self.world.repositories[path]

    def body(self, schema: Schema) -> dict[str, Any]:
        """The validated JSON body: 415 for another type, 400 for broken JSON, 400 with the schema's complaint."""
        if "json" not in self.request.headers.get("content-type", ""):
            raise message(_NOT_JSON, 415)
        value = self._json()
        if value is None:
            raise message(_BROKEN)
        validate(value, schema)
        return dict(value)

    def optional_body(self, schema: Schema) -> dict[str, Any]:
        """As :meth:`body`, but whatever is no JSON is ignored (``optional=True``, creating a robot)."""
        is_json = "json" in self.request.headers.get("content-type", "")
        value = (self._json() if is_json else None) or {}
        validate(value, schema)
        return dict(value)

    def _json(self) -> Any:
        try:
            return json.loads(self.request.body)
        except ValueError:
            return None

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.request.query.get(name)
        return default if value is None else value.lower() in ("true", "1", "yes")

    def number(self, name: str, default: int) -> int:
        text = self.request.query.get(name, str(default))
        if not text.isdecimal():
            raise message(f"invalid literal for int() with base 10: {text!r}")
        return int(text)

    def page(self, rows: list[Row], view: Callable[[Row], object], key: str, size: int) -> Response:
        """A keyset page of ``rows``; an invalid token is silently the first page again, as on a real Quay."""
        start = self.world.pages.get(self.request.query.get("next_page", ""), 0)
        rest = [row for row in rows if row.serial > start]
        answer: dict[str, object] = {key: [view(row) for row in rest[:size]]}
        if len(rest) > size:
            answer["next_page"] = self.world.page_token(rest[size - 1].serial)
        return Response.of_json(200, answer)


Handler = Callable[..., Response]


def ok(value: object, status: int = 200) -> Response:
    return Response.of_json(status, value)


def empty() -> Response:
    return Response(204)
