"""Build -> JSON patch: what admission does to a new Build.

Source: the incumbent's webhook, with its faults left out; the server's side was measured (real AdmissionReviews are in the
tests). Only CREATE is ever rewritten: a Build's spec is immutable, so a patch on UPDATE would make every later change of the
Build fail.

:data:`VERDICTS` is the table of all answers; :func:`decide` tries the questions in this order:

1. is it a Docker or Source build with an ImageStreamTag to push to? (others push elsewhere, or nowhere; a copy of a build that
   was rewritten pushes to Quay already, see :func:`_of_another_output`)
2. does one integration cover the Build's namespace, and the same one the destination's?
3. can the name be mapped? ``app`` without a tag is left to the API server's own validation, which refuses it well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

from attrs import frozen

from quaybridge_sdk.mapping.escape import is_dns_label
from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.pull_secret import pull_secret_name
from quaybridge_sdk.mapping.repository import REFERENCE_LENGTH, image_pull_spec, is_image_stream_name, is_tag, repository_name
from quaybridge_sdk.mapping.scope import Assignment
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import (
    DESTINATION_ANNOTATION,
    IMPORTED_ANNOTATION,
    MANAGED_ANNOTATION,
    Build,
    ImageStreamTag,
)

STRATEGIES = frozenset({"Docker", "Source"})
BUILDER = "builder"
PatchOperation = Mapping[str, Any]


class Verdict(Enum):
    """Why a Build is rewritten or not. A value that is a sentence ending in a stop is told to the user as a warning."""

    REWRITTEN = "the build pushes to Quay"
    NOT_CREATE = "only new builds are rewritten"
    IGNORED_STREAM = "an annotation of the ImageStream takes it out"
    STRATEGY = "only Docker and Source builds are rewritten"
    NO_OUTPUT = "the build pushes nothing"
    OTHER_OUTPUT = "the build does not push to an ImageStreamTag"
    UNMARKED = "the build is a copy of one whose tag was imported: the mark that says so is taken off"
    NO_TAG = "the output names no tag, which the API server refuses"
    UNMANAGED = "no QuayIntegration covers the namespace"
    UNLINKED = "There is no QuayIntegration, so the build was not changed to push to Quay."
    CONTESTED = "Several QuayIntegrations cover the namespace, so the build was not changed to push to Quay."
    FOREIGN_DESTINATION = (
        "The output's namespace is not covered by the QuayIntegration of the build's own, so the build was not changed to "
        "push to Quay."
    )
    UNMAPPABLE = "The output is no name under which an image could be pushed, so the build was not changed to push to Quay."

    @property
    def warning(self) -> str | None:
        return self.value if self.value.endswith(".") else None


@frozen
class Rewrite:
    """The answer for one Build.

    ``needs_secret`` is the Secret which the ``builder`` account must have before the Build may start, None when the Build brings
    its own; ``warnings`` are shown to the user by ``oc``.
    """

    verdict: Verdict
    patch: tuple[PatchOperation, ...] = ()
    needs_secret: str | None = None
    warnings: tuple[str, ...] = ()


def decide(build: Build, assigned: Callable[[str], Assignment]) -> Rewrite:
    """What admission does to a new Build. Total: whatever the Build says, there is an answer.

    Args:
        build: the Build as the API server sends it.
        assigned: gives the integrations that cover a namespace.
    """
    if build.strategy not in STRATEGIES:
        return Rewrite(Verdict.STRATEGY)
    if build.output_name is None:
        return Rewrite(Verdict.NO_OUTPUT)
    if build.output_kind != "ImageStreamTag":
        return _of_another_output(build, assigned)
    assignment = assigned(build.namespace)
    integration = assignment.integration
    if integration is None:
        alone = Verdict.UNLINKED if assignment.unlinked else Verdict.UNMANAGED
        return _refuse(Verdict.CONTESTED if assignment.contested else alone)
    return _decide_destination(build, integration, assigned)


def is_managed(build: Build) -> bool:
    return (build.annotations or {}).get(MANAGED_ANNOTATION) == "true"


def is_marked(build: Build) -> bool:
    """Whether the Build says that its tag was imported, which a new one can only have from the Build that it is a copy of."""
    return (build.annotations or {}).get(IMPORTED_ANNOTATION) == "true"


def _of_another_output(build: Build, assigned: Callable[[str], Assignment]) -> Rewrite:
    """``oc start-build --from-build`` copies all annotations of a Build and its output as it was rewritten. With the mark the
    copy's tag would never be imported. Nobody gains by its removal: the import looks at the copy as at any other Build.
    """
    copied = build.output_kind == "DockerImage" and is_managed(build) and is_marked(build)
    if not copied or assigned(build.namespace).integration is None:
        return Rewrite(Verdict.OTHER_OUTPUT)
    return Rewrite(Verdict.UNMARKED, tuple(_unmark(build)))


def _decide_destination(build: Build, integration: QuayIntegration, assigned: Callable[[str], Assignment]) -> Rewrite:
    name, colon, text = (build.output_name or "").partition(":")
    if not colon:
        return _refuse(Verdict.NO_TAG)
    namespace = build.output_namespace or build.namespace
    if namespace != build.namespace and assigned(namespace).integration != integration:
        return _refuse(Verdict.FOREIGN_DESTINATION)
    tag = effective_tag(text)
    if not (is_dns_label(namespace) and is_image_stream_name(name) and is_tag(tag)):
        return _refuse(Verdict.UNMAPPABLE)
    destination = ImageStreamTag(namespace, name, tag)
    pull_spec = destination_pull_spec(integration, destination)
    if len(pull_spec) - len(tag) - 1 > REFERENCE_LENGTH:
        return _refuse(Verdict.UNMAPPABLE)  # OpenShift would refuse the build: it counts the host, too (measured)
    return _rewrite(build, integration, destination, pull_spec)


def effective_tag(text: str) -> str:
    """The tag that is meant: an output without a kind reaches us with ``:latest`` added by the API server's defaulting.

    ``{"name": "app:v1"}`` arrives as ``app:v1:latest`` (measured), and the incumbent takes what was written: ``v1``.
    """
    written, colon, rest = text.rpartition(":")
    return written if colon and rest == "latest" and is_tag(written) else text


def destination_pull_spec(integration: QuayIntegration, destination: ImageStreamTag) -> str:
    """Where images of an ImageStreamTag are in Quay.

    Raises:
        InvalidNameError: the ImageStreamTag holds a name that Kubernetes or OpenShift would refuse.
    """
    host, organization = integration.endpoint.host, organization_name(integration.cluster_id, destination.namespace)
    repository = repository_name(host, organization, destination.name)
    return image_pull_spec(host, organization, repository, destination.tag)


def _refuse(verdict: Verdict) -> Rewrite:
    return Rewrite(verdict, warnings=(verdict.warning,) if verdict.warning else ())


def _rewrite(build: Build, integration: QuayIntegration, destination: ImageStreamTag, pull_spec: str) -> Rewrite:
    secret = pull_secret_name(BUILDER, integration.cluster_id)
    patch: list[PatchOperation] = [
        {"op": "replace", "path": "/spec/output/to/kind", "value": "DockerImage"},
        {"op": "replace", "path": "/spec/output/to/name", "value": pull_spec},
    ]
    if build.output_namespace is not None:
        patch.append({"op": "remove", "path": "/spec/output/to/namespace"})
    if build.push_secret is None and build.account != BUILDER:
        patch.append({"op": "add", "path": "/spec/output/pushSecret", "value": {"name": secret}})
    patch.extend(_annotate(build, {MANAGED_ANNOTATION: "true", DESTINATION_ANNOTATION: str(destination)}))
    patch.extend(_unmark(build))
    own = build.push_secret is not None
    return Rewrite(Verdict.REWRITTEN, tuple(patch), None if own else secret, _cross_namespace(build, destination))


def _annotate(build: Build, wanted: Mapping[str, str]) -> list[PatchOperation]:
    """The contract's two annotations. ``add`` into a map that is not there fails, so the map is added first."""
    if not build.annotations:
        return [{"op": "add", "path": "/metadata/annotations", "value": dict(wanted)}]
    return [{"op": "add", "path": _annotation_path(key), "value": value} for key, value in wanted.items()]


def _unmark(build: Build) -> list[PatchOperation]:
    return [{"op": "remove", "path": _annotation_path(IMPORTED_ANNOTATION)}] if is_marked(build) else []


def _annotation_path(key: str) -> str:
    return "/metadata/annotations/" + key.replace("~", "~0").replace("/", "~1")


def _cross_namespace(build: Build, destination: ImageStreamTag) -> tuple[str, ...]:
    if destination.namespace == build.namespace or build.push_secret is not None:
        return ()
    text = (
        f"The output is in namespace {destination.namespace}, where the robot of {build.namespace} may not push: "
        "give spec.output.pushSecret a Secret that may."
    )
    return (text,)
