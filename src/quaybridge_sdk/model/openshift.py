"""The parts of OpenShift's objects that the bridge looks at; nothing else of them is kept in memory."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from quaybridge_sdk.model.deletion import POLICY_ANNOTATION
from quaybridge_sdk.model.ownership import ADOPT_ANNOTATION
from quaybridge_sdk.model.quay import Role

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

IGNORE_ANNOTATION = "quaybridge.io/ignore"
"""``"true"`` on a namespace or an ImageStream: the bridge leaves it alone."""

CHECK_ANNOTATION = "quaybridge.io/check"
"""On a namespace, any text: whenever it changes, Quay's side is read in full at once."""

ROLE_ANNOTATION = "quaybridge.io/role"
"""On a service account other than the three of each namespace: it gets a robot with this role, ``read`` or ``write``."""

ROTATE_ANNOTATION = "quaybridge.io/rotate"
"""On a service account that has a robot, any text: whenever it changes, the robot gets a new token."""

FINALIZER_ANNOTATION = "quaybridge.io/finalizer"
"""On a namespace, put on together with the finalizer: the Go operator's finalizer has the same name, but comes without."""

STATUS_ANNOTATION = "quaybridge.io/status"
"""On a namespace, written by the bridge: how it stands, for those who see no object of the cluster."""

READY_STATUS = "Ready: images are in Quay's organization {organization}"
"""What it says when all is well."""

NAMESPACE_ANNOTATIONS = (
    FINALIZER_ANNOTATION,
    APPLIED_ANNOTATION,
    IGNORE_ANNOTATION,
    CHECK_ANNOTATION,
    ADOPT_ANNOTATION,
    POLICY_ANNOTATION,
    "openshift.io/display-name",
    "openshift.io/description",
    "openshift.io/sa.scc.mcs",
)
"""All that is kept of a namespace's annotations."""


@frozen
class Namespace:
    """A namespace.

    Attributes:
        annotations: only :data:`NAMESPACE_ANNOTATIONS`.
        deleted: the RFC 3339 time at which its deletion was asked for, "" when that is not known.
        status: the text of :data:`STATUS_ANNOTATION`. That it changes is no change: nobody acts on it.
    """

    name: str
    uid: str
    terminating: bool = False
    finalizers: tuple[str, ...] = ()
    annotations: Mapping[str, str] = field(factory=dict)
    deleted: str = ""
    status: str = field(default="", eq=False)

    @property
    def ignored(self) -> bool:
        return self.annotations.get(IGNORE_ANNOTATION) == "true"

    @property
    def has_finalizer(self) -> bool:
        return FINALIZER in self.finalizers or SEED_FINALIZER in self.finalizers

    @property
    def has_our_finalizer(self) -> bool:
        """Whether it was put on by us, or we have worked on the namespace since."""
        ours = FINALIZER_ANNOTATION in self.annotations or APPLIED_ANNOTATION in self.annotations
        return self.has_finalizer and ours

    @property
    def has_incumbents_finalizer(self) -> bool:
        """Whether the Go operator has put it on, and we never worked on the namespace: it made the organization for this one."""
        return self.has_finalizer and not self.has_our_finalizer


@frozen
class ServiceAccount:
    """A service account's two lists of Secret names, in the API's order, and what its annotations ask for.

    ``role`` is None for one without a well-formed :data:`ROLE_ANNOTATION`; ``rotate`` is the text of :data:`ROTATE_ANNOTATION`.
    """

    name: str
    secrets: tuple[str, ...] = ()
    image_pull_secrets: tuple[str, ...] = ()
    role: Role | None = None
    rotate: str = ""

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
