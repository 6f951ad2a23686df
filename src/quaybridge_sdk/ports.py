"""What the core needs of the outside: narrow protocols, readers apart from writers.

Every method answers a value or raises one of :mod:`quaybridge_sdk.errors`; statuses, retries of single requests and the
servers' quirks stay behind them. Implementations are safe to be called from several threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from attrs import field, frozen

from quaybridge_sdk.model.cleanup import Tenure
from quaybridge_sdk.model.deletion import Deletion
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import Build, ImageImport, ImportedImage, Namespace, ServiceAccount
from quaybridge_sdk.model.quay import Organization, Prototype, Repository, Robot, Role, SecretText
from quaybridge_sdk.model.state import ClusterState


class RegistryReader(Protocol):
    """Reads Quay. Each method is one call, lists of repositories one per 100."""

    def organization(self, name: str) -> Organization | None:
        """The organization, None when there is none."""

    def robots(self, organization: str) -> Mapping[str, Robot] | None:
        """All robots by full name, with tokens and the repositories they have rights on. None: no such organization."""

    def robot_roles(self, organization: str, short_name: str) -> Mapping[str, Role]:
        """The robot's roles by repository; one of which this version knows nothing is left out.

        Raises:
            NotFoundError: there is no such robot.
        """

    def prototypes(self, organization: str) -> tuple[Prototype, ...]:
        """All default permissions, in a stable order."""

    def repositories(self, organization: str) -> Mapping[str, str]:
        """The names of all repositories, each with its description."""

    def repository_states(self, organization: str) -> tuple[Repository, ...]:
        """All repositories with what is in them, by name; costs Quay more than :meth:`repositories`."""

    def check_token(self) -> str | None:
        """The token's user. None: the token is not valid, or has none of the scopes that tell its user."""


class RegistryWriter(Protocol):
    """Writes Quay. Creating what exists already with the wanted properties is success: a racing creator does no harm."""

    def create_organization(self, name: str, email: str) -> None:
        """Raises AlreadyExistsError when somebody else's is there, NameNotFreeError while a deleted one holds the name."""

    def mark_organization(self, name: str, email: str) -> None:
        """Sets the organization's e-mail, which carries the ownership mark."""

    def delete_organization(self, name: str) -> None:
        """Deletes the organization and all that is in it; one that is gone already is success."""

    def create_robot(self, organization: str, short_name: str, description: str) -> Robot:
        """The robot with its token, whether made now or there before."""

    def delete_robot(self, organization: str, short_name: str) -> None:
        """Deletes the robot, and with it its rights and default permissions; one that is gone already is success."""

    def regenerate_robot(self, organization: str, short_name: str) -> Robot:
        """Gives the robot a new token, which it answers; the old one is void at once.

        Not idempotent: after a doubtful answer the robot is read, and its token now is the answer.
        """

    def create_prototype(self, organization: str, robot: str, role: Role) -> Prototype:
        """Not idempotent in Quay: after a doubtful answer the list is read before anything is sent again."""

    def update_prototype(self, organization: str, prototype_id: str, role: Role) -> None: ...

    def delete_prototype(self, organization: str, prototype_id: str) -> None: ...

    def create_repository(self, organization: str, name: str, description: str = "") -> bool:
        """A private image repository. False: it was there before, so it may lack the default permissions."""

    def delete_repository(self, organization: str, name: str) -> None:
        """Deletes the repository and its images; one that is gone already is success."""

    def set_repository_state(self, organization: str, name: str, *, read_only: bool) -> bool:
        """Stops pushes to the repository, or lets them again. False: this Quay has no repository states."""

    def set_repository_permission(self, organization: str, repository: str, robot: str, role: Role) -> None: ...


class Registry(RegistryReader, RegistryWriter, Protocol):
    """Both, of one Quay with one token."""


class RegistryProvider(Protocol):
    """Gives the registry of an integration; one client per endpoint and token, reused until either changes."""

    def registry(self, integration: QuayIntegration, *, background: bool = False) -> AbstractContextManager[Registry]:
        """``background``: its calls let all others to the same Quay go first, and use only a part of what it bears.

        Raises:
            InvalidCredentialsError: the Secret or its key is missing.
        """


class ClusterReader(Protocol):
    """Reads the cluster from watch caches: no call is made."""

    def cluster_uid(self) -> str:
        """The UID of the namespace ``kube-system``, which stands for the cluster."""

    def state(self, namespace: str) -> ClusterState | None:
        """The namespace's side of the world, None when the namespace is gone."""

    def integrations(self) -> tuple[QuayIntegration, ...]:
        """All well-formed QuayIntegrations of both generations that are not leaving."""

    def tenures(self) -> tuple[Tenure, ...]:
        """All QuayIntegrations of both generations, those that cannot be read and those that are leaving, too."""

    def ignored(self) -> frozenset[str]:
        """The namespaces that an annotation takes out; the very same object for as long as nothing changes."""

    def integrations_complete(self) -> bool:
        """Whether there is no QuayIntegration that cannot be read: then what none of :meth:`integrations` covers, none does."""

    def deletions(self, namespace: str) -> tuple[Deletion, ...]:
        """What is remembered of organizations of earlier namespaces of this name."""

    def build(self, namespace: str, name: str) -> Build | None: ...

    def builds(self, namespace: str) -> tuple[Build, ...]:
        """The managed builds that end in an ImageStream of this namespace or run in it."""

    def service_account(self, namespace: str, name: str) -> ServiceAccount | None: ...

    def namespaces(self) -> tuple[Namespace, ...]: ...


class StreamLister(Protocol):
    """Asks the API itself, whatever the caches hold."""

    def image_streams(self, namespace: str, uid: str) -> frozenset[str]:
        """The names of all ImageStreams, also of those that an annotation takes out.

        Raises:
            NotFoundError: the namespace with this UID is gone or going: then its ImageStreams go for another reason.
        """


class ClusterWriter(Protocol):
    """Writes the cluster: read, change, PUT with resourceVersion, retried on conflict. What is gone is success where we
    remove.
    """

    def add_finalizer(self, namespace: str, uid: str) -> None:
        """Asks the API itself, whatever the caches hold; ``uid`` "" stands for any.

        Raises:
            NotFoundError: the namespace with this UID is gone or going.
        """

    def remove_finalizer(self, namespace: str) -> None: ...

    def annotate_namespace(self, namespace: str, annotations: Mapping[str, str]) -> None: ...

    def remember_deletion(self, deletion: Deletion) -> None:
        """Writes the entry into its integration's status, in place of one of the same organization.

        Raises:
            NotFoundError: the integration is gone.
        """

    def forget_deletion(self, deletion: Deletion) -> None:
        """Strikes the entry of this organization out; an integration that is gone is success."""

    def write_pull_secret(self, namespace: str, name: str, content: SecretText) -> None: ...

    def link_pull_secret(self, namespace: str, account: str, secret: str) -> None: ...

    def unlink_pull_secret(self, namespace: str, account: str, secret: str) -> None:
        """Takes the Secret out of both lists; every other entry stays as it is, in its place."""

    def delete_pull_secret(self, namespace: str, secret: str, fingerprint: str) -> None:
        """Asks the API itself, whatever the caches hold: a Secret of another type or content stays, and that is success."""

    def clear_record(self, namespace: str, *, finalizer: bool) -> None:
        """Takes the annotations that the bridge has written off the namespace, and with ``finalizer`` the finalizer, in one
        write.
        """

    def hold_integration(self, integration: str) -> None:
        """Puts our finalizer on the QuayIntegration with this key; one that is gone or going is success: it takes none."""

    def let_integration_go(self, integration: str) -> None:
        """Takes our finalizer off it, and no other."""


class ImageImporter(Protocol):
    """What a finished build needs of the cluster."""

    def import_image(self, request: ImageImport) -> ImportedImage:
        """Posts the ImageStreamImport and reads the image's own status.

        Raises:
            NotFoundError: no such ImageStream, or the registry has no such tag.
            RemoteError: anything else, also a failure inside a 201.
        """

    def may_import(self, user: str, namespace: str) -> bool:
        """A SubjectAccessReview: may ``user`` push to the ImageStreams of ``namespace``?"""

    def mark_imported(self, build: Build) -> None:
        """Sets the contract's annotation on the Build."""


class EventRecorder(Protocol):
    """Tells people in the cluster. Never raises: an event that cannot be written is logged."""

    def event(self, kind: str, namespace: str, name: str, reason: str, message: str, *, warning: bool) -> None:
        """An event on the object; ``namespace`` is "" for objects of the cluster."""


@frozen
class LeaseRecord:
    """A coordination Lease. ``holder`` is "" when it was released; the times are None when not set. ``version`` "": not there
    yet.

    ``others`` is what else the object holds; it is written back as it was.
    """

    namespace: str
    name: str
    holder: str = ""
    duration_seconds: int = 0
    acquired: datetime | None = None
    renewed: datetime | None = None
    transitions: int = 0
    version: str = ""
    others: Mapping[str, Any] = field(factory=dict, eq=False, repr=False)


class LeasePort(Protocol):
    """Reads and writes Leases, guarded by their resourceVersion."""

    def read(self, namespace: str, name: str) -> LeaseRecord | None: ...

    def write(self, record: LeaseRecord) -> LeaseRecord:
        """Creates it when ``record.version`` is "", else replaces it; answers it with its new version.

        Raises:
            ConflictError: somebody else made, changed or deleted it since it was read.
        """


@frozen
class Change:
    """Something changed in the caches; what exactly does not matter, since work is done on the whole state.

    ``kind`` is one of ``namespace``, ``serviceaccount``, ``secret``, ``imagestream``, ``build``, ``quayintegration``,
    ``credentials``, ``deletion`` and ``quay`` (one that could not be reached is called again; ``name`` is its address).
    ``namespace`` is a namespace's own name for a namespace, "" for an integration.
    """

    kind: str
    namespace: str
    name: str


class ChangeFeed(Protocol):
    """Tells of changes, after the caches hold them."""

    def subscribe(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Calls ``listener`` for each change, from a watch's thread: it must be quick. Returns what ends the subscription."""


class StatusPort(Protocol):
    """The status of a QuayIntegration, by :attr:`~quaybridge_sdk.model.integration.QuayIntegration.key`."""

    def read_status(self, key: str) -> Mapping[str, Any] | None:
        """The status as it is, None when the object is gone."""

    def write_status(self, key: str, status: Mapping[str, Any]) -> None:
        """Replaces these fields of the status; an object that is gone is success."""
