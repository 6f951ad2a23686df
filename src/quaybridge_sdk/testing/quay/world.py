"""All records together, and the rules that hold between them. Every access happens under the server's lock."""

from __future__ import annotations

import secrets
import time

from attrs import Factory, define

from .records import Organization, Repository, Robot, Token


@define
class World:
    """All of the server's records, and the rules across them."""

    users: dict[str, str] = Factory(dict)
    superusers: set[str] = Factory(set)
    tokens: dict[str, Token] = Factory(dict)
    organizations: dict[str, Organization] = Factory(dict)
    repositories: dict[str, Repository] = Factory(dict)
    reserved: dict[str, float] = Factory(dict)
    pages: dict[str, int] = Factory(dict)
    repository_states: bool = True

    def issue(self, token: Token) -> str:
        value = secrets.token_urlsafe(30)
        self.tokens[value] = token
        return value

    def robot(self, name: str) -> Robot | None:
        organization = self.organizations.get(name.partition("+")[0])
        return organization.robots.get(name) if organization else None

    def is_user(self, name: str) -> bool:
        """A user or a robot: both are users to Quay."""
        return name in self.users or self.robot(name) is not None

    def owns(self, user: str, namespace: str) -> bool:
        organization = self.organizations.get(namespace)
        return organization is not None and user in organization.owners

    def administers(self, user: str, namespace: str) -> bool:
        return user == namespace or self.owns(user, namespace)

    def role(self, user: str, path: str) -> str | None:
        """The strongest role of a user or robot in a repository, which need not exist: owners reach all names."""
        namespace = path.partition("/")[0]
        if self.administers(user, namespace):
            return "admin"
        repository = self.repositories.get(path)
        return repository.users.get(user) if repository else None

    def create_repository(self, path: str, creator: str, public: bool, description: str | None) -> Repository:
        """Creates a repository as a user or robot: explicit admin for it, then the default permissions."""
        namespace, _, name = path.partition("/")
        repository = Repository(namespace, name, public, description)
        self.repositories[path] = repository
        organization = self.organizations.get(namespace)
        if organization is not None:
            self._apply_prototypes(organization, repository, creator)
        repository.users[creator] = "admin"
        return repository

    def _apply_prototypes(self, organization: Organization, repository: Repository, creator: str) -> None:
        """As ``data/model/repository.py:apply_default_permissions``: a rule for this creator beats a general one, and
        among equals the older wins.
        """
        fitting = [rule for rule in organization.prototypes.values() if rule.activating_user in (None, creator)]
        for rule in sorted(fitting, key=lambda rule: rule.activating_user is None):
            if rule.kind == "user":  # the owners have all rights without one
                repository.users.setdefault(rule.delegate, rule.role)

    def delete_robot(self, robot: Robot) -> None:
        """Permissions and default permissions go with it, at once and everywhere."""
        for organization in self.organizations.values():
            organization.robots.pop(robot.name, None)
            for rule in list(organization.prototypes.values()):
                if robot.name in (rule.activating_user, rule.delegate if rule.kind == "user" else None):
                    del organization.prototypes[rule.id]
        for repository in self.repositories.values():
            repository.users.pop(robot.name, None)

    def delete_organization(self, name: str, reserved_until: float) -> None:
        """Gone at once, name and all; the name itself stays taken until ``reserved_until``."""
        for robot in list(self.organizations[name].robots.values()):
            self.delete_robot(robot)
        del self.organizations[name]
        for path in [path for path in self.repositories if path.startswith(name + "/")]:
            del self.repositories[path]
        self.reserved[name] = reserved_until

    def is_reserved(self, name: str) -> bool:
        return time.monotonic() < self.reserved.get(name, 0.0)

    def page_token(self, start: int) -> str:
        """An opaque token of the length of Quay's own; only this server can read it."""
        token = "gAAAAA" + secrets.token_urlsafe(132)
        self.pages[token] = start
        return token
