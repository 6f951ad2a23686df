"""``/v2/auth``: credentials in, a bearer token for some repositories out.

Sources: quay/quay ``endpoints/v2/v2auth.py`` and ``errors.py``. Rights are decided when the token is issued and hold as
long as it does. Not imitated: passwords of users, and more than one ``scope`` in a request (the last one counts).
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
import time
from collections.abc import Mapping

from attrs import Factory, define, frozen

from quaybridge_sdk.testing.http import Request, Response

from .repositories import NAME
from .world import World

_LIFETIME = 3600.0  # seconds a bearer token holds: TOKEN_VALIDITY_LIFETIME_S
_SCOPE = re.compile(r"repository:((?:[.\w-]+/)*[.\w-]+):((?:push|pull|\*)(?:,(?:push|pull|\*))*)")
_ERRORS: Mapping[str, tuple[int, str]] = {
    "UNAUTHORIZED": (401, "access to the requested resource is not authorized"),
    "NAME_UNKNOWN": (404, "repository name not known to registry"),
    "NAME_INVALID": (400, "invalid repository name"),
    "BLOB_UNKNOWN": (404, "blob unknown to registry"),
    "BLOB_UPLOAD_UNKNOWN": (404, "blob upload unknown to registry"),
    "BLOB_UPLOAD_INVALID": (400, "blob upload invalid"),
    "MANIFEST_UNKNOWN": (404, "manifest unknown"),
    "MANIFEST_INVALID": (400, "manifest invalid"),
    "INVALID_REQUEST": (400, "Invalid request"),
    "DENIED": (405, "System is currently read-only. Pulls will succeed but all write operations are currently suspended."),
    "UNSUPPORTED": (501, "The embedded Quay does not imitate this part of the registry protocol."),
}


class RegistryRefusalError(Exception):
    """An error of the registry protocol; a 401 names the address of the login and, with ``scope``, what is missing."""

    def __init__(self, code: str, text: str = "", scope: str = "", **detail: object) -> None:
        super().__init__(code, text)
        self._code, self._text, self._scope, self._detail = code, text, scope, detail

    def render(self, base_url: str) -> Response:
        status, text = _ERRORS[self._code]
        error = {"code": self._code, "message": self._text or text, "detail": self._detail}
        headers = challenge(base_url, self._scope) if status == 401 else {}
        return Response.of_json(status, {"errors": [error]}, **headers)


def challenge(base_url: str, scope: str = "") -> dict[str, str]:
    service = base_url.partition("//")[2]
    wanted = f',scope="{scope}"' if scope else ""
    value = f'Bearer realm="{base_url}/v2/auth",service="{service}"{wanted}'
    return {"WWW-Authenticate": value, "Docker-Distribution-API-Version": "registry/2.0"}


@frozen
class Grant:
    """What one bearer token allows: actions by repository."""

    access: Mapping[str, frozenset[str]]
    expires: float


@define
class Logins:
    """The bearer tokens given out."""

    world: World
    _grants: dict[str, Grant] = Factory(dict)

    def issue(self, request: Request) -> Response:
        """A token for as much of the scope as the caller may: less than was asked for is no error here."""
        user, scope = self._identity(request), request.query.get("scope")
        if user is None and not scope:
            raise RegistryRefusalError("UNAUTHORIZED")
        token = ".".join(secrets.token_urlsafe(size) for size in (32, 128, 64))
        access = dict([self._granted(user, scope)]) if scope else {}
        self._grants[token] = Grant(access, time.monotonic() + _LIFETIME)
        return Response.of_json(200, {"token": token})

    def grant(self, request: Request) -> Grant | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        grant = self._grants.get(token.strip()) if scheme.lower() == "bearer" else None
        return grant if grant and time.monotonic() < grant.expires else None

    def _identity(self, request: Request) -> str | None:
        """The user or robot of Basic credentials, None without any."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if not scheme:
            return None
        try:
            name, _, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise RegistryRefusalError("UNAUTHORIZED", "Invalid basic auth header") from None
        if name == "$oauthtoken" and password in self.world.tokens:
            return self.world.tokens[password].user
        robot = self.world.robot(name)
        if robot is None or not secrets.compare_digest(robot.token.encode(), password.encode()):
            text = f"Could not find robot with username: {name} and supplied password."
            raise RegistryRefusalError("UNAUTHORIZED", text if "+" in name else "Invalid Username or Password")
        return robot.name

    def _granted(self, user: str | None, scope: str) -> tuple[str, frozenset[str]]:
        match = _SCOPE.fullmatch(scope)
        if match is None:
            raise RegistryRefusalError("INVALID_REQUEST", f"Unable to decode repository and actions: {scope}")
        path, wanted = match[1], set(match[2].split(","))
        if not NAME.fullmatch(path.partition("/")[2]):
            raise RegistryRefusalError("NAME_INVALID", f"Invalid repository name: {path}")
        allowed = {"push"} if "push" in wanted and user and self._may_push(user, path) else set()
        row, role = self.world.repositories.get(path), self.world.role(user, path) if user else None
        allowed |= {"pull"} if role or (row and row.public) else set()
        allowed |= {"*"} if role == "admin" and row and row.state == "NORMAL" else set()
        return path, frozenset(allowed & wanted)

    def _may_push(self, user: str, path: str) -> bool:
        """Who may create repositories creates one by asking to push to it: here, before any upload."""
        row = self.world.repositories.get(path)
        if row is not None:
            return row.state == "NORMAL" and self.world.role(user, path) in ("write", "admin")
        if not self.world.administers(user, path.partition("/")[0]):
            return False
        self.world.create_repository(path, user, public=False, description=None)
        return True
