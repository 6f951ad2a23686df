"""The five shapes in which Quay refuses, and how a JSON body is validated.

Source: measured on quay/quay master (after 3.19); the recordings in ``tests/cassettes/quay`` hold each shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quaybridge_sdk.testing.http import Response

Schema = Mapping[str, Any]

_HTML = "text/html; charset=utf-8"
_STATUS: Mapping[str, int] = {"invalid_request": 400, "invalid_token": 401, "insufficient_scope": 403, "not_found": 404}


class RefusalError(Exception):
    """An answer other than success. ``typed`` ones are rendered once the request's own address is known."""

    def __init__(self, response: Response | None = None, typed: str = "", detail: str = "", **extra: object) -> None:
        super().__init__(typed or (response and response.status), detail)
        self._response, self._typed, self._detail, self._extra = response, typed, detail, extra

    def render(self, base_url: str) -> Response:
        if self._response is not None:
            return self._response
        status, detail = _STATUS[self._typed], self._detail
        body = {**self._extra, "detail": detail, "error_message": detail, "error_type": self._typed}
        body |= {"title": self._typed, "type": f"{base_url}/api/v1/error/{self._typed}", "status": status}
        return Response.of_json(status, body)


def invalid(detail: str) -> RefusalError:
    """Shape A, 400: what Quay's endpoints raise themselves."""
    return RefusalError(typed="invalid_request", detail=detail)


def not_found() -> RefusalError:
    return RefusalError(typed="not_found", detail="Not Found")


def message(text: str, status: int = 400) -> RefusalError:
    """Shape B: an uncaught data model exception, or a werkzeug error on a known route."""
    return RefusalError(Response.of_json(status, {"message": text}))


def csrf() -> RefusalError:
    """Shape C: JSON announced as HTML. Every write without a *valid* token, so also with an expired one."""
    return RefusalError(Response(403, b'{"error": "CSRF token was invalid or missing."}', _HTML))


def page(status: int, title: str, **headers: str) -> Response:
    """Shape D: an HTML page."""
    return Response(status, f"<!doctype html>\n<html><title>{title}</title></html>\n".encode(), _HTML, headers)


def crash() -> RefusalError:
    """Shape D, 500: what Quay answers to some plain mistakes, such as a repository in a missing organization."""
    return RefusalError(page(500, "Internal Server Error"))


def not_imitated(subject: str) -> RefusalError:
    return message(f"The embedded Quay does not imitate {subject}.", 501)


def read_only() -> RefusalError:
    """Shape E: ``REGISTRY_STATE: readonly``."""
    text = "System is currently read-only. Pulls will succeed but all write operations are currently suspended."
    return RefusalError(Response.of_json(503, {"is_readonly": True, "message": text}))


_TYPES: Mapping[str, type] = {"string": str, "object": dict, "integer": int, "boolean": bool, "array": list, "null": type(None)}


def _fault(value: Any, schema: Schema) -> str | None:
    kind = schema.get("type")
    kinds = [kind] if isinstance(kind, str) else kind or []
    if kinds and not isinstance(value, tuple(_TYPES[entry] for entry in kinds)):
        return f"{value!r} is not of type {', '.join(map(repr, kinds))}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{value!r} is not one of {schema['enum']!r}"
    if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
        return f"{value!r} is too long"
    for name in schema.get("required", ()):
        if name not in value:
            return f"{name!r} is a required property"
    inner = schema.get("properties", {}).items() if isinstance(value, dict) else ()
    return next((fault for name, part in inner if name in value and (fault := _fault(value[name], part))), None)


def validate(value: Any, schema: Schema) -> None:
    """Raises the 400 of Quay's ``validate_json_request``, without the schema that a real one quotes behind the fault."""
    if fault := _fault(value, schema):
        raise invalid(f"{fault}\n\nFailed validating")


def schema(required: str = "", /, **properties: Schema) -> Schema:
    """An object schema: the names required, separated by spaces, then the properties."""
    return {"type": "object", "required": required.split(), "properties": properties}


STRING: Schema = {"type": "string"}


def one_of(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}
