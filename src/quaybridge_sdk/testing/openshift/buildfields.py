"""Which parts of a Build's spec the real server surely accepts, of those whose rules are not imitated (measured).

What is written in another way may be refused there or not: it is answered 501 here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from quaybridge_sdk.testing.openshift.outside import not_imitated
from quaybridge_sdk.testing.openshift.status import Json

Plain = Callable[[object], bool]


def text(pattern: str) -> Plain:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) is not None


def anything(_: object) -> bool:
    return True


def is_unset(value: object) -> bool:
    return value in (None, "", {}, [])


def within(fields: Mapping[str, Plain], needed: str = "") -> Plain:
    """An object with no other members than these, of which ``needed`` is set."""

    def plain(value: object) -> bool:
        if not isinstance(value, dict) or (needed and is_unset(value.get(needed))):
            return False
        return all(key in fields and (is_unset(item) or fields[key](item)) for key, item in value.items())

    return plain


def all_of(entry: Plain) -> Plain:
    """A list whose entries have names of their own."""

    def plain(value: object) -> bool:
        if not isinstance(value, list) or not all(map(entry, value)):
            return False
        return len({item["name"] for item in value}) == len(value)

    return plain


def jenkins(value: object) -> bool:
    """A file or a path, not both."""
    fields = {"jenkinsfile": anything, "jenkinsfilePath": _RELATIVE, "env": _ENV}
    return within(fields)(value) and not {"jenkinsfile", "jenkinsfilePath"} <= set(value if isinstance(value, dict) else ())


_RELATIVE = text(r"[\w-][\w.-]*(/[\w-][\w.-]*)*")
_LABEL = r"[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?"
_GIT = text(r"(https?|ssh|git)://([\w-]+@)?[\w.-]+(:[0-9]{1,5})?(/[\w./~+-]*)?|git@[\w.-]+:[\w./~+-]+")
_ENV = all_of(within({"name": text("[._a-zA-Z][-._a-zA-Z0-9]*"), "value": anything}, "name"))
_BUILD = {"from": anything, "pullSecret": anything, "forcePull": anything, "env": _ENV}

FIELDS: Mapping[str, Plain] = {
    "source": within({
        "type": anything, "dockerfile": anything, "binary": is_unset,
        "git": within({"uri": _GIT, "ref": anything}, "uri"), "contextDir": _RELATIVE,
        "sourceSecret": within({"name": text(_LABEL)}, "name"),
    }),
    "strategy": within({
        "type": anything,
        "dockerStrategy": within(_BUILD | {"noCache": anything, "buildArgs": anything, "dockerfilePath": _RELATIVE}),
        "sourceStrategy": within(_BUILD | {"incremental": anything}),
        "customStrategy": within(_BUILD | {"exposeDockerSocket": anything}),
        "jenkinsPipelineStrategy": jenkins,
    }),
    "output": within({
        "to": anything, "pushSecret": anything, "imageLabels": all_of(within({"name": text(_LABEL), "value": anything}, "name")),
    }),
    "nodeSelector": lambda value: isinstance(value, dict) and all(map(text(_LABEL), (*value, *value.values()))),
    "completionDeadlineSeconds": lambda value: type(value) is int and value > 0,
    "postCommit": lambda value: isinstance(value, dict) and len(value) < 2,
}  # fmt: skip
"""Members of the spec that have rules beyond those of :mod:`.buildspecs`; the others have none."""


def require_plain(spec: Json) -> None:
    """Raises ApiError 501 for a spec that may be refused by a rule that is not imitated."""
    source = spec.get("source") or {}
    both = source.get("git") is not None and source.get("binary") is not None
    if both or not all(spec.get(name) is None or plain(spec[name]) for name, plain in FIELDS.items()):
        raise not_imitated("validation of builds")
