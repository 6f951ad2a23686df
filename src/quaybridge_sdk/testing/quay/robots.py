"""``/organization/{org}/robots``: robot accounts, created once and never changed, only regenerated or deleted.

Sources: ``tests/cassettes/quay/robots.yaml``; quay/quay ``endpoints/api/robot.py``, ``data/model/user.py``.
"""

from __future__ import annotations

from quaybridge_sdk.testing.http import Response

from . import views
from .answers import invalid, message, schema
from .call import Call, empty, ok
from .organizations import name_fault
from .records import Robot, robot_token

_NEW = schema(description={"type": "string", "maxLength": 255}, unstructured_metadata={"type": "object"})
_COLUMN = 255  # characters of the user table's name column, so of "org+robot"


def _find(call: Call, org: str, short: str) -> Robot:
    record = call.world.robot(f"{org}+{short}")
    if record is None:
        raise message("Could not find robot with specified username")
    return record


def _listed(call: Call, robot: Robot, token: bool, permissions: bool) -> views.View:
    view = views.robot(robot, token)
    if permissions:
        view["teams"] = []
        view["repositories"] = [row.name for row in call.world.repositories.values() if robot.name in row.users]
    return view


def listing(call: Call, org: str) -> Response:
    """All of them, unpaged; empty, not 404, for a missing organization. Tokens for administrators only."""
    call.refuse_unless(call.belongs_to(org))
    record = call.world.organizations.get(org)
    token = call.administers(org) and call.flag("token", default=True)
    robots = list(record.robots.values()) if record else []
    limit = call.number("limit", len(robots))
    return ok({"robots": [_listed(call, robot, token, call.flag("permissions")) for robot in robots[:limit]]})


def read(call: Call, org: str, robot: str) -> Response:
    call.refuse_unless(call.administers(org))
    call.parent(org)
    record = _find(call, org, robot)
    return ok(views.robot(record) | {"unstructured_metadata": record.metadata or {}})


def create(call: Call, org: str, robot: str) -> Response:
    """Create only: an existing robot is a 400, and nothing about it changes."""
    call.refuse_unless(call.administers(org))
    body = call.optional_body(_NEW)
    owner, name = call.parent(org), f"{org}+{robot}"
    fault = name_fault(robot)
    if fault:
        raise invalid(f"The name for the robot '{robot}' is invalid: {fault}")
    if name in owner.robots:
        raise invalid(f"Existing robot with name: {name}")
    if len(name) > _COLUMN:
        raise message("value too long for type character varying(255)\n")
    record = Robot(name, body.get("description") or "", body.get("unstructured_metadata"))
    owner.robots[name] = record
    return ok(views.robot(record) | {"unstructured_metadata": record.metadata}, 201)


def delete(call: Call, org: str, robot: str) -> Response:
    call.refuse_unless(call.administers(org))
    call.world.delete_robot(_find(call, org, robot))
    return empty()


def regenerate(call: Call, org: str, robot: str) -> Response:
    call.refuse_unless(call.administers(org))
    record = _find(call, org, robot)
    record.token = robot_token()
    return ok(views.robot(record))


def permissions(call: Call, org: str, robot: str) -> Response:
    """The one call here that also wants the scope ``user:admin``. Unpaged."""
    call.refuse_unless(call.has_scope("user:admin") and call.administers(org))
    call.parent(org)
    name = _find(call, org, robot).name
    held = [(row, row.users[name]) for row in call.world.repositories.values() if name in row.users]
    view = [{"repository": {"name": row.name, "is_public": row.public}, "role": role} for row, role in held]
    return ok({"permissions": view})


_ROBOT = "/api/v1/organization/<org>/robots/<robot>"
ROUTES = (
    ("GET", "/api/v1/organization/<org>/robots", listing),
    ("GET", _ROBOT, read),
    ("PUT", _ROBOT, create),
    ("DELETE", _ROBOT, delete),
    ("POST", _ROBOT + "/regenerate", regenerate),
    ("GET", _ROBOT + "/permissions", permissions),
)
