"""The resources that are no plain objects: stream tags, pull secrets of a stream, instantiations, projects, reviews, tokens."""

from __future__ import annotations

import copy
import json
import uuid
from datetime import UTC, datetime, timedelta

from quaybridge_sdk.testing.http import Response
from quaybridge_sdk.testing.openshift import access, bodies, deletes, imports, reads, writes
from quaybridge_sdk.testing.openshift.access import Action, User
from quaybridge_sdk.testing.openshift.builds import build_of
from quaybridge_sdk.testing.openshift.clock import now
from quaybridge_sdk.testing.openshift.cluster import Call, Cluster
from quaybridge_sdk.testing.openshift.status import ApiError, Json, bad, bad_request, details, invalid, not_found

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


def stream_secrets(call: Call) -> Response:
    """GET imagestreams/NAME/secrets: the docker secrets imports would use."""
    reads.existing(call)
    found = imports.docker_secrets(call.cluster, call.namespace)
    items = [{key: secret[key] for key in secret if key not in ("kind", "apiVersion")} for secret in found]
    meta = {"resourceVersion": str(call.cluster.store.version)}
    return Response.of_json(200, {"kind": "SecretList", "apiVersion": "image.openshift.io/v1", "metadata": meta, "items": items})


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
    return reads.answer(call, 201, _project(made))


def _project(namespace: Json) -> Json:
    return namespace | {"kind": "Project", "apiVersion": "project.openshift.io/v1"}


def projects(call: Call) -> Response:
    """get, list and delete of projects: namespaces by another name."""
    resource = call.cluster.catalogue.of_key("", "namespaces")
    inner = Call(call.cluster, call.request, call.user, resource, "", call.name, partial=call.partial)
    if call.request.method == "DELETE":
        deletes.delete(inner)
        return reads.answer(call, 200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"})
    if call.name:
        return reads.answer(call, 200, _project(reads.existing(inner)))
    found = reads.list_objects(inner)
    listed = json.loads(found.body) | {"kind": "ProjectList", "apiVersion": "project.openshift.io/v1"}
    return Response.of_json(200, listed)


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


def self_subject_rules_review(call: Call) -> Response:
    value = bodies.read_object(call)
    rules = call.cluster.access.rules(call.user)
    wanted = value["spec"].get("namespace", "")
    granted = [{"verbs": [rule.verb], "apiGroups": [rule.group], "resources": [rule.resource]}
               | ({"resourceNames": [rule.name]} if rule.name != "*" else {})
               for rule in rules if rule.resource and rule.namespace in ("*", wanted)]  # fmt: skip
    paths = [{"verbs": [rule.verb], "nonResourceURLs": [rule.path]} for rule in rules if rule.path]
    value["status"] = {"resourceRules": granted, "nonResourceRules": paths, "incomplete": False}
    return reads.answer(call, 201, value)


def self_subject_review(call: Call) -> Response:
    value = bodies.read_object(call)
    value["metadata"] = {"creationTimestamp": now()}
    return reads.answer(call, 201, value | {"status": {"userInfo": call.user.info()}})


def token_request(call: Call) -> Response:
    """POST serviceaccounts/NAME/token."""
    account = reads.existing(call)
    meta = account["metadata"]
    named = access.user_named(f"system:serviceaccount:{call.namespace}:{call.name}")
    seconds = (call.request.json().get("spec") or {}).get("expirationSeconds") or 3600
    expiry = (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    value: Json = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1"}
    value["metadata"] = {"name": call.name, "namespace": call.namespace, "uid": meta["uid"], "creationTimestamp": now()}
    value["spec"] = {"audiences": [access.AUDIENCE], "expirationSeconds": seconds, "boundObjectRef": None}
    token = call.cluster.access.token(User(named.name, named.groups, meta["uid"]))
    value["status"] = {"token": token, "expirationTimestamp": expiry}
    return reads.answer(call, 201, value)


def token_review(call: Call) -> Response:
    """POST tokenreviews: 201 for an invalid token too, without ``authenticated``."""
    value = bodies.read_object(call)
    token, audiences = value["spec"].get("token"), value["spec"].get("audiences")
    if not token:
        raise bad_request("token is required for TokenReview in authentication")
    user = call.cluster.access.bearer(token)
    fault = "invalid bearer token" if user is None else account_fault(call.cluster, user)
    if user is not None and not fault and audiences and access.AUDIENCE not in audiences:
        listed = ", ".join(f'"{audience}"' for audience in audiences)
        fault = f'[invalid bearer token, token audiences ["{access.AUDIENCE}"] is invalid for the target audiences [{listed}]]'
    if fault or user is None:
        value["status"] = {"user": {}, "error": fault}
    else:
        extra = {"authentication.kubernetes.io/credential-id": [f"JTI={uuid.uuid4()}"]}
        value["status"] = {"authenticated": True, "user": user.info() | {"extra": extra}, "audiences": [access.AUDIENCE]}
    return reads.answer(call, 201, value)


def account_fault(cluster: Cluster, user: User) -> str:
    """Why a token made by a TokenRequest no longer counts: its service account is gone, or is another by now; "" if it does."""
    parts = user.name.split(":")
    if not user.uid or parts[:2] != ["system", "serviceaccount"]:
        return ""
    account = cluster.store.get(("", "serviceaccounts"), parts[2], parts[3])
    if account is None or account["metadata"]["uid"] != user.uid:
        return f'[invalid bearer token, serviceaccounts "{parts[3]}" not found]'
    return ""
