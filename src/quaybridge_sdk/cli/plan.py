"""``quaybridge plan``: what would be changed on both sides, like a diff; nothing is."""

from __future__ import annotations

import click
from rich.console import Console

from quaybridge_sdk.cli.assembly import Assembly, assemble, make_reconciler, namespaces_in_scope
from quaybridge_sdk.cli.options import cluster_options
from quaybridge_sdk.cli.render import COLOURS, render
from quaybridge_sdk.errors import QuaybridgeError


@click.command("plan")
@click.option("--namespace", "-n", "names", multiple=True, help="Only this namespace; may be given several times.")
@cluster_options
def command(names: tuple[str, ...], kubeconfig: str | None, context: str | None) -> int:
    """Show what would be changed, and change nothing.

    Reads the cluster and Quay. Exit code 0 when all could be read, 1 otherwise.
    """
    console = Console(soft_wrap=True)
    with assemble(kubeconfig, context) as assembly:
        assembly.require_synced()
        totals = [_plan_one(console, assembly, name) for name in namespaces_in_scope(assembly, names)]
    changes, failures = sum(count for count in totals if count > 0), totals.count(-1)
    console.print(f"{changes} changes in {len(totals)} namespaces" + (f"; {failures} could not be read" if failures else ""))
    return 1 if failures else 0


def _plan_one(console: Console, assembly: Assembly, namespace: str) -> int:
    """Prints one namespace's plan; the number of its actions, -1 when it could not be made."""
    try:
        actions = make_reconciler(assembly).preview(namespace)
    except QuaybridgeError as error:
        console.print(f"[red]namespace {namespace}: {error.reason}[/]: {error}", highlight=False)
        return -1
    if actions:
        console.print(f"[bold]namespace {namespace}[/]", highlight=False)
    for action in actions:
        line = render(action)
        console.print(f"  {line}", style=COLOURS[line[0]], markup=False, highlight=False)
    return len(actions)
