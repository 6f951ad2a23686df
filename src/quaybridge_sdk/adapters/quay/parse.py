"""Quay's JSON as values. A wrong type raises :class:`MalformedError`, whose text says where, never what was there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

from attrs import frozen

from quaybridge_sdk.model.quay import Organization, Prototype, Repository, Robot, RobotToken, Role

T = TypeVar("T")
_ROLES = frozenset(role.value for role in Role)


class MalformedError(Exception):
    """Something is not of the documented type. It never leaves the adapter."""


@frozen
class OrganizationView:
    """An organization, and whether the caller was taken for its administrator: if not, Quay hides the e-mail."""

    organization: Organization
    is_admin: bool


@frozen
class RepositoryPage(Generic[T]):
    """One page of a listing. ``has_private``: who sees a private repository is no stranger."""

    rows: tuple[T, ...]
    has_private: bool
    next_page: str | None


def organization(document: object) -> OrganizationView:
    record = _record(document, "the answer")
    email = _text(record, "email", default="")
    is_admin = _flag(record, "is_admin")
    return OrganizationView(Organization(_text(record, "name"), email, is_admin), is_admin)


def created(document: object) -> None:
    """The answer to the creation of an organization: one word."""
    if document != "Created":
        raise MalformedError("the answer is not the word Created")


def made_repository(document: object) -> str:
    """The name in the answer to a repository's creation."""
    return _text(_record(document, "the repository"), "name")


def success(document: object) -> None:
    """The answer to a change of state."""
    if not _flag(_record(document, "the answer"), "success"):
        raise MalformedError("the answer says no success")


def robot(document: object) -> Robot:
    """One robot. ``token`` is None when Quay does not show it, ``repositories`` None when they were not asked for."""
    record = _record(document, "the robot")
    token = _text(record, "token", default="")
    names = record.get("repositories")
    return Robot(
        name=_text(record, "name"),
        description=_text(record, "description", default=""),
        token=RobotToken(token) if token else None,
        repositories=None if names is None else frozenset(_names(names)),
    )


def robots(document: object) -> tuple[Robot, ...]:
    return _each(document, "robots", robot)


def roles(document: object) -> dict[str, Role]:
    """A robot's roles by repository, without those of which we know nothing."""
    return {name: Role(word) for name, word in _each(document, "permissions", _permission) if word in _ROLES}


def _permission(document: object) -> tuple[str, str]:
    record = _record(document, "the permission")
    return _text(_record(record.get("repository"), "repository"), "name"), _text(record, "role")


def prototype(document: object) -> Prototype:
    record = _record(document, "the prototype")
    delegate = _record(record.get("delegate"), "delegate")
    user = record.get("activating_user")
    return Prototype(
        id=_text(record, "id"),
        delegate=_text(delegate, "name"),
        role=role(record),
        activating_user=None if user is None else _text(_record(user, "activating_user"), "name"),
    )


def prototypes(document: object) -> tuple[Prototype, ...]:
    return _each(document, "prototypes", prototype)


def role(document: object) -> Role:
    """The ``role`` of a permission or a prototype."""
    try:
        return Role(_text(_record(document, "the answer"), "role"))
    except ValueError:
        raise MalformedError("role is none of Quay's") from None


def repository_names(document: object) -> RepositoryPage[tuple[str, str]]:
    """Names with descriptions. Of a repository that a push has made Quay gives null instead of a description."""
    return _page(document, lambda row: (_text(row, "name"), _text(row, "description", default="")))


def repositories(document: object) -> RepositoryPage[Repository]:
    """A page that was asked for with the times of the last changes: without them nothing may be called empty."""
    return _page(document, _repository)


def repository_state(document: object) -> str:
    return _text(_record(document, "the answer"), "state")


def username(document: object) -> str:
    return _text(_record(document, "the answer"), "username")


def _page(document: object, parse: Callable[[Mapping[str, object]], T]) -> RepositoryPage[T]:
    rows = _each(document, "repositories", lambda row: _record(row, "the repository"))
    following = _text(_record(document, "the answer"), "next_page", default="")
    return RepositoryPage(tuple(map(parse, rows)), any(not _flag(row, "is_public") for row in rows), following or None)


def _repository(row: Mapping[str, object]) -> Repository:
    changed = row.get("last_modified", "")
    if changed is not None and (not isinstance(changed, int) or isinstance(changed, bool)):
        raise MalformedError("last_modified must be seconds or null")
    return Repository(_text(row, "name"), empty=changed is None, read_only=_text(row, "state") != "NORMAL")


def _record(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise MalformedError(f"{where} must be an object")
    return value


def _each(document: object, key: str, parse: Callable[[object], T]) -> tuple[T, ...]:
    rows = _record(document, "the answer").get(key)
    if not isinstance(rows, list):
        raise MalformedError(f"{key} must be a list")
    return tuple(parse(row) for row in rows)


def _names(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise MalformedError("repositories must be a list of names")
    return value


def _text(record: Mapping[str, object], key: str, default: str | None = None) -> str:
    value = record.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise MalformedError(f"{key} must be a string")
    return value


def _flag(record: Mapping[str, object], key: str) -> bool:
    value = record.get(key)
    if not isinstance(value, bool):
        raise MalformedError(f"{key} must be true or false")
    return value
