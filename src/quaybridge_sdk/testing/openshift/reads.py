"""get and list, and the form of what is answered."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from quaybridge_sdk.testing.http import Response
from quaybridge_sdk.testing.openshift import options, selectors
from quaybridge_sdk.testing.openshift.cluster import Call
from quaybridge_sdk.testing.openshift.outside import not_imitated
from quaybridge_sdk.testing.openshift.resources import Resource
from quaybridge_sdk.testing.openshift.status import ApiError, Json, not_found

PATIENCE = 3.0
"""Seconds the server waits for a resourceVersion it has not reached (measured), times the pace."""


def partial_of(value: Json) -> Json:
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": value["metadata"]}


def item_of(resource: Resource, value: Json) -> Json:
    """An object as an entry of a list: without kind and apiVersion, except for custom resources."""
    return value if resource.family == "crd" else {key: value[key] for key in value if key not in ("kind", "apiVersion")}


def answer(call: Call, status: int, value: Json) -> Response:
    """An object (or a Status) as the response, in the form asked for, with the warnings."""
    shown = partial_of(value) if call.partial and value.get("kind") != "Status" else value
    headers = {"Warning": ", ".join(call.warnings)} if call.warnings else {}
    return Response.of_json(status, shown, **headers)


def existing(call: Call) -> Json:
    """The stored object of the call. Raises ApiError 404."""
    found = call.cluster.store.get(call.key, call.namespace, call.name)
    if found is None:
        raise not_found(call.resource, call.name)
    return found


def get(call: Call) -> Response:
    _check_version(call)
    return answer(call, 200, existing(call))


def _check_version(call: Call) -> None:
    """What is answered is the present; a resourceVersion of the future is waited for, and is 504 if it does not come."""
    query, store = call.request.query, call.cluster.store
    version = options.number(query, "resourceVersion")
    if query.get("resourceVersionMatch") == "Exact" and 0 < version < store.oldest(call.key):
        raise ApiError(410, "Expired", "The resourceVersion for the provided list is too old.")
    if "resourceVersionMatch" in query:
        raise not_imitated("lists at a version")
    with store.changed:
        if not store.changed.wait_for(lambda: store.version >= version, PATIENCE * call.cluster.settings.pace):
            causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
            text = f"Timeout: Too large resource version: {version}, current: {store.version}"
            raise ApiError(504, "Timeout", text, {"causes": causes, "retryAfterSeconds": 1}, Retry_After="1")


def selection(call: Call) -> Callable[[Json], bool]:
    """The objects a list or a watch is about."""
    query, resource = call.request.query, call.resource
    by_label = selectors.labels(query.get("labelSelector", ""))
    strict = not resource.rules.fields and resource.family != "crd"
    by_field = selectors.fields(query.get("fieldSelector", ""), resource.selectable, strict)
    return lambda value: by_label(value) and by_field(value)


def list_objects(call: Call) -> Response:
    query = call.request.query
    _check_version(call)
    chosen, limit = selection(call), options.number(query, "limit")
    if token := query.get("continue"):
        version, items = _next_page(call, token)
    else:
        with call.cluster.store.changed:
            version = call.cluster.store.version
            items = [value for value in call.cluster.store.items(call.key, call.namespace) if chosen(value)]
    cut = limit if limit and query.get("resourceVersion") != "0" else len(items)
    meta: Json = {"resourceVersion": str(version)} | ({"continue": ""} if call.resource.family == "crd" else {})
    if len(items) > cut:
        token = secrets.token_urlsafe(40)
        call.cluster.pages[token] = (version, items[cut:])
        meta |= {"continue": token, "remainingItemCount": len(items) - cut}
    return Response.of_json(200, list_of(call, meta, items[:cut]))


def list_of(call: Call, meta: Json, items: list[Json]) -> Json:
    resource = call.resource
    if call.partial:
        head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": meta}
        return head | {"items": [partial_of(value) for value in items]}
    head = {"kind": resource.list_kind, "apiVersion": resource.group_version, "metadata": meta}
    return head | {"items": [item_of(resource, value) for value in items]}


def _next_page(call: Call, token: str) -> tuple[int, list[Json]]:
    """The rest of the snapshot that the first page was cut from: pages are one snapshot, whatever happens in between."""
    if token not in call.cluster.pages:
        raise not_imitated("foreign continue tokens")
    version, items = call.cluster.pages[token]
    if version < call.cluster.store.oldest(call.key):
        text = "The provided continue parameter is too old to display a consistent list result."
        raise ApiError(410, "Expired", text)
    return version, items
