"""What the embedded server does not imitate, as a table. Whatever of it is asked for is answered 501 and a Status."""

from __future__ import annotations

from collections.abc import Mapping

from quaybridge_sdk.testing.openshift.status import ApiError

NOT_IMITATED: Mapping[str, str] = {
    "server-side apply": "needs field management: application/apply-patch+yaml",
    "strategic merge patch": "needs the patch strategy of every list: application/strategic-merge-patch+json",
    "huge JSON patches": "of more than 10,000 operations",
    "other representations": "YAML, protobuf, CBOR, the Table of kubectl, aggregated discovery; who accepts JSON too gets that",
    "bodies of another kind": "kind or apiVersion in a body are not those of the path",
    "duplicate fields": "of a JSON body: the real server warns and takes the last",
    "nested unknown fields": "of built-in kinds are kept, the real server prunes them; those of CRs are pruned",
    "options of a write": "dryRun of anything but a new object, and a fieldValidation other than Ignore, Warn and Strict",
    "malformed numbers": "in limit, timeoutSeconds and resourceVersion",
    "lists at a version": "resourceVersionMatch of a list, and a resourceVersion that is not too old with it",
    "streaming lists": "sendInitialEvents of a watch, and its resourceVersionMatch",
    "foreign continue tokens": "that this server did not give",
    "managedFields": "objects carry none",
    "unlisted groups": "of Kubernetes and OpenShift: apps, batch, rbac, events.k8s.io, route, config, ...",
    "unlisted resources": "of the groups served: pods, nodes, services, projects, image signatures, build logs, clones, ...",
    "tokens of service accounts": "TokenRequest and TokenReview; EmbeddedOpenShift.token gives tokens, which do not die",
    "faulty webhook configurations": "are refused without the reasons",
    "validating webhooks": "and matchConditions, reinvocation and AdmissionReview v1beta1 of mutating ones",
    "CEL": "x-kubernetes-validations of a CRD are ignored",
    "validation of builds": "labels, git, env, selectors, paths and Jenkins in other than plain forms; proxies, secrets, volumes",
    "whole repository import": "spec.repository of an ImageStreamImport",
    "indexes of several images": "as what an import finds",
    "scheduled imports": "importPolicy.scheduled is stored, nothing is imported by itself",
    "garbage collection": "propagationPolicy Orphan and Foreground; dependants stay when their owner goes",
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
    "authentication.k8s.io": frozenset({"tokenreviews"}),
    "authorization.k8s.io": frozenset({"localsubjectaccessreviews", "selfsubjectrulesreviews"}),
    "project.openshift.io": frozenset({"projects"}),
    "admissionregistration.k8s.io": frozenset({
        "mutatingadmissionpolicies", "mutatingadmissionpolicybindings", "validatingadmissionpolicies",
        "validatingadmissionpolicybindings", "validatingwebhookconfigurations"}),
}  # fmt: skip
"""Resources that the real servers have in the groups served here."""

SUBRESOURCES = frozenset(
    {"imagestreams/layers", "builds/clone", "builds/details", "builds/log", "buildconfigs/instantiatebinary",
     "buildconfigs/webhooks", "customresourcedefinitions/status", "imagestreams/secrets", "namespaces/finalize",
     "serviceaccounts/token"}
)  # fmt: skip


def not_imitated(kind: str) -> ApiError:
    """The 501 for one row of :data:`NOT_IMITATED`."""
    text = f"the embedded OpenShift API does not imitate this: {kind} ({NOT_IMITATED[kind]})"
    return ApiError(501, "NotImplemented", text, {})


def is_real_group(group: str) -> bool:
    return group.endswith(GROUPS) or group in LEGACY_GROUPS
