"""``/organization/``: create, read, change, delete, and the superuser's list.

Sources: recorded exchanges (``tests/cassettes/quay/organization.yaml``); quay/quay ``endpoints/api/organization.py``.
"""

from __future__ import annotations

import re
import uuid

from quaybridge_sdk.testing.http import Response

from . import views
from .answers import STRING, invalid, not_imitated, schema
from .call import Call, empty, ok
from .records import Organization

NAME = re.compile(r"^([a-z0-9]+(?:[._-][a-z0-9]+)*)$")
_NEW = schema("name", name=STRING, email=STRING, contact_email=STRING, recaptcha_response=STRING)
_CHANGE = schema(email=STRING)


def name_fault(name: str) -> str | None:
    """Why Quay refuses the name of an organization or robot; None when it takes it (also with a final newline)."""
    if not 2 <= len(name) <= 255:
        return "Namespace must be between 2 and 255 characters in length"
    return None if NAME.match(name) else f"Namespace must match expression {NAME.pattern}"


def create(call: Call) -> Response:
    call.refuse_unless(call.has_scope("user:admin"))
    body = call.body(_NEW)
    name, email = body["name"], body.get("email") or body.get("contact_email")
    if name in call.world.organizations or call.world.is_user(name):
        raise invalid("A user or organization with this name already exists")
    if email and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise invalid("Invalid email address")
    fault = name_fault(name)
    if fault:
        raise invalid(f"Invalid namespace {name}: {fault}")
    if call.world.is_reserved(name):
        raise invalid("Username is not available")
    if email in call.world.users.values():
        raise invalid(f"Email has already been used: {email}")
    record = Organization(name, email or str(uuid.uuid4()), (call.user,), shown_email=bool(email))
    call.world.organizations[name] = record
    return ok("Created", 201)


def _view(call: Call, record: Organization) -> Response:
    admin, member = call.administers(record.name), call.belongs_to(record.name)
    return ok(views.organization(record, admin, member))


def read(call: Call, org: str) -> Response:
    """Anybody may: 404 when missing, a bare view without rights."""
    return _view(call, call.organization(org))


def change(call: Call, org: str) -> Response:
    """The e-mail is not compared with the users' here, unlike on creation."""
    body = call.body(_CHANGE)
    call.refuse_unless(call.administers(org))
    record = call.organization(org)
    if body.keys() - {"email"}:
        raise not_imitated("changes of an organization other than that of its e-mail")
    if body.get("email"):
        record.email, record.shown_email = body["email"], True
    return _view(call, record)


def delete(call: Call, org: str) -> Response:
    call.refuse_unless(call.administers(org))
    call.organization(org)
    call.world.delete_organization(org, call.reserved_until())
    return empty()


def superuser_list(call: Call) -> Response:
    """Unpaged without ``limit``, otherwise pages of at most 100 in the order of creation."""
    call.refuse_unless(call.is_superuser)
    rows = list(call.world.organizations.values())
    limit = call.number("limit", 0)
    if limit > 100:
        raise invalid("Page limit cannot be above 100")
    return call.page(rows, views.superuser_organization, "organizations", limit or len(rows) or 1)


ROUTES = (
    ("POST", "/api/v1/organization/", create),
    ("GET", "/api/v1/organization/<org>", read),
    ("PUT", "/api/v1/organization/<org>", change),
    ("DELETE", "/api/v1/organization/<org>", delete),
    ("GET", "/api/v1/superuser/organizations/", superuser_list),
)
