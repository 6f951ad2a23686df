"""Frozen copies of the server's state, for assertions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

from attrs import frozen

from .records import Organization, Repository
from .world import World

Value = TypeVar("Value")


def _frozen(mapping: dict[str, Value]) -> Mapping[str, Value]:
    return MappingProxyType(dict(mapping))


@frozen
class RobotSnapshot:
    """``token_sha256`` instead of the token, so that a test's diff shows no secret."""

    description: str
    metadata: Mapping[str, object]
    token_sha256: str


@frozen
class PrototypeSnapshot:
    delegate_kind: str
    delegate: str
    role: str
    activating_user: str | None


@frozen
class RepositorySnapshot:
    """``users`` maps users and robots to roles, ``tags`` names to digests."""

    description: str | None
    public: bool
    state: str
    users: Mapping[str, str]
    tags: Mapping[str, str]


@frozen
class OrganizationSnapshot:
    """Robots are keyed by short name; ``email`` is "" when none was given."""

    email: str
    robots: Mapping[str, RobotSnapshot]
    prototypes: tuple[PrototypeSnapshot, ...]
    repositories: Mapping[str, RepositorySnapshot]


def token_sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _repository(row: Repository) -> RepositorySnapshot:
    tags = {name: tag.digest for name, tag in row.tags.items()}
    return RepositorySnapshot(row.description, row.public, row.state, _frozen(row.users), _frozen(tags))


def _organization(record: Organization, world: World) -> OrganizationSnapshot:
    robots = {
        robot.short_name: RobotSnapshot(robot.description, _frozen(robot.metadata or {}), token_sha256(robot.token))
        for robot in record.robots.values()
    }
    rules = record.prototypes.values()
    prototypes = tuple(PrototypeSnapshot(rule.kind, rule.delegate, rule.role, rule.activating_user) for rule in rules)
    rows = {row.name: _repository(row) for row in world.repositories.values() if row.namespace == record.name}
    email = record.email if record.shown_email else ""
    return OrganizationSnapshot(email, _frozen(robots), prototypes, _frozen(rows))


def organizations(world: World) -> Mapping[str, OrganizationSnapshot]:
    return _frozen({name: _organization(record, world) for name, record in world.organizations.items()})
