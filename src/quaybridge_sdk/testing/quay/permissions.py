"""``/repository/{repo}/permissions``: explicit roles of users and robots.

Sources: ``tests/cassettes/quay/permissions.yaml``; quay/quay ``endpoints/api/permission.py``.
"""

from __future__ import annotations

from quaybridge_sdk.testing.http import Response

from . import views
from .answers import crash, invalid, message, one_of, schema
from .call import Call, empty, ok
from .records import ROLES, Repository

_ROLE = schema("role", role=one_of(*ROLES))
_NONE = "User does not have permission for repo."


def _user(call: Call, row: Repository, name: str) -> views.View:
    return views.user_permission(name, row.users[name], call.world.organizations.get(row.namespace))


def users(call: Call, repo: str) -> Response:
    """A map by name; empty, not 404, for a missing repository."""
    call.refuse_unless(call.has_role(repo, "admin"))
    row = call.world.repositories.get(repo)
    return ok({"permissions": {name: _user(call, row, name) for name in row.users} if row else {}})


def user(call: Call, repo: str, name: str) -> Response:
    call.refuse_unless(call.has_role(repo, "admin"))
    row = call.world.repositories.get(repo)
    if row is None or name not in row.users:
        raise message(_NONE)
    return ok(_user(call, row, name))


def set_user(call: Call, repo: str, name: str) -> Response:
    """An upsert. A robot of another organization is refused here, though a prototype takes it."""
    call.refuse_unless(call.has_role(repo, "admin"))
    body = call.body(_ROLE)
    row = call.world.repositories.get(repo)
    if row is None:
        raise crash()
    if not call.world.is_user(name):
        raise invalid(f"Invalid username: {name}")
    if "+" in name and name.partition("+")[0] != row.namespace:
        raise invalid(f"Cannot add robot {name} under namespace {row.namespace}")
    row.users[name] = body["role"]
    return ok(_user(call, row, name))


def delete_user(call: Call, repo: str, name: str) -> Response:
    call.refuse_unless(call.has_role(repo, "admin"))
    row = call.world.repositories.get(repo)
    if row is None or row.users.pop(name, None) is None:
        raise invalid(_NONE)
    return empty()


_USERS = "/api/v1/repository/<path:repo>/permissions/user/"
ROUTES = (
    ("GET", _USERS, users),
    ("GET", _USERS + "<name>", user),
    ("PUT", _USERS + "<name>", set_user),
    ("DELETE", _USERS + "<name>", delete_user),
)
