"""What the checks need of the outside: narrow protocols, so that each check is tested with fakes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from enum import Enum
from typing import Any, Protocol, TypeAlias

from attrs import field, frozen

from quaybridge_sdk.errors import ForbiddenError, NotFoundError, RemoteError
from quaybridge_sdk.model.quay import Organization, QuayEndpoint, SecretText

Json: TypeAlias = dict[str, Any]


class ClusterPort(Protocol):
    """The API server, as the identity that asks. ``create`` is used for reviews alone, which create nothing, and
    ``try_creating`` is a dry run.
    """

    @property
    def host(self) -> str: ...

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Json: ...

    def create(self, path: str, body: Json) -> Json: ...

    def try_creating(self, path: str, body: Json) -> Json: ...


class Trouble(str, Enum):
    """Why there was no answer."""

    DNS = "the name cannot be resolved"
    REFUSED = "the connection is refused: nobody listens on that port"
    TIMEOUT = "no answer in time: a firewall or a NetworkPolicy may drop the packets"
    UNREACHABLE = "no connection"
    EXPIRED = "the certificate has expired"
    NOT_YET_VALID = "the certificate is not valid yet"
    WRONG_HOST = "the certificate is for another host"
    UNKNOWN_CA = "the certificate is of a CA that is not trusted"
    UNTRUSTED = "the certificate is not trusted"
    NO_TLS = "the port does not speak TLS"


TLS_TROUBLES = frozenset(
    {Trouble.EXPIRED, Trouble.NOT_YET_VALID, Trouble.WRONG_HOST, Trouble.UNKNOWN_CA, Trouble.UNTRUSTED, Trouble.NO_TLS}
)


class NoAnswerError(Exception):
    """No answer came, and why."""

    def __init__(self, trouble: Trouble, text: str = "") -> None:
        super().__init__(f"{trouble.value} ({text})" if text else trouble.value)
        self.trouble = trouble


@frozen
class Page:
    """An answer to a request without credentials. ``date`` is the server's clock, to the second."""

    status: int
    body: bytes = field(default=b"", repr=False)
    date: datetime | None = None


class NetworkPort(Protocol):
    """Connections without credentials."""

    def page(self, url: str, endpoint: QuayEndpoint | None = None) -> Page:
        """GET. ``endpoint`` says whom to trust; None: no certificate is verified.

        Raises:
            NoAnswerError: there was none.
            InvalidIntegrationError: the endpoint's CA bundle cannot be read.
        """

    def certificate(self, host: str, port: int) -> bytes:
        """The certificate that is served there, unverified, in DER. Raises NoAnswerError."""


class QuayPort(Protocol):
    """One Quay with one token; reads only. Raises :class:`~quaybridge_sdk.errors.RemoteError`."""

    def check_token(self) -> str | None: ...

    def superuser(self) -> bool: ...

    def organization(self, name: str) -> Organization | None: ...

    def repositories(self, organization: str) -> Collection[str]: ...

    def may_administer(self, organization: str, repository: str) -> bool:
        """Whether the token may administer this repository, which exists."""


OpenQuay: TypeAlias = Callable[[QuayEndpoint, SecretText], AbstractContextManager[QuayPort]]


@frozen
class Examination:
    """All that a check is given.

    Attributes:
        namespace: where the bridge runs, or is to run: its lease, its service account, its webhook's Service.
        account: ``(namespace, name)`` of the service account whose rights are asked about, None for one's own.
        in_pod: whether the checks run inside the cluster, where Services can be reached.
    """

    cluster: ClusterPort
    network: NetworkPort
    open_quay: OpenQuay
    clock: Callable[[], datetime]
    namespace: str = "openshift-operators"
    account: tuple[str, str] | None = None
    in_pod: bool = False


@frozen
class Look:
    """What a read gave: an object, or nothing; or that it could not be read, and why."""

    item: Json | None = None
    problem: str = ""

    @property
    def missing(self) -> bool:
        return self.item is None and not self.problem

    @property
    def items(self) -> list[Json]:
        """Of a list."""
        return list((self.item or {}).get("items") or [])


def look(cluster: ClusterPort, path: str, query: Mapping[str, str] | None = None) -> Look:
    """Reads an object or a list; never raises for what the API server answers."""
    try:
        return Look(cluster.get(path, query))
    except NotFoundError:
        return Look()
    except ForbiddenError as error:
        return Look(problem=f"this identity may not read it ({error})")
    except RemoteError as error:
        return Look(problem=f"{error.reason}: {error}")
