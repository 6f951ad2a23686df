"""What the handlers share: the state of one cluster, its resources, its settings and its background work."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Literal

from attrs import Factory, define, field, frozen

from quaybridge_sdk.testing.http import Request
from quaybridge_sdk.testing.openshift import builds, core, crds, images, outside
from quaybridge_sdk.testing.openshift.access import Access, User
from quaybridge_sdk.testing.openshift.clock import Scheduler
from quaybridge_sdk.testing.openshift.resources import ALL_VERBS, STATUS_VERBS, Resource, Rules, Subresource
from quaybridge_sdk.testing.openshift.status import Json, not_served, page_not_found
from quaybridge_sdk.testing.openshift.store import Event, Store

Outage = Literal["up", "refused", "unavailable", "reset", "anonymous"]

CREATE_ONLY = ("create",)
_AUTHZ = "authorization.k8s.io"
_STATUS_OF_A_NAMESPACE = {"status": Subresource("Namespace", STATUS_VERBS)}
_STATUS_OF_A_STREAM = {"status": Subresource("ImageStream", STATUS_VERBS)}
_INSTANTIATE = {"instantiate": Subresource("BuildRequest", CREATE_ONLY)}
_NO_COLLECTION = tuple(verb for verb in ALL_VERBS if verb != "deletecollection")


@frozen
class Settings:
    """How one embedded server behaves.

    Attributes:
        pace: length of the server's own seconds: watch timeouts, bookmarks, its patience with a silent registry. 0.1 makes
            tests of them ten times as fast; 1.0 is the real thing.
        namespace_grace: seconds before the content of a deleted namespace goes (5 on a real cluster).
        registry_ca: PEM of the authorities that imports trust (``additionalTrustedCA`` of a real cluster); "" for the system's.
        internal_registry: host and port for ``status.dockerImageRepository``; "" for a cluster without a registry.
    """

    pace: float = 1.0
    namespace_grace: float = 0.2
    registry_ca: str = ""
    internal_registry: str = "image-registry.openshift-image-registry.svc:5000"


def built_in(settings: Settings) -> tuple[Resource, ...]:
    """The resources served from the start, in the order discovery lists them."""
    image, build = "image.openshift.io", "build.openshift.io"
    streams = images.ImageStreamRules(settings.internal_registry)
    return (
        Resource("", "v1", "configmaps", "ConfigMap", short_names=("cm",), rules=core.ConfigMapRules()),
        Resource("", "v1", "events", "Event", short_names=("ev",), rules=core.EventRules()),
        Resource("", "v1", "namespaces", "Namespace", False, verbs=_NO_COLLECTION, short_names=("ns",),
                 subresources=_STATUS_OF_A_NAMESPACE, rules=core.NamespaceRules()),
        Resource("", "v1", "secrets", "Secret", rules=core.SecretRules()),
        Resource("", "v1", "serviceaccounts", "ServiceAccount", short_names=("sa",), rules=core.ServiceAccountRules()),
        Resource("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", False, verbs=CREATE_ONLY),
        Resource(_AUTHZ, "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False, verbs=CREATE_ONLY),
        Resource(_AUTHZ, "v1", "subjectaccessreviews", "SubjectAccessReview", False, verbs=CREATE_ONLY),
        Resource("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", False,
                 rules=core.WebhookConfigurationRules()),
        Resource("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", False,
                 short_names=("crd", "crds"), rules=crds.DefinitionRules()),
        Resource("coordination.k8s.io", "v1", "leases", "Lease", rules=core.LeaseRules()),
        Resource(build, "v1", "buildconfigs", "BuildConfig", True, "openshift", short_names=("bc",), subresources=_INSTANTIATE,
                 rules=builds.BuildConfigRules()),
        Resource(build, "v1", "builds", "Build", True, "openshift", rules=builds.BuildRules()),
        Resource(image, "v1", "images", "Image", False, "openshift", ("get", "list", "watch")),
        Resource(image, "v1", "imagestreamimports", "ImageStreamImport", True, "openshift", CREATE_ONLY),
        Resource(image, "v1", "imagestreams", "ImageStream", True, "openshift", short_names=("is",),
                 subresources=_STATUS_OF_A_STREAM, rules=streams),
        Resource(image, "v1", "imagestreamtags", "ImageStreamTag", True, "openshift", ("get",), ("istag",)),
        Resource("project.openshift.io", "v1", "projectrequests", "ProjectRequest", False, "openshift", CREATE_ONLY),
    )  # fmt: skip


class Catalogue:
    """The resources served right now; definitions add to it and take away."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._lock = threading.Lock()
        self._resources = list(resources)

    def all(self) -> list[Resource]:
        with self._lock:
            return list(self._resources)

    def group(self, group: str, version: str) -> list[Resource]:
        return [entry for entry in self.all() if (entry.group, entry.version) == (group, version)]

    def find(self, group: str, version: str, plural: str) -> Resource:
        """Raises ApiError: 404 as the server of that group words it, 501 for what is only not imitated."""
        served = self.group(group, version)
        for resource in served:
            if resource.plural == plural:
                return resource
        if not served and outside.is_real_group(group):
            raise outside.not_imitated("unlisted groups")
        if plural in outside.RESOURCES.get(group, ()):
            raise outside.not_imitated("unlisted resources")
        raise not_served() if served and served[0].family != "crd" else page_not_found()

    def of_key(self, group: str, plural: str) -> Resource:
        return next(entry for entry in self.all() if (entry.group, entry.plural) == (group, plural))

    def follow(self, event: Event) -> None:
        """Keeps up with the stored definitions; a listener of the store."""
        if event.key != ("apiextensions.k8s.io", "customresourcedefinitions"):
            return
        spec = event.object["spec"]
        key = (spec["group"], spec["names"]["plural"])
        with self._lock:
            self._resources = [entry for entry in self._resources if entry.key != key]
            if event.type != "DELETED":
                self._resources += crds.resources_of(event.object)


@define(eq=False)
class Cluster:
    """The state of one cluster."""

    settings: Settings
    store: Store = Factory(Store)
    access: Access = Factory(Access)
    scheduler: Scheduler = Factory(Scheduler)
    catalogue: Catalogue = field(init=False)
    services: dict[str, str] = Factory(dict)
    """Where webhooks of services really are: "namespace/name" to a base URL."""
    outage: Outage = "up"
    pages: dict[str, tuple[int, list[Json]]] = Factory(dict)
    """The resourceVersion and the rest of a list, by its continue token."""
    breaks: list[tuple[bool, str]] = Factory(list)
    """Every time watches were ended on purpose: cleanly or not, and of which family ("" for all)."""

    def __attrs_post_init__(self) -> None:
        self.catalogue = Catalogue(built_in(self.settings))
        self.store.listeners.append(self.catalogue.follow)

    def namespace(self, name: str) -> Json | None:
        return self.store.get(("", "namespaces"), "", name)

    def break_watches(self, clean: bool, family: str = "") -> None:
        with self.store.changed:
            self.breaks.append((clean, family))
            self.store.changed.notify_all()


@define
class Call:
    """One request on its way: who asks, for what, and the warnings collected for the answer."""

    cluster: Cluster
    request: Request
    user: User
    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    partial: bool = False
    """Whether the client wants PartialObjectMetadata."""
    warnings: list[str] = Factory(list)

    @property
    def key(self) -> tuple[str, str]:
        return self.resource.key

    @property
    def rules(self) -> Rules:
        return self.resource.rules
