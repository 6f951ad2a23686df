"""Which resources are cached, where they are, and how much of each is kept: one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import TypeAlias

from attrs import frozen

from quaybridge_sdk.adapters.kubernetes.objects import Json, dig, entries, is_terminating, text
from quaybridge_sdk.adapters.kubernetes.sources import Source
from quaybridge_sdk.errors import InvalidIntegrationError
from quaybridge_sdk.model.cleanup import CLEANUP_FINALIZER, Tenure, parse_basis
from quaybridge_sdk.model.deletion import Deletion
from quaybridge_sdk.model.integration import (
    GROUP,
    PLURAL,
    SEED_GROUP,
    SEED_VERSION,
    VERSION,
    CleanupPolicy,
    QuayIntegration,
    parse_integration,
)
from quaybridge_sdk.model.quay import DEFAULT_ACCOUNTS, PULL_SECRET_TYPE


class Kind(str, Enum):
    """What a cache holds, and what a change is about."""

    NAMESPACE = "namespace"
    SERVICE_ACCOUNT = "serviceaccount"
    SECRET = "secret"  # noqa: S105 - a kind, no secret
    IMAGE_STREAM = "imagestream"
    BUILD = "build"
    INTEGRATION = "quayintegration"
    CREDENTIALS = "credentials"
    DELETION = "deletion"


ALL_KINDS = frozenset(Kind)

SOURCES: Mapping[Kind, Source] = {
    Kind.NAMESPACE: Source("/api/v1/namespaces", metadata_only=True),
    Kind.SERVICE_ACCOUNT: Source("/api/v1/serviceaccounts"),
    # Foreign pull secrets come along, with their content: small pages keep what is dropped at once small.
    Kind.SECRET: Source("/api/v1/secrets", {"fieldSelector": f"type={PULL_SECRET_TYPE}"}, page_size=100),
    Kind.IMAGE_STREAM: Source("/apis/image.openshift.io/v1/imagestreams", metadata_only=True),
    Kind.BUILD: Source("/apis/build.openshift.io/v1/builds", page_size=250),
}
GENERATIONS = ((GROUP, VERSION), (SEED_GROUP, SEED_VERSION))
"""Both APIs of QuayIntegrations; either may be missing."""

Accepts: TypeAlias = Callable[[str, str], bool]
"""Whether an object of this namespace and name is kept. Its answer must stay the same: what was dropped is not read again."""


def is_default_account(_namespace: str, name: str) -> bool:
    """The three accounts that OpenShift makes in each namespace."""
    return name in DEFAULT_ACCOUNTS


def looks_like_pull_secret(_namespace: str, name: str) -> bool:
    """A name as the mapping gives it: ``<account>-quay-<clusterID>``, or ``<account>.quay.<clusterID>.<digest>``.

    By the form alone, because Secrets are listed before it is known which clusterIDs there are.
    """
    return "-quay-" in name or ".quay." in name


def integration_source(group: str, version: str) -> Source:
    return Source(f"/apis/{group}/{version}/{PLURAL}", optional=True)


@frozen
class Unreadable:
    """A QuayIntegration that cannot be read, and why; a value, so that the same fault is no change."""

    key: str
    field: str
    problem: str

    def error(self) -> InvalidIntegrationError:
        return InvalidIntegrationError(self.field, self.problem)


def deletions_parser(group: str) -> Callable[[Json], tuple[Deletion, ...] | None]:
    """Reads what a QuayIntegration's status remembers; None when it is nothing."""

    def parse(item: Json) -> tuple[Deletion, ...] | None:
        key = f"{group}/{text(item, 'metadata', 'name')}"
        found = (Deletion.loads(key, entry) for entry in entries(item, "status", "deletions"))
        return tuple(deletion for deletion in found if deletion is not None) or None

    return parse


def tenure_parser(group: str, version: str) -> Callable[[Json], Tenure]:
    """Reads how each QuayIntegration stands as an object. A policy that is none of the words takes nothing back."""

    def parse(item: Json) -> Tenure:
        name, policy = text(item, "metadata", "name"), text(item, "spec", "cleanupPolicy")
        return Tenure(
            key=f"{group}/{name}",
            name=name,
            uid=text(item, "metadata", "uid"),
            policy=CleanupPolicy.CLUSTER if policy == CleanupPolicy.CLUSTER.value else CleanupPolicy.RETAIN,
            held=CLEANUP_FINALIZER in entries(item, "metadata", "finalizers"),
            deleted=is_terminating(item),
            basis=parse_basis({"apiVersion": f"{group}/{version}", "metadata": dig(item, "metadata"), "spec": dig(item, "spec")}),
        )

    return parse


def integration_parser(group: str, version: str) -> Callable[[Json], QuayIntegration | Unreadable]:
    """Reads items of one generation's list, which do not say of which they are: the items of a list carry no ``apiVersion``."""

    def parse(item: Json) -> QuayIntegration | Unreadable:
        found: object = item  # a damaged answer holds anything
        try:
            return parse_integration({**found, "apiVersion": f"{group}/{version}"} if isinstance(found, dict) else {})
        except InvalidIntegrationError as error:
            return Unreadable(
                f"{group}/{text(item, 'metadata', 'name')}", error.field, str(error).removeprefix(f"{error.field}: ")
            )

    return parse
