"""Merge patch (RFC 7396) and JSON patch (RFC 6902).

A JSON patch that cannot be applied raises :class:`PatchError` with the sentence of the Go library both API servers use
(evanphx/json-patch): clients see it only through admission webhooks, the API itself says nothing about the cause.
"""

from __future__ import annotations

import copy
from typing import Any

from quaybridge_sdk.testing.openshift.status import Json


class PatchError(ValueError):
    """A JSON patch that does not apply."""


def merge(target: Any, patch: Any) -> Any:
    """The target with a merge patch applied; neither is changed."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def difference(old: Any, new: Any) -> Any:
    """The merge patch that leads from ``old`` to ``new``."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    patch = {key: None for key in old if key not in new}
    return patch | {key: difference(old.get(key), value) for key, value in new.items() if old.get(key) != value}


def apply(target: Json, operations: list[Json]) -> Json:
    """The target with a JSON patch applied; the target is not changed.

    Raises:
        PatchError: an operation does not apply, or a ``test`` fails.
    """
    root: Json = {"": copy.deepcopy(target)}
    for operation in operations:
        _one(root, operation)
    patched: Json = root[""]
    return patched


def _one(root: Json, operation: Json) -> None:
    kind, path = operation.get("op", ""), operation.get("path", "")
    if kind in ("move", "copy"):
        value = copy.deepcopy(_value(root, kind, operation.get("from", "")))
        if kind == "move":
            _change(root, "remove", operation.get("from", ""), None)
        _change(root, "add", path, value)
    elif kind == "test":
        if _value(root, kind, path) != operation.get("value"):
            raise PatchError(f"testing value {path} failed: test failed")
    elif kind in ("add", "remove", "replace"):
        _change(root, kind, path, copy.deepcopy(operation.get("value")))
    else:
        raise PatchError(f"Unexpected kind: {kind}")


def _parent(root: Json, kind: str, path: str) -> tuple[Any, str]:
    parts = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")]
    found: Any = root
    for part in parts[:-1]:
        try:
            found = found[int(part)] if isinstance(found, list) else found[part]
        except (KeyError, IndexError, ValueError, TypeError):
            raise PatchError(f'{kind} operation does not apply: doc is missing path: "{path}": missing value') from None
    return found, parts[-1]


def _value(root: Json, kind: str, path: str) -> Any:
    parent, last = _parent(root, kind, path)
    try:
        return parent[int(last)] if isinstance(parent, list) else parent[last]
    except (KeyError, IndexError, ValueError, TypeError):
        raise PatchError(f"{kind} operation does not apply: doc is missing key: {path}: missing value") from None


def _change(root: Json, kind: str, path: str, value: Any) -> None:
    parent, last = _parent(root, kind, path)
    if not isinstance(parent, (dict, list)):
        raise PatchError(f'{kind} operation does not apply: doc is missing path: "{path}": missing value')
    if kind != "add":
        _value(root, kind, path)
    if isinstance(parent, dict):
        if kind == "remove":
            del parent[last]
        else:
            parent[last] = value
    elif kind == "add":
        _insert(parent, last, path, value)
    elif kind == "remove":
        del parent[int(last)]
    else:
        parent[int(last)] = value


def _insert(into: list[Any], last: str, path: str, value: Any) -> None:
    if last != "-" and not (last.isdigit() and int(last) <= len(into)):
        raise PatchError(f"add operation does not apply: doc is missing path: {path}: missing value")
    into.insert(len(into) if last == "-" else int(last), value)
