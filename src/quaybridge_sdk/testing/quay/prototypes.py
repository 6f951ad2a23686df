"""``/organization/{org}/prototypes``: default permissions, applied when a repository is created and only then.

Sources: ``tests/cassettes/quay/prototypes.yaml``; quay/quay ``endpoints/api/prototype.py``. The rule by which they
are applied is :meth:`quaybridge_sdk.testing.quay.world.World.create_repository`.
"""

from __future__ import annotations

from quaybridge_sdk.testing.http import Response

from . import views
from .answers import STRING, invalid, message, not_found, one_of, schema
from .call import Call, empty, ok
from .records import ROLES, Organization, Prototype

_ROLE = one_of(*ROLES)
_CHANGE = schema("role", role=_ROLE)
_NEW = schema(
    "role delegate",
    role=_ROLE,
    activating_user=schema("name", name=STRING),
    delegate=schema("name kind", name=STRING, kind=one_of("user", "team")),
)


def listing(call: Call, org: str) -> Response:
    call.refuse_unless(call.administers(org))
    record = call.organization(org)
    return ok({"prototypes": [views.prototype(rule, record) for rule in record.prototypes.values()]})


def create(call: Call, org: str) -> Response:
    """200, and nothing is unique: the same rule twice is two rules."""
    body = call.body(_NEW)
    call.refuse_unless(call.administers(org))
    record = call.organization(org)
    activating = body["activating_user"]["name"] if "activating_user" in body else None
    kind, delegate = body["delegate"]["kind"], body["delegate"]["name"]
    if kind == "team" and delegate != "owners":
        raise message(str(("Team does not exist: %s/%s", org, delegate)))
    if activating and not call.world.is_user(activating):
        raise invalid("Unknown activating user")
    if kind == "user" and not call.world.is_user(delegate):
        raise invalid("Missing delegate user or team")
    rule = Prototype(kind, delegate, body["role"], activating)
    record.prototypes[rule.id] = rule
    return ok(views.prototype(rule, record))


def _find(call: Call, org: str, prototype: str) -> tuple[Organization, Prototype]:
    record = call.organization(org)
    if prototype not in record.prototypes:
        raise not_found()
    return record, record.prototypes[prototype]


def change(call: Call, org: str, prototype: str) -> Response:
    body = call.body(_CHANGE)
    call.refuse_unless(call.administers(org))
    record, rule = _find(call, org, prototype)
    rule.role = body["role"]
    return ok(views.prototype(rule, record))


def delete(call: Call, org: str, prototype: str) -> Response:
    call.refuse_unless(call.administers(org))
    record, rule = _find(call, org, prototype)
    del record.prototypes[rule.id]
    return empty()


ROUTES = (
    ("GET", "/api/v1/organization/<org>/prototypes", listing),
    ("POST", "/api/v1/organization/<org>/prototypes", create),
    ("PUT", "/api/v1/organization/<org>/prototypes/<prototype>", change),
    ("DELETE", "/api/v1/organization/<org>/prototypes/<prototype>", delete),
)
