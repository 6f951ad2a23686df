"""The writing half of the adapter, and the whole: RegistryWriter and Registry.

Each write is one call when all goes well. When its outcome is in doubt (no answer, 5xx, a 400 whose words cannot be
relied on, since Quay says the same in several ways and lets its database speak when two create at once), the state is read
again; only when that shows that nothing came of it, the call is sent a second time, and not while Quay may still be at work on
the first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from quaybridge_sdk.adapters.quay import parse, routes
from quaybridge_sdk.adapters.quay.answers import Answer, require_done, value
from quaybridge_sdk.adapters.quay.failures import cut, timed_out, was_sent
from quaybridge_sdk.adapters.quay.reader import QuayReader
from quaybridge_sdk.adapters.quay.routes import Call
from quaybridge_sdk.errors import (
    AlreadyExistsError,
    NotFoundError,
    RemoteError,
    RequestRefusedError,
    ServerFaultError,
    UnreachableError,
)
from quaybridge_sdk.model.quay import Prototype, Robot, Role

T = TypeVar("T")

_DOUBTFUL = (UnreachableError, ServerFaultError, AlreadyExistsError, RequestRefusedError)


class QuayRegistry(QuayReader):
    """One Quay with one token, behind the ports ``RegistryReader``, ``RegistryWriter`` and ``Registry``.

    Arguments, life and errors are those of :class:`.reader.QuayReader`::

        with QuayRegistry(endpoint, token) as registry:
            registry.organization("openshift_shop")
    """

    def create_organization(self, name: str, email: str) -> None:
        """Creates it; one that is there with the same e-mail is success.

        Raises:
            AlreadyExistsError: somebody else's organization, or a user, has the name.
            NameNotFreeError: a deleted organization still holds it.
        """
        routes.require_path_safe("organization", name)
        call = routes.CREATE_ORGANIZATION.call({}, body={"name": name, "email": email})

        def look(error: RemoteError) -> bool | None:
            found = self.organization(name)
            if found is not None and found.email == email:
                return True
            if found is not None:
                raise _exists(f"{call}: an organization {name!r} with another e-mail exists") from error
            if isinstance(error, AlreadyExistsError):  # a user of the name is no organization to a GET
                raise error
            return None

        self._settle(call, _done, look)

    def delete_organization(self, name: str) -> None:
        """Deletes the organization and all that is in it; one that is gone already is success."""
        call = routes.DELETE_ORGANIZATION.call({"organization": name})
        try:
            self._settle(call, _done, lambda _: True if self._organization(name) is None else None)
        except NotFoundError:
            return  # gone already

    def create_robot(self, organization: str, short_name: str, description: str) -> Robot:
        """The robot with its token, whether made now or there before (Quay then keeps the description it has).

        Raises:
            NotFoundError: there is no such organization.
        """
        names = {"organization": organization, "robot": short_name}
        call = routes.CREATE_ROBOT.call(names, body={"description": description})

        def look(_: RemoteError) -> Robot | None:
            try:
                return value(self._send(routes.GET_ROBOT.call(names)), parse.robot)
            except NotFoundError:
                return None

        return self._settle(call, lambda answer: value(answer, parse.robot), look)

    def create_prototype(self, organization: str, robot: str, role: Role) -> Prototype:
        """The default permission, made now or, when the answer was doubtful, found to be there.

        Raises:
            NotFoundError: there is no such robot or organization.
        """
        # The keys that Quay ignores are the incumbent's.
        delegate = {"kind": "user", "name": robot, "is_robot": True, "is_org_member": True}
        body = {"id": "", "role": role.value, "delegate": delegate}
        call = routes.CREATE_PROTOTYPE.call({"organization": organization}, body=body)

        def look(_: RemoteError) -> Prototype | None:
            found = self.prototypes(organization)
            return next((p for p in found if (p.delegate, p.role, p.activating_user) == (robot, role, None)), None)

        return self._settle(call, lambda answer: value(answer, parse.prototype), look)

    def update_prototype(self, organization: str, prototype_id: str, role: Role) -> None:
        """Raises NotFoundError when there is no such default permission."""
        names = {"organization": organization, "prototype": prototype_id}

        def look(_: RemoteError) -> bool | None:
            return any(p.id == prototype_id and p.role is role for p in self.prototypes(organization)) or None

        self._settle(routes.UPDATE_PROTOTYPE.call(names, body={"role": role.value}), _done, look)

    def delete_prototype(self, organization: str, prototype_id: str) -> None:
        """Deletes the default permission; one that is gone already is success."""
        names = {"organization": organization, "prototype": prototype_id}

        def look(_: RemoteError) -> bool | None:
            return all(p.id != prototype_id for p in self.prototypes(organization)) or None

        try:
            self._settle(routes.DELETE_PROTOTYPE.call(names), _done, look)
        except NotFoundError:
            return  # gone already, or with its organization

    def create_repository(self, organization: str, name: str) -> bool:
        """A private image repository. False: it was there before, or made by a call whose answer was lost, so it may lack
        the default permissions, which Quay gives after the creation and not in one with it.

        Raises:
            NotFoundError: there is no such organization.
        """
        names = {"organization": organization, "repository": name}
        for kind, text in names.items():
            routes.require_path_safe(kind, text)
        body = {"namespace": organization, "visibility": "private", "repository": name, "description": "", "repo_kind": "image"}
        call = routes.CREATE_REPOSITORY.call({}, body=body)

        def look(error: RemoteError) -> bool | None:
            # To a superuser Quay answers 500 when there is no organization.
            if not isinstance(error, AlreadyExistsError) and self._organization(organization) is None:
                raise _missing(f"{call}: there is no organization {organization!r}") from error
            return False if self._has_repository(organization, name) else None

        return self._settle(call, _done, look)

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
                    raise _missing(f"there is no repository {organization}/{repository}") from error
            return None

        self._settle(routes.SET_PERMISSION.call(names, body={"role": role.value}), _done, look)

    def _has_repository(self, organization: str, name: str) -> bool:
        names = {"organization": organization, "repository": name}
        try:
            require_done(self._send(routes.GET_REPOSITORY.call(names, query={"includeTags": "false"})))
        except NotFoundError:
            return False
        return True

    def _settle(self, call: Call, outcome: Callable[[Answer], T], look: Callable[[RemoteError], T | None]) -> T:
        """Sends a write until its outcome is known, twice at most.

        Args:
            outcome: reads the answer of a success, raises for any other.
            look: reads the state after a doubtful answer: what came of the call, None when nothing did.
        """
        sent = 0
        while True:
            sent += 1
            try:
                return outcome(self._send(call))
            except _DOUBTFUL as error:
                if not was_sent(error):
                    raise
                found = look(error)
                if found is not None:
                    return found
                if sent == 2 or timed_out(error) or isinstance(error, RequestRefusedError):
                    raise


def _done(answer: Answer) -> bool:
    require_done(answer)
    return True


def _exists(message: str) -> AlreadyExistsError:
    return AlreadyExistsError(cut(message), system="quay")


def _missing(message: str) -> NotFoundError:
    return NotFoundError(cut(message), system="quay")
