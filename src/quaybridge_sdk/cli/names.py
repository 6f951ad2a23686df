"""``quaybridge names``: how names are mapped, back again, and which would meet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import yaml
from cattrs import unstructure
from rich.console import Console
from rich.table import Table

from quaybridge_sdk.errors import InvalidInputError
from quaybridge_sdk.mapping.collisions import Inventory, collisions
from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.pull_secret import pull_secret_name
from quaybridge_sdk.mapping.repository import image_pull_spec, repository_name
from quaybridge_sdk.mapping.reverse import reverse
from quaybridge_sdk.mapping.robot import robot_name
from quaybridge_sdk.mapping.roles import DEFAULT_ROLES
from quaybridge_sdk.model.integration import DEFAULT_CLUSTER_ID, parse_integration


@click.command("names")
@click.option("--cluster-id", default=DEFAULT_CLUSTER_ID, show_default=True, help="The integration's clusterID.")
@click.option("--namespace", "-n", default=None, help="The namespace whose names are shown.")
@click.option("--image-stream", "-i", "streams", multiple=True, help="An ImageStream; may be given several times.")
@click.option(
    "--service-account", "-s", "accounts", multiple=True, help="A service account.  [default: the three that OpenShift makes]"
)
@click.option("--host", default="<quay>", help="Quay's host, for the image pull spec.")
@click.option("--tag", default="latest", show_default=True, help="The tag, for the image pull spec.")
@click.option(
    "--reverse", "text", default=None, metavar="NAME", help="An organization, robot, repository or image, to be read back."
)
@click.option(
    "--collisions", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="An inventory, to be checked."
)
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="How to print.")
def command(**flags: Any) -> int:
    """Show how names are mapped, and map them back.

    With --reverse the namespace, ImageStream or service account of a name in Quay. With --collisions the names that two objects
    would share, for an inventory in YAML: a list of clusters, each with `cluster`, `integrations` (QuayIntegrations) and
    `namespaces` (names, each with a list of ImageStreams); exit code 1 when there are any. Talks to no server.
    """
    if flags["file"] is not None:
        return _show_collisions(flags["file"], flags["output"])
    if flags["text"] is not None:
        return _show_reverse(flags["text"], flags["streams"], flags["accounts"], flags["output"])
    if flags["namespace"] is None:
        raise click.UsageError("one of --namespace, --reverse and --collisions is needed")
    _print(
        _names(**{key: flags[key] for key in ("cluster_id", "namespace", "streams", "accounts", "host", "tag")}), flags["output"]
    )
    return 0


def _names(
    cluster_id: str, namespace: str, streams: Sequence[str], accounts: Sequence[str], host: str, tag: str
) -> list[dict[str, str]]:
    organization = organization_name(cluster_id, namespace)
    rows = [{"object": f"namespace {namespace}", "becomes": f"organization {organization}"}]
    for account in accounts or sorted(DEFAULT_ROLES):
        robot, secret = robot_name(organization, account), pull_secret_name(account, cluster_id)
        rows.append({"object": f"service account {account}", "becomes": f"robot {robot}, pull secret {secret}"})
    for stream in streams:
        repository = repository_name(organization, stream)
        image = image_pull_spec(host, organization, repository, tag)
        rows.append({"object": f"ImageStream {stream}", "becomes": f"repository {organization}/{repository}, image {image}"})
    return rows


def _show_reverse(text: str, streams: Sequence[str], accounts: Sequence[str], output: str) -> int:
    found = reverse(text, streams, accounts)
    if found is None:
        raise InvalidInputError(f"not a name that the bridge makes: {text!r}")
    rows = [{"part": key, "value": value} for key, value in unstructure(found).items() if value is not None]
    _print(rows, output)
    return 0


def _show_collisions(file: Path, output: str) -> int:
    found = collisions(_inventories(file))
    rows = [
        {
            "name": f"{collision.kind} {collision.name}",
            "where": collision.where,
            "claimants": ", ".join(f"{claim.cluster}: {claim.namespace}/{claim.object}" for claim in collision.claimants),
            "rule": "the Go operator's" if collision.incumbent else "ours",
        }
        for collision in found
    ]
    _print(rows, output)
    return 1 if any(not collision.incumbent for collision in found) else 0


def _inventories(file: Path) -> list[Inventory]:
    """Reads the inventory. Raises InvalidInputError when it is not of the form that ``--help`` describes."""
    try:
        clusters = yaml.safe_load(file.read_text(encoding="utf-8"))
        return [_inventory(cluster) for cluster in clusters]
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{file}: not an inventory of clusters, integrations and namespaces: {error!r}") from error


def _inventory(cluster: Mapping[str, Any]) -> Inventory:
    namespaces = {str(name): frozenset(map(str, streams or ())) for name, streams in cluster["namespaces"].items()}
    return Inventory(str(cluster["cluster"]), tuple(map(parse_integration, cluster["integrations"])), namespaces)


def _print(rows: Sequence[Mapping[str, str]], output: str) -> None:
    if output == "json":
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo("nothing collides")
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*row.values())
    Console().print(table, soft_wrap=True)
