"""``quaybridge deletions``: the organizations whose namespaces are gone, and the word of an administrator on them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
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
@click.option("--integration", metavar="NAME", help="Only what this QuayIntegration remembers.")
@click.option("--all", "everything", is_flag=True, help="All that are held because there was a burst of deletions.")
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="How to print.")
@cluster_options
def command(
    word: Word,
    organizations: tuple[str, ...],
    integration: str | None,
    everything: bool,
    output: str,
    kubeconfig: str | None,
    context: str | None,
) -> int:
    """List the organizations whose namespaces are gone, and confirm or undo their deletion.

    `confirm` makes a deletion due now: the controller does it within seconds, if the organization is still proved to be of that
    namespace. `undo` keeps the organization until its namespace is made again, which then gets it back with all images. Two
    QuayIntegrations may remember one name on two Quays: then --integration says which is meant.
    """
    with assemble(kubeconfig, context, kinds=KINDS) as assembly:
        assembly.require_synced()
        quays = {found.key: found.endpoint.url for found in assembly.caches.integrations()}
        known = _of(integration, assembly.caches.all_deletions(), quays)
        if word == "list":
            _print(known, output, quays)
            return 0
        chosen = _chosen(known, organizations, everything=everything)
        _require_reachable(chosen, quays)
        if not chosen:
            click.echo("nothing is held")
        for deletion in chosen:
            assembly.ports.writer.remember_deletion(_spoken(deletion, word))
            fate = "is deleted now" if word == "confirm" else "is kept"
            click.echo(f"{deletion.organization} of {deletion.integration}: {fate}")
    return 0


def _of(name: str | None, known: Sequence[Deletion], integrations: Iterable[str]) -> list[Deletion]:
    """What the QuayIntegration of that name remembers, or its key: objects of both generations may share a name.

    Raises:
        InvalidInputError: there is none. A wrong name is no empty list.
    """
    keys = {*integrations, *(deletion.integration for deletion in known)}
    meant = {key for key in keys if name in (None, key, key.rpartition("/")[2])}
    if name is not None and not meant:
        raise InvalidInputError(f"there is no QuayIntegration {name}, but: {', '.join(sorted(keys)) or 'none'}")
    return [deletion for deletion in known if deletion.integration in meant]


def _spoken(deletion: Deletion, word: Word) -> Deletion:
    """The entry as it is once the administrator has spoken."""
    if word == "confirm":
        return evolve(deletion, due=utc_now(), reason=DeletionReason.QUARANTINE)
    return evolve(deletion, due=None, reason=DeletionReason.UNDONE)


def _chosen(known: Sequence[Deletion], organizations: Collection[str], *, everything: bool) -> list[Deletion]:
    """Those that are meant. Raises InvalidInputError when one is not remembered, or none is named, or a name is of several."""
    missing = sorted(set(organizations) - {deletion.organization for deletion in known})
    if missing:
        raise InvalidInputError(f"nothing is remembered of {', '.join(missing)}: see `quaybridge deletions`")
    if not organizations and not everything:
        raise InvalidInputError("name organizations, or give --all for those that a burst has held")
    for organization in sorted(set(organizations)):
        _require_one(organization, known)
    held = {deletion for deletion in known if everything and deletion.reason is DeletionReason.BURST}
    return [deletion for deletion in known if deletion in held or deletion.organization in organizations]


def _require_one(organization: str, known: Sequence[Deletion]) -> None:
    """Raises InvalidInputError when several integrations remember this name: nobody means two with one word."""
    quays = {deletion.integration: deletion.quay for deletion in known if deletion.organization == organization}
    if len(quays) > 1:
        choices = " or ".join(f"--integration {key} ({quay})" for key, quay in sorted(quays.items()))
        raise InvalidInputError(f"several QuayIntegrations remember {organization}: give {choices}")


def _require_reachable(chosen: Sequence[Deletion], quays: Mapping[str, str]) -> None:
    """Raises InvalidInputError for an entry on which nothing would follow."""
    for deletion in chosen:
        if deletion.quay != quays.get(deletion.integration):
            raise InvalidInputError(f"{deletion.organization}: {_meaning(deletion, quays)}")


def _meaning(deletion: Deletion, quays: Mapping[str, str]) -> str:
    if deletion.quay == quays.get(deletion.integration):
        return MEANING[deletion.reason]
    return f"it is remembered for {deletion.quay}, which quayHostname does not say (any more): nothing is done until it does"


def _print(known: Sequence[Deletion], output: str, quays: Mapping[str, str]) -> None:
    if output == "json":
        rows = [{"integration": deletion.integration, **deletion.dumps()} for deletion in known]
        click.echo(json.dumps(rows, indent=2))
        return
    if not known:
        click.echo("nothing is remembered")
        return
    several = len({deletion.quay for deletion in known}) > 1
    table = Table("organization", "integration", *(["quay"] if several else []), "namespace", "reason", "due", "meaning")
    for deletion in known:
        due = deletion.due.isoformat(timespec="minutes") if deletion.due else "never"
        where = (deletion.integration, deletion.quay) if several else (deletion.integration,)
        table.add_row(deletion.organization, *where, deletion.namespace, deletion.reason.value, due, _meaning(deletion, quays))
    Console().print(table)
