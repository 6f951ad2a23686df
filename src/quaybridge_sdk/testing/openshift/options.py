"""The options of a request: the form of the answer, its size, and the query parameters that are checked.

Source of every text: the recordings 11-errors (core, aggregated and CRD side by side).
"""

from __future__ import annotations

from collections.abc import Mapping

from quaybridge_sdk.testing.http import Request
from quaybridge_sdk.testing.openshift.outside import not_imitated
from quaybridge_sdk.testing.openshift.status import ApiError, bad_request, invalid, refused, unsupported

LIMIT = 3 * 1024 * 1024
TYPES = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
NOT_OURS = ("application/yaml", "application/vnd.kubernetes.protobuf")
_WATCHED = f"{TYPES}, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
_KINDS = {"create": "CreateOptions", "update": "UpdateOptions", "patch": "PatchOptions", "delete": "DeleteOptions"}


def representation(request: Request, family: str) -> str:
    """The first form the Accept header allows that can be given: "plain", "partial", else "table" or "discovery".

    A Table is the answer only when nothing else would do: who lists application/json after it gets that.
    """
    forms = [_form(entry.strip()) for entry in request.headers.get("accept", "*/*").split(",")]
    for form in forms:
        if form in ("plain", "partial"):
            return form
    for form in forms:
        if form in ("table", "discovery"):
            return form
        if form == "other":
            raise not_imitated("YAML and protobuf")
    if family == "crd":
        raise ApiError(406, "NotAcceptable", f"only the following media types are accepted: {TYPES}")
    text = f"406: Not Acceptable\n\nAvailable representations: {_WATCHED}"
    raise ApiError(406, "NotAcceptable", text, {})


def _form(entry: str) -> str:
    media, *parameters = (part.strip() for part in entry.split(";"))
    kind = next((value[3:] for value in parameters if value.startswith("as=")), "")
    if media in NOT_OURS:
        return "other"
    if media not in ("application/json", "application/*", "*/*"):
        return "unacceptable"
    forms = {"": "plain", "Table": "table", "PartialObjectMetadata": "partial", "PartialObjectMetadataList": "partial"}
    return forms.get(kind, "discovery")


def check_size(request: Request) -> None:
    if len(request.body) > LIMIT:
        raise ApiError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {LIMIT}")


def check_write(verb: str, query: Mapping[str, str]) -> None:
    """The options dryRun and fieldValidation of a write."""
    kind = _KINDS[verb]
    if query.get("dryRun", "All") != "All":
        cause = unsupported("dryRun", [query["dryRun"]], ["All"])
        raise invalid("meta.k8s.io", kind, "", [cause])
    known = ["", "Ignore", "Strict", "Warn"]
    if query.get("fieldValidation", "") not in known:
        raise invalid("meta.k8s.io", kind, "", [unsupported("fieldValidation", query["fieldValidation"], known)])


def check_list(query: Mapping[str, str], watch: bool) -> None:
    """The combinations of resourceVersion, resourceVersionMatch and sendInitialEvents that are refused."""
    match, initial = query.get("resourceVersionMatch", ""), query.get("sendInitialEvents")
    text = ""
    if watch and match and initial is None:
        text = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
    elif watch and initial is not None and match != "NotOlderThan":
        text = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
    elif not watch and match and not query.get("resourceVersion"):
        text = "resourceVersionMatch is forbidden unless resourceVersion is provided"
    if text:
        raise invalid("meta.k8s.io", "ListOptions", "", [refused("resourceVersionMatch", text)])


def number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None
