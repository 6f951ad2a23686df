"""What comes in: the decoding of objects and patches.

Source of every text: the recordings 11-errors (core, aggregated and CRD side by side).
"""

from __future__ import annotations

import json
from typing import Any

from quaybridge_sdk.testing.openshift import metadata, patches
from quaybridge_sdk.testing.openshift.cluster import Call
from quaybridge_sdk.testing.openshift.crds import CustomRules
from quaybridge_sdk.testing.openshift.outside import not_imitated
from quaybridge_sdk.testing.openshift.resources import Resource
from quaybridge_sdk.testing.openshift.status import NOT_A_PATCH, ApiError, Cause, Json, bad_request, invalid

MOST_OPERATIONS = 10_000
MERGE, JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
_OTHER_PATCHES = {
    "application/apply-patch+yaml": "server-side apply",
    "application/strategic-merge-patch+json": "strategic merge patch",
}


def _no_duplicates(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise not_imitated("duplicate fields")
    return found


def read_object(call: Call) -> Json:
    """The object in the body of a POST or PUT, of the right kind, with unknown fields taken out."""
    media = call.request.headers.get("content-type", "application/json").partition(";")[0]
    if media != "application/json":
        raise not_imitated("other representations")
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
    """Checks kind and types, and removes unknown fields with a warning. Raises ApiError 400."""
    value["metadata"] = value.get("metadata") or {}
    kind, version = value.setdefault("kind", resource.kind), value.setdefault("apiVersion", resource.group_version)
    if (kind, version) != (resource.kind, resource.group_version):
        raise not_imitated("bodies of another kind")
    try:
        metadata.decode(value, "" if resource.family == "crd" else "metadata.")
        resource.rules.decode(value)
    except metadata.DecodeError as error:
        raise cannot_be_handled(resource, str(error)) from None
    kept, unknown = _known_fields(value, resource)
    if unknown and call.request.query.get("fieldValidation") == "Strict":
        listed = ", ".join(f'unknown field "{path}"' for path in unknown)
        raise cannot_be_handled(resource, f"strict decoding error: {listed}")
    if call.request.query.get("fieldValidation") != "Ignore":
        call.warnings += [f'299 - "unknown field \\"{path}\\""' for path in unknown]
    return kept


def cannot_be_handled(resource: Resource, text: str) -> ApiError:
    return bad_request(f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {text}')


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
    if media not in (MERGE, JSON_PATCH):
        raise not_imitated(_OTHER_PATCHES.get(media, "other representations"))


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
        raise not_imitated("huge JSON patches")
    try:
        return patches.apply(old, operations)
    except patches.PatchError:
        raise ApiError(422, "Invalid", NOT_A_PATCH, {}) from None  # no word about why
