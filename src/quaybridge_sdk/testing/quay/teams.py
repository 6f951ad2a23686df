"""``/organization/{org}/team/{team}``: teams and their members.

Sources: ``tests/cassettes/quay/teams.yaml``; quay/quay ``endpoints/api/team.py``.
"""

from __future__ import annotations

from quaybridge_sdk.testing.http import Response

from . import views
from .answers import STRING, invalid, message, not_found, one_of, schema
from .call import Call, empty, ok
from .organizations import name_fault
from .records import Organization, Team

_TEAM = schema("role", role=one_of("member", "creator", "admin"), description=STRING)


def put(call: Call, org: str, team: str) -> Response:
    """An upsert; ``new_team`` tells which it was."""
    body = call.body(_TEAM)
    call.refuse_unless(call.administers(org))
    owner, fault = call.parent(org), name_fault(team)
    if fault:
        raise message(f"Invalid team name {team}: {fault}")
    is_new = team not in owner.teams
    record = owner.teams.setdefault(team, Team(team, body["role"]))
    record.role, record.description = body["role"], body.get("description", record.description)
    view = {"name": team, "description": record.description, "can_view": True, "role": record.role}
    return ok(view | {"avatar": views.avatar(team, "team"), "new_team": is_new})


def delete(call: Call, org: str, team: str) -> Response:
    """The team that makes the caller an administrator cannot be deleted by it."""
    call.refuse_unless(call.administers(org))
    owner = call.parent(org)
    if team not in owner.teams:
        raise message(f"Team '{team}' is not a team in org '{org}'")
    admin_teams = [entry.name for entry in call.world.teams_of(call.user, org) if entry.role == "admin"]
    if admin_teams == [team]:
        text = f"Deleting team '{team}' would remove admin ability for user '{call.user}' in organization '{org}'"
        raise message(text)
    del owner.teams[team]
    for rule in [rule for rule in owner.prototypes.values() if (rule.kind, rule.delegate) == ("team", team)]:
        del owner.prototypes[rule.id]
    for row in call.world.repositories.values():
        if row.namespace == org:
            row.teams.pop(team, None)
    return empty()


def _team(owner: Organization | None, team: str) -> Team:
    if owner is None or team not in owner.teams:
        raise not_found()
    return owner.teams[team]


def members(call: Call, org: str, team: str) -> Response:
    call.refuse_unless(call.belongs_to(org))
    record = _team(call.world.organizations.get(org), team)
    view = [views.member(name) for name in record.members]
    return ok({"name": team, "members": view, "can_edit": call.administers(org)})


def add_member(call: Call, org: str, team: str, name: str) -> Response:
    call.refuse_unless(call.administers(org))
    record = _team(call.world.organizations.get(org), team)
    if not call.world.is_user(name):
        raise invalid("Unknown user")
    if name in record.members:
        raise message(f"User {name} is already a member of team {team}")
    record.members.append(name)
    return ok(views.member(name))


def remove_member(call: Call, org: str, team: str, name: str) -> Response:
    call.refuse_unless(call.administers(org))
    record = _team(call.world.organizations.get(org), team)
    if name not in record.members:
        raise message(f"User {name} does not belong to team {team}")
    record.members.remove(name)
    return empty()


_TEAM_PATH = "/api/v1/organization/<org>/team/<team>"
ROUTES = (
    ("PUT", _TEAM_PATH, put),
    ("DELETE", _TEAM_PATH, delete),
    ("GET", _TEAM_PATH + "/members", members),
    ("PUT", _TEAM_PATH + "/members/<name>", add_member),
    ("DELETE", _TEAM_PATH + "/members/<name>", remove_member),
)
