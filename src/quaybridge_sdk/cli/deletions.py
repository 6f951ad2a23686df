"""``quaybridge deletions``: the organizations whose namespaces are gone, and the word of an administrator on them."""

from __future__ import annotations

import json
from typing import Literal

import click
from attrs import evolve
from rich.console import Console
from rich.table import Table

from quaybridge_sdk.adapters.kubernetes.kinds import Kind
from quaybridge_sdk.cli.assembly import assemble, utc_now
from quaybridge_sdk.cli.options import cluster_options
from quaybridge_sdk.errors import InvalidInputError
from quaybridge_sdk.model.deletion import MEANING, Deletion, DeletionReason

KINDS = frozenset({Kind.INTEGRATION, Kind.DELETION})
Word = Literal["list", "confirm", "undo"]


@click.command("deletions")
@click.argument("word", type=click.Choice(["list", "confirm", "undo"]), default="list")
@click.argument("organizations", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that are held because there was a burst of deletions.")
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="How to print.")
@cluster_options
def command(
    word: Word, organizations: tuple[str, ...], everything: bool, output: str, kubeconfig: str | None, context: str | None
) -> int:
    """List the organizations whose namespaces are gone, and confirm or undo their deletion.

    `confirm` makes a deletion due now: the controller does it within seconds, if the organization is still proved to be of that
    namespace. `undo` keeps the organization until its namespace is made again, which then gets it back with all images.
    """
    with assemble(kubeconfig, context, kinds=KINDS) as assembly:
        assembly.require_synced()
        known = assembly.caches.all_deletions()
        if word == "list":
            _print(known, output)
            return 0
        chosen = _chosen(known, organizations, everything=everything)
        if not chosen:
            click.echo("nothing is held")
        for deletion in chosen:
            assembly.ports.writer.remember_deletion(_spoken(deletion, word))
            click.echo(f"{deletion.organization}: {'is deleted now' if word == 'confirm' else 'is kept'}")
    return 0


def _spoken(deletion: Deletion, word: Word) -> Deletion:
    """The entry as it is once the administrator has spoken."""
    if word == "confirm":
        return evolve(deletion, due=utc_now(), reason=DeletionReason.QUARANTINE)
    return evolve(deletion, due=None, reason=DeletionReason.UNDONE)


def _chosen(known: tuple[Deletion, ...], organizations: tuple[str, ...], *, everything: bool) -> list[Deletion]:
    """Those that are meant. Raises InvalidInputError when one is not remembered, or none is named."""
    missing = sorted(set(organizations) - {deletion.organization for deletion in known})
    if missing:
        raise InvalidInputError(f"nothing is remembered of {', '.join(missing)}: see `quaybridge deletions`")
    if not organizations and not everything:
        raise InvalidInputError("name organizations, or give --all for those that a burst has held")
    held = {d.organization for d in known if everything and d.reason is DeletionReason.BURST}
    return [deletion for deletion in known if deletion.organization in held.union(organizations)]


def _print(known: tuple[Deletion, ...], output: str) -> None:
    if output == "json":
        rows = [{"integration": deletion.integration, **deletion.dumps()} for deletion in known]
        click.echo(json.dumps(rows, indent=2))
        return
    if not known:
        click.echo("nothing is remembered")
        return
    table = Table("organization", "namespace", "reason", "due", "meaning")
    for deletion in known:
        due = deletion.due.isoformat(timespec="minutes") if deletion.due else "never"
        table.add_row(deletion.organization, deletion.namespace, deletion.reason.value, due, MEANING[deletion.reason])
    Console().print(table)
