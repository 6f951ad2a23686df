"""Reads Quay's side of one namespace, as deep as it is told. It decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from attrs import evolve

from quaybridge_sdk.model.state import Absent, RegistryState
from quaybridge_sdk.ports import RegistryReader

EMPTY = RegistryState(Absent.ABSENT, {}, (), frozenset())


def observe_organization(reader: RegistryReader, organization: str, now: datetime) -> RegistryState:
    """Whether the organization is there, and whose mark it bears: 1 call. What is not there has nothing in it either."""
    found = reader.organization(organization)
    return RegistryState(found) if found is not None else evolve(EMPTY, complete_at=now)


def observe_robots(reader: RegistryReader, organization: str, believed: RegistryState) -> RegistryState:
    """The robots with their tokens, next to what was believed of the rest: 1 call (2 when the organization is gone)."""
    robots = reader.robots(organization)
    return EMPTY if robots is None else evolve(believed, robots=robots)


def observe_roles(reader: RegistryReader, organization: str, known: RegistryState, robots: Iterable[str]) -> RegistryState:
    """The roles that these robots have on each repository, next to what is ``known``: 1 call for each that is there.

    Raises:
        NotFoundError: a robot has gone since they were listed.
    """
    there = known.robots or {}
    roles = {name: reader.robot_roles(organization, name.partition("+")[2]) for name in robots if name in there}
    looked = {name: evolve(there[name], roles=found) for name, found in roles.items()}
    return evolve(known, robots={**there, **looked}) if looked else known


def observe_contents(reader: RegistryReader, organization: str, known: RegistryState) -> RegistryState:
    """What is in the repositories, next to what is ``known``: 1 call for each 100."""
    return evolve(known, contents=reader.repository_states(organization))


def observe_all(reader: RegistryReader, organization: str, now: datetime) -> RegistryState:
    """The three lists: 3 calls (2 when the organization is gone)."""
    known = observe_robots(reader, organization, RegistryState())
    return evolve(known, complete_at=now) if known is EMPTY else observe_rest(reader, organization, known, now)


def observe_rest(reader: RegistryReader, organization: str, known: RegistryState, now: datetime) -> RegistryState:
    """What is missing next to the robots that are ``known``: 2 calls."""
    prototypes, found = reader.prototypes(organization), reader.repositories(organization)
    described = {name: description for name, description in found.items() if description}
    return evolve(known, prototypes=prototypes, repositories=frozenset(found), described=described, complete_at=now)
