"""Every error that this package raises on purpose, in one tree.

The tree is split by who must act; whether a retry helps is a property of the class (``retry``). HTTP statuses never
leave an adapter: an adapter maps each answer to the most specific class here. Any other exception is a bug.

::

    QuaybridgeError
    |-- InvalidInputError            whoever wrote the value
    |   |-- InvalidNameError             a name that Kubernetes itself would refuse
    |   |-- InvalidIntegrationError      a QuayIntegration that cannot be read
    |   |-- InvalidCredentialsError      the credentials Secret is missing, or lacks its key
    |   `-- InvalidReviewError           an AdmissionReview that cannot be decoded
    |-- OwnershipError               the administrator: an object exists that is not proved ours
    |-- ClusterConflictError         the administrator: another cluster uses the clusterID on the same Quay
    `-- RemoteError                  `system` says which side: "quay" or "kubernetes"
        |-- PermanentRemoteError     the administrator, before a retry can help
        |   |-- TokenInvalidError        the token is wrong, expired or revoked
        |   |-- ForbiddenError           the token or account lacks a right or scope
        |   |-- TLSVerificationError     the certificate is not trusted
        |   `-- RequestRefusedError      the server says that the request itself is wrong
        `-- TransientRemoteError     nobody: it is retried with back-off
            |-- UnreachableError         no connection, or it broke, or timed out
            |-- BusyError                other work on the same Quay has taken all places
            |-- ThrottledError           too many requests
            |-- ReadOnlyError            Quay is in read-only mode
            |-- ServerFaultError         5xx, or an answer that is not of the protocol
            |-- ConflictError            somebody else wrote first
            |-- NotFoundError            the object, or what it lives in, is not there (any more)
            |-- AlreadyExistsError       the object is there already
            |-- NameNotFreeError         a deleted organization still holds its name
            |-- ExpiredError             a watch's resourceVersion is too old: list again
            `-- StaleImageError          an import brought in an image from before the build's push
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, Literal

System = Literal["quay", "kubernetes"]
OF_API = "Api"
"""With this begin the reasons of the API server's errors, as in ``ApiForbidden``."""


class Retry(Enum):
    """Whether trying again, with nothing else changed, can help."""

    NEVER = "never"
    BACKOFF = "backoff"


class QuaybridgeError(Exception):
    """Base of all. ``reason`` is a CamelCase word for conditions, events and metrics."""

    retry: ClassVar[Retry] = Retry.NEVER

    @property
    def reason(self) -> str:
        return type(self).__name__.removesuffix("Error")


class InvalidInputError(QuaybridgeError):
    """A value given to the package is not well-formed; its author must change it."""


class InvalidNameError(InvalidInputError, ValueError):
    """A namespace, service account, ImageStream or tag name that Kubernetes or OpenShift would refuse."""


class InvalidIntegrationError(InvalidInputError, ValueError):
    """A QuayIntegration whose spec cannot be read. ``field`` is the path of the offending field.

    It is retried all the same: what shows only when a client is opened (a CA bundle that holds no certificate) must not hold a
    namespace that is being deleted for longer than its deadline.
    """

    retry = Retry.BACKOFF

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


class InvalidCredentialsError(InvalidInputError):
    """The credentials Secret is missing, or lacks the key, or holds an empty token.

    It is retried all the same: the Secret is another object, which may be made at any moment.
    """

    retry = Retry.BACKOFF


class InvalidReviewError(InvalidInputError, ValueError):
    """The body posted to the webhook is no AdmissionReview that this version understands."""


class OwnershipError(QuaybridgeError):
    """An organization of the name exists, but nothing proves that the bridge made it; it is left alone.

    It is retried with back-off: an administrator mends it in Quay, which tells nobody.
    """

    retry = Retry.BACKOFF


class ClusterConflictError(QuaybridgeError):
    """Another cluster uses the same clusterID on the same Quay: nothing is written or deleted until one of them changes."""

    retry = Retry.BACKOFF


class RemoteError(QuaybridgeError):
    """A server's answer. The message names the call and what the server said, never a token."""

    def __init__(self, message: str, *, system: System) -> None:
        super().__init__(message)
        self.system = system

    @property
    def reason(self) -> str:
        """For the API server's errors it begins with :data:`OF_API`: nothing is said of Quay by them."""
        return (OF_API if self.system == "kubernetes" else "") + super().reason


class PermanentRemoteError(RemoteError):
    """The answer will stay the same until an administrator acts.

    It is still retried, with the longest back-off: the act happens on another system, which tells nobody.
    """

    retry = Retry.BACKOFF


class TokenInvalidError(PermanentRemoteError):
    """The token is wrong, expired or revoked: make a new one and put it into the credentials Secret."""


class ForbiddenError(PermanentRemoteError):
    """The token or service account may not do this: give it the scope or role that the message names."""


class TLSVerificationError(PermanentRemoteError):
    """The server's certificate is not trusted: give its CA in ``spec.caBundle``, or set ``insecureRegistry``."""


class RequestRefusedError(PermanentRemoteError):
    """The server refused the request as wrong (4xx). If the message names nothing that you can mend, please report it."""


class TransientRemoteError(RemoteError):
    """The answer may be another one soon."""

    retry = Retry.BACKOFF


class UnreachableError(TransientRemoteError):
    """The server could not be reached, or the connection broke, or no answer came in time."""


class BusyError(TransientRemoteError):
    """Other work on the same Quay has taken all places that it may take, so that what needs another one finds some."""


class ThrottledError(TransientRemoteError):
    """The server answered 429. ``retry_after`` is in seconds, None when the server did not say."""

    def __init__(self, message: str, *, system: System, retry_after: float | None = None) -> None:
        super().__init__(message, system=system)
        self.retry_after = retry_after


class ReadOnlyError(TransientRemoteError):
    """Quay is in read-only mode (503 with ``is_readonly``)."""


class ServerFaultError(TransientRemoteError):
    """The server answered 5xx, or something that is not of its protocol (an HTML page, truncated JSON)."""


class ConflictError(TransientRemoteError):
    """Somebody else changed the object since it was read: read it again."""


class NotFoundError(TransientRemoteError):
    """The object is not there (any more). Transient, because what removed or will make it sends an event."""


class AlreadyExistsError(TransientRemoteError):
    """The object is there already: read it again."""


class NameNotFreeError(TransientRemoteError):
    """A deleted organization holds its name until Quay's garbage collector has run (a minute or more)."""


class ExpiredError(TransientRemoteError):
    """The resourceVersion of a list or watch is too old (410): list again."""


class StaleImageError(TransientRemoteError):
    """The registry still serves an image from before the build's push: the tag is imported again."""
