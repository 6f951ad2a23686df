"""``/repository``: create, list in pages of 100, read, change, delete.

Sources: ``tests/cassettes/quay/repositories.yaml``; quay/quay ``endpoints/api/repository.py``.
"""

from __future__ import annotations

import re

from quaybridge_sdk.testing.http import Response

from . import views
from .answers import STRING, crash, invalid, one_of, schema
from .call import Call, empty, ok
from .records import Repository

NAME = re.compile(r"(?=.{0,255}$)[a-z0-9][.a-z0-9_-]*(?:/[a-z0-9][.a-z0-9_-]*)*")
PAGE_SIZE = 100
_VISIBILITY = one_of("public", "private")
_KIND = {"type": ["string", "null"], "enum": ["image", None]}
_NEW = schema(
    "repository visibility description",
    repository=STRING, visibility=_VISIBILITY, namespace=STRING, description=STRING, repo_kind=_KIND,
)  # fmt: skip
_DESCRIPTION = schema("description", description=STRING)
_CHANGE_VISIBILITY = schema("visibility", visibility=_VISIBILITY)
_CHANGE_STATE = schema("state", state=one_of("NORMAL", "READ_ONLY", "MIRROR"))


def create(call: Call) -> Response:
    """A missing namespace crashes a real Quay for who may create there: a superuser."""
    body = call.body(_NEW)
    namespace = body.get("namespace") or call.user
    path = f"{namespace}/{body['repository']}"
    call.refuse_unless(call.may_create(namespace))
    if path in call.world.repositories:
        raise invalid("Repository already exists")
    if not NAME.fullmatch(body["repository"]):
        raise invalid("Invalid repository name")
    if namespace not in call.world.organizations and namespace not in call.world.users:
        raise crash()
    call.world.create_repository(path, call.user, body["visibility"] == "public", body["description"])
    return ok({"namespace": namespace, "name": body["repository"], "kind": "image"}, 201)


def _is_visible(call: Call, row: Repository) -> bool:
    """Needs no scope: a token of any scope lists what its user can read."""
    return row.public or call.is_superuser or call.world.role(call.user, f"{row.namespace}/{row.name}") is not None


def listing(call: Call) -> Response:
    """Only what the caller can see, so an empty list proves nothing about the namespace."""
    query = call.request.query
    if not {"namespace", "starred", "public"} & query.keys():
        raise invalid("namespace, starred or public are required for this API call")
    rows = [row for row in call.world.repositories.values() if query.get("namespace", row.namespace) == row.namespace]
    rows = [row for row in rows if _is_visible(call, row) and not call.flag("starred")]
    dated, popular = call.flag("last_modified"), call.flag("popularity")
    return call.page(rows, lambda row: views.listed_repository(row, dated, popular), "repositories", PAGE_SIZE)


def read(call: Call, repo: str) -> Response:
    row = call.world.repositories.get(repo)
    call.refuse_unless(call.has_role(repo, "read") or (row is not None and row.public))
    row = call.repository(repo)
    view: views.View = {"namespace": row.namespace, "name": row.name, "kind": "image", "description": row.description}
    view |= {"is_public": row.public, "is_organization": row.namespace in call.world.organizations, "is_starred": False}
    view |= {"status_token": row.status_token if call.has_role(repo, "admin") else "", "trust_enabled": False}
    view |= {"tag_expiration_s": 1209600, "is_free_account": True, "state": row.state}
    if call.flag("includeTags", default=True):
        view["tags"] = {name: views.tag(tag, row) for name, tag in row.tags.items()}
    return ok(view | {"can_write": call.has_role(repo, "write"), "can_admin": call.has_role(repo, "admin")})


def change(call: Call, repo: str) -> Response:
    call.refuse_unless(call.has_role(repo, "write"))
    body = call.body(_DESCRIPTION)
    call.repository(repo).description = body["description"]
    return ok({"success": True})


def delete(call: Call, repo: str) -> Response:
    """204 also for a missing repository, 500 in a missing organization."""
    call.refuse_unless(call.has_role(repo, "admin"))
    namespace = repo.partition("/")[0]
    if namespace not in call.world.organizations and namespace not in call.world.users:
        raise crash()
    call.world.repositories.pop(repo, None)
    return empty()


def change_visibility(call: Call, repo: str) -> Response:
    call.refuse_unless(call.has_role(repo, "admin"))
    body = call.body(_CHANGE_VISIBILITY)
    row = call.world.repositories.get(repo)
    if row is None:
        return ok(None)
    row.public = body["visibility"] == "public"
    return ok({"success": True})


def change_state(call: Call, repo: str) -> Response:
    """Without FEATURE_REPO_MIRROR this is a change of a repository with a long name."""
    if not call.world.repository_states:
        return change(call, f"{repo}/changestate")
    call.refuse_unless(call.has_role(repo, "admin"))
    body = call.body(_CHANGE_STATE)
    call.repository(repo).state = body["state"]
    return ok({"success": True})


_REPOSITORY = "/api/v1/repository/<path:repo>"
ROUTES = (  # sub-resources first: a repository name may contain slashes
    ("POST", _REPOSITORY + "/changevisibility", change_visibility),
    ("PUT", _REPOSITORY + "/changestate", change_state),
    ("POST", "/api/v1/repository", create),
    ("GET", "/api/v1/repository", listing),
    ("GET", _REPOSITORY, read),
    ("PUT", _REPOSITORY, change),
    ("DELETE", _REPOSITORY, delete),
)
