"""The reading half of the adapter: RegistryReader, and what ``doctor`` asks."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Self, TypeVar

import httpx

from quaybridge_sdk.adapters.quay import parse, routes
from quaybridge_sdk.adapters.quay.answers import Answer, require_done, value
from quaybridge_sdk.adapters.quay.governor import Governor
from quaybridge_sdk.adapters.quay.parse import RepositoryPage
from quaybridge_sdk.adapters.quay.proofs import Proofs
from quaybridge_sdk.adapters.quay.retries import Retries
from quaybridge_sdk.adapters.quay.routes import Call
from quaybridge_sdk.adapters.quay.transport import CallObserver, Transport
from quaybridge_sdk.errors import ForbiddenError, NotFoundError, ServerFaultError, TokenInvalidError
from quaybridge_sdk.model.quay import Organization, Prototype, QuayEndpoint, Repository, Robot, Role, SecretText

T = TypeVar("T")


class QuayReader:
    """Reads one Quay with one token; a context manager, thread-safe, open from the start until :meth:`close`.

    Every method raises one of :mod:`quaybridge_sdk.errors` (``RemoteError``, or ``InvalidNameError`` for a name that no
    object in Quay can have), and RuntimeError after :meth:`close`. Connections are made when they are needed.

    Args:
        endpoint: where Quay is and how it is trusted.
        token: an OAuth access token. White space around it is dropped.
        timeout: seconds for each wait of a call (connecting takes 10 at most); a call as a whole takes twice that at most.
        observer: is told of every request.
        governor: of this Quay, shared by all its clients; None: calls are made as they come.
        transport: what httpx sends with instead of sockets.
        sleep, clock: waiting and monotonic time, in seconds.

    Raises:
        InvalidCredentialsError: the token is empty, or none that a header can hold.
        InvalidIntegrationError: the address or the CA bundle cannot be read.
    """

    def __init__(
        self,
        endpoint: QuayEndpoint,
        token: SecretText,
        *,
        timeout: float = 30.0,
        observer: CallObserver | None = None,
        governor: Governor | None = None,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoint = endpoint
        self._transport = Transport(endpoint, token, timeout=timeout, observer=observer, transport=transport, clock=clock)
        self._governor, self._sleep = governor, sleep
        self._send = self._sender()
        self._proofs = Proofs(clock)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._endpoint.url}>"

    def __enter__(self) -> Self:
        self._transport.require_open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """No further call can be made; calls under way in other threads end as they would have. Closing twice does no harm."""
        self._transport.close()

    def in_background(self) -> Self:
        """The same client, whose calls let others go first. It is closed with this one, and closing it closes this one."""
        view = copy.copy(self)
        view._send = view._sender(background=True)  # noqa: SLF001 - a view of our own
        return view

    def _sender(self, *, background: bool = False) -> Callable[[Call], Answer]:
        governor, send = self._governor, self._transport.send
        if governor is None:
            return Retries(send, self._sleep).send
        return Retries(lambda call: governor.send(call, send, background=background), self._sleep).send

    def organization(self, name: str) -> Organization | None:
        """The organization, None when Quay itself says that there is none. 1 call.

        The e-mail is "" when the token's user does not administer it. Since Quay also answers so to a token that has
        expired, such an answer is given only after a second call has shown that the token is good.
        """
        view = self._organization(name)
        if view is None:
            return None
        if not view.is_admin and not self._proofs.holds(name):
            with suppress(ForbiddenError):  # a good token of a stranger: the reduced view is all there is for it
                self._prove(name)
        return view.organization

    def robots(self, organization: str) -> Mapping[str, Robot] | None:
        """All robots by full name, with tokens and repositories. 1 call; 2 when there is none.

        An empty list is Quay's answer also for an organization that does not exist, so that one is asked for. A repository that
        was deleted stays among a robot's, under a random name, until Quay's garbage collector has run.

        Raises:
            ForbiddenError: the token may list the robots, but not see their tokens.
        """
        found = value(self._send(_robots_call(organization, permissions="true")), parse.robots)
        self._proofs.add(organization)
        if not found:
            return None if self._organization(organization) is None else {}
        if any(robot.token is None for robot in found):
            scopes = " or ".join(routes.LIST_ROBOTS.scopes)
            raise ForbiddenError(f"Quay hides the robots' tokens of {organization}: our token needs {scopes}", system="quay")
        return {robot.name: robot for robot in found}

    def robot_roles(self, organization: str, short_name: str) -> Mapping[str, Role]:
        """The robot's roles by repository, without words that are none of :class:`.Role`. 1 call: Quay has no pages here.

        A repository that was deleted is among them, under a random name, as in :meth:`robots`.

        Raises:
            NotFoundError: there is no such robot or organization; Quay answers 400.
        """
        call = routes.LIST_ROBOT_ROLES.call({"organization": organization, "robot": short_name})
        found = value(self._send(call), parse.roles)
        self._proofs.add(organization)
        return found

    def prototypes(self, organization: str) -> tuple[Prototype, ...]:
        """All default permissions, sorted by id. 1 call.

        Raises:
            NotFoundError: there is no such organization.
        """
        found = value(self._send(routes.LIST_PROTOTYPES.call({"organization": organization})), parse.prototypes)
        self._proofs.add(organization)
        return tuple(sorted(found, key=lambda prototype: prototype.id))

    def repositories(self, organization: str) -> Mapping[str, str]:
        """The names of all repositories, with their descriptions.

        1 call for each 100; 1 more when nothing has lately proved the token.

        A page with a private repository proves itself; one without could be a stranger's view.

        Raises:
            TokenInvalidError: the list was a stranger's.
            ServerFaultError: Quay started over instead of going on, as it does for a page token that it cannot read.
        """
        return dict(self._listed(organization, parse.repository_names))

    def repository_states(self, organization: str) -> tuple[Repository, ...]:
        """All repositories with what is in them, sorted by name; proved, paged and raising as :meth:`repositories`.

        Quay looks for the newest tag of each, which costs it more than the names alone.
        """
        found = self._listed(organization, parse.repositories, last_modified="true")
        return tuple(sorted(found, key=lambda repository: repository.name))

    def check_token(self) -> str | None:
        """The token's user. None: the token is not valid, or lacks the scope ``user:read``; Quay answers the same to both."""
        try:
            return value(self._send(routes.GET_USER.call({})), parse.username)
        except TokenInvalidError:
            return None

    def superuser(self) -> bool:
        """Whether the token's user is a superuser and the token has the scope ``super:user``."""
        answer = self._send(routes.LIST_ALL_ORGANIZATIONS.call({}, query={"limit": "1"}))
        if answer.status == 404:
            return False  # Quay has no such route when superusers are switched off
        try:
            require_done(answer)
        except ForbiddenError:
            return False
        return True

    def _listed(self, organization: str, parse_page: Callable[[object], RepositoryPage[T]], **query: str) -> set[T]:
        routes.require_path_safe("organization", organization)
        rows: set[T] = set()
        query["namespace"] = organization
        while True:
            page = value(self._send(routes.LIST_REPOSITORIES.call({}, query=query)), parse_page)
            if not page.has_private and not self._proofs.holds(organization):
                self._prove(organization)
            more = not rows.issuperset(page.rows)
            rows.update(page.rows)
            if page.next_page is None:
                return rows
            if not more:
                raise ServerFaultError(f"the repositories of {organization}: Quay gives the same page again", system="quay")
            query = query | {"next_page": page.next_page}

    def _organization(self, name: str) -> parse.OrganizationView | None:
        try:
            view = value(self._send(routes.GET_ORGANIZATION.call({"organization": name})), parse.organization)
        except NotFoundError:
            return None
        if view.is_admin:
            self._proofs.add(name)
        return view

    def _prove(self, organization: str) -> None:
        """Raises TokenInvalidError or ForbiddenError unless the token has rights in the organization: 1 call."""
        require_done(self._send(_robots_call(organization, token="false", limit="1")))  # noqa: S106 - a query, no secret
        self._proofs.add(organization)


def _robots_call(organization: str, **query: str) -> Call:
    return routes.LIST_ROBOTS.call({"organization": organization}, query=query)
