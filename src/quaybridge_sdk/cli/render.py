"""Actions as lines of a diff, from one table. No line holds a secret.

``+`` is made, ``@`` is adopted, ``~`` is changed, ``-`` is removed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, Literal, get_args

from attrs import evolve, frozen

from quaybridge_sdk.model import actions as act

Side = Literal["quay", "cluster"]


class Verb(str, Enum):
    """What becomes of an object."""

    CREATE = "create"
    ADOPT = "adopt"
    CHANGE = "change"
    DELETE = "delete"


SYMBOLS: Mapping[Verb, str] = MappingProxyType({Verb.CREATE: "+", Verb.ADOPT: "@", Verb.CHANGE: "~", Verb.DELETE: "-"})
COLOURS: Mapping[str, str] = MappingProxyType({"+": "green", "@": "cyan", "~": "yellow", "-": "red"})


@frozen
class Row:
    """How actions of one class are shown. ``detail`` says more than the name does, "" when there is nothing more."""

    verb: Verb
    kind: str
    name: Callable[[Any], str]
    detail: Callable[[Any], str] = lambda _: ""


@frozen
class Entry:
    """One action, told."""

    side: Side
    verb: Verb
    kind: str
    name: str
    detail: str = ""

    @property
    def symbol(self) -> str:
        return SYMBOLS[self.verb]

    @property
    def line(self) -> str:
        return f"{self.symbol} {self.kind} {self.name}{f': {self.detail}' if self.detail else ''}"


def _repository(action: Any) -> str:
    return f"{action.organization}/{action.repository}"


def _role(action: Any) -> str:
    return f"may {action.role.value}"


ROWS: Mapping[type, Row] = MappingProxyType(
    {
        act.AddFinalizer: Row(Verb.CHANGE, "namespace", lambda a: a.namespace, lambda _: "add finalizer"),
        act.RemoveFinalizer: Row(Verb.CHANGE, "namespace", lambda a: a.namespace, lambda _: "remove finalizer"),
        act.RecordApplied: Row(Verb.CHANGE, "namespace", lambda a: a.namespace, lambda _: "record what was done"),
        act.CreateOrganization: Row(Verb.CREATE, "organization", lambda a: a.organization),
        act.MarkOrganization: Row(Verb.ADOPT, "organization", lambda a: a.organization, lambda _: "adopted: marked as ours"),
        act.DeleteOrganization: Row(
            Verb.DELETE, "organization", lambda a: a.organization, lambda _: "and all that is in it, images too"
        ),
        act.CreateRobot: Row(Verb.CREATE, "robot", lambda a: a.robot),
        act.RegenerateRobot: Row(Verb.CHANGE, "robot", lambda a: a.robot, lambda _: "new token, the old one ends"),
        act.DeleteRobot: Row(Verb.DELETE, "robot", lambda a: a.robot, lambda _: "its rights and its token end"),
        act.CreatePrototype: Row(Verb.CREATE, "default permission", lambda a: a.robot, _role),
        act.UpdatePrototype: Row(
            Verb.CHANGE,
            "default permission",
            lambda a: a.prototype.delegate,
            lambda a: f"{_role(a)}, not {a.prototype.role.value}",
        ),
        act.DeletePrototype: Row(Verb.DELETE, "default permission", lambda a: a.prototype.delegate, lambda _: "it was doubled"),
        act.CreateRepository: Row(Verb.CREATE, "repository", _repository),
        act.DeleteRepository: Row(Verb.DELETE, "repository", _repository, lambda _: "and its images: its ImageStream is gone"),
        act.SetRepositoryPermission: Row(Verb.CHANGE, "repository", _repository, lambda a: f"{a.robot} {_role(a)}"),
        act.SetRepositoryState: Row(
            Verb.CHANGE, "repository", _repository, lambda a: "nobody can push" if a.read_only else "can be pushed to again"
        ),
        act.WritePullSecret: Row(Verb.CREATE, "pull secret", lambda a: f"{a.namespace}/{a.secret}"),
        act.LinkPullSecret: Row(
            Verb.CHANGE, "service account", lambda a: f"{a.namespace}/{a.account}", lambda a: f"add pull secret {a.secret}"
        ),
        act.UnlinkPullSecret: Row(
            Verb.CHANGE, "service account", lambda a: f"{a.namespace}/{a.account}", lambda a: f"remove pull secret {a.secret}"
        ),
        act.DeletePullSecret: Row(Verb.DELETE, "pull secret", lambda a: f"{a.namespace}/{a.secret}"),
        act.ClearRecord: Row(
            Verb.CHANGE,
            "namespace",
            lambda a: a.namespace,
            lambda a: "remove our annotations" + (" and finalizer" if a.finalizer else ""),
        ),
        act.RememberDeletion: Row(
            Verb.CHANGE, "status", lambda a: a.deletion.integration, lambda a: f"remember {a.deletion.organization}, {_fate(a)}"
        ),
        act.ForgetDeletion: Row(
            Verb.CHANGE, "status", lambda a: a.deletion.integration, lambda a: f"forget {a.deletion.organization}, {_fate(a)}"
        ),
    }
)
"""Every action class; a test holds this against the closed union."""


def _fate(action: Any) -> str:
    return f"an organization that outlives its namespace ({action.deletion.reason.value})"


def entry(action: act.Action, pull_secrets: Collection[str] = ()) -> Entry:
    """One action, told.

    Args:
        pull_secrets: those that the namespace has already: writing one of them is a change.
    """
    row = ROWS[type(action)]
    side: Side = "quay" if isinstance(action, get_args(act.RegistryAction)) else "cluster"
    told = Entry(side, row.verb, row.kind, row.name(action), row.detail(action))
    if isinstance(action, act.WritePullSecret) and action.secret in pull_secrets:
        return evolve(told, verb=Verb.CHANGE)
    return told


def render(action: act.Action) -> str:
    """One line for one action."""
    return entry(action).line
