"""The parts of OpenShift's objects that the bridge looks at; nothing else of them is kept in memory."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

FINALIZER = "quay.redhat.com/quayintegrations"
"""In ``metadata.finalizers`` of each managed namespace (the incumbent's own, kept for a drop-in)."""

SEED_FINALIZER = "redhatcop.redhat.io/quayintegrations"
"""The same of the first generation of the operator: recognised, and removed together with ours."""

ANNOTATION_BASE = "quay-registry-operator.quay.redhat.com"
MANAGED_ANNOTATION = f"{ANNOTATION_BASE}/quay-registry-operator-managed"
DESTINATION_ANNOTATION = f"{ANNOTATION_BASE}/destination-imagestream"
IMPORTED_ANNOTATION = f"{ANNOTATION_BASE}/destination-imagestreamtag-imported"
APPLIED_ANNOTATION = "quaybridge.io/applied"
"""On a namespace: what was last brought about in Quay, and when it was last checked in full (see :mod:`.state`)."""

NAMESPACE_ANNOTATIONS = (
    APPLIED_ANNOTATION,
    "openshift.io/display-name",
    "openshift.io/description",
    "openshift.io/sa.scc.mcs",
)
"""All that is kept of a namespace's annotations."""


@frozen
class Namespace:
    """A namespace. ``annotations`` holds only :data:`NAMESPACE_ANNOTATIONS`."""

    name: str
    uid: str
    terminating: bool = False
    finalizers: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(factory=dict)

    @property
    def has_finalizer(self) -> bool:
        return FINALIZER in self.finalizers or SEED_FINALIZER in self.finalizers


@frozen
class ServiceAccount:
    """A service account's two lists of Secret names, in the API's order."""

    name: str
    secrets: tuple[str, ...] = ()
    image_pull_secrets: tuple[str, ...] = ()

    def links(self, secret: str) -> bool:
        """Whether the Secret is in both lists, as the contract wants it."""
        return secret in self.secrets and secret in self.image_pull_secrets


@frozen
class Build:
    """A Build as far as admission and import need it.

    ``service_account`` is None when the spec names none (the build controller then takes ``builder``);
    ``digest`` is ``status.output.to.imageDigest``; the two times are RFC 3339 strings, "" when absent.
    """

    namespace: str
    name: str
    strategy: str = ""
    output_kind: str | None = None
    output_name: str | None = None
    output_namespace: str | None = None
    push_secret: str | None = None
    service_account: str | None = None
    phase: str = ""
    digest: str = ""
    started: str = ""
    completed: str = ""
    annotations: Mapping[str, str] | None = None
    uid: str = ""

    @property
    def account(self) -> str:
        """The account the build runs as. The build controller takes ``builder`` when the spec names none."""
        return self.service_account or "builder"


@frozen
class ImageStreamTag:
    """A destination ``namespace/name:tag``."""

    namespace: str
    name: str
    tag: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}:{self.tag}"


@frozen
class ImageImport:
    """One ImageStreamImport to be posted: the contract's body, as a value."""

    destination: ImageStreamTag
    pull_spec: str
    insecure: bool
    scheduled: bool


@frozen
class ImportedImage:
    """What an import brought in: the digest, and when that image was made (RFC 3339, "" when the image does not say)."""

    digest: str
    created: str = ""
