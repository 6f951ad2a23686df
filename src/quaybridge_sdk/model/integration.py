"""The QuayIntegration: both API generations read into one frozen value.

Sources: the CRD ``quay.redhat.com/v1`` of the Go operator, and ``redhatcop.redhat.io/v1alpha1`` of its predecessor (the
Red Hat Quay 3.4 manual, chapter "Bridge Operator").
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar
from urllib.parse import urlsplit

from attrs import frozen

from quaybridge_sdk.errors import InvalidIntegrationError
from quaybridge_sdk.model.deletion import DeletionPolicy, StreamDeletionPolicy
from quaybridge_sdk.model.ownership import AdoptionPolicy
from quaybridge_sdk.model.quay import QuayEndpoint

GROUP = "quay.redhat.com"
VERSION = "v1"
SEED_GROUP = "redhatcop.redhat.io"
SEED_VERSION = "v1alpha1"
PLURAL = "quayintegrations"
KIND = "QuayIntegration"

DEFAULT_CLUSTER_ID = "openshift"
DEFAULT_QUARANTINE_DAYS = 7
DEFAULT_DELETION_LIMIT = 100
DEFAULT_TOKEN_KEY = "token"  # noqa: S105 - the key of a Secret's data, no secret

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PORT = r":(?:6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[1-9][0-9]{0,3})"
HOSTNAME_RULE = re.compile(rf"(?:https?://)?(?:{_LABEL}(?:[.]{_LABEL})+(?:{_PORT})?|{_LABEL}{_PORT}|localhost)/*")
"""``quayHostname``: an optional scheme, a host name, an optional port, trailing slashes. The CRDs carry the same rules.

The host has a dot or a port, or is ``localhost``: in image references a first part without either is a path at Docker Hub (the
grammar of distribution's ``reference``), and images would be pushed to, and pulled from, somebody else. For the same reason
there are no IPv6 addresses: the grammar that OpenShift uses has none.
"""

HOSTNAME_LENGTH = re.compile(r"(?:https?://)?[A-Za-z0-9.-]{1,253}(?::[0-9]+)?/*")
"""No host name is longer (RFC 1035). A rule of its own, because CEL's regular expressions look neither ahead nor back."""


Choice = TypeVar("Choice", bound=Enum)


class FailurePolicy(str, Enum):
    """What a bug of the webhook does to admission: Kubernetes' own two words."""

    FAIL = "Fail"
    IGNORE = "Ignore"


class CleanupPolicy(str, Enum):
    """What becomes of what the bridge made in the cluster when its QuayIntegration is deleted."""

    RETAIN = "Retain"
    CLUSTER = "Cluster"


@frozen
class SecretKey:
    """Where the Quay token is: a Secret and a key in its data."""

    namespace: str
    name: str
    key: str = DEFAULT_TOKEN_KEY

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name} (key {self.key!r})"


@frozen
class QuayIntegration:
    """One QuayIntegration.

    ``organization_prefix`` is kept only to be reported: it never changed a name in the incumbent and does not here.
    ``failure_policy``, ``adoption_policy``, those on deletion and cleanup, and ``endpoint.ca_bundle`` are this bridge's own
    optional fields.
    ``quarantine_days``: so long a quarantined organization is kept; ``deletion_limit``: organizations that may be deleted
    within an hour, the rest is quarantined; 0: any number. As many repositories may be deleted with their ImageStreams.
    """

    name: str
    cluster_id: str
    credentials: SecretKey
    endpoint: QuayEndpoint
    scheduled_import: bool = False
    denylist: frozenset[str] = frozenset()
    allowlist: frozenset[str] = frozenset()
    organization_prefix: str = ""
    failure_policy: FailurePolicy = FailurePolicy.FAIL
    adoption_policy: AdoptionPolicy = AdoptionPolicy.INCUMBENT
    deletion_policy: DeletionPolicy = DeletionPolicy.DELETE
    cleanup_policy: CleanupPolicy = CleanupPolicy.RETAIN
    quarantine_days: int = DEFAULT_QUARANTINE_DAYS
    deletion_limit: int = DEFAULT_DELETION_LIMIT
    stream_deletion_policy: StreamDeletionPolicy = StreamDeletionPolicy.RETAIN
    uid: str = ""
    generation: int = 0
    seed: bool = False

    @property
    def insecure(self) -> bool:
        return self.endpoint.insecure

    @property
    def key(self) -> str:
        """Unique among both generations."""
        return f"{SEED_GROUP if self.seed else GROUP}/{self.name}"


def parse_integration(body: Mapping[str, Any]) -> QuayIntegration:
    """Reads a QuayIntegration of either generation.

    Args:
        body: the object as the API gives it: ``apiVersion``, ``metadata``, ``spec``.

    Raises:
        InvalidIntegrationError: a field is missing or malformed; ``field`` says which.
    """
    spec, metadata = _mapping(body.get("spec"), "spec"), _mapping(body.get("metadata"), "metadata")
    seed = str(body.get("apiVersion", "")).startswith(SEED_GROUP + "/")
    allow, deny = ("whitelistNamespaces", "blacklistNamespaces") if seed else ("allowlistNamespaces", "denylistNamespaces")
    generation = metadata.get("generation")
    return QuayIntegration(
        name=_text(metadata, "name", "metadata.name"),
        cluster_id=_text(spec, "clusterID", default=DEFAULT_CLUSTER_ID) or DEFAULT_CLUSTER_ID,
        credentials=_seed_credentials(spec) if seed else _credentials(spec),
        endpoint=parse_endpoint(
            _text(spec, "quayHostname"), insecure=_flag(spec, "insecureRegistry"), ca_bundle=_ca_bundle(spec)
        ),
        scheduled_import=_flag(spec, "scheduledImageStreamImport"),
        denylist=_names(spec, deny),
        allowlist=_names(spec, allow),
        organization_prefix=_text(spec, "organizationPrefix", default=""),
        failure_policy=_choice(spec, "failurePolicy", FailurePolicy.FAIL),
        adoption_policy=_choice(spec, "adoptionPolicy", AdoptionPolicy.INCUMBENT),
        deletion_policy=_choice(spec, "deletionPolicy", DeletionPolicy.DELETE),
        cleanup_policy=_choice(spec, "cleanupPolicy", CleanupPolicy.RETAIN),
        quarantine_days=_number(spec, "quarantineDays", DEFAULT_QUARANTINE_DAYS, range(1, 3651)),
        deletion_limit=_number(spec, "deletionLimit", DEFAULT_DELETION_LIMIT, range(1_000_001)),
        stream_deletion_policy=_choice(spec, "imageStreamDeletionPolicy", StreamDeletionPolicy.RETAIN),
        uid=_text(metadata, "uid", "metadata.uid", default=""),
        generation=generation if isinstance(generation, int) else 0,
        seed=seed,
    )


def parse_endpoint(hostname: str, *, insecure: bool = False, ca_bundle: str | None = None) -> QuayEndpoint:
    """Reads ``quayHostname``: with or without a scheme, with a port, with a trailing slash; the same host each time.

    Without a scheme ``https`` is meant (the official examples give a bare host name; the incumbent then
    lost the host altogether).

    Raises:
        InvalidIntegrationError: not a host name with an optional scheme and port, or one that no image reference can have.
    """
    if not (HOSTNAME_LENGTH.fullmatch(hostname) and HOSTNAME_RULE.fullmatch(hostname)):
        problem = "not a host name with a dot or a port (or localhost), with or without http:// or https://, and without a path"
        raise InvalidIntegrationError("spec.quayHostname", f"{problem}: {hostname!r}")
    parts = urlsplit(hostname if "://" in hostname else f"https://{hostname}")
    host = parts.netloc
    return QuayEndpoint(url=f"{parts.scheme}://{host}", host=host, insecure=insecure, ca_bundle=ca_bundle)


def _credentials(spec: Mapping[str, Any]) -> SecretKey:
    where = _mapping(spec.get("credentialsSecret"), "spec.credentialsSecret")
    return SecretKey(
        namespace=_text(where, "namespace", "spec.credentialsSecret.namespace"),
        name=_text(where, "name", "spec.credentialsSecret.name"),
        key=_text(where, "key", "spec.credentialsSecret.key", default="") or DEFAULT_TOKEN_KEY,
    )


def _seed_credentials(spec: Mapping[str, Any]) -> SecretKey:
    value = _text(spec, "credentialsSecretName")
    namespace, slash, name = value.partition("/")
    if not (namespace and slash and name) or "/" in name:
        raise InvalidIntegrationError("spec.credentialsSecretName", f"must be <namespace>/<name>, not {value!r}")
    return SecretKey(namespace, name)


def _ca_bundle(spec: Mapping[str, Any]) -> str | None:
    """``caBundle`` as in a webhook's clientConfig: PEM, base64-encoded."""
    text = _text(spec, "caBundle", default="")
    if not text:
        return None
    try:
        pem = base64.b64decode(text, validate=True).decode("ascii")
    except ValueError as error:  # bad base64 and other bytes are of this class, as is text that is not ASCII at all
        raise InvalidIntegrationError("spec.caBundle", "must be PEM certificates, base64-encoded") from error
    if "-----BEGIN CERTIFICATE-----" not in pem:
        raise InvalidIntegrationError("spec.caBundle", "holds no PEM certificate")
    return pem


def _choice(spec: Mapping[str, Any], key: str, default: Choice) -> Choice:
    value = _text(spec, key, default=str(default.value))
    try:
        return type(default)(value)
    except ValueError as error:
        words = " or ".join(str(choice.value) for choice in type(default))
        raise InvalidIntegrationError(f"spec.{key}", f"must be {words}, not {value!r}") from error


def _mapping(value: object, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidIntegrationError(path, "is required and must be an object")
    return value


def _text(spec: Mapping[str, Any], key: str, path: str = "", default: str | None = None) -> str:
    value = spec.get(key)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or (not value and default is None):
        problem = "is required and must be a string" if default is None else "must be a string"
        raise InvalidIntegrationError(path or f"spec.{key}", problem)
    return value


def _flag(spec: Mapping[str, Any], key: str) -> bool:
    value = spec.get(key)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise InvalidIntegrationError(f"spec.{key}", "must be true or false")
    return value


def _number(spec: Mapping[str, Any], key: str, default: int, allowed: range) -> int:
    value = spec.get(key)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value not in allowed:
        raise InvalidIntegrationError(f"spec.{key}", f"must be a whole number from {allowed.start} to {allowed.stop - 1}")
    return value


def _names(spec: Mapping[str, Any], key: str) -> frozenset[str]:
    value = spec.get(key)
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise InvalidIntegrationError(f"spec.{key}", "must be a list of namespace names")
    return frozenset(value)
