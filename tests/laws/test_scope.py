"""Laws of the scope: the incumbent's order of questions, stated once more as plain ifs; no order matters."""

from __future__ import annotations

import copy
import random

from hypothesis import example, given
from hypothesis import strategies as st
from tests.laws.strategies import any_text, bare, integrations, many_integrations, namespaces

from quaybridge_sdk.mapping.scope import RULES, ScopeReason, assign, scope
from quaybridge_sdk.model.integration import QuayIntegration

anything = st.one_of(
    namespaces,
    any_text,
    st.sampled_from(["default", "openshift", "management-infra", "openshift-x", "kube-", "openshiftfoo", "kube"]),
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[QuayIntegration, str]:
    """An integration and a namespace, which is often one that it names."""
    integration = draw(integrations())
    named = sorted(integration.allowlist | integration.denylist)
    return integration, draw(st.one_of(anything, st.sampled_from(named)) if named else anything)


def incumbent(integration: QuayIntegration, namespace: str) -> bool:
    """The incumbent's ``IsAllowedNamespace``, line by line."""
    if namespace in integration.denylist:
        return False
    if namespace in integration.allowlist:
        return True
    if namespace in ("default", "openshift", "management-infra"):
        return False
    if namespace[:10] == "openshift-" or namespace[:5] == "kube-":
        return False
    return len(integration.allowlist) == 0


@given(cases())
@example((bare(allow=("default",)), "default"))
@example((bare(allow=("a",), deny=("a",)), "a"))
@example((bare(allow=("a",)), "b"))
@example((bare(allow=("a",)), "kube-system"))
@example((bare(), "openshiftfoo"))
@example((bare(), "openshift-x"))
@example((bare(), "kubefoo"))
@example((bare(), "kube-"))
def test_the_answer_is_the_incumbents(case: tuple[QuayIntegration, str]) -> None:
    integration, namespace = case
    before = copy.deepcopy(integration)
    answer = scope(integration, namespace)
    assert answer.covered == incumbent(integration, namespace)
    assert answer == scope(integration, namespace)
    assert integration == before


@given(cases())
def test_each_reason_is_true(case: tuple[QuayIntegration, str]) -> None:
    integration, namespace = case
    truth = {
        ScopeReason.DENYLISTED: namespace in integration.denylist,
        ScopeReason.ALLOWLISTED: namespace in integration.allowlist,
        ScopeReason.SYSTEM: namespace not in integration.allowlist,
        ScopeReason.NOT_ALLOWLISTED: bool(integration.allowlist) and namespace not in integration.allowlist,
        ScopeReason.EVERYTHING: not integration.allowlist,
    }
    assert truth[scope(integration, namespace).reason]


def test_each_reason_has_its_rule() -> None:
    assert [answer.reason for _, answer in RULES] == list(ScopeReason)


@given(many_integrations, anything, st.randoms(use_true_random=False))
def test_an_assignment_depends_on_no_order(found: list[QuayIntegration], namespace: str, shuffler: random.Random) -> None:
    shuffled = list(found)
    shuffler.shuffle(shuffled)
    assignment = assign(found, namespace)
    assert assignment == assign(iter(shuffled), namespace)
    covering = [integration for integration in found if incumbent(integration, namespace)]
    assert sorted(i.key for i in covering) == [i.key for i in assignment.covering]
    assert assignment.integration == (covering[0] if len(covering) == 1 else None)
    assert assignment.contested == (len(covering) > 1)


@given(many_integrations, namespaces)
def test_an_annotation_takes_a_namespace_out_whatever_the_integrations_say(found: list[QuayIntegration], namespace: str) -> None:
    answer = assign(found, namespace, ignored={namespace})
    assert (answer.covering, answer.integration, answer.contested, answer.unlinked) == ((), None, False, False)
    assert assign(found, namespace, ignored={f"{namespace}-other"}) == assign(found, namespace)
