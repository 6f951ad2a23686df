"""The errors of the Kubernetes API: one exception, and a function for each kind of Status body.

Source of the texts: recordings of kube-apiserver 1.36 and openshift-apiserver (tests/cassettes/openshift).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen

from quaybridge_sdk.testing.http import Response

if TYPE_CHECKING:
    from quaybridge_sdk.testing.openshift.resources import Resource

Json = dict[str, Any]

NOT_SERVED = "the server could not find the requested resource"
MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
NOT_A_PATCH = "the server rejected our request due to an error in our request"
PLAIN = "text/plain; charset=utf-8"


class ApiError(Exception):
    """An answer that is a failure. ``details=None`` leaves the member out; ``reason=None`` too."""

    def __init__(self, code: int, reason: str | None, message: str, details: Json | None = None, **headers: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.details = code, reason, message, details
        self.headers: Mapping[str, str] = {name.replace("_", "-"): value for name, value in headers.items()}

    def body(self) -> Json:
        body: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": self.message}
        if self.reason is not None:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = self.details
        return body | {"code": self.code}

    def response(self) -> Response:
        return Response.of_json(self.code, self.body(), **self.headers)


class PlainError(ApiError):
    """A failure outside the API proper: text/plain, as the aggregator and the mux answer."""

    def response(self) -> Response:
        return Response(self.code, self.message.encode(), PLAIN)


@frozen
class Cause:
    """One fault of one field; ``message`` without the field's name."""

    reason: str
    field: str
    message: str

    def entry(self) -> Json:
        return {"reason": self.reason, "message": self.message, "field": self.field}


def quoted(value: object) -> str:
    """A value as Go's field errors print it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def required(field: str, text: str = "") -> Cause:
    return Cause("FieldValueRequired", field, "Required value" + (f": {text}" if text else ""))


def bad(field: str, value: object, text: str) -> Cause:
    return Cause("FieldValueInvalid", field, f"Invalid value: {quoted(value)}: {text}")


def refused(field: str, text: str) -> Cause:
    return Cause("FieldValueForbidden", field, f"Forbidden: {text}")


def unsupported(field: str, value: object, supported: Sequence[str]) -> Cause:
    values = ", ".join(quoted(entry) for entry in supported)
    return Cause("FieldValueNotSupported", field, f"Unsupported value: {quoted(value)}: supported values: {values}")


def details(name: str, group: str, kind: str, causes: Sequence[Cause] = ()) -> Json:
    found: Json = {"name": name, "group": group, "kind": kind}
    return {key: value for key, value in found.items() if value} | (
        {"causes": [cause.entry() for cause in causes]} if causes else {}
    )


def qualified(name: str, group: str) -> str:
    return f"{name}.{group}" if group else name


def not_found(resource: Resource, name: str) -> ApiError:
    text = f'{qualified(resource.plural, resource.group)} "{name}" not found'
    return ApiError(404, "NotFound", text, details(name, resource.group, resource.plural))


def already_exists(resource: Resource, name: str) -> ApiError:
    text = f'{qualified(resource.plural, resource.group)} "{name}" already exists'
    return ApiError(409, "AlreadyExists", text, details(name, resource.group, resource.plural))


def conflict(resource: Resource, name: str, text: str = MODIFIED, kind: str | None = None) -> ApiError:
    kind = resource.plural if kind is None else kind
    message = f'Operation cannot be fulfilled on {qualified(kind, resource.group)} "{name}": {text}'
    return ApiError(409, "Conflict", message, details(name, resource.group, kind))


def invalid(group: str, kind: str, name: str, causes: Sequence[Cause]) -> ApiError:
    """422 Invalid. A cause found twice is listed twice but said once, as the real server does."""
    said = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    text = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    return ApiError(422, "Invalid", f'{qualified(kind, group)} "{name}" is invalid: {text}', details(name, group, kind, causes))


def bad_request(text: str) -> ApiError:
    return ApiError(400, "BadRequest", text)


def internal(text: str) -> ApiError:
    causes = {"causes": [{"message": text}]}
    return ApiError(500, "InternalError", f"Internal error occurred: {text}", causes)


def method_not_allowed() -> ApiError:
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def not_served() -> ApiError:
    return ApiError(404, "NotFound", NOT_SERVED, {})


def page_not_found() -> ApiError:
    return PlainError(404, None, "404 page not found\n")
