"""Writes to an organization itself, and to what is in it beside repositories: robots and default permissions."""

from __future__ import annotations

from collections.abc import Mapping

from quaybridge_sdk.adapters.quay import parse, routes
from quaybridge_sdk.adapters.quay.answers import value
from quaybridge_sdk.adapters.quay.failures import timed_out
from quaybridge_sdk.adapters.quay.settle import Settling, exists, told
from quaybridge_sdk.errors import AlreadyExistsError, NotFoundError, RemoteError, RequestRefusedError
from quaybridge_sdk.model.quay import Prototype, Robot, Role


class AccountWriter(Settling):
    """The half of the port ``RegistryWriter`` that is about organizations, robots and default permissions."""

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
                raise exists(f"{call}: an organization {name!r} with another e-mail exists") from error
            if isinstance(error, AlreadyExistsError):  # a user of the name is no organization to a GET
                raise error
            return None

        self._settle(call, told(parse.created), look)

    def mark_organization(self, name: str, email: str) -> None:
        """Sets the organization's e-mail; nothing else of it changes.

        Raises:
            NotFoundError: there is no such organization.
        """

        def look(_: RemoteError) -> bool | None:
            found = self.organization(name)
            return (found is not None and found.email == email) or None

        call = routes.CHANGE_ORGANIZATION.call({"organization": name}, body={"email": email})
        self._settle(call, told(parse.organization), look)

    def delete_organization(self, name: str) -> None:
        """Deletes the organization and all that is in it; one that is gone already is success."""
        call = routes.DELETE_ORGANIZATION.call({"organization": name})
        self._remove(call, name, lambda: self._organization(name) is None)

    def create_robot(self, organization: str, short_name: str, description: str) -> Robot:
        """The robot with its token, whether made now or there before (Quay then keeps the description it has).

        Raises:
            NotFoundError: there is no such organization.
        """
        names = {"organization": organization, "robot": short_name}
        call = routes.CREATE_ROBOT.call(names, body={"description": description})
        return self._settle(call, lambda answer: value(answer, parse.robot), lambda _: self._robot(names))

    def delete_robot(self, organization: str, short_name: str) -> None:
        """Deletes the robot, and with it all its rights and default permissions; one that is gone already is success."""
        names = {"organization": organization, "robot": short_name}
        self._remove(routes.DELETE_ROBOT.call(names), organization, lambda: self._robot(names) is None)

    def regenerate_robot(self, organization: str, short_name: str) -> Robot:
        """Gives the robot a new token, which it answers; the old one is void at once.

        It is never sent twice. After a doubtful answer the robot is read, and its token now is the answer, be it the new or
        still the old one; not after a timeout, since Quay may then be about to change it.

        Raises:
            NotFoundError: there is no such robot or organization.
        """
        names = {"organization": organization, "robot": short_name}

        def look(error: RemoteError) -> Robot | None:
            return None if isinstance(error, RequestRefusedError) or timed_out(error) else self._existing_robot(names)

        return self._settle(routes.REGENERATE_ROBOT.call(names), lambda answer: value(answer, parse.robot), look)

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

        self._settle(routes.UPDATE_PROTOTYPE.call(names, body={"role": role.value}), told(parse.prototype), look)

    def delete_prototype(self, organization: str, prototype_id: str) -> None:
        """Deletes the default permission; one that is gone already, or with its organization, is success."""
        call = routes.DELETE_PROTOTYPE.call({"organization": organization, "prototype": prototype_id})
        self._remove(call, organization, lambda: all(p.id != prototype_id for p in self.prototypes(organization)))

    def _robot(self, names: Mapping[str, str]) -> Robot | None:
        try:
            return self._existing_robot(names)
        except NotFoundError:
            return None

    def _existing_robot(self, names: Mapping[str, str]) -> Robot:
        return value(self._send(routes.GET_ROBOT.call(names)), parse.robot)
