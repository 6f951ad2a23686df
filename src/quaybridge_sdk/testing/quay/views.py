"""How Quay shows its records in JSON; keys and their order as in the recordings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

from .records import Organization, Prototype, Repository, Robot, Tag

View = dict[str, Any]
QUOTA: Mapping[str, object] = {"quota_bytes": 0, "configured_quota": None}
NAMESPACE_QUOTA = {**QUOTA, "running_backfill": "waiting", "backfill_status": "waiting"}


def avatar(name: str, kind: str) -> View:
    """Opaque to clients: Quay derives the hash from e-mail or name, and a colour from the hash."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    return {"name": name, "hash": digest, "color": "#" + digest[:6], "kind": kind}


def person(name: str) -> View:
    """The avatar of a user or robot."""
    return avatar(name, "robot" if "+" in name else "user")


def _owners(record: Organization) -> View:
    view = {"name": "owners", "description": "", "role": "admin", "avatar": avatar("owners", "team")}
    return view | {"can_view": True, "repo_count": 0, "member_count": len(record.owners), "is_synced": False}


def organization(record: Organization, admin: bool, member: bool) -> View:
    """The full view for administrators, teams for members, the bare name for everybody else."""
    email = record.email if admin and record.shown_email else ""
    view: View = {"name": record.name, "email": email, "avatar": avatar(record.name, "user")}
    view |= {"is_admin": admin, "is_member": member}
    if member:
        view |= {"teams": {"owners": _owners(record)}, "ordered_teams": ["owners"]}
    if admin:
        view |= {"invoice_email": False, "invoice_email_address": None, "tag_expiration_s": 1209600, "is_free_account": True}
        view |= {"quotas": [], "quota_report": NAMESPACE_QUOTA}
    return view


def superuser_organization(record: Organization) -> View:
    """Here an organization without an e-mail shows the random UUID stored in its place."""
    view = {"name": record.name, "email": record.email, "avatar": avatar(record.name, "org")}
    return view | {"quotas": [], "quota_report": NAMESPACE_QUOTA}


def robot(record: Robot, token: bool = True) -> View:
    view: View = {"name": record.name, "created": formatdate(record.created), "last_accessed": None}
    return view | {"description": record.description} | ({"token": record.token} if token else {})


def prototype(record: Prototype, owner: Organization) -> View:
    def user(name: str) -> View:
        view = {"name": name, "is_robot": "+" in name, "kind": "user"}
        return view | {"is_org_member": owner.has_member(name), "avatar": person(name)}

    as_team = {"name": record.delegate, "kind": "team", "avatar": avatar(record.delegate, "team")}
    activating = user(record.activating_user) if record.activating_user else None
    delegate = as_team if record.kind == "team" else user(record.delegate)
    return {"activating_user": activating, "delegate": delegate, "role": record.role, "id": record.id}


def listed_repository(record: Repository, last_modified: bool, popularity: bool) -> View:
    view: View = {"namespace": record.namespace, "name": record.name, "description": record.description}
    view |= {"is_public": record.public, "kind": "image", "state": record.state}
    if last_modified:
        view["last_modified"] = max((tag.start for tag in record.tags.values()), default=None)
    if popularity:
        view["popularity"] = 0.0
    return view | {"is_starred": False, "quota_report": QUOTA}


def tag(record: Tag, repository: Repository) -> View:
    """A tag in the map of ``GET repository``."""
    size = repository.manifests[record.digest].size
    view = {"name": record.name, "size": size, "last_modified": formatdate(record.start)}
    return view | {"manifest_digest": record.digest}


def user_permission(name: str, role: str, owner: Organization | None) -> View:
    view = {"role": role, "name": name, "is_robot": "+" in name, "avatar": person(name)}
    return view | ({"is_org_member": owner.has_member(name)} if owner else {})
