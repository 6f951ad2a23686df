"""Which namespaces an integration covers: the incumbent's order of rules, each answer with its reason.

Rows are tried in order; the first that speaks decides. ``default`` in the allowlist is thus covered although it is denied by
default, and a name in both lists is not.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from enum import Enum

from attrs import frozen

from quaybridge_sdk.model.integration import QuayIntegration

DENIED_NAMES = frozenset({"default", "openshift", "management-infra"})
DENIED_PREFIXES = ("openshift-", "kube-")


class ScopeReason(Enum):
    """Why a namespace is covered or not."""

    DENYLISTED = "the namespace is in the integration's denylistNamespaces"
    ALLOWLISTED = "the namespace is in the integration's allowlistNamespaces"
    SYSTEM = "the namespace belongs to the platform, and no allowlist names it"
    NOT_ALLOWLISTED = "the integration has an allowlistNamespaces, and it does not name the namespace"
    EVERYTHING = "the integration has no allowlistNamespaces"


@frozen
class Scope:
    """Whether a namespace is covered, and why."""

    covered: bool
    reason: ScopeReason


def is_system(namespace: str) -> bool:
    """Whether a namespace belongs to the platform."""
    return namespace in DENIED_NAMES or namespace.startswith(DENIED_PREFIXES)


RULES: tuple[tuple[Callable[[QuayIntegration, str], bool], Scope], ...] = (
    (lambda i, n: n in i.denylist, Scope(False, ScopeReason.DENYLISTED)),
    (lambda i, n: n in i.allowlist, Scope(True, ScopeReason.ALLOWLISTED)),
    (lambda i, n: is_system(n), Scope(False, ScopeReason.SYSTEM)),
    (lambda i, n: bool(i.allowlist), Scope(False, ScopeReason.NOT_ALLOWLISTED)),
    (lambda i, n: True, Scope(True, ScopeReason.EVERYTHING)),
)


def scope(integration: QuayIntegration, namespace: str) -> Scope:
    """Whether ``integration`` covers ``namespace``. Total: any string is a namespace here."""
    return next(answer for applies, answer in RULES if applies(integration, namespace))


@frozen
class Assignment:
    """The integrations that cover one namespace. It is acted on only when there is exactly one. ``unlinked``: the cluster has no
    integration at all, and the namespace is none of the platform's: more likely an oversight than a choice.
    """

    covering: tuple[QuayIntegration, ...]
    unlinked: bool = False

    @property
    def integration(self) -> QuayIntegration | None:
        return self.covering[0] if len(self.covering) == 1 else None

    @property
    def contested(self) -> bool:
        return len(self.covering) > 1


def assign(integrations: Iterable[QuayIntegration], namespace: str, ignored: Container[str] = frozenset()) -> Assignment:
    """The integrations that cover ``namespace``, ordered by key, so that the order of ``integrations`` does not matter.

    Args:
        ignored: the namespaces that an annotation of their own takes out, whatever the integrations say.
    """
    if namespace in ignored:
        return Assignment(())
    all_of_them = tuple(integrations)
    covering = (i for i in all_of_them if scope(i, namespace).covered)
    return Assignment(tuple(sorted(covering, key=lambda i: i.key)), unlinked=not (all_of_them or is_system(namespace)))
