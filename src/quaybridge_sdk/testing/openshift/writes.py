"""create, update, patch: what all resources share.

An update is a loop, as in the real server's storage: read, change, admit, validate, and store only if nobody wrote in
between; otherwise the change is tried on the newer state, where a stale resourceVersion is found out.
"""

from __future__ import annotations

import copy
import secrets
import uuid
from collections.abc import Callable

from quaybridge_sdk.testing.http import Response
from quaybridge_sdk.testing.openshift import admission, bodies, deletes, metadata, options, reads
from quaybridge_sdk.testing.openshift.clock import now
from quaybridge_sdk.testing.openshift.cluster import Call, Cluster
from quaybridge_sdk.testing.openshift.resources import Resource
from quaybridge_sdk.testing.openshift.status import (
    MODIFIED,
    ApiError,
    Cause,
    Json,
    already_exists,
    bad,
    bad_request,
    conflict,
    details,
    invalid,
    not_found,
    qualified,
)

_OWN = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "namespace")
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def create(call: Call) -> Response:
    options.check_write(call.request.query, creates=True)
    value = bodies.read_object(call)
    place(call, value)
    if value["metadata"].get("resourceVersion"):
        raise ApiError(500, None, "resourceVersion should not be set on objects to be created")
    check_namespace(call.cluster, call.resource, call.namespace, value["metadata"].get("name", ""))
    return reads.answer(call, 201, insert(call, value))


def place(call: Call, value: Json) -> None:
    """Puts the namespace of the URL into a body."""
    if value["metadata"].get("namespace", call.namespace) != call.namespace:
        raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
    if call.namespace:
        value["metadata"]["namespace"] = call.namespace


def check_namespace(cluster: Cluster, resource: Resource, namespace: str, name: str) -> None:
    """The NamespaceLifecycle admission: nothing is created in a namespace that is missing or terminating."""
    if not namespace:
        return
    found = cluster.namespace(namespace)
    if found is None:
        raise not_found(cluster.catalogue.of_key("", "namespaces"), namespace)
    if found["status"]["phase"] == "Terminating":
        subject = qualified(resource.plural, resource.group) + (f' "{name}"' if name else "")
        text = f"{subject} is forbidden: unable to create new content in namespace {namespace} because it is being terminated"
        cause = Cause("NamespaceTerminating", "metadata.namespace", f"namespace {namespace} is being terminated")
        raise ApiError(403, "Forbidden", text, details(name, resource.group, resource.plural, [cause]))


def insert(call: Call, value: Json) -> Json:
    """Admits, validates and stores a new object; returns it."""
    rules, resource, store = call.rules, call.resource, call.cluster.store
    rules.default(value)
    value = admission.mutate(call, "CREATE", value, None)
    rules.default(value)
    meta = _tidy(value)
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = meta["generateName"][:58] + "".join(secrets.choice(_ALPHABET) for _ in range(5))
        rules.default(value)
    meta |= {"uid": str(uuid.uuid4()), "creationTimestamp": now()} | ({"generation": 1} if rules.counts_generations else {})
    for key in ("deletionTimestamp", "deletionGracePeriodSeconds", "managedFields", "selfLink"):
        meta.pop(key, None)
    causes = metadata.validate(value, rules.names, None)
    if meta.get("name"):
        rules.on_create(value)
        causes += rules.validate(value)
    if causes:
        raise invalid(resource.group, resource.kind, meta.get("name", ""), causes)
    with store.changed:
        if store.get(call.key, call.namespace, meta["name"]) is not None:
            raise already_exists(resource, meta["name"])
        if options.is_dry(call.request.query):
            return value
        return store.put(call.key, value)


def _tidy(value: Json) -> Json:
    """Drops the empty maps and lists of metadata, which Go's omitempty never shows; returns the metadata."""
    value["metadata"] = {key: entry for key, entry in value["metadata"].items() if entry not in ({}, [], None, "")}
    meta: Json = value["metadata"]
    return meta


def update(call: Call) -> Response:
    options.check_write(call.request.query)
    sent = bodies.read_object(call)
    name = sent["metadata"].get("name")
    if not name:
        text = f"the name of the object ({call.name} based on URL) was undeterminable: name must be provided"
        raise bad_request(text)
    place(call, sent)
    check_name(call, name)
    return reads.answer(call, 200, change(call, lambda old: _replacement(call, copy.deepcopy(sent), old)))


def check_name(call: Call, name: str | None) -> None:
    if name != call.name:
        raise bad_request(f"the name of the object ({name}) does not match the name on the URL ({call.name})")


def _replacement(call: Call, value: Json, old: Json) -> Json:
    meta, resource = value["metadata"], call.resource
    if not meta.get("resourceVersion") and not call.rules.blind_put:
        cause = bad("metadata.resourceVersion", 0, "must be specified for an update")
        raise invalid(resource.group, resource.plural, call.name, [cause])
    if meta.setdefault("uid", old["metadata"]["uid"]) != old["metadata"]["uid"]:
        prefix = f"StorageError: invalid object, Code: 4, Key: /kubernetes.io/{resource.plural}/{call.name}, "
        text = deletes.UID_MISMATCH.format(meta["uid"], old["metadata"]["uid"])
        raise conflict(resource, call.name, f"{prefix}ResourceVersion: 0, AdditionalErrorMsg: {text}")
    return value


def patch(call: Call) -> Response:
    bodies.check_patch_type(call)
    options.check_write(call.request.query)
    return reads.answer(call, 200, change(call, lambda old: bodies.patched(call, copy.deepcopy(old))))


def change(call: Call, transform: Callable[[Json], Json]) -> Json:
    """Stores the outcome of ``transform`` and returns it. Raises ApiError 404, 409, 422 or what admission answers."""
    store = call.cluster.store
    while True:
        old = reads.existing(call)
        value = _changed(call, old, transform(old))
        with store.changed:
            if store.get(call.key, call.namespace, call.name) is old:
                return old if value == old else _settle(call, old, value)


def _changed(call: Call, old: Json, value: Json) -> Json:
    """The object as it would be stored, before the question whether anybody else wrote."""
    meta, before = value["metadata"], old["metadata"]
    check_name(call, meta.get("name"))
    if meta.get("resourceVersion") and meta["resourceVersion"] != before["resourceVersion"]:
        raise conflict(call.resource, call.name, MODIFIED)
    if call.subresource:
        value = copy.deepcopy(old) | ({"status": value["status"]} if "status" in value else {})
    else:
        value["metadata"] = {key: entry for key, entry in meta.items() if key not in _OWN[1:] and key != "managedFields"}
        value["metadata"] |= {key: before[key] for key in _OWN[1:] if key in before}
    value["metadata"]["resourceVersion"] = before["resourceVersion"]
    _tidy(value)
    call.rules.default(value)
    if not call.subresource:
        value = _admitted(call, value, old)
    causes = metadata.validate(value, call.rules.names, old) + call.rules.validate(value)
    causes += call.rules.validate_change(value, old)
    if causes:
        raise invalid(call.resource.group, call.resource.kind, call.name, causes)
    return value


def _admitted(call: Call, value: Json, old: Json) -> Json:
    if call.resource.splits_status:
        value.pop("status", None)
        value |= {"status": old["status"]} if "status" in old else {}
    value = admission.mutate(call, "UPDATE", value, old)
    call.rules.default(value)
    call.rules.on_update(value, old)
    if call.rules.counts_generations and _desired(value) != _desired(old):
        value["metadata"]["generation"] = old["metadata"]["generation"] + 1
    return value


def _desired(value: Json) -> Json:
    return {key: entry for key, entry in value.items() if key not in ("metadata", "status", "kind", "apiVersion")}


def _settle(call: Call, old: Json, value: Json) -> Json:
    """Stores a change; an object that is being deleted goes as soon as nothing holds it, and is answered as it was."""
    if value["metadata"].get("deletionTimestamp") and not deletes.held(value):
        call.cluster.store.remove(call.key, old)
        return value
    return call.cluster.store.put(call.key, value)
