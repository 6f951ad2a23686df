"""get and list, and the form of what is answered."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Callable

from quaybridge_sdk.testing.http import Response
from quaybridge_sdk.testing.openshift import options, selectors
from quaybridge_sdk.testing.openshift.cluster import Call
from quaybridge_sdk.testing.openshift.outside import not_imitated
from quaybridge_sdk.testing.openshift.resources import Resource
from quaybridge_sdk.testing.openshift.status import ApiError, Json, bad_request, not_found

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
    _reach(call, call.request.query.get("resourceVersion", ""))
    return answer(call, 200, existing(call))


def selection(call: Call) -> Callable[[Json], bool]:
    """The objects a list or a watch is about."""
    query, resource = call.request.query, call.resource
    by_label = selectors.labels(query.get("labelSelector", ""))
    strict = not resource.rules.fields and resource.family != "crd"
    by_field = selectors.fields(query.get("fieldSelector", ""), resource.selectable, strict)
    return lambda value: by_label(value) and by_field(value)


def list_objects(call: Call) -> Response:
    query = dict(call.request.query)
    options.check_list(query, watch=False)
    chosen, limit = selection(call), options.number(query.get("limit") or "0")
    token = query.get("continue", "")
    if token:
        version, items = _next_page(call, token)
    else:
        _reach(call, query.get("resourceVersion", ""))
        with call.cluster.store.changed:
            version = call.cluster.store.version
            items = [value for value in call.cluster.store.items(call.key, call.namespace) if chosen(value)]
    cut = limit if limit and query.get("resourceVersion") != "0" else len(items)
    meta: Json = {"resourceVersion": str(version)} | ({"continue": ""} if call.resource.family == "crd" else {})
    if len(items) > cut:
        meta |= {"continue": _keep_page(call, version, items[:cut], items[cut:]), "remainingItemCount": len(items) - cut}
    return Response.of_json(200, list_of(call, meta, items[:cut]))


def list_of(call: Call, meta: Json, items: list[Json]) -> Json:
    resource = call.resource
    if call.partial:
        head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": meta}
        return head | {"items": [partial_of(value) for value in items]}
    head = {"kind": resource.list_kind, "apiVersion": resource.group_version, "metadata": meta}
    return head | {"items": [item_of(resource, value) for value in items]}


def _keep_page(call: Call, version: int, shown: list[Json], rest: list[Json]) -> str:
    """A continue token. The rest of the snapshot is kept: pages are one snapshot, whatever happens in between."""
    start = {"v": "meta.k8s.io/v1", "rv": version, "start": f"/{shown[-1]['metadata']['name']}\u0000"}
    token = base64.urlsafe_b64encode(json.dumps(start, separators=(",", ":")).encode()).decode().rstrip("=")
    call.cluster.pages[f"{call.request.path} {token}"] = rest
    return token


def _next_page(call: Call, token: str) -> tuple[int, list[Json]]:
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        raise bad_request("continue key is not valid: illegal base64 data at input byte 0") from None
    try:
        version = json.loads(raw)["rv"]
    except (ValueError, TypeError, KeyError):
        shown = f"'\\u{raw[0]:04x}'" if raw else "''"
        text = f"continue key is not valid: invalid character {shown} looking for beginning of value"
        raise bad_request(f"invalid continue token: {text}") from None
    if version < call.cluster.store.oldest(call.key):
        text = "The provided continue parameter is too old to display a consistent list result."
        raise ApiError(410, "Expired", text)
    return version, call.cluster.pages.get(f"{call.request.path} {token}", [])


def _reach(call: Call, text: str) -> None:
    """Checks that the server has reached a resourceVersion: 504 after some seconds of one from the future."""
    if not text:
        return
    if not text.isdigit():
        raise bad_request(f'invalid resource version: resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing '
                          f'"{text}": invalid syntax')  # fmt: skip
    wanted, store = int(text), call.cluster.store
    if call.request.query.get("resourceVersionMatch") == "Exact" and wanted < store.version:
        if wanted < store.oldest(call.key):
            raise ApiError(410, "Expired", "The resourceVersion for the provided list is too old.")
        raise not_imitated("old lists")
    deadline = time.monotonic() + PATIENCE * call.cluster.settings.pace
    with store.changed:
        while store.version < wanted:
            if not store.changed.wait(deadline - time.monotonic()):
                causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
                text = f"Timeout: Too large resource version: {wanted}, current: {store.version}"
                raise ApiError(504, "Timeout", text, {"causes": causes, "retryAfterSeconds": 1}, Retry_After="1")
