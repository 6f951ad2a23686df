"""A Quay in memory, behind the registry ports: any number of organizations, their images, and a record of every write.

It states the measured behaviour once more, for itself: what a default permission does, what goes with an organization.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define, evolve, field, frozen
from tests.faults.marks import new_token

from quaybridge_sdk.errors import AlreadyExistsError, NotFoundError
from quaybridge_sdk.model.quay import Organization, Prototype, Repository, Robot, Role


@frozen
class Write:
    """A write that took effect: the system's method, and the organization or namespace that it changed."""

    name: str
    place: str


@define
class FakeRepository:
    """``rights`` are robot -> role; ``images`` are digests."""

    rights: dict[str, Role] = field(factory=dict)
    images: set[str] = field(factory=set)
    read_only: bool = False
    description: str = ""


@define
class FakeOrganization:
    email: str
    robots: dict[str, Robot] = field(factory=dict)
    prototypes: list[Prototype] = field(factory=list)
    repositories: dict[str, FakeRepository] = field(factory=dict)

    def facts(self) -> dict[str, Any]:
        """All of it in one comparable value, tokens and ids aside."""
        return {
            "email": self.email,
            "robots": {name: robot.description for name, robot in sorted(self.robots.items())},
            "prototypes": sorted((p.delegate, p.role.value, p.activating_user or "") for p in self.prototypes),
            "repositories": {
                name: (sorted((r, role.value) for r, role in found.rights.items()), sorted(found.images), found.read_only)
                for name, found in sorted(self.repositories.items())
            },
        }


@define
class FakeQuay:
    """Implements :class:`quaybridge_sdk.ports.Registry`. ``lost`` are the images that a write took away, by organization."""

    organizations: dict[str, FakeOrganization] = field(factory=dict)
    writes: list[Write] = field(factory=list)
    lost: list[tuple[str, str]] = field(factory=list)
    states: bool = True
    _serial: int = 0

    def facts(self) -> dict[str, Any]:
        return {name: found.facts() for name, found in sorted(self.organizations.items())}

    # -- reads

    def organization(self, name: str) -> Organization | None:
        found = self.organizations.get(name)
        return Organization(name, found.email) if found else None

    def robots(self, organization: str) -> Mapping[str, Robot] | None:
        found = self.organizations.get(organization)
        if found is None:
            return None
        rights = {name: frozenset(r for r, row in found.repositories.items() if name in row.rights) for name in found.robots}
        return {name: evolve(robot, repositories=rights[name]) for name, robot in found.robots.items()}

    def robot_roles(self, organization: str, short_name: str) -> Mapping[str, Role]:
        found, name = self._organization(organization), f"{organization}+{short_name}"
        self._require(name in found.robots, f"robot {name}")
        return {repository: row.rights[name] for repository, row in found.repositories.items() if name in row.rights}

    def prototypes(self, organization: str) -> tuple[Prototype, ...]:
        return tuple(sorted(self._organization(organization).prototypes, key=lambda p: p.id))

    def repositories(self, organization: str) -> Mapping[str, str]:
        found = self.organizations.get(organization)
        return {name: row.description for name, row in found.repositories.items()} if found else {}

    def repository_states(self, organization: str) -> tuple[Repository, ...]:
        found = self.organizations.get(organization)
        rows = sorted(found.repositories.items()) if found else []
        return tuple(Repository(name, not row.images, row.read_only) for name, row in rows)

    def check_token(self) -> str | None:
        return "admin"

    # -- writes

    def create_organization(self, name: str, email: str) -> None:
        found = self.organizations.get(name)
        if found is not None and found.email != email:
            raise AlreadyExistsError(f"the organization {name} is there, with another e-mail", system="quay")
        if found is None:
            self.organizations[name] = FakeOrganization(email)
            self._write("create_organization", name)

    def mark_organization(self, name: str, email: str) -> None:
        self._organization(name).email = email
        self._write("mark_organization", name)

    def delete_organization(self, name: str) -> None:
        found = self.organizations.pop(name, None)
        if found is not None:
            self.lost += [(name, image) for row in found.repositories.values() for image in row.images]
            self._write("delete_organization", name)

    def create_robot(self, organization: str, short_name: str, description: str) -> Robot:
        robots, name = self._organization(organization).robots, f"{organization}+{short_name}"
        if name not in robots:
            robots[name] = Robot(name, description, new_token())
            self._write("create_robot", organization)
        return robots[name]

    def delete_robot(self, organization: str, short_name: str) -> None:
        found, name = self.organizations.get(organization), f"{organization}+{short_name}"
        if found is None or found.robots.pop(name, None) is None:
            return
        found.prototypes = [p for p in found.prototypes if name not in (p.delegate, p.activating_user)]
        for row in found.repositories.values():
            row.rights.pop(name, None)
        self._write("delete_robot", organization)

    def regenerate_robot(self, organization: str, short_name: str) -> Robot:
        robots, name = self._organization(organization).robots, f"{organization}+{short_name}"
        self._require(name in robots, f"robot {name}")
        robots[name] = evolve(robots[name], token=new_token())
        self._write("regenerate_robot", organization)
        return robots[name]

    def create_prototype(self, organization: str, robot: str, role: Role) -> Prototype:
        found = self._organization(organization)
        self._require(robot in found.robots, f"robot {robot}")
        self._serial += 1
        found.prototypes.append(Prototype(f"id-{self._serial:04d}", robot, role))
        self._write("create_prototype", organization)
        return found.prototypes[-1]

    def update_prototype(self, organization: str, prototype_id: str, role: Role) -> None:
        prototypes = self._organization(organization).prototypes
        self._require(any(p.id == prototype_id for p in prototypes), f"default permission {prototype_id}")
        prototypes[:] = [evolve(p, role=role) if p.id == prototype_id else p for p in prototypes]
        self._write("update_prototype", organization)

    def delete_prototype(self, organization: str, prototype_id: str) -> None:
        found = self.organizations.get(organization)
        if found is not None and any(p.id == prototype_id for p in found.prototypes):
            found.prototypes = [p for p in found.prototypes if p.id != prototype_id]
            self._write("delete_prototype", organization)

    def create_repository(self, organization: str, name: str, description: str = "") -> bool:
        found = self._organization(organization)
        if name in found.repositories:
            return False
        general = [p for p in found.prototypes if p.activating_user is None]
        found.repositories[name] = FakeRepository({p.delegate: p.role for p in general}, description=description)
        self._write("create_repository", organization)
        return True

    def delete_repository(self, organization: str, name: str) -> None:
        found = self.organizations.get(organization)
        row = found.repositories.pop(name, None) if found else None
        if row is not None:
            self.lost += [(organization, image) for image in row.images]
            self._write("delete_repository", organization)

    def set_repository_state(self, organization: str, name: str, *, read_only: bool) -> bool:
        row = self._repository(organization, name)
        if self.states:
            row.read_only = read_only
            self._write("set_repository_state", organization)
        return self.states

    def set_repository_permission(self, organization: str, repository: str, robot: str, role: Role) -> None:
        self._require(robot in self._organization(organization).robots, f"robot {robot}")
        self._repository(organization, repository).rights[robot] = role
        self._write("set_repository_permission", organization)

    def _write(self, name: str, organization: str) -> None:
        self.writes.append(Write(name, organization))

    def _organization(self, name: str) -> FakeOrganization:
        self._require(name in self.organizations, f"organization {name}")
        return self.organizations[name]

    def _repository(self, organization: str, name: str) -> FakeRepository:
        found = self._organization(organization).repositories
        self._require(name in found, f"repository {organization}/{name}")
        return found[name]

    def _require(self, there: bool, what: str) -> None:
        if not there:
            raise NotFoundError(f"there is no {what}", system="quay")
