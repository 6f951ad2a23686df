"""The rules of ``metadata``: decoding, names, labels, annotations, finalizers.

Source: k8s.io/apimachinery (validation of ObjectMeta); the texts are those of the recordings.
"""

from __future__ import annotations

import re

from attrs import frozen

from quaybridge_sdk.testing.openshift.status import Cause, Json, bad, refused, required


class DecodeError(ValueError):
    """A body that is JSON but not this kind: 400 for a whole object, 422 for the outcome of a patch."""


@frozen
class NameFormat:
    """What a name has to match, what the refusal says, and how long it may be; 0 for any length."""

    pattern: str
    text: str
    longest: int = 0


_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = f"{_LABEL}(\\.{_LABEL})*"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

LABEL = NameFormat(
    _LABEL,
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')",
    63,
)
SUBDOMAIN = NameFormat(
    _SUBDOMAIN,
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')",
    253,
)
STREAM = NameFormat("[a-z0-9]+(?:[._-][a-z0-9]+)*", 'must match "[a-z0-9]+(?:[._-][a-z0-9]+)*"')
_KEY_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    f"character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_QUALIFIED}')"
)
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    f"'({_QUALIFIED})?')"
)
_LONGEST = 63
"""Bytes of a label's value, and of the name part of a key."""
_STANDARD_FINALIZERS = ("orphan", "foregroundDeletion", "kubernetes")
_STRINGS = ("name", "generateName", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp")
_GO_TYPES = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}


def decode(value: Json, prefix: str) -> None:
    """Checks the types of ObjectMeta. ``prefix`` is how the server at hand names the struct's path.

    Raises:
        DecodeError: as Go's JSON decoder words it.
    """
    meta = value.get("metadata")
    if not isinstance(meta, dict):
        raise DecodeError(f"json: cannot unmarshal {_GO_TYPES.get(type(meta), 'null')} into Go struct field metadata")
    for field in _STRINGS:
        _check(meta.get(field), field, prefix)
    for field in ("labels", "annotations"):
        for entry in (meta.get(field) or {}).values():
            _check(entry, field, prefix)
    for entry in meta.get("finalizers") or []:
        _check(entry, "finalizers", prefix)


def _check(value: object, field: str, prefix: str) -> None:
    if value is not None and not isinstance(value, str):
        found = _GO_TYPES[type(value)]
        raise DecodeError(f"json: cannot unmarshal {found} into Go struct field ObjectMeta.{prefix}{field} of type string")


def validate(value: Json, names: NameFormat | None, old: Json | None) -> list[Cause]:
    """The faults of an object's metadata; ``old`` is its state before an update, None on creation."""
    meta = value["metadata"]
    causes = _name(meta, names) if old is None else _changes(meta, old["metadata"])
    for key, entry in (meta.get("labels") or {}).items():
        causes += _key("metadata.labels", key)
        if len(entry) > _LONGEST:
            causes.append(bad("metadata.labels", entry, f"must be no more than {_LONGEST} bytes"))
        if not re.fullmatch(f"({_QUALIFIED})?", entry):
            causes.append(bad("metadata.labels", entry, _VALUE_TEXT))
    for key in meta.get("annotations") or {}:
        causes += _key("metadata.annotations", key)
    for index, finalizer in enumerate(meta.get("finalizers") or []):
        causes += _finalizer(index, finalizer)
    return causes if old is None else causes * 2  # the real server validates the metadata of an update twice, and says so


def _name(meta: Json, names: NameFormat | None) -> list[Cause]:
    if not meta.get("name"):
        return [required("metadata.name", "name or generateName is required")]
    fields = ("generateName", "name") if meta.get("generateName") else ("name",)
    causes = []
    for field in fields:
        stem = meta[field].rstrip("-") if field == "generateName" else meta[field]
        if names is not None and names.longest and len(stem) > names.longest:
            causes.append(bad(f"metadata.{field}", meta[field], f"must be no more than {names.longest} characters"))
        if names is not None and not re.fullmatch(names.pattern, stem):
            causes.append(bad(f"metadata.{field}", meta[field], names.text))
    return causes


def _changes(meta: Json, old: Json) -> list[Cause]:
    if old.get("deletionTimestamp"):
        new = [entry for entry in meta.get("finalizers") or [] if entry not in (old.get("finalizers") or [])]
        if new:
            listed = ", ".join(f'"{entry}"' for entry in new)
            text = f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{listed}}}"
            return [refused("metadata.finalizers", text)]
    if meta.get("uid") != old["uid"]:
        return [bad("metadata.uid", meta.get("uid"), "field is immutable")]
    return []


def _key(field: str, key: str) -> list[Cause]:
    name = key.rpartition("/")[2]
    causes = [bad(field, key, f"name part must be no more than {_LONGEST} bytes")] if len(name) > _LONGEST else []
    return causes if re.fullmatch(_QUALIFIED, name) else [*causes, bad(field, key, _KEY_TEXT)]


def _finalizer(index: int, finalizer: str) -> list[Cause]:
    causes = _key("metadata.finalizers", finalizer)
    if "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS:
        text = "name is neither a standard finalizer name nor is it fully qualified"
        causes.append(bad(f"metadata.finalizers[{index}]", finalizer, text))
    return causes
