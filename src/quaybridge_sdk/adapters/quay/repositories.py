"""Writes to repositories: themselves, their state, and robots' rights on them."""

from __future__ import annotations

from quaybridge_sdk.adapters.quay import parse, routes
from quaybridge_sdk.adapters.quay.answers import value
from quaybridge_sdk.adapters.quay.settle import Settling, missing, told
from quaybridge_sdk.errors import AlreadyExistsError, NotFoundError, RemoteError, RequestRefusedError
from quaybridge_sdk.model.quay import Role

_NO_STATES = "'description' is a required property"
"""How Quay complains of a state when it takes the call for a change of the repository ``<name>/changestate``."""


class RepositoryWriter(Settling):
    """The half of the port ``RegistryWriter`` that is about repositories."""

    def create_repository(self, organization: str, name: str, description: str = "") -> bool:
        """A private image repository. False: it was there before, or made by a call whose answer was lost, so it may lack
        the default permissions, which Quay gives after the creation and not in one with it.

        Raises:
            NotFoundError: there is no such organization.
        """
        names = {"organization": organization, "repository": name}
        for kind, text in names.items():
            routes.require_path_safe(kind, text)
        where = {"namespace": organization, "visibility": "private", "repository": name}
        body = {**where, "description": description, "repo_kind": "image"}
        call = routes.CREATE_REPOSITORY.call({}, body=body)

        def look(error: RemoteError) -> bool | None:
            # To a superuser Quay answers 500 when there is no organization.
            if not isinstance(error, AlreadyExistsError) and self._organization(organization) is None:
                raise missing(f"{call}: there is no organization {organization!r}") from error
            return False if self._has_repository(organization, name) else None

        return self._settle(call, told(parse.made_repository), look)

    def delete_repository(self, organization: str, name: str) -> None:
        """Deletes the repository and its images; one that is gone already, or with its organization, is success.

        Quay answers 500 when there is no organization, and a success when there is no repository.
        """
        call = routes.DELETE_REPOSITORY.call({"organization": organization, "repository": name})
        self._remove(call, organization, lambda: not self._has_repository(organization, name))

    def set_repository_state(self, organization: str, name: str, *, read_only: bool) -> bool:
        """Stops pushes to the repository, or lets them again; who has just logged in can push until the login ends (an hour).

        Quay has states only with FEATURE_REPO_MIRROR. False: it has none, and nothing was changed.

        Raises:
            NotFoundError: there is no such repository.
        """
        names, state = {"organization": organization, "repository": name}, "READ_ONLY" if read_only else "NORMAL"

        def look(error: RemoteError) -> bool | None:
            if isinstance(error, RequestRefusedError) and _NO_STATES in str(error):
                return False
            found = value(self._send(routes.GET_REPOSITORY.call(names, query={"includeTags": "false"})), parse.repository_state)
            return found == state or None

        return self._settle(routes.SET_STATE.call(names, body={"state": state}), told(parse.success), look)

    def set_repository_permission(self, organization: str, repository: str, robot: str, role: Role) -> None:
        """Gives or changes a robot's right on a repository. ``robot`` is the full name.

        Raises:
            NotFoundError: there is no such repository or robot.
        """
        names = {"organization": organization, "repository": repository, "robot": robot}

        def look(error: RemoteError) -> bool | None:
            try:
                if value(self._send(routes.GET_PERMISSION.call(names)), parse.role) is role:
                    return True
            except NotFoundError:  # no permission, or no repository at all: Quay says the same
                if not self._has_repository(organization, repository):
                    raise missing(f"there is no repository {organization}/{repository}") from error
            return None

        self._settle(routes.SET_PERMISSION.call(names, body={"role": role.value}), told(parse.role), look)
