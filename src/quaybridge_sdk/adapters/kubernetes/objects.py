"""JSON as the API gives it -> the model's values. Total: nulls, gaps and wrong types read as «not there», nothing raises.

Only what the bridge looks at is kept: a cache of whole objects is what made the incumbent need 512 MiB.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, TypeAlias

from attrs import evolve

from quaybridge_sdk.model.openshift import (
    DESTINATION_ANNOTATION,
    IGNORE_ANNOTATION,
    IMPORTED_ANNOTATION,
    MANAGED_ANNOTATION,
    NAMESPACE_ANNOTATIONS,
    ROLE_ANNOTATION,
    ROTATE_ANNOTATION,
    STATUS_ANNOTATION,
    Build,
    Namespace,
    ServiceAccount,
)
from quaybridge_sdk.model.quay import PULL_SECRET_KEY as PULL_SECRET_KEY  # the writer's, too
from quaybridge_sdk.model.quay import PULL_SECRET_TYPE as PULL_SECRET_TYPE
from quaybridge_sdk.model.quay import Role, SecretText

Json: TypeAlias = dict[str, Any]
"""An object of the API."""

Key: TypeAlias = tuple[str, str]
"""Namespace ("" for an object of the cluster) and name."""

BUILD_ANNOTATIONS = (MANAGED_ANNOTATION, DESTINATION_ANNOTATION, IMPORTED_ANNOTATION)
MARKED_UID_ANNOTATION = "quaybridge.io/imported-build"
"""Beside the contract's mark on a Build: the UID of the Build that was marked. A clone has both from its original, and a UID of
its own: so its mark is void also when the webhook was not there to take it off. The Go operator's marks come without it."""
UNREADABLE = "unreadable"
"""Stands for the fingerprint of a pull secret whose content is missing or no text: it equals no real fingerprint."""


def dig(value: object, *path: str) -> object:
    """What is found along ``path``; None when anything on the way is missing or no object."""
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def text(value: object, *path: str) -> str:
    """The string at ``path``, "" when there is none."""
    found = dig(value, *path)
    return found if isinstance(found, str) else ""


def entries(value: object, *path: str) -> list[Any]:
    """The list at ``path``. The API writes null for some empty ones, and leaves others out."""
    found = dig(value, *path)
    return found if isinstance(found, list) else []


def strings(value: object, *path: str) -> Mapping[str, str]:
    """The string-to-string object at ``path``, without whatever else is in it."""
    found = dig(value, *path)
    return {key: item for key, item in found.items() if isinstance(item, str)} if isinstance(found, dict) else {}


def key_of(item: object) -> Key:
    return text(item, "metadata", "namespace"), text(item, "metadata", "name")


def version_of(item: object) -> str:
    return text(item, "metadata", "resourceVersion")


def is_terminating(item: object) -> bool:
    return bool(text(item, "metadata", "deletionTimestamp"))


ROLES: Mapping[str, Role] = {role.value: role for role in (Role.READ, Role.WRITE)}
"""What an account may be given by its annotation, which those may write who may edit in its namespace."""


def parse_namespace(item: Json) -> Namespace:
    """Reads a Namespace; its PartialObjectMetadata is enough."""
    annotations = strings(item, "metadata", "annotations")
    return Namespace(
        name=text(item, "metadata", "name"),
        uid=text(item, "metadata", "uid"),
        terminating=is_terminating(item),
        finalizers=tuple(name for name in entries(item, "metadata", "finalizers") if isinstance(name, str)),
        annotations={name: annotations[name] for name in NAMESPACE_ANNOTATIONS if name in annotations},
        deleted=text(item, "metadata", "deletionTimestamp"),
        status=annotations.get(STATUS_ANNOTATION, ""),
    )


def parse_service_account(item: Json) -> ServiceAccount:
    return ServiceAccount(
        name=text(item, "metadata", "name"),
        secrets=_names(entries(item, "secrets")),
        image_pull_secrets=_names(entries(item, "imagePullSecrets")),
        role=ROLES.get(text(item, "metadata", "annotations", ROLE_ANNOTATION)),
        rotate=text(item, "metadata", "annotations", ROTATE_ANNOTATION),
    )


def parse_image_stream(item: Json) -> bool:
    """Whether the bridge is to mind the ImageStream; its name is all that it needs."""
    return text(item, "metadata", "annotations", IGNORE_ANNOTATION) != "true"


def _names(references: list[Any]) -> tuple[str, ...]:
    return tuple(name for reference in references if (name := text(reference, "name")))


def secret_value(item: Json, key: str) -> SecretText | None:
    """One value of a Secret's data, decoded; None when it is missing, or no text."""
    value = dig(item, "data", key)
    if not isinstance(value, str):
        return None
    try:
        return SecretText(base64.b64decode(value, validate=True).decode())
    except (binascii.Error, ValueError):
        return None


def parse_pull_secret(item: Json) -> str:
    """The fingerprint of the bytes of ``.dockerconfigjson``: nothing else of a Secret is kept."""
    content = secret_value(item, PULL_SECRET_KEY)
    return UNREADABLE if content is None else content.fingerprint()


def parse_credentials(item: Json) -> Mapping[str, SecretText]:
    """All values of a credentials Secret, masked; a value that is no text reads as empty."""
    return {key: secret_value(item, key) or SecretText("") for key in strings(item, "data")}


def is_marked(item: Json) -> bool:
    """Whether the Build's tag was imported: the mark is there, and is not another Build's."""
    annotations, uid = strings(item, "metadata", "annotations"), text(item, "metadata", "uid")
    return annotations.get(IMPORTED_ANNOTATION) == "true" and annotations.get(MARKED_UID_ANNOTATION, uid) == uid


def parse_build(item: Json) -> Build | None:
    """Reads a Build that the webhook rewrote; None for any other one. A mark that is another Build's reads as not there."""
    annotations = strings(item, "metadata", "annotations")
    if annotations.get(MANAGED_ANNOTATION) != "true":
        return None
    marked = is_marked(item)
    build = Build(
        namespace=text(item, "metadata", "namespace"),
        name=text(item, "metadata", "name"),
        strategy=text(item, "spec", "strategy", "type"),
        output_kind=text(item, "spec", "output", "to", "kind") or None,
        output_name=text(item, "spec", "output", "to", "name") or None,
        output_namespace=text(item, "spec", "output", "to", "namespace") or None,
        push_secret=text(item, "spec", "output", "pushSecret", "name") or None,
        service_account=text(item, "spec", "serviceAccount") or None,
        phase=text(item, "status", "phase"),
        digest=text(item, "status", "output", "to", "imageDigest"),
        started=text(item, "status", "startTimestamp"),
        completed=text(item, "status", "completionTimestamp"),
        annotations={
            name: annotations[name]
            for name in BUILD_ANNOTATIONS
            if name in annotations and (marked or name != IMPORTED_ANNOTATION)
        },
        uid=text(item, "metadata", "uid"),
    )
    return _remembered(build) if marked else build


def _remembered(build: Build) -> Build:
    """What is still asked of a Build whose tag was imported: what it pushed, where, and when. There may be thousands of them."""
    return evolve(build, strategy="", output_namespace=None, push_secret=None, service_account=None, started="")
