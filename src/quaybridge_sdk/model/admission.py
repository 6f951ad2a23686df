"""AdmissionReview: the request as far as the bridge looks at it, and the answer.

Source: Kubernetes' ``admission.k8s.io`` API. ``v1`` and ``v1beta1`` have the same fields; the answer bears the version of the
request. The envelope must be right, or nothing can be answered; inside the Build whatever is not of the expected type
counts as absent: judging it is the API server's part, and its validation runs after the webhooks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from quaybridge_sdk.errors import InvalidReviewError
from quaybridge_sdk.model.openshift import Build

API_VERSIONS = frozenset({"admission.k8s.io/v1", "admission.k8s.io/v1beta1"})
KIND = "AdmissionReview"
BUILD_GROUP = "build.openshift.io"
BUILD_RESOURCE = "builds"
CREATE = "CREATE"


@frozen
class AdmissionRequest:
    """One request. ``build`` is None when it is not about the creation of a Build: then there is nothing to decide."""

    api_version: str
    uid: str
    namespace: str = ""
    build: Build | None = None


@frozen
class Outcome:
    """What becomes of a request: allowed, with a patch or without, or denied with ``code``, ``reason`` and ``message``.

    It does not name the request, so that one serves all that ask for the same.

    Attributes:
        verdict: one of a few words, for metrics.
        patch: the operations of a JSON patch.
        warnings: shown to the user by ``oc``.
        reason: one of Kubernetes' ``StatusReason``: clients decide by it whether to try again.
    """

    verdict: str
    allowed: bool = True
    patch: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    code: int = 0
    reason: str = ""
    message: str = ""


def parse_review(body: object) -> AdmissionRequest:
    """Reads an AdmissionReview.

    Args:
        body: the JSON value that was posted.

    Raises:
        InvalidReviewError: it is no AdmissionReview of a known version, or lacks what an answer needs.
    """
    review = _mapping(body, "the body")
    if review.get("kind") != KIND:
        raise InvalidReviewError(f"kind: must be {KIND}")
    version = review.get("apiVersion")
    if not isinstance(version, str) or version not in API_VERSIONS:
        raise InvalidReviewError(f"apiVersion: must be one of {', '.join(sorted(API_VERSIONS))}")
    request = _mapping(review.get("request"), "request")
    uid = _required_text(request, "uid")
    resource = _mapping(request.get("resource"), "request.resource")
    creates_build = (
        _required_text(request, "operation") == CREATE
        and resource.get("resource") == BUILD_RESOURCE
        and resource.get("group") == BUILD_GROUP
        and not request.get("subResource")
    )
    if not creates_build:
        return AdmissionRequest(version, uid)
    namespace = _required_text(request, "namespace")
    return AdmissionRequest(version, uid, namespace, _parse_build(request.get("object"), namespace))


def _parse_build(body: object, namespace: str) -> Build:
    build = _mapping(body, "request.object")
    metadata = _mapping(build.get("metadata"), "request.object.metadata")
    spec = _optional(build, "spec")
    output = _optional(spec, "output")
    to = _optional(output, "to")
    return Build(
        namespace=namespace,
        name=_text(metadata, "name") or "",  # absent with generateName
        strategy=_text(_optional(spec, "strategy"), "type") or "",
        output_kind=_text(to, "kind"),
        output_name=_text(to, "name"),
        output_namespace=_text(to, "namespace"),
        push_secret=_text(_optional(output, "pushSecret"), "name") or None,
        service_account=_text(spec, "serviceAccount") or None,
        annotations=_optional(metadata, "annotations"),
    )


_NOTHING: Mapping[str, Any] = {}


def _mapping(value: object, path: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InvalidReviewError(f"{path}: must be an object")
    return value


def _required_text(request: Mapping[str, Any], key: str) -> str:
    """Printable, so that it can be logged and sent back: a lone surrogate (which no JSON text holds) could not."""
    value = request.get(key)
    if not isinstance(value, str) or not value or not value.isprintable():
        raise InvalidReviewError(f"request.{key}: must be a string that is not empty")
    return value


def _optional(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else _NOTHING


def _text(value: Mapping[str, Any], key: str) -> str | None:
    found = value.get(key)
    return found if isinstance(found, str) else None
