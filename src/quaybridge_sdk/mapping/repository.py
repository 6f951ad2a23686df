"""ImageStream -> repository, and the image pull spec.

The repository has the ImageStream's own name, as with the incumbent; Quay accepts each. Only where
``<organization>/<repository>`` would be longer than the 255 characters that Docker's reference grammar allows (so that no
image could be pushed or pulled) the name becomes ``<start of it>--<digest>``; no ImageStream's name holds two dashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from quaybridge_sdk.mapping.escape import DNS_SUBDOMAIN_LENGTH, QUAY_NAME, digest, require

REFERENCE_LENGTH = 255
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
"""A tag in Docker's reference grammar. OpenShift itself accepts any text as an ImageStream's tag."""


def is_image_stream_name(name: str) -> bool:
    """OpenShift's own rule (measured): the characters of a Quay name, at most 253 of them."""
    return len(name) <= DNS_SUBDOMAIN_LENGTH and QUAY_NAME.fullmatch(name) is not None


def is_tag(tag: str) -> bool:
    """Whether an image can be pushed under this tag."""
    return TAG.fullmatch(tag) is not None


def repository_name(organization: str, image_stream: str) -> str:
    """The repository of an ImageStream.

    In an organization of more than 231 characters fewer than 20 characters of the digest fit, never fewer than 5.

    Args:
        organization: one that :func:`~quaybridge_sdk.mapping.organization.organization_name` makes, so at most 246 characters.
        image_stream: an ImageStream's name.

    Raises:
        InvalidNameError: ``image_stream`` is no name that OpenShift accepts.
    """
    require(is_image_stream_name(image_stream), "ImageStream", image_stream)
    room = REFERENCE_LENGTH - len(organization) - 1
    if len(image_stream) <= room:
        return image_stream
    tail = "--" + digest(image_stream)[: max(1, min(20, room - 3))]
    return image_stream[: max(1, room - len(tail))].rstrip("._-") + tail


def repositories_of(organization: str, image_streams: Iterable[str]) -> frozenset[str]:
    """The repositories of all of them; names that OpenShift would not accept have none."""
    return frozenset(repository_name(organization, name) for name in image_streams if is_image_stream_name(name))


def repository_origin(organization: str, repository: str, image_streams: Iterable[str] = ()) -> str | None:
    """The ImageStream of a repository; one that holds a digest is looked for among ``image_streams``. None: not ours."""
    if is_image_stream_name(repository):
        return repository if repository_name(organization, repository) == repository else None
    found = (name for name in image_streams if repository_name(organization, name) == repository)
    return next(found, None)


def image_pull_spec(host: str, organization: str, repository: str, tag: str) -> str:
    """``<host>/<organization>/<repository>:<tag>``: where a build pushes and an ImageStreamTag points.

    Raises:
        InvalidNameError: ``tag`` is not one of Docker's grammar.
    """
    require(is_tag(tag), "tag", tag)
    return f"{host}/{organization}/{repository}:{tag}"
