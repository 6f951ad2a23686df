"""Who am I, how are you, what are you: the token check, health, and configuration.

Sources: ``tests/cassettes/quay/errors.yaml``; quay/quay ``endpoints/api/user.py``.
"""

from __future__ import annotations

from quaybridge_sdk.testing.http import Response

from . import views
from .answers import RefusalError
from .call import Call, ok
from .records import Organization

_FIXED: views.View = {
    "can_create_repo": True,
    "is_me": True,
    "verified": True,
    "logins": [],
    "invoice_email": False,
    "invoice_email_address": None,
    "preferred_namespace": False,
    "tag_expiration_s": 1209600,
    "prompts": ["enter_name", "enter_company"],
    "company": None,
    "family_name": None,
    "given_name": None,
    "location": None,
    "is_free_account": True,
    "has_password_set": True,
    "quotas": [],
    "quota_report": views.NAMESPACE_QUOTA,
}
_FEATURES = ("ANONYMOUS_ACCESS", "EXTENDED_REPOSITORY_NAMES", "SUPERUSERS_FULL_ACCESS", "SUPER_USERS", "REPO_MIRROR")
_SERVICES = ("auth", "database", "disk_space", "registry_gunicorn", "service_key", "web_gunicorn")


def _membership(call: Call, organization: Organization) -> views.View:
    name = organization.name
    view: views.View = {"name": name, "avatar": views.avatar(name, "org"), "can_create_repo": call.may_create(name)}
    return view | {"public": False, "is_org_admin": call.administers(name), "preferred_namespace": False}


def user(call: Call) -> Response:
    """The token check: 401 for no token, a bad token, and a valid one without the scope ``user:read``."""
    if not call.has_scope("user:read"):
        raise RefusalError(typed="invalid_token", detail="Requires authentication", session_required=False)
    mine = [row for row in call.world.organizations.values() if call.world.owns(call.user, row.name)]
    view: views.View = {"anonymous": False, "username": call.user, "avatar": views.person(call.user)}
    view |= _FIXED | {"email": call.world.users[call.user]}
    view["organizations"] = [_membership(call, row) for row in mine]
    return ok(view | ({"super_user": True} if call.is_superuser else {}))


def health(_: Call) -> Response:
    return ok({"data": {"services": dict.fromkeys(_SERVICES, True)}, "status_code": 200})


def config(call: Call) -> Response:
    """The parts by which clients discover what a Quay can do; a real one shows many more."""
    features = dict.fromkeys(_FEATURES, True) | {"MAILING": False, "QUOTA_MANAGEMENT": True}
    host = call.request.headers.get("host", "")
    view = {"config": {"SERVER_HOSTNAME": host}, "features": features, "version_number": "3.19.0"}
    return ok(view | {"registry_state": "readonly" if call.read_only else "normal"})


ROUTES = (
    ("GET", "/api/v1/user/", user),
    ("GET", "/health/instance", health),
    ("GET", "/config", config),
)
