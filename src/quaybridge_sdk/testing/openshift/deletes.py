"""delete and deletecollection: what goes at once, and what finalizers hold."""

from __future__ import annotations

import copy

from quaybridge_sdk.testing.http import Response
from quaybridge_sdk.testing.openshift import options, reads
from quaybridge_sdk.testing.openshift.clock import now
from quaybridge_sdk.testing.openshift.cluster import Call, Cluster
from quaybridge_sdk.testing.openshift.outside import not_imitated
from quaybridge_sdk.testing.openshift.resources import Resource
from quaybridge_sdk.testing.openshift.status import Json, conflict, details

UID_MISMATCH = "Precondition failed: UID in precondition: {}, UID in object meta: {}"
_RECORD = "the {0} in the precondition ({1}) does not match the {0} in record ({2}). The object might have been {3}"


def held(value: Json) -> bool:
    """Whether finalizers keep an object: its own, and for a namespace those of its spec."""
    return bool(value["metadata"].get("finalizers") or (value["kind"] == "Namespace" and value["spec"].get("finalizers")))


def delete(call: Call) -> Response:
    wanted = delete_options(call)
    store = call.cluster.store
    with store.changed:
        old = reads.existing(call)
        _check_preconditions(call, old, wanted.get("preconditions") or {})
        value = remove(call.cluster, call.resource, old)
    if value["metadata"].get("deletionTimestamp") or call.rules.answers_deleted_object:
        return reads.answer(call, 200, value)
    about = details(call.name, call.resource.group, call.resource.plural) | {"uid": old["metadata"]["uid"]}
    success = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": about}
    return reads.answer(call, 200, success)


def delete_options(call: Call) -> Json:
    options.check_write(call.request.query)
    found: Json = call.request.json() if call.request.body else {}
    policy = found.get("propagationPolicy") or call.request.query.get("propagationPolicy") or "Background"
    if policy != "Background":
        raise not_imitated("garbage collection")
    return found


def _check_preconditions(call: Call, old: Json, wanted: Json) -> None:
    meta, kind = old["metadata"], call.resource.kind
    if kind == "Namespace" and wanted.get("uid", meta["uid"]) != meta["uid"]:
        raise conflict(call.resource, call.name, UID_MISMATCH.format(wanted["uid"], meta["uid"]))
    for key, name, what in (("uid", "UID", "deleted and then recreated"), ("resourceVersion", "ResourceVersion", "modified")):
        if wanted.get(key, meta[key]) != meta[key]:
            raise conflict(call.resource, call.name, _RECORD.format(name, wanted[key], meta[key], what), kind)


def remove(cluster: Cluster, resource: Resource, old: Json) -> Json:
    """Deletes an object, or marks it when finalizers hold it; returns what DELETE answers. Call it under the store's lock.

    A namespace gets no deletionGracePeriodSeconds with its first DELETE; with a later one it does, and that is a change.
    """
    if not held(old):
        return cluster.store.remove(resource.key, old)
    value = copy.deepcopy(old)
    meta, first = value["metadata"], not old["metadata"].get("deletionTimestamp")
    meta.setdefault("deletionTimestamp", now())
    if resource.kind == "Namespace":
        value["status"]["phase"] = "Terminating"
    if resource.kind != "Namespace" or not value["spec"].get("finalizers"):
        meta["deletionGracePeriodSeconds"] = 0
    if first and "generation" in meta:
        meta["generation"] += 1
    return old if value == old else cluster.store.put(resource.key, value)


def delete_collection(call: Call) -> Response:
    delete_options(call)
    chosen, store = reads.selection(call), call.cluster.store
    with store.changed:
        version = store.version
        found = [value for value in store.items(call.key, call.namespace) if chosen(value)]
        for value in found:
            remove(call.cluster, call.resource, value)
    meta: Json = {"resourceVersion": str(version)} | ({"continue": ""} if call.resource.family == "crd" else {})
    return Response.of_json(200, reads.list_of(call, meta, found))
