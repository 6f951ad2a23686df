"""The options of a request: the form of the answer, its size, and the query parameters that are checked."""

from __future__ import annotations

from collections.abc import Mapping

from quaybridge_sdk.testing.http import Request
from quaybridge_sdk.testing.openshift.outside import not_imitated
from quaybridge_sdk.testing.openshift.status import ApiError

LIMIT = 3 * 1024 * 1024
_JSON = ("application/json", "application/*", "*/*")
_IS_PARTIAL = {"": False, "PartialObjectMetadata": True, "PartialObjectMetadataList": True}


def wants_metadata(request: Request) -> bool:
    """Whether PartialObjectMetadata is the first form of the Accept header that can be given. Raises ApiError 501 if none can."""
    for entry in request.headers.get("accept", "*/*").split(","):
        media, *parameters = (part.strip() for part in entry.split(";"))
        form = next((value[3:] for value in parameters if value.startswith("as=")), "")
        if media in _JSON and form in _IS_PARTIAL:
            return _IS_PARTIAL[form]
    raise not_imitated("other representations")


def check_size(request: Request) -> None:
    if len(request.body) > LIMIT:
        raise ApiError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {LIMIT}")


def is_dry(query: Mapping[str, str]) -> bool:
    """Whether a new object is only tried: admitted and validated, and not stored."""
    return query.get("dryRun") == "All"


def check_write(query: Mapping[str, str], *, creates: bool = False) -> None:
    dry = "dryRun" in query and not (creates and is_dry(query))
    if dry or query.get("fieldValidation", "Warn") not in ("Ignore", "Strict", "Warn"):
        raise not_imitated("options of a write")


def number(query: Mapping[str, str], name: str) -> int:
    text = query.get(name) or "0"
    if not text.isdigit():
        raise not_imitated("malformed numbers")
    return int(text)
