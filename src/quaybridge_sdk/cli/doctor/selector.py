"""A LabelSelector object (``matchLabels`` and ``matchExpressions``), by the API server's rules."""

from __future__ import annotations

from collections.abc import Mapping

from quaybridge_sdk.adapters.kubernetes.objects import entries, strings, text


def is_empty(selector: object) -> bool:
    """Whether it asks for nothing, and so selects everything; also when there is none."""
    return not (strings(selector, "matchLabels") or entries(selector, "matchExpressions"))


def selects(selector: object, labels: Mapping[str, str]) -> bool:
    """Whether all that it asks for holds."""
    plain = all(labels.get(key) == value for key, value in strings(selector, "matchLabels").items())
    return plain and all(_holds(expression, labels) for expression in entries(selector, "matchExpressions"))


def _holds(expression: object, labels: Mapping[str, str]) -> bool:
    """``NotIn`` holds, too, for what has no such label."""
    key, values = text(expression, "key"), entries(expression, "values")
    answers = {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }
    return answers.get(text(expression, "operator"), False)
