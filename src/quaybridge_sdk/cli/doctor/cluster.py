"""The cluster: who answers, which version, which API groups, which CRDs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from quaybridge_sdk.cli import crds
from quaybridge_sdk.cli.doctor.finding import Finding, Status, bad, doubtful, good, unsure
from quaybridge_sdk.cli.doctor.ports import ClusterPort, Examination, Json, Look, look
from quaybridge_sdk.errors import RemoteError
from quaybridge_sdk.model.integration import GROUP, PLURAL, SEED_GROUP, SEED_VERSION, VERSION

OLDEST_OPENSHIFT, OLDEST_KUBERNETES = (4, 2), (1, 14)
"""What the manual of the first generation asks for; OpenShift 4.2 is Kubernetes 1.14."""

GROUPS = (
    ("image.openshift.io/v1", "ImageStreams: this must be an OpenShift cluster, or have its API server"),
    ("build.openshift.io/v1", "Builds: the cluster's Build capability must be enabled"),
    ("admissionregistration.k8s.io/v1", "webhooks: OpenShift 4.3 or later serves this version"),
    ("apiextensions.k8s.io/v1", "CRDs: OpenShift 4.3 or later serves this version"),
    ("coordination.k8s.io/v1", "leases: OpenShift 4.2 or later serves this version"),
    ("authorization.k8s.io/v1", "reviews of rights"),
)
"""API groups that the bridge uses, and what is missing without them."""

OLDER = "an older release's, or the Go operator's"
DEFINITIONS = ((GROUP, VERSION), (SEED_GROUP, SEED_VERSION))
ENABLE_BUILDS = (
    "oc patch clusterversion version --type=merge "
    """-p '{"spec":{"capabilities":{"additionalEnabledCapabilities":["Build","ImageRegistry"]}}}'"""
)
OPENSHIFT_API = "oc get clusteroperator openshift-apiserver"


def reach(cluster: ClusterPort) -> tuple[Finding, Json]:
    """Whether the API server answers, and its version. After a failure nothing else can be asked of it."""
    try:
        version = cluster.get("/version")
    except RemoteError as error:
        mend = "log in again, or give the right --kubeconfig and --context"
        return bad("cluster.api", cluster.host, f"{error.reason}: {error}", mend, "oc login", "oc whoami --show-server"), {}
    user = whoami(cluster)
    return good("cluster.api", cluster.host, f"answers{f' to {user}' if user else ''}"), version


def whoami(cluster: ClusterPort) -> str:
    """The identity that asks, "" when the API server does not tell (before Kubernetes 1.28)."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {}}
    try:
        review = cluster.create("/apis/authentication.k8s.io/v1/selfsubjectreviews", body)
    except RemoteError:
        return ""
    return str(((review.get("status") or {}).get("userInfo") or {}).get("username") or "")


def examine(examination: Examination, version: Json) -> Iterator[Finding]:
    """Version, groups, CRDs."""
    cluster = examination.cluster
    yield _version(look(cluster, "/apis/config.openshift.io/v1/clusterversions/version"), version)
    for group, missing in GROUPS:
        yield _group(group, look(cluster, f"/apis/{group}"), missing)
    found = [definition(cluster, group, version) for group, version in DEFINITIONS]
    # One generation is enough.
    served = [f for f in found if f.status is Status.OK or f.detail.startswith(OLDER)]
    yield from served or found


def _version(openshift: Look, kubernetes: Json) -> Finding:
    desired = str((((openshift.item or {}).get("status") or {}).get("desired") or {}).get("version") or "")
    told = str(kubernetes.get("gitVersion", "unknown"))
    if desired:
        if numbers(desired) >= OLDEST_OPENSHIFT:
            return good("cluster.version", f"OpenShift {desired}", f"Kubernetes {told}")
        return bad("cluster.version", f"OpenShift {desired}", "older than 4.2", "upgrade the cluster", "oc adm upgrade")
    subject = f"Kubernetes {told}"
    if numbers(told) < OLDEST_KUBERNETES:
        return bad("cluster.version", subject, "older than that of OpenShift 4.2, which is 1.14", "upgrade the cluster")
    return good("cluster.version", subject, "recent enough; no OpenShift version is given, so the API groups must tell")


def numbers(version: str) -> tuple[int, int]:
    """Major and minor of a version, (0, 0) when there are none."""
    found = re.search(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _group(group: str, seen: Look, missing: str) -> Finding:
    if seen.item is not None:
        return good("cluster.groups", group, "served")
    if seen.problem:
        return bad("cluster.groups", group, seen.problem, "it is served, but does not answer", OPENSHIFT_API, "oc get apiservice")
    commands = (ENABLE_BUILDS,) if group.startswith("build.") else (OPENSHIFT_API,) if "openshift.io" in group else ()
    return bad("cluster.groups", group, "not served", missing, *commands)


def definition(cluster: ClusterPort, group: str, version: str) -> Finding:
    """The CRD of one generation. When it may not be read, discovery says enough."""
    name = f"{PLURAL}.{group}"
    mend = "quaybridge crds | oc apply -f -"
    seen = look(cluster, f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}")
    if seen.problem:
        if look(cluster, f"/apis/{group}/{version}").item is not None:
            return good("cluster.crds", name, f"{version} is served")
        return unsure("cluster.crds", name, seen.problem)
    if seen.item is None:
        return bad("cluster.crds", name, "not installed", "install it", mend)
    versions = {entry.get("name"): entry.get("served") for entry in seen.item.get("spec", {}).get("versions", ())}
    conditions = {c.get("type"): c for c in (seen.item.get("status") or {}).get("conditions") or ()}
    established = conditions.get("Established")
    if not versions.get(version):
        return bad("cluster.crds", name, f"does not serve {version}", "it is another's, or damaged: install it again", mend)
    if established is not None and established.get("status") != "True":
        told = conditions.get("NamesAccepted", established).get("message", "")
        return doubtful("cluster.crds", name, f"not established (yet): {told}", "look at it", f"oc describe crd {name}")
    known = _fields(seen.item, version)
    dropped = sorted(_fields(_own(name), version) - known) if known else []
    if dropped:
        told = f"{OLDER}: it drops {', '.join(dropped)}"
        return doubtful("cluster.crds", name, told, "without status.deletions nothing is remembered: apply this release's", mend)
    return good("cluster.crds", name, f"{version} is served")


def _own(name: str) -> Json:
    """The definition of that name in this release."""
    return next(crd for crd in crds.definitions() if crd["metadata"]["name"] == name)


def _fields(crd: Json, version: str) -> set[str]:
    """``spec.<field>`` and ``status.<field>`` for all that the schema of a version keeps; none where there is no schema."""
    served: Json = next((entry for entry in crd["spec"]["versions"] if entry.get("name") == version), {})
    parts = ((served.get("schema") or {}).get("openAPIV3Schema") or {}).get("properties") or {}
    return {f"{part}.{name}" for part in ("spec", "status") for name in (parts.get(part) or {}).get("properties") or ()}
