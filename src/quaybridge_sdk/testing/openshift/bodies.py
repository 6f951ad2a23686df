"""What comes in: the decoding of objects and patches.

Source of every text: the recordings 11-errors (core, aggregated and CRD side by side).
"""

from __future__ import annotations

import json
from typing import Any

from quaybridge_sdk.testing.openshift import metadata, options, patches
from quaybridge_sdk.testing.openshift.cluster import Call
from quaybridge_sdk.testing.openshift.crds import CustomRules
from quaybridge_sdk.testing.openshift.outside import not_imitated
from quaybridge_sdk.testing.openshift.resources import Resource
from quaybridge_sdk.testing.openshift.status import (
    ApiError,
    Cause,
    Json,
    bad_request,
    invalid,
    unprocessable,
)

MOST_OPERATIONS = 10_000
MERGE, JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
APPLY, STRATEGIC = "application/apply-patch+yaml", "application/strategic-merge-patch+json"
_SCHEMES = {"kube": "pkg/api/legacyscheme/scheme.go:30", "openshift": "k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30"}
_IN_UNKNOWN_FORMAT = "the body of the request was in an unknown format - accepted media types include: "
_CRD_PATCHES = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"


def _no_duplicates(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise not_imitated("duplicate fields")
    return found


def read_object(call: Call) -> Json:
    """The object in the body of a POST or PUT, of the right kind, with unknown fields taken out."""
    media = call.request.headers.get("content-type", "application/json").partition(";")[0]
    if media in options.NOT_OURS:
        raise not_imitated("YAML and protobuf")
    if media != "application/json":
        raise ApiError(415, "UnsupportedMediaType", _IN_UNKNOWN_FORMAT + options.TYPES)
    text = call.request.body.decode(errors="replace")
    try:
        value = json.loads(text, object_pairs_hook=_no_duplicates)
    except ValueError:
        shown = text or "<empty>"
        raise bad_request(f"the object provided is unrecognized (must be of type {call.resource.kind}): couldn't get "
                          f"version/kind; json parse error: unexpected end of JSON input ({shown})") from None  # fmt: skip
    if not isinstance(value, dict):
        raise bad_request("couldn't get version/kind; json parse error: json: cannot unmarshal into Go value")
    return decoded(call, value, call.resource)


def decoded(call: Call, value: Json, resource: Resource) -> Json:
    """Checks kind and types, and removes unknown fields with a warning. Raises ApiError 400, or 422 for a CR's kind."""
    value["metadata"] = value.get("metadata") or {}
    _check_kind(value, resource)
    try:
        metadata.decode(value, "" if resource.family == "crd" else "metadata.")
        resource.rules.decode(value)
    except metadata.DecodeError as error:
        raise cannot_be_handled(resource, value["kind"], str(error)) from None
    kept, unknown = _known_fields(value, resource)
    if unknown and call.request.query.get("fieldValidation") == "Strict":
        listed = ", ".join(f'unknown field "{path}"' for path in unknown)
        raise cannot_be_handled(resource, resource.kind, f"strict decoding error: {listed}")
    if call.request.query.get("fieldValidation") != "Ignore":
        call.warnings += [f'299 - "unknown field \\"{path}\\""' for path in unknown]
    return kept


def cannot_be_handled(resource: Resource, kind: str, text: str) -> ApiError:
    return bad_request(f'{kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {text}')


def _check_kind(value: Json, resource: Resource) -> None:
    kind, version = value.setdefault("kind", resource.kind), value.setdefault("apiVersion", resource.group_version)
    if resource.family == "crd":
        if version != resource.group_version:
            raise bad_request(f"the API version in the data ({version}) does not match the expected API version "
                              f"({resource.group_version})")  # fmt: skip
        if kind != resource.kind:
            text = f'Invalid value: "{kind}": must be {resource.kind}'
            cause = Cause("FieldValueInvalid", "kind", text)
            raise invalid(resource.group, kind, value["metadata"].get("name", ""), [cause])
    elif (kind, version) != (resource.kind, resource.group_version):
        text = f'no kind "{kind}" is registered for version "{version}" in scheme "{_SCHEMES[resource.family]}"'
        raise cannot_be_handled(resource, kind, text)


def _known_fields(value: Json, resource: Resource) -> tuple[Json, list[str]]:
    if isinstance(resource.rules, CustomRules):
        return resource.rules.prune(value)
    known = ("apiVersion", "kind", "metadata", *resource.rules.top_level)
    return {key: value[key] for key in value if key in known}, [key for key in value if key not in known]


def patched(call: Call, old: Json) -> Json:
    """The object after the PATCH in the body. Called for an object that exists only: a missing one is 404, whatever the body."""
    media = call.request.headers.get("content-type", "").partition(";")[0]
    body = _patch_body(call)
    value = patches.merge(old, body) if media == MERGE else _json_patched(body, old)
    try:
        metadata.decode(value, "" if call.resource.family == "crd" else "metadata.")
        call.rules.decode(value)
    except metadata.DecodeError as error:
        text = json.dumps(json.dumps(value, separators=(",", ":")))
        raise invalid("", "", "", [Cause("FieldValueInvalid", "patch", f"Invalid value: {text}: {error}")]) from None
    return decoded(call, value, call.resource)


def check_patch_type(call: Call) -> None:
    media = call.request.headers.get("content-type", "").partition(";")[0]
    if media == STRATEGIC and call.resource.family != "crd":
        raise not_imitated("strategic merge patch")
    if media == APPLY:
        raise not_imitated("server-side apply")
    if media not in (MERGE, JSON_PATCH):
        if call.resource.family == "crd":
            raise ApiError(415, "UnsupportedMediaType", _IN_UNKNOWN_FORMAT + _CRD_PATCHES)
        raise ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


def _patch_body(call: Call) -> Any:
    try:
        return call.request.json()
    except ValueError:
        raise bad_request("error decoding patch: unexpected end of JSON input") from None


def _json_patched(operations: Any, old: Json) -> Json:
    if not isinstance(operations, list):
        kind = "object" if isinstance(operations, dict) else "value"
        raise bad_request(f"error decoding patch: json: cannot unmarshal {kind} into Go value of type []handlers.jsonPatchOp")
    if len(operations) > MOST_OPERATIONS:
        text = f"The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {len(operations)}"
        raise ApiError(413, "RequestEntityTooLarge", f"Request entity too large: {text}")
    try:
        return patches.apply(old, operations)
    except patches.PatchError:
        raise unprocessable() from None
