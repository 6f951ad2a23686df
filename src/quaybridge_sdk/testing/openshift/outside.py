"""What the embedded server does not imitate, as a table. Whatever of it is asked for is answered 501 and a Status."""

from __future__ import annotations

from collections.abc import Mapping

from quaybridge_sdk.testing.openshift.status import ApiError

NOT_IMITATED: Mapping[str, str] = {
    "server-side apply": "needs field management: application/apply-patch+yaml",
    "strategic merge patch": "needs the patch strategy of every list: application/strategic-merge-patch+json",
    "Table": "the columns of kubectl; a client that also accepts application/json gets that",
    "aggregated discovery": "the v2 form of discovery; a client that also accepts application/json gets that",
    "YAML and protobuf": "bodies and answers are JSON",
    "managedFields": "objects carry none",
    "unlisted groups": "of Kubernetes and OpenShift: apps, batch, rbac, events.k8s.io, apiregistration, route, config, ...",
    "unlisted resources": "of the groups served: pods, nodes, services, image signatures, build logs, clones, ...",
    "whole repository import": "spec.repository of an ImageStreamImport",
    "scheduled imports": "importPolicy.scheduled is stored, nothing is imported by itself",
    "garbage collection": "propagationPolicy Orphan and Foreground; dependants stay when their owner goes",
    "old lists": "resourceVersionMatch=Exact of a resourceVersion that is neither compacted nor current",
    "duplicate fields": "of a JSON body: the real server warns and takes the last",
    "nested unknown fields": "of built-in kinds are kept, the real server prunes them; those of CRs are pruned",
    "validating webhooks": "and matchConditions, reinvocation and AdmissionReview v1beta1 of mutating ones",
    "CEL": "x-kubernetes-validations of a CRD are ignored",
    "OpenAPI": "/openapi and /metrics",
    "unknown HTTP methods": "answered 501 by the HTTP server underneath",
}
"""Kind of request to what it would take. The docs print this table."""

GROUPS = (".k8s.io", ".openshift.io")
LEGACY_GROUPS = ("apps", "autoscaling", "batch", "extensions", "policy")
PATHS = ("/openapi", "/metrics", "/logs", "/debug")
RESOURCES: Mapping[str, frozenset[str]] = {
    "": frozenset({"bindings", "componentstatuses", "endpoints", "limitranges", "nodes", "persistentvolumeclaims",
                   "persistentvolumes", "pods", "podtemplates", "replicationcontrollers", "resourcequotas", "services"}),
    "image.openshift.io": frozenset({"imagesignatures", "imagestreamimages", "imagestreammappings", "imagetags"}),
    "build.openshift.io": frozenset(),
    "authorization.k8s.io": frozenset({"localsubjectaccessreviews"}),
    "admissionregistration.k8s.io": frozenset({
        "mutatingadmissionpolicies", "mutatingadmissionpolicybindings", "validatingadmissionpolicies",
        "validatingadmissionpolicybindings", "validatingwebhookconfigurations"}),
}  # fmt: skip
"""Resources that the real servers have in the groups served here."""

SUBRESOURCES = frozenset(
    {"imagestreams/layers", "builds/clone", "builds/details", "builds/log", "buildconfigs/instantiatebinary",
     "buildconfigs/webhooks", "customresourcedefinitions/status"}
)  # fmt: skip


def not_imitated(kind: str) -> ApiError:
    """The 501 for one row of :data:`NOT_IMITATED`."""
    text = f"the embedded OpenShift API does not imitate this: {kind} ({NOT_IMITATED[kind]})"
    return ApiError(501, "NotImplemented", text, {})


def is_real_group(group: str) -> bool:
    return group.endswith(GROUPS) or group in LEGACY_GROUPS
