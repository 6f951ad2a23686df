"""Imports a finished build's tag, and asks whether a build's account may."""

from __future__ import annotations

import time
from collections.abc import Callable

from attrs import frozen

from quaybridge_sdk.adapters.kubernetes.answers import SYSTEM
from quaybridge_sdk.adapters.kubernetes.changing import Observer, required, unobserved, until_no_conflict
from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient, api_path
from quaybridge_sdk.adapters.kubernetes.kinds import Kind
from quaybridge_sdk.adapters.kubernetes.objects import MARKED_UID_ANNOTATION, Json, dig, entries, is_marked, text, version_of
from quaybridge_sdk.errors import (
    ForbiddenError,
    NotFoundError,
    RemoteError,
    RequestRefusedError,
    ServerFaultError,
    ThrottledError,
    TLSVerificationError,
    UnreachableError,
)
from quaybridge_sdk.model.openshift import IMPORTED_ANNOTATION, Build, ImageImport, ImportedImage

IMAGES = "/apis/image.openshift.io/v1/namespaces"
BUILDS = "/apis/build.openshift.io/v1/namespaces"
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
IMPORT_TIMEOUT = 60.0
"""Seconds: the API server itself gives up a registry that never answers after 25 (measured)."""

_BY_REASON: dict[str, type[RemoteError]] = {
    "NotFound": NotFoundError,
    "Unauthorized": ForbiddenError,
    "Forbidden": ForbiddenError,
    "TooManyRequests": ThrottledError,
}
_BY_TEXT: tuple[tuple[str, type[RemoteError]], ...] = (
    # All come as reason InternalError, and only the registry client's own text tells them apart.
    ("x509:", TLSVerificationError),
    ("server gave HTTP response to HTTPS client", TLSVerificationError),
    ("unauthorized:", ForbiddenError),  # a wrong password in the pull secret
    ("dial tcp", UnreachableError),
    ("context deadline exceeded", UnreachableError),
    ("connection reset", UnreachableError),
    ("EOF", UnreachableError),
)


def unknown_version(_namespace: str, _name: str) -> str | None:
    """For those who keep no caches: the stream is read each time."""
    return None


@frozen
class KubernetesImporter:
    """Implements :class:`~quaybridge_sdk.ports.ImageImporter`.

    Attributes:
        version: an ImageStream's resourceVersion as the caches have it, None when they have none.
        observe: is told the stream after an import, and the Build that was marked.
    """

    client: KubernetesClient
    version: Callable[[str, str], str | None] = unknown_version
    observe: Observer = unobserved
    sleep: Callable[[float], None] = time.sleep

    def import_image(self, request: ImageImport) -> ImportedImage:
        """Posts the ImageStreamImport and reads the image's own status: the answer is 201 also when the import failed.

        The stream's resourceVersion goes with it, so that a stream that is not there is not made. A known one is tried first, and
        after a conflict the stream is read.

        Raises:
            NotFoundError: no such ImageStream, or the registry has no such tag.
            ConflictError: the stream was changed under each of several attempts.
            ForbiddenError: the registry refused the namespace's pull secrets, or we may not import.
            TLSVerificationError: the API server does not trust the registry's certificate.
            RemoteError: anything else, also a failure inside a 201.
        """
        destination, known = request.destination, [self.version(request.destination.namespace, request.destination.name)]
        stream = api_path(IMAGES, destination.namespace, "imagestreams", destination.name)
        collection = api_path(IMAGES, destination.namespace, "imagestreamimports")

        def attempt() -> Json:
            version = (known.pop() if known else None) or version_of(self.client.get(stream))
            return self.client.create(collection, _body(request, version), read_timeout=IMPORT_TIMEOUT)

        answer = until_no_conflict(attempt, self.sleep)
        stream_after = dig(answer, "status", "import")
        if isinstance(stream_after, dict):
            self.observe(Kind.IMAGE_STREAM, stream_after)  # so that the next import does not start with a stale version
        return _imported(request, answer)

    def may_import(self, user: str, namespace: str) -> bool:
        """Whether ``user`` may push there: the question that OpenShift's integrated registry asks when a build pushes."""
        spec: Json = {
            "user": user,
            "groups": _groups(user),
            "resourceAttributes": {
                "namespace": namespace,
                "verb": "update",
                "group": "image.openshift.io",
                "resource": "imagestreams",
                "subresource": "layers",
            },
        }
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        return dig(self.client.create(REVIEWS, body), "status", "allowed") is True

    def mark_imported(self, build: Build) -> None:
        """Sets the contract's annotation, and beside it the Build's UID; a Build that has its own mark is left alone.

        Raises:
            NotFoundError: the Build is gone, or another one has its name.
        """
        path = api_path(BUILDS, build.namespace, "builds", build.name)

        def attempt() -> Json:
            item = required(self.client.get(path), f"GET {path}")
            uid = text(item, "metadata", "uid")
            if build.uid and uid != build.uid:
                raise NotFoundError(f"the Build {build.namespace}/{build.name} was deleted, and made anew", system=SYSTEM)
            if is_marked(item):
                return item
            marks = {IMPORTED_ANNOTATION: "true", MARKED_UID_ANNOTATION: uid}
            patch = {"metadata": {"resourceVersion": version_of(item), "annotations": marks}}
            return required(self.client.patch_merge(path, patch), f"PATCH {path}")

        self.observe(Kind.BUILD, until_no_conflict(attempt, self.sleep))


def _body(request: ImageImport, version: str) -> Json:
    destination = request.destination
    return {
        "apiVersion": "image.openshift.io/v1",
        "kind": "ImageStreamImport",
        "metadata": {"name": destination.name, "namespace": destination.namespace, "resourceVersion": version},
        "spec": {
            "import": True,
            "images": [
                {
                    "from": {"kind": "DockerImage", "name": request.pull_spec},
                    "to": {"name": destination.tag},
                    "importPolicy": {"insecure": request.insecure, "scheduled": request.scheduled},
                    "referencePolicy": {"type": "Source"},
                }
            ],
        },
    }


def _imported(request: ImageImport, answer: Json) -> ImportedImage:
    """The first result: ours is the only one, and results come in the order of the requests (their ``tag`` is the source's)."""
    results = entries(answer, "status", "images")
    result = results[0] if results else None
    digest = text(result, "image", "metadata", "name")
    if text(result, "status", "status") == "Success" and digest:
        return ImportedImage(digest, text(result, "image", "dockerImageMetadata", "Created"))
    reason, message = text(result, "status", "reason"), text(result, "status", "message")
    code = dig(result, "status", "code")
    told = f"import of {request.pull_spec} to {request.destination}: {reason or 'no result'} {message}".rstrip()
    raise _failure(reason, message, code if isinstance(code, int) else 500)(told, system=SYSTEM)


def _failure(reason: str, message: str, code: int) -> type[RemoteError]:
    if reason in _BY_REASON:
        return _BY_REASON[reason]
    named = next((error for part, error in _BY_TEXT if part in message), None)
    return named or (RequestRefusedError if 400 <= code < 500 else ServerFaultError)


def _groups(user: str) -> list[str]:
    """The groups that the API server gives a service account; a review that leaves them out finds no role bound to them."""
    parts = user.split(":")
    if parts[:2] != ["system", "serviceaccount"] or len(parts) != 4:
        return ["system:authenticated"]
    return ["system:serviceaccounts", f"system:serviceaccounts:{parts[2]}", "system:authenticated"]
