"""Which builds the API server asks a webhook about: its rules, its conditions and its two selectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quaybridge_sdk.adapters.kubernetes.objects import Json, dig, entries, strings, text
from quaybridge_sdk.cli.doctor.finding import Finding, bad, doubtful, unsure
from quaybridge_sdk.cli.doctor.namespaces import NAMESPACES, covered
from quaybridge_sdk.cli.doctor.ports import Examination, look
from quaybridge_sdk.cli.doctor.registered import GROUP, RESOURCE, RESOURCES, Registered, has
from quaybridge_sdk.cli.doctor.selector import is_empty, selects
from quaybridge_sdk.model.integration import QuayIntegration

CHECK = "webhook.rules"
LEFT = "go on pushing to the integrated registry"
SHOWN = 3


def examine(examination: Examination, each: Registered, integrations: Sequence[QuayIntegration]) -> Iterator[Finding]:
    """What keeps a build of a covered namespace from the webhook, or brings too much to it; nothing when all is well."""
    for rule in (_rules, _operations, _conditions, _objects):
        if finding := rule(each):
            yield finding
    if finding := _namespaces(examination, each, integrations):
        yield finding


def _for_builds(each: Registered) -> list[tuple[int, Json]]:
    """The rules that match builds, by their places, whatever their operations and scopes are."""
    wanted = (("apiGroups", (GROUP, "*")), ("apiVersions", ("v1", "*")), ("resources", RESOURCES))
    rules = enumerate(entries(each.body, "rules"))
    return [(index, rule) for index, rule in rules if all(has(rule, key, values) for key, values in wanted)]


def _is_namespaced(rule: Json) -> bool:
    return dig(rule, "scope") in (None, "*", "Namespaced")


def _rules(each: Registered) -> Finding | None:
    creating = [(index, rule) for index, rule in _for_builds(each) if has(rule, "operations", ("CREATE", "*"))]
    if any(_is_namespaced(rule) for _, rule in creating):
        return None
    if creating:
        index, rule = creating[0]
        detail = f"the rule for builds has the scope {text(rule, 'scope')}, but builds are in namespaces: none is asked about"
        command = each.patch(f"rules/{index}/scope", '"Namespaced"')
        return bad(CHECK, each.title, detail, "correct the scope", command)
    wanted = '{"operations":["CREATE"],"apiGroups":["build.openshift.io"],"apiVersions":["v1"],"resources":["builds"]}'
    detail = "no rule is for CREATE of builds in build.openshift.io/v1"
    return bad(CHECK, each.title, detail, "set the rule", each.patch("rules", f"[{wanted}]"))


def _operations(each: Registered) -> Finding | None:
    wide = {
        index: more
        for index, rule in _for_builds(each)
        if _is_namespaced(rule) and (more := sorted(set(map(str, entries(rule, "operations"))) - {"CREATE"}))
    }
    if not wide:
        return None
    shown = ", ".join(sorted({operation for found in wide.values() for operation in found}))
    detail = f"a rule for builds has {shown} besides CREATE: each later change of a build would be asked about, too"
    commands = (each.patch(f"rules/{index}/operations", '["CREATE"]') for index in wide)
    return doubtful(CHECK, each.title, detail, "let it be asked about new builds alone", *commands)


def _conditions(each: Registered) -> Finding | None:
    conditions = entries(each.body, "matchConditions")
    if not conditions:
        return None
    names = ", ".join(text(condition, "name") for condition in conditions)
    detail = f"matchConditions ({names}) may exclude builds: those {LEFT}"
    command = f"oc get {RESOURCE} {each.configuration} -o jsonpath='{{.webhooks[{each.index}].matchConditions}}'"
    return doubtful(CHECK, each.title, detail, "look whether they hold for each build", command)


def _objects(each: Registered) -> Finding | None:
    if is_empty(dig(each.body, "objectSelector")):
        return None
    detail = f"objectSelector may exclude builds, by their own labels: those {LEFT}"
    return doubtful(CHECK, each.title, detail, "take it out, unless it is meant so", each.patch("objectSelector", "{}"))


def _namespaces(examination: Examination, each: Registered, integrations: Sequence[QuayIntegration]) -> Finding | None:
    selector = dig(each.body, "namespaceSelector")
    if is_empty(selector):
        return None
    seen = look(examination.cluster, NAMESPACES)
    homes = [home for home in covered(integrations, seen.items) if not home.parsed.terminating]
    if not homes:
        problem = seen.problem or "no QuayIntegration covers a namespace on which it could be tried"
        return unsure(CHECK, each.title, f"whether namespaceSelector leaves namespaces out: {problem}")
    out = sorted(home.parsed.name for home in homes if not selects(selector, strings(home.item, "metadata", "labels")))
    if not out:
        return None
    shown = ", ".join(out[:SHOWN]) + (f" and {len(out) - SHOWN} more" if len(out) > SHOWN else "")
    detail = f"namespaceSelector leaves out what an integration covers: {shown}; builds there {LEFT}"
    commands = ("oc get namespaces --show-labels", each.patch("namespaceSelector", "{}"))
    return doubtful(CHECK, each.title, detail, "label the namespaces so that it selects them, or take it out", *commands)
