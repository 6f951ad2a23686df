"""``quaybridge sync``: applies the plan once. Interrupted, it can simply be started again: what is done is not done twice."""

from __future__ import annotations

import click
from rich.console import Console
from rich.progress import Progress

from quaybridge_sdk.cli.assembly import assemble, make_reconciler, namespaces_in_scope
from quaybridge_sdk.cli.options import cluster_options
from quaybridge_sdk.cli.render import COLOURS, render
from quaybridge_sdk.errors import QuaybridgeError


@click.command("sync")
@click.option("--namespace", "-n", "names", multiple=True, help="Only this namespace; may be given several times.")
@cluster_options
def command(names: tuple[str, ...], kubeconfig: str | None, context: str | None) -> int:
    """Apply the plan once, for all namespaces or some.

    May run beside the controller: both only do what is missing. Exit code 0 when all namespaces are as wanted, 1 otherwise.
    """
    console = Console(soft_wrap=True)
    failures = 0
    with assemble(kubeconfig, context) as assembly, Progress(console=console) as progress:
        assembly.require_synced()
        reconciler = make_reconciler(assembly)
        todo = namespaces_in_scope(assembly, names)
        for name in progress.track(todo, description="namespaces"):
            try:
                actions = reconciler.reconcile(name).actions
            except QuaybridgeError as error:
                failures += 1
                console.print(f"[red]namespace {name}: {error.reason}[/]: {error}", highlight=False)
                continue
            for line in map(render, actions):
                console.print(f"  {name}: {line}", style=COLOURS[line[0]], markup=False, highlight=False)
    console.print(f"{len(todo) - failures} of {len(todo)} namespaces are as wanted")
    return 1 if failures else 0
