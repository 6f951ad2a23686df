"""``quaybridge plan``: what would be changed on both sides, like a diff; nothing is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Literal

import click
from attrs import frozen
from rich.console import Console

from quaybridge_sdk.cli.assembly import Assembly, assemble, left_out, make_reconciler, namespaces_in_scope, pull_secrets
from quaybridge_sdk.cli.options import cluster_options
from quaybridge_sdk.cli.render import COLOURS, Entry, Verb, entry
from quaybridge_sdk.errors import QuaybridgeError
from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.scope import assign
from quaybridge_sdk.model.actions import Action

FORMAT = 1
"""Version of the JSON. Keys may be added to it; one that is removed or changes its meaning makes it 2."""

CHANGES = 3
"""Exit code with ``--detailed-exit-code`` when there is something to do."""


@frozen
class NamespacePlan:
    """What would be done for one namespace; or why that could not be found out."""

    namespace: str
    organization: str = ""
    entries: tuple[Entry, ...] = ()
    error: QuaybridgeError | None = None


@click.command("plan")
@click.option("--namespace", "-n", "names", multiple=True, help="Only this namespace; may be given several times.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True, help="How to print.")
@click.option("--detailed-exit-code", is_flag=True, help="Exit code 3 instead of 0 when there is something to do.")
@cluster_options
def command(
    names: tuple[str, ...], output: Literal["text", "json"], detailed_exit_code: bool, kubeconfig: str | None, context: str | None
) -> int:
    """Show what would be changed, and change nothing.

    Reads the cluster and Quay. Exit code 0 when all could be read, whether there is something to do or not; 1 when something
    could not be read, or what was asked for is not covered by just one QuayIntegration.
    """
    console = Console(soft_wrap=True, highlight=False)
    plans: list[NamespacePlan] = []
    with assemble(kubeconfig, context) as assembly:
        assembly.require_synced()
        troubles = left_out(assembly, names)
        for plan in _plans(assembly, namespaces_in_scope(assembly, names)):
            plans.append(plan)
            if output == "text":
                _show(console, plan)
    if output == "json":
        click.echo(as_json(plans))
    else:
        for line in totals(plans):
            console.print(line, markup=False)
    for line in troubles:
        click.echo(line, err=True)
    return 1 if troubles else exit_code(plans, detailed=detailed_exit_code)


def exit_code(plans: Iterable[NamespacePlan], *, detailed: bool) -> int:
    """1 before 3: what could not be read may hide a change, and is to be mended first."""
    found = list(plans)
    if any(plan.error for plan in found):
        return 1
    return CHANGES if detailed and any(plan.entries for plan in found) else 0


def _plans(assembly: Assembly, namespaces: Sequence[str]) -> Iterator[NamespacePlan]:
    reconciler = make_reconciler(assembly)
    preview = partial(reconciler.preview, shown=reconciler.shown())
    for name in namespaces:
        yield _plan(assembly, preview, name)


def _plan(assembly: Assembly, preview: Callable[[str], tuple[Action, ...]], namespace: str) -> NamespacePlan:
    integration = assign(assembly.caches.integrations(), namespace).integration
    organization = organization_name(integration.cluster_id, namespace) if integration else ""
    secrets = pull_secrets(assembly, namespace)
    try:
        actions = preview(namespace)
    except QuaybridgeError as error:
        return NamespacePlan(namespace, organization, error=error)
    return NamespacePlan(namespace, organization, tuple(entry(action, secrets) for action in actions))


def _show(console: Console, plan: NamespacePlan) -> None:
    if plan.error is not None:
        text = f"namespace {plan.namespace} (organization {plan.organization}): {plan.error.reason}: {plan.error}"
        console.print(text, style="red", markup=False)
        return
    if plan.entries:
        console.print(f"namespace {plan.namespace} (organization {plan.organization})", style="bold", markup=False)
    for each in plan.entries:
        console.print(f"  {each.line}", style=COLOURS[each.symbol], markup=False)


def totals(plans: Sequence[NamespacePlan]) -> Iterator[str]:
    """How many of each kind, then all together."""
    entries = [each for plan in plans for each in plan.entries]
    counts = Counter((each.kind, each.verb) for each in entries)
    for kind in sorted({each.kind for each in entries}):
        parts = (f"{counts[kind, verb]} to {verb.value}" for verb in Verb if counts[kind, verb])
        yield f"{kind}: {', '.join(parts)}"
    failures = sum(plan.error is not None for plan in plans)
    unread = f"; {failures} could not be read" if failures else ""
    changing = sum(bool(plan.entries) for plan in plans)
    yield f"{len(entries)} changes in {changing} of {len(plans)} namespaces{unread}"


def as_json(plans: Sequence[NamespacePlan]) -> str:
    """One object per action."""
    actions = [
        {
            "side": each.side,
            "verb": each.verb.value,
            "kind": each.kind,
            "name": each.name,
            "namespace": plan.namespace,
            "detail": each.detail,
        }
        for plan in plans
        for each in plan.entries
    ]
    failures = [
        {"namespace": plan.namespace, "reason": plan.error.reason, "message": str(plan.error)} for plan in plans if plan.error
    ]
    return json.dumps({"format": FORMAT, "namespaces": len(plans), "actions": actions, "failures": failures}, indent=2)
