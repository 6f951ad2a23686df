"""Finished Build -> import of its tag: whether, what, and whether it was the right image.

An annotation on a Build can be written by anybody who may edit Builds, so it is never believed by itself: the Build's
(immutable) output must be exactly what the mapping gives for the destination that the annotation names; a destination in
another namespace needs the right to push there (see :func:`push_account`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum

from attrs import frozen

from quaybridge_sdk.errors import InvalidNameError
from quaybridge_sdk.mapping.build_patch import destination_pull_spec
from quaybridge_sdk.mapping.scope import Assignment
from quaybridge_sdk.model.openshift import (
    DESTINATION_ANNOTATION,
    IMPORTED_ANNOTATION,
    MANAGED_ANNOTATION,
    Build,
    ImageImport,
    ImageStreamTag,
    ImportedImage,
)


class ImportReason(Enum):
    """Why a Build leads to an import or not."""

    IMPORT = "the build is complete, and its tag is to be imported"
    NOT_MANAGED = "the build was not rewritten to push to Quay"
    NOT_COMPLETE = "the build is not complete"
    DONE = "the build's tag was imported before"
    UNMANAGED = "the build's or destination's namespace is not covered by one and the same integration"
    FORGED = "the build's output is not what the mapping gives for the destination that its annotation names"


@frozen
class ImportDecision:
    """``request`` is there when ``reason`` is IMPORT; ``asks_for`` is the account whose right to push must be reviewed first."""

    reason: ImportReason
    request: ImageImport | None = None
    asks_for: str | None = None


def parse_destination(text: str) -> ImageStreamTag | None:
    """Reads ``<namespace>/<ImageStream>:<tag>``; None when it is not of that form."""
    namespace, slash, rest = text.partition("/")
    name, colon, tag = rest.partition(":")
    if not (namespace and slash and name and colon and tag) or "/" in rest:
        return None
    return ImageStreamTag(namespace, name, tag)


def decide_import(build: Build, assigned: Callable[[str], Assignment]) -> ImportDecision:
    """Whether the Build's tag is to be imported now, and how. Total."""
    annotations = build.annotations or {}
    destination = parse_destination(annotations.get(DESTINATION_ANNOTATION, ""))
    if annotations.get(MANAGED_ANNOTATION) != "true" or destination is None:
        return ImportDecision(ImportReason.NOT_MANAGED)
    if build.phase != "Complete":
        return ImportDecision(ImportReason.NOT_COMPLETE)
    if annotations.get(IMPORTED_ANNOTATION) == "true":
        return ImportDecision(ImportReason.DONE)
    integration = assigned(destination.namespace).integration
    if integration is None or assigned(build.namespace).integration != integration:
        return ImportDecision(ImportReason.UNMANAGED)
    try:
        expected = destination_pull_spec(integration, destination)
    except InvalidNameError:  # a name that no ImageStream can have: whoever wrote it meant no good, or nothing
        return ImportDecision(ImportReason.FORGED)
    if build.output_kind != "DockerImage" or build.output_name != expected:
        return ImportDecision(ImportReason.FORGED)
    request = ImageImport(destination, expected, integration.insecure, integration.scheduled_import)
    foreign = destination.namespace != build.namespace
    return ImportDecision(ImportReason.IMPORT, request, push_account(build) if foreign else None)


def push_account(build: Build) -> str:
    """The user whose right to push into another namespace is reviewed: the account that the Build runs as.

    A Build does not say who made it (of one made from a BuildConfig, admission sees only ``system:apiserver``), and any
    annotation that did could be forged. The account is in the immutable spec, and it is the one which OpenShift's integrated
    registry asks about when a build pushes.
    """
    return f"system:serviceaccount:{build.namespace}:{build.account}"


class Freshness(Enum):
    """What came in, compared with what the Build says it pushed."""

    SAME = "the very image that the build pushed"
    NEWER = "the image of a later push to the same tag"
    OLDER = "an image from before the build's push: the registry is behind, so it is imported again"
    UNTOLD = "another image, which does not say when it was made: right if the registry still serves it a little later"


FIRST_IMAGES = "2013"
"""Docker's first year. Reproducible images bear an earlier time of creation, or none: ko, Jib and Bazel write 1970, Buildpacks
1980."""


def judge(imported: ImportedImage, build: Build, builds: Iterable[Build]) -> Freshness:
    """Compares the digest that came in with the one the Build reports (``status.output.to.imageDigest``).

    What a known Build pushed is as old as that Build. Of any other image its own time of creation tells. Without one nothing
    tells a later push from a registry that is behind; but no registry is so for long.

    Args:
        builds: the other Builds, of which one may have pushed what came in.
    """
    if not build.digest or imported.digest == build.digest:
        return Freshness.SAME
    rivals = [b for b in builds if b.digest == imported.digest and b.output_name == build.output_name]
    if rivals:
        return Freshness.NEWER if max(b.completed for b in rivals) >= build.completed else Freshness.OLDER
    if imported.created < FIRST_IMAGES:
        return Freshness.UNTOLD
    return Freshness.NEWER if imported.created[:19] > build.completed[:19] else Freshness.OLDER
