"""ImageStream -> repository, and the image pull spec.

The repository has the ImageStream's own name, as with the incumbent; Quay accepts each. Only where
``<host>/<organization>/<repository>`` would be longer than the 255 characters that Docker's reference grammar allows (so that no
build could push there; OpenShift counts the host, too: measured) the name becomes ``<start of it>--<digest>``; no ImageStream's
name holds two dashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from quaybridge_sdk.mapping.escape import DNS_SUBDOMAIN_LENGTH, QUAY_NAME, digest, require

REFERENCE_LENGTH = 255
SHORTENED = 23
"""The fewest characters that hold a whole digest and one of the name."""
DIGEST_AT_LEAST = 5
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
"""A tag in Docker's reference grammar. OpenShift itself accepts any text as an ImageStream's tag."""


def is_image_stream_name(name: str) -> bool:
    """OpenShift's own rule (measured): the characters of a Quay name, and with its namespace and a slash 255 at most."""
    return len(name) <= DNS_SUBDOMAIN_LENGTH and QUAY_NAME.fullmatch(name) is not None


def is_tag(tag: str) -> bool:
    """Whether an image can be pushed under this tag."""
    return TAG.fullmatch(tag) is not None


def repository_name(host: str, organization: str, image_stream: str) -> str:
    """The repository of an ImageStream.

    A host that leaves fewer than 23 characters does not count: no build could push there anyway. In an organization of more than
    231 characters fewer than 20 characters of the digest fit, never fewer than 5.

    Args:
        host: Quay's host, with its port; "" when nothing will be pushed by OpenShift.
        organization: one that :func:`~quaybridge_sdk.mapping.organization.organization_name` makes, so at most 246 characters.
        image_stream: an ImageStream's name.

    Raises:
        InvalidNameError: ``image_stream`` is no name that OpenShift accepts.
    """
    require(is_image_stream_name(image_stream), "ImageStream", image_stream)
    in_quay = REFERENCE_LENGTH - len(organization) - 1
    beside_host = in_quay - len(host) - 1 if host else in_quay
    room = beside_host if beside_host >= SHORTENED else in_quay
    if len(image_stream) <= room:
        return image_stream
    tail = "--" + digest(image_stream)[: max(1, min(20, room - 3))]
    return image_stream[: max(1, room - len(tail))].rstrip("._-") + tail


def repositories_of(host: str, organization: str, image_streams: Iterable[str]) -> frozenset[str]:
    """The repositories of all of them; names that OpenShift would not accept have none."""
    return frozenset(repository_name(host, organization, name) for name in image_streams if is_image_stream_name(name))


def repository_origin(organization: str, repository: str, image_streams: Iterable[str] = ()) -> str | None:
    """The ImageStream of a repository; one that holds a digest is looked for among ``image_streams``. None: not ours.

    Which host it was made for need not be known: that only says how much of the name is left beside the digest.
    """
    if is_image_stream_name(repository):
        return repository if len(organization) + 1 + len(repository) <= REFERENCE_LENGTH else None
    start, _, tail = repository.rpartition("--")
    short = is_image_stream_name(start) and len(tail) >= DIGEST_AT_LEAST
    found = (name for name in image_streams if short and name.startswith(start) and digest(name).startswith(tail))
    return next(found, None)


def image_pull_spec(host: str, organization: str, repository: str, tag: str) -> str:
    """``<host>/<organization>/<repository>:<tag>``: where a build pushes and an ImageStreamTag points.

    Raises:
        InvalidNameError: ``tag`` is not one of Docker's grammar.
    """
    require(is_tag(tag), "tag", tag)
    return f"{host}/{organization}/{repository}:{tag}"
