"""Label and field selectors, both parsed into a predicate on objects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from quaybridge_sdk.testing.openshift.status import Json, bad_request

Predicate = Callable[[Json], bool]

_KEY = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
_VALUE = r"[-A-Za-z0-9_.]*"
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s*\(([^()]*)\)")
_EQUAL = re.compile(rf"({_KEY})\s*(==|=|!=)\s*({_VALUE})")
_EXISTS = re.compile(rf"(!?)\s*({_KEY})")


def labels(text: str) -> Predicate:
    """A labelSelector: ``a=b``, ``a!=b``, ``a in (b,c)``, ``a notin (b)``, ``a``, ``!a``, joined by commas."""
    terms = [_label_term(part.strip()) for part in re.split(r",(?![^(]*\))", text) if part.strip()]
    return lambda value: all(term(value["metadata"].get("labels") or {}) for term in terms)


def _label_term(text: str) -> Callable[[Mapping[str, str]], bool]:
    if match := _SET.fullmatch(text):
        key, operator, values = match[1], match[2], {value.strip() for value in match[3].split(",")}
        return lambda found: (found.get(key) in values) == (operator == "in")
    if match := _EQUAL.fullmatch(text):
        name, operator, wanted = match.groups()
        return lambda found: (found.get(name) == wanted) == (operator != "!=")
    if match := _EXISTS.fullmatch(text):
        absent, label = match.groups()
        return lambda found: (label in found) != bool(absent)
    start = re.match(r"[=!]{1,2}|\S+", text)
    raise bad_request(f"found '{start[0] if start else text}', expected: !, identifier, or 'end of string'")


def label_selector(selector: Json) -> Predicate:
    """A LabelSelector object (matchLabels, matchExpressions), as webhook configurations hold it."""
    terms = [f"{key}={value}" for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or []:
        key, values = expression["key"], ",".join(expression.get("values") or [])
        operators = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key}
        terms.append(operators.get(expression["operator"], f"!{key}"))
    return labels(",".join(terms))


def at(value: Json, path: str) -> str:
    """The text at a dotted path; "" where nothing is, as selectable fields have it."""
    found: object = value
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return "" if found is None else str(found)


def fields(text: str, known: Mapping[str, str], strict: bool) -> Predicate:
    """A fieldSelector over the fields a resource knows (label to path).

    Args:
        strict: whether the resource declares no fields of its own, which changes the text of the refusal.
    """
    terms: list[tuple[str, bool, str]] = []
    for part in filter(None, text.split(",")):
        match = re.fullmatch(r"([^=!]+)(==|=|!=)(.*)", part)
        if match is None:
            raise bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        label, operator, wanted = match.groups()
        if label not in known:
            names = ", ".join(f'"{name}"' for name in known)
            raise bad_request(
                f'"{label}" is not a known field selector: only {names}' if strict else f"field label not supported: {label}"
            )
        terms.append((known[label], operator != "!=", wanted))
    return lambda value: all((at(value, path) == wanted) == equal for path, equal, wanted in terms)
