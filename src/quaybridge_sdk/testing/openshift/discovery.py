"""Discovery and health: what the server says about itself."""

from __future__ import annotations

from quaybridge_sdk.testing.http import Response
from quaybridge_sdk.testing.openshift import outside
from quaybridge_sdk.testing.openshift.cluster import Cluster
from quaybridge_sdk.testing.openshift.resources import Resource
from quaybridge_sdk.testing.openshift.status import PLAIN, Json, not_served, page_not_found

VERSION = {
    "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36", "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35", "gitVersion": "v1.36.2", "gitCommit": "embedded", "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z", "goVersion": "go1.26.6", "compiler": "gc", "platform": "linux/amd64",
}  # fmt: skip
"""The version of the recorded server; its gitCommit says that this is another."""


def answer(cluster: Cluster, path: str, host: str) -> Response:
    """GET of anything that is no resource. Raises ApiError 404, or 501 for what is only not imitated."""
    parts = [part for part in path.split("/") if part]
    if path in ("/healthz", "/livez", "/readyz"):
        return Response(200, b"ok", PLAIN)
    if path.startswith(outside.PATHS):
        raise outside.not_imitated("OpenAPI")
    if parts == ["version"]:
        return Response.of_json(200, VERSION)
    if parts[:1] == ["version"]:
        raise not_served()
    if parts == ["api"]:
        addresses = [{"clientCIDR": "0.0.0.0/0", "serverAddress": host}]
        return Response.of_json(200, {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses})
    if parts == ["api", "v1"]:
        return Response.of_json(200, _resources(cluster, "", "v1"))
    if parts[:1] == ["apis"] and len(parts) <= 3:
        return Response.of_json(200, _groups(cluster, parts[1:]))
    raise page_not_found()


def _groups(cluster: Cluster, parts: list[str]) -> Json:
    groups: dict[str, list[str]] = {}
    for resource in cluster.catalogue.all():
        versions = groups.setdefault(resource.group, []) if resource.group else []
        if resource.version not in versions:
            versions.append(resource.version)
    if not parts:
        listed = [_group(name, versions) for name, versions in groups.items()]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
    if parts[0] not in groups and outside.is_real_group(parts[0]):
        raise outside.not_imitated("unlisted groups")
    if parts[0] not in groups or (len(parts) == 2 and parts[1] not in groups[parts[0]]):
        raise page_not_found()
    if len(parts) == 1:
        return {"kind": "APIGroup", "apiVersion": "v1"} | _group(parts[0], groups[parts[0]])
    return _resources(cluster, parts[0], parts[1])


def _group(name: str, versions: list[str]) -> Json:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _resources(cluster: Cluster, group: str, version: str) -> Json:
    served = sorted(cluster.catalogue.group(group, version), key=lambda resource: resource.plural)
    head = {"kind": "APIResourceList"} | ({"apiVersion": "v1"} if group else {})
    listed = [entry for resource in served for entry in _entries(resource)]
    return head | {"groupVersion": f"{group}/{version}" if group else version, "resources": listed}


def _entries(resource: Resource) -> list[Json]:
    first: Json = {"name": resource.plural, "singularName": resource.kind.lower(), "namespaced": resource.namespaced}
    first |= {"kind": resource.kind, "verbs": list(resource.verbs)}
    found = [first | ({"shortNames": list(resource.short_names)} if resource.short_names else {})]
    for name, below in sorted(resource.subresources.items()):
        entry: Json = {"name": f"{resource.plural}/{name}", "singularName": "", "namespaced": resource.namespaced}
        found.append(entry | {"kind": below.kind, "verbs": list(below.verbs)})
    return found
