"""The resources that are no plain objects: stream tags, instantiations, project requests, access reviews."""

from __future__ import annotations

import copy

from quaybridge_sdk.testing.http import Response
from quaybridge_sdk.testing.openshift import access, bodies, imports, reads, writes
from quaybridge_sdk.testing.openshift.access import Action, User
from quaybridge_sdk.testing.openshift.builds import build_of
from quaybridge_sdk.testing.openshift.clock import now
from quaybridge_sdk.testing.openshift.cluster import Call
from quaybridge_sdk.testing.openshift.status import ApiError, Json, bad, details, invalid, not_found

_DESCRIBED = (("description", "openshift.io/description"), ("displayName", "openshift.io/display-name"))


def stream_tag(call: Call) -> Response:
    """GET imagestreamtags/STREAM:TAG: the tag with its newest image; 404 without one."""
    name, _, tag = call.name.partition(":")
    stream = call.cluster.store.get(imports.STREAMS, call.namespace, name)
    entries = (stream or {}).get("status", {}).get("tags") or []
    entry: Json = next((found for found in entries if found["tag"] == tag), {})
    if stream is None or not entry.get("items"):
        raise not_found(call.resource, call.name)
    meta = {key: stream["metadata"][key] for key in ("namespace", "uid", "resourceVersion", "creationTimestamp")}
    image = call.cluster.store.get(imports.IMAGES, "", entry["items"][0]["image"]) or {}
    value: Json = {"kind": "ImageStreamTag", "apiVersion": "image.openshift.io/v1", "metadata": {"name": call.name} | meta}
    value["tag"] = next((found for found in stream["spec"].get("tags") or [] if found["name"] == tag), None)
    value |= {"generation": entry["items"][0]["generation"], "lookupPolicy": stream["spec"]["lookupPolicy"]}
    value |= {"conditions": entry["conditions"]} if entry.get("conditions") else {}
    return reads.answer(call, 200, value | {"image": {key: image[key] for key in image if key not in ("kind", "apiVersion")}})


def instantiate(call: Call) -> Response:
    """POST buildconfigs/NAME/instantiate: the next Build, made by the API server itself. A missing config is 403, not 404."""
    asked = call.request.json()
    wanted = asked.get("metadata", {}).get("name", call.name)
    config = call.cluster.store.get(call.key, call.namespace, call.name)
    if config is None or wanted != call.name:
        text = f'buildconfigs.build.openshift.io "{call.name}" is forbidden: buildconfigs.build.openshift.io "{wanted}" not found'
        raise ApiError(403, "Forbidden", text, details(call.name, call.resource.group, call.resource.plural))
    writes.check_namespace(call.cluster, call.resource, call.namespace, call.name)
    counted = copy.deepcopy(config)
    counted["status"]["lastVersion"] += 1
    counted["metadata"]["generation"] += 1
    call.cluster.store.put(call.key, counted)
    build = build_of(counted, counted["status"]["lastVersion"], asked.get("triggeredBy") or [])
    resource = call.cluster.catalogue.of_key(call.resource.group, "builds")
    inner = Call(call.cluster, call.request, access.API_SERVER, resource, call.namespace, warnings=call.warnings)
    return reads.answer(call, 201, writes.insert(inner, build))


def request_project(call: Call) -> Response:
    """POST projectrequests: a namespace with the requester's annotations and the finalizer of OpenShift."""
    asked = call.request.json()
    annotations = {key: asked.get(field, "") for field, key in _DESCRIBED}
    annotations["openshift.io/requester"] = call.user.name
    resource = call.cluster.catalogue.of_key("", "namespaces")
    inner = Call(call.cluster, call.request, call.user, resource, "", warnings=call.warnings)
    spec = {"finalizers": ["openshift.io/origin", "kubernetes"]}
    meta = {"name": asked.get("metadata", {}).get("name", ""), "annotations": annotations}
    made = writes.insert(inner, {"kind": "Namespace", "apiVersion": "v1", "metadata": meta, "spec": spec})
    return reads.answer(call, 201, made | {"kind": "Project", "apiVersion": "project.openshift.io/v1"})


def subject_access_review(call: Call) -> Response:
    value = bodies.read_object(call)
    spec = value["spec"]
    if not spec.get("user") and not spec.get("groups"):
        raise invalid(call.resource.group, "", "", [bad("spec.user", "", "at least one of user or group must be specified")])
    named = access.user_named(spec.get("user", ""))
    groups = tuple(spec["groups"]) if "groups" in spec else named.groups
    return _reviewed(call, value, User(named.name, groups))


def self_subject_access_review(call: Call) -> Response:
    return _reviewed(call, bodies.read_object(call), call.user)


def _reviewed(call: Call, value: Json, user: User) -> Response:
    spec, path = value["spec"], value["spec"].get("nonResourceAttributes")
    action = Action(path["verb"], path=path["path"]) if path else access.action_of(spec["resourceAttributes"])
    value["status"] = {"allowed": call.cluster.access.allowed(user, action)}
    return reads.answer(call, 201, value)


def self_subject_review(call: Call) -> Response:
    value = bodies.read_object(call)
    value["metadata"] = {"creationTimestamp": now()}
    return reads.answer(call, 201, value | {"status": {"userInfo": call.user.info()}})
