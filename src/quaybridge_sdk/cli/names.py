"""``quaybridge names``: how names are mapped, back again, and which would meet.

What is shown comes from the command line and from Quay: it is printed as it is, never read as markup.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import yaml
from attrs import evolve
from rich.console import Console
from rich.table import Table
from rich.text import Text

from quaybridge_sdk.errors import InvalidInputError, InvalidIntegrationError
from quaybridge_sdk.mapping.collisions import Collision, Inventory, collisions
from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.pull_secret import pull_secret_name
from quaybridge_sdk.mapping.repository import image_pull_spec, repository_name
from quaybridge_sdk.mapping.reverse import reverse
from quaybridge_sdk.mapping.robot import robot_name
from quaybridge_sdk.mapping.roles import DEFAULT_ROLES
from quaybridge_sdk.model.integration import DEFAULT_CLUSTER_ID, QuayIntegration, parse_endpoint, parse_integration

Json = dict[str, Any]

QUESTIONS: Mapping[str, str] = {"namespace": "--namespace", "text": "--reverse", "file": "--collisions"}
"""The options of which one is needed, and only one makes sense."""

ORIGIN: Mapping[str, str] = {
    "namespace": "namespace",
    "cluster_id": "clusterID",
    "cluster_digest": "clusterDigest",
    "organization": "organization",
    "host": "host",
    "repository": "repository",
    "image_stream": "imageStream",
    "robot": "robot",
    "service_account": "account",
    "tag": "tag",
    "image_digest": "imageDigest",
}
"""What a name is read back to: our field -> the key in JSON, as ``--namespace`` has it too."""


@click.command("names")
@click.option("--cluster-id", default=DEFAULT_CLUSTER_ID, show_default=True, help="The integration's clusterID.")
@click.option("--namespace", "-n", default=None, help="The namespace whose names are shown.")
@click.option("--image-stream", "-i", "streams", multiple=True, help="An ImageStream; may be given several times.")
@click.option(
    "--service-account", "-s", "accounts", multiple=True, help="A service account.  [default: the three that OpenShift makes]"
)
@click.option("--host", default=None, help="Quay's host, as in quayHostname: it counts in the length of an image's name.")
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
    asked = [option for key, option in QUESTIONS.items() if flags[key] is not None]
    if len(asked) != 1:
        given = f"not {' and '.join(asked)} together" if asked else "none was given"
        raise click.UsageError(f"give one of {', '.join(QUESTIONS.values())}: {given}")
    as_json = flags["output"] == "json"
    if flags["file"] is not None:
        return _show_collisions(flags["file"], as_json)
    if flags["text"] is not None:
        _show_origin(flags["text"], flags["streams"], flags["accounts"], flags["cluster_id"], as_json)
    else:
        host = parse_endpoint(flags["host"]).host if flags["host"] else ""
        _show_names(
            {key: flags[key] for key in ("cluster_id", "namespace", "streams", "accounts", "tag")} | {"host": host}, as_json
        )
    return 0


def _show_names(flags: Json, as_json: bool) -> None:
    found = names(**flags)
    if as_json:
        _print_json(found)
        return
    rows = [(f"namespace {flags['namespace']}", f"organization {found['organization']}")]
    rows += [(f"service account {r['account']}", f"robot {r['robot']}, pull secret {r['secret']}") for r in found["robots"]]
    rows += [
        (f"ImageStream {r['imageStream']}", f"repository {found['organization']}/{r['repository']}, image {r['image']}")
        for r in found["repositories"]
    ]
    _print_table(("object", "becomes"), rows)


def names(cluster_id: str, namespace: str, streams: Sequence[str], accounts: Sequence[str], host: str, tag: str) -> Json:
    """All names of one namespace, in the form of ``--output json``. Without a ``host`` its length does not count.

    Raises:
        InvalidNameError: a name that Kubernetes or OpenShift would refuse.
    """
    organization = organization_name(cluster_id, namespace)
    robots = [
        {"account": account, "robot": robot_name(organization, account), "secret": pull_secret_name(account, cluster_id)}
        for account in accounts or sorted(DEFAULT_ROLES)
    ]
    repositories = []
    for stream in streams:
        repository = repository_name(host, organization, stream)
        image = image_pull_spec(host or "<quay>", organization, repository, tag)
        repositories.append({"imageStream": stream, "repository": repository, "image": image})
    return {"organization": organization, "robots": robots, "repositories": repositories}


def _show_origin(text: str, streams: Sequence[str], accounts: Sequence[str], cluster_id: str, as_json: bool) -> None:
    """``cluster_id`` is a candidate, for an organization that holds only a digest of it."""
    found = reverse(text, streams, accounts)
    if found is None:
        raise InvalidInputError(f"not a name that the bridge makes: {text!r}")
    if found.cluster_id is None and organization_name(cluster_id, found.namespace) == found.organization:
        found = evolve(found, cluster_id=cluster_id)
    origin = {key: getattr(found, field) for field, key in ORIGIN.items() if getattr(found, field) is not None}
    if as_json:
        _print_json(origin)
    else:
        _print_table(("part", "value"), origin.items())


def _show_collisions(file: Path, as_json: bool) -> int:
    """Prints them; the exit code. What only the Go operator would mix up is shown, and is no failure."""
    found = collisions(inventories(file))
    if as_json:
        _print_json([_collision(each) for each in found])
    elif found:
        _print_table(("name", "where", "claimants", "rule"), map(_collision_row, found))
    else:
        click.echo("nothing collides")
    return 1 if any(not each.incumbent for each in found) else 0


def _collision(found: Collision) -> Json:
    claimants = [{"cluster": c.cluster, "namespace": c.namespace, "object": c.object} for c in found.claimants]
    rule = "Go operator" if found.incumbent else "quaybridge"
    return {"kind": found.kind, "name": found.name, "where": found.where, "claimants": claimants, "rule": rule}


def _collision_row(found: Collision) -> tuple[str, ...]:
    claimants = ", ".join(f"{claim.cluster}: {claim.namespace}/{claim.object}" for claim in found.claimants)
    return (f"{found.kind} {found.name}", found.where, claimants, "the Go operator's" if found.incumbent else "ours")


def inventories(file: Path) -> list[Inventory]:
    """Reads the file of ``--collisions``.

    Raises:
        InvalidInputError: it is not of the form that ``--help`` describes; the message says where.
    """
    clusters = _load(file)
    if not isinstance(clusters, list):
        raise InvalidInputError(f"{file}: not a list of clusters")
    return [_inventory(cluster, f"{file}: cluster {number}") for number, cluster in enumerate(clusters, 1)]


def _load(file: Path) -> object:
    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise InvalidInputError(f"{file}: {where}{error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # also bytes that are no UTF-8, and dates that are none
        raise InvalidInputError(f"{file}: not YAML: {' '.join(str(error).split())}") from error


def _inventory(cluster: object, where: str) -> Inventory:
    for key in ("cluster", "integrations", "namespaces"):
        if not isinstance(cluster, dict) or cluster.get(key) is None:
            raise InvalidInputError(f"{where} has no `{key}`")
    assert isinstance(cluster, dict)  # noqa: S101 - the loop has seen to it
    if not isinstance(cluster["integrations"], list):
        raise InvalidInputError(f"{where}: `integrations` is not a list of QuayIntegrations")
    if not isinstance(cluster["namespaces"], dict):
        raise InvalidInputError(f"{where}: `namespaces` is not a mapping of names to lists of ImageStreams")
    return Inventory(
        str(cluster["cluster"]),
        tuple(_integration(body, f"{where}: integration {number}") for number, body in enumerate(cluster["integrations"], 1)),
        dict(_namespaces(cluster["namespaces"], where)),
    )


def _integration(body: object, where: str) -> QuayIntegration:
    if not isinstance(body, dict):
        raise InvalidInputError(f"{where} is not a QuayIntegration")
    try:
        return parse_integration(body)
    except InvalidIntegrationError as error:
        raise InvalidInputError(f"{where}: {error}") from error


def _namespaces(entries: Mapping[Any, object], where: str) -> Iterator[tuple[str, frozenset[str]]]:
    for name, streams in entries.items():
        if not isinstance(streams, list | None):
            raise InvalidInputError(f"{where}: namespace {name}: not a list of ImageStreams")
        yield str(name), frozenset(map(str, streams or ()))


def _print_json(document: object) -> None:
    click.echo(json.dumps(document, indent=2))


def _print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Folds what is too long for the terminal; nothing is cut off."""
    table = Table()
    for title in head:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)
