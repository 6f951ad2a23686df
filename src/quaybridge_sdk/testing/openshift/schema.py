"""Structural schemas of custom resources, as far as the QuayIntegration CRDs and the recordings use them.

Looked at: type, required, properties, additionalProperties, items, enum, pattern, minLength, maxLength, minimum, default,
list-map keys, x-kubernetes-preserve-unknown-fields. Everything else, x-kubernetes-validations among it, is not.
Source of the texts: kube-openapi's validation, through apiextensions-apiserver.
"""

from __future__ import annotations

import copy
import re
from typing import Any

from quaybridge_sdk.testing.openshift.status import Cause, Json, bad, quoted, required, unsupported

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float)
}  # fmt: skip
_NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}


def prune(value: Any, schema: Json, at: str = "") -> tuple[Any, list[str]]:
    """The value without the fields the schema does not know, and the paths of those."""
    if isinstance(value, list):
        pruned = [prune(entry, schema.get("items", {}), f"{at}[{index}]") for index, entry in enumerate(value)]
        return [entry for entry, _ in pruned], [path for _, paths in pruned for path in paths]
    if not isinstance(value, dict) or schema.get("x-kubernetes-preserve-unknown-fields"):
        return value, []
    kept: Json = {}
    unknown: list[str] = []
    for key, entry in value.items():
        inner = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
        path = f"{at}.{key}" if at else key
        if inner is None:
            unknown.append(path)
        else:
            kept[key], below = prune(entry, inner if isinstance(inner, dict) else {}, path)
            unknown += below
    return kept, unknown


def fill(value: Any, schema: Json) -> None:
    """Sets the schema's defaults, in place."""
    if isinstance(value, list):
        for entry in value:
            fill(entry, schema.get("items", {}))
    if isinstance(value, dict):
        for key, inner in schema.get("properties", {}).items():
            if key not in value and "default" in inner:
                value[key] = copy.deepcopy(inner["default"])
            if key in value:
                fill(value[key], inner)


def faults(value: Any, schema: Json, at: str = "") -> list[Cause]:
    """What is wrong with a value, in the order of the fields' names."""
    kind = schema.get("type")
    wrong_bool = isinstance(value, bool) and kind in ("integer", "number")
    if kind and (not isinstance(value, _TYPES[kind]) or wrong_bool):
        found = quoted(_NAMES.get(type(value), "null"))
        return [Cause("FieldValueTypeInvalid", at, f"Invalid value: {found}: {at} in body must be of type {kind}: {found}")]
    if isinstance(value, dict):
        return _of_object(value, schema, at)
    return _of_list(value, schema, at) if isinstance(value, list) else _of_scalar(value, schema, at)


def _of_object(value: Json, schema: Json, at: str) -> list[Cause]:
    causes = [required(f"{at}.{key}" if at else key) for key in sorted(schema.get("required", [])) if key not in value]
    for key, inner in sorted(schema.get("properties", {}).items()):
        if key in value:
            causes += faults(value[key], inner, f"{at}.{key}" if at else key)
    return causes


def _of_list(value: list[Any], schema: Json, at: str) -> list[Cause]:
    causes = [cause for index, entry in enumerate(value) for cause in faults(entry, schema.get("items", {}), f"{at}[{index}]")]
    keys = schema.get("x-kubernetes-list-map-keys")
    seen: list[Json] = []
    for index, entry in enumerate(value if keys and not causes else []):
        identity = {key: entry.get(key) for key in keys or []}
        if identity in seen:
            causes.append(Cause("FieldValueDuplicate", f"{at}[{index}]", f"Duplicate value: {quoted(identity)}"))
        seen.append(identity)
    return causes


def _of_scalar(value: Any, schema: Json, at: str) -> list[Cause]:
    if "enum" in schema and value not in schema["enum"]:
        return [unsupported(at, value, schema["enum"])]
    if isinstance(value, str):
        if "pattern" in schema and not re.search(schema["pattern"], value):
            return [bad(at, value, f"{at} in body should match '{schema['pattern']}'")]
        if len(value) < schema.get("minLength", 0):
            return [bad(at, value, f"{at} in body should be at least {schema['minLength']} chars long")]
        if len(value) > schema.get("maxLength", len(value)):
            return [Cause("FieldValueTooLong", at, f"Too long: may not be more than {schema['maxLength']} bytes")]
    elif "minimum" in schema and value < schema["minimum"]:
        return [bad(at, value, f"{at} in body should be greater than or equal to {schema['minimum']}")]
    return []
