"""A name found in Quay -> what it was made from: the inverse of the forward rules, for people who look at Quay's side.

What is read: an organization, ``<organization>+<robot>``, ``<organization>/<repository>`` or an image pull spec; with or
without a scheme, a host, a tag and an image digest. An organization of the bridge always has an underscore and a host never
has one, so ``<host>/<organization>`` and ``<organization>/<repository>`` are told apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import evolve, frozen

from quaybridge_sdk.mapping.escape import is_dns_subdomain
from quaybridge_sdk.mapping.organization import organization_origin
from quaybridge_sdk.mapping.repository import is_image_stream_name, is_tag, repository_origin
from quaybridge_sdk.mapping.robot import robot_origin, robot_short_name

_SCHEME = re.compile(r"\A[a-z][a-z+-]*://")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?")
_IMAGE_DIGEST = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[A-Za-z0-9]{32,}")
"""Of Docker's reference grammar: the algorithm, and the digest in its encoding."""


@frozen
class Reversed:
    """Where a name comes from. What the text does not say is None.

    Attributes:
        namespace: always known.
        cluster_id: the clusterID, None when the organization holds only its digest.
        cluster_digest: that digest: whoever knows the clusterID can map again and compare.
        host: Quay's host, as written.
        organization: the organization itself.
        repository: the repository, as written.
        image_stream: its ImageStream; None when the repository holds only a digest and none of the candidates fits, or is none
            that the bridge makes.
        robot: the robot's short name, as written.
        service_account: its service account, with None as for ``image_stream``.
        tag: the image's tag.
        image_digest: ``<algorithm>:<digest>`` of the image.
    """

    namespace: str
    cluster_id: str | None
    cluster_digest: str | None
    organization: str
    host: str | None = None
    repository: str | None = None
    image_stream: str | None = None
    robot: str | None = None
    service_account: str | None = None
    tag: str | None = None
    image_digest: str | None = None


@frozen
class _Parts:
    """A text taken apart; nothing of it is looked at yet."""

    organization: str
    host: str | None = None
    repository: str | None = None
    robot: str | None = None
    tag: str | None = None
    image_digest: str | None = None


def reverse(text: str, image_streams: Iterable[str] = (), service_accounts: Iterable[str] = ()) -> Reversed | None:
    """Reads a name of Quay's side back. Total: nothing is raised.

    Args:
        text: the name; see the module.
        image_streams: candidates for a repository whose name holds only a digest.
        service_accounts: the same for a robot.

    Returns:
        The origin; None when the text is of no known form, or its organization is none that the bridge makes.
    """
    parts = _take_apart(_SCHEME.sub("", text))
    origin = organization_origin(parts.organization) if parts else None
    if parts is None or origin is None:
        return None
    found = Reversed(origin.namespace, origin.cluster_id, origin.cluster_digest, parts.organization, parts.host)
    if parts.robot is not None:
        return _with_robot(found, parts.robot, service_accounts)
    return found if parts.repository is None else _with_repository(found, parts, parts.repository, image_streams)


def _with_robot(found: Reversed, robot: str, service_accounts: Iterable[str]) -> Reversed:
    candidates = filter(is_dns_subdomain, service_accounts)
    known = (name for name in candidates if robot_short_name(found.organization, name) == robot)
    return evolve(found, robot=robot, service_account=robot_origin(robot) or next(known, None))


def _with_repository(found: Reversed, parts: _Parts, repository: str, image_streams: Iterable[str]) -> Reversed:
    stream = repository_origin(found.organization, repository, filter(is_image_stream_name, image_streams))
    return evolve(found, repository=repository, image_stream=stream, tag=parts.tag, image_digest=parts.image_digest)


def _take_apart(text: str) -> _Parts | None:
    """Splits at the slashes; only the last part may hold a robot, a tag or a digest."""
    *head, last = text.rstrip("/").split("/")
    host = head.pop(0) if head and _HOST.fullmatch(head[0]) else None
    if not head:
        organization, plus, robot = last.partition("+")
        return _Parts(organization, host, robot=robot) if plus else _Parts(organization, host)
    return _image(host, head[0], last) if len(head) == 1 else None


def _image(host: str | None, organization: str, last: str) -> _Parts | None:
    rest, at, image_digest = last.partition("@")
    repository, colon, tag = rest.partition(":")
    if not repository or (colon and not is_tag(tag)) or (at and not _IMAGE_DIGEST.fullmatch(image_digest)):
        return None
    return _Parts(organization, host, repository, tag=tag if colon else None, image_digest=image_digest if at else None)
