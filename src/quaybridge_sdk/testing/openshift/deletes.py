"""delete and deletecollection: what goes at once, and what finalizers hold."""

from __future__ import annotations

import copy

from quaybridge_sdk.testing.http import Response
from quaybridge_sdk.testing.openshift import options, reads
from quaybridge_sdk.testing.openshift.clock import now
from quaybridge_sdk.testing.openshift.cluster import Call, Cluster
from quaybridge_sdk.testing.openshift.outside import not_imitated
from quaybridge_sdk.testing.openshift.resources import Resource
from quaybridge_sdk.testing.openshift.status import Json, conflict, details, invalid, unsupported

UID_MISMATCH = "Precondition failed: UID in precondition: {}, UID in object meta: {}"
_POLICIES = ("Foreground", "Background", "Orphan", "nil")


def held(value: Json) -> bool:
    """Whether finalizers keep an object: its own, and for a namespace those of its spec."""
    return bool(value["metadata"].get("finalizers") or (value["kind"] == "Namespace" and value["spec"].get("finalizers")))


def delete(call: Call) -> Response:
    wanted = delete_options(call)
    store = call.cluster.store
    with store.changed:
        old = reads.existing(call)
        _check_preconditions(call, old, wanted.get("preconditions") or {})
        value = old if call.dry_run else remove(call.cluster, call.resource, old)
    if value["metadata"].get("deletionTimestamp") or call.rules.answers_deleted_object:
        return reads.answer(call, 200, value)
    about = details(call.name, call.resource.group, call.resource.plural) | {"uid": old["metadata"]["uid"]}
    success = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": about}
    return reads.answer(call, 200, success)


def delete_options(call: Call) -> Json:
    options.check_write("delete", dict(call.request.query))
    found: Json = call.request.json() if call.request.body else {}
    policy = found.get("propagationPolicy") or call.request.query.get("propagationPolicy") or "Background"
    if policy not in _POLICIES:
        raise invalid("meta.k8s.io", "DeleteOptions", "", [unsupported("propagationPolicy", policy, _POLICIES)])
    if policy in ("Orphan", "Foreground"):
        raise not_imitated("garbage collection")
    return found


def _check_preconditions(call: Call, old: Json, wanted: Json) -> None:
    meta, kind = old["metadata"], call.resource.kind
    if wanted.get("uid", meta["uid"]) != meta["uid"]:
        if kind == "Namespace":
            raise conflict(call.resource, call.name, UID_MISMATCH.format(wanted["uid"], meta["uid"]))
        text = (f"the UID in the precondition ({wanted['uid']}) does not match the UID in record ({meta['uid']}). "
                "The object might have been deleted and then recreated")  # fmt: skip
        raise conflict(call.resource, call.name, text, kind)
    if wanted.get("resourceVersion", meta["resourceVersion"]) != meta["resourceVersion"]:
        text = (f"the ResourceVersion in the precondition ({wanted['resourceVersion']}) does not match the ResourceVersion "
                f"in record ({meta['resourceVersion']}). The object might have been modified")  # fmt: skip
        raise conflict(call.resource, call.name, text, kind)


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
