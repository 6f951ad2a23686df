"""``/repository/{repo}/permissions``: explicit roles of users, robots and teams.

Sources: ``tests/cassettes/quay/permissions.yaml``; quay/quay ``endpoints/api/permission.py``.
"""

from __future__ import annotations

from quaybridge_sdk.testing.http import Response

from . import views
from .answers import crash, invalid, message, not_found, one_of, schema
from .call import Call, empty, ok
from .records import ROLES, Repository

_ROLE = schema("role", role=one_of(*ROLES))
_NONE = "User does not have permission for repo."
_NO_TEAM = "Team does not have permission for repo."


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


def transitive(call: Call, repo: str, name: str) -> Response:
    """The roles a user holds by itself and through teams."""
    call.refuse_unless(call.has_role(repo, "admin"))
    row = call.repository(repo)
    teams = [team.name for team in call.world.teams_of(name, row.namespace)]
    roles = [row.users[name]] if name in row.users else []
    roles += [row.teams[team] for team in teams if team in row.teams]
    if not roles:
        raise not_found()
    return ok({"permissions": [{"role": role} for role in roles]})


def teams(call: Call, repo: str) -> Response:
    call.refuse_unless(call.has_role(repo, "admin"))
    row = call.world.repositories.get(repo)
    held = row.teams.items() if row else ()
    return ok({"permissions": {name: views.team_permission(name, role) for name, role in held}})


def set_team(call: Call, repo: str, name: str) -> Response:
    call.refuse_unless(call.has_role(repo, "admin"))
    body = call.body(_ROLE)
    row = call.world.repositories.get(repo)
    if row is None:
        raise crash()
    owner = call.world.organizations.get(row.namespace)
    if owner is None or name not in owner.teams:
        raise invalid(f"No team {name} in organization {row.namespace}")
    row.teams[name] = body["role"]
    return ok(views.team_permission(name, body["role"]))


def delete_team(call: Call, repo: str, name: str) -> Response:
    call.refuse_unless(call.has_role(repo, "admin"))
    row = call.world.repositories.get(repo)
    if row is None or row.teams.pop(name, None) is None:
        raise invalid(_NO_TEAM)
    return empty()


_PERMISSIONS = "/api/v1/repository/<path:repo>/permissions"
ROUTES = (
    ("GET", _PERMISSIONS + "/user/", users),
    ("GET", _PERMISSIONS + "/user/<name>", user),
    ("PUT", _PERMISSIONS + "/user/<name>", set_user),
    ("DELETE", _PERMISSIONS + "/user/<name>", delete_user),
    ("GET", _PERMISSIONS + "/user/<name>/transitive", transitive),
    ("GET", _PERMISSIONS + "/team/", teams),
    ("PUT", _PERMISSIONS + "/team/<name>", set_team),
    ("DELETE", _PERMISSIONS + "/team/<name>", delete_team),
)
