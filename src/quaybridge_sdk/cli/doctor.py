"""``quaybridge doctor``: what the bridge needs, checked from a laptop or in the pod; each failure says how to mend it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Literal

import click
from attrs import frozen
from cattrs import unstructure
from rich.console import Console
from rich.table import Table

from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient
from quaybridge_sdk.adapters.quay import QuayRegistry
from quaybridge_sdk.cli.assembly import connect
from quaybridge_sdk.cli.options import cluster_options
from quaybridge_sdk.cli.snapshot import integrations, token_of
from quaybridge_sdk.errors import NotFoundError, QuaybridgeError, TokenInvalidError
from quaybridge_sdk.model.integration import GROUP, SEED_GROUP, QuayIntegration

GROUPS = (
    ("image.openshift.io/v1", "ImageStreams: this must be an OpenShift cluster, or have its API server"),
    ("build.openshift.io/v1", "Builds: enable the Build capability of the cluster"),
)
"""API groups that the bridge needs, and what is missing without them."""


@frozen
class Finding:
    """One check's outcome; ``mend`` says what to do about a failure."""

    check: str
    ok: bool
    detail: str
    mend: str = ""


@click.command("doctor")
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="How to print.")
@cluster_options
def command(output: Literal["table", "json"], kubeconfig: str | None, context: str | None) -> int:
    """Check what the bridge needs, and say how to mend it.

    Looks at the cluster's API groups, the QuayIntegrations, their credentials Secrets, and at each Quay: its certificate and the
    token. Changes nothing. Exit code 0 when all is well, 1 otherwise.
    """
    with connect(kubeconfig, context) as client:
        findings = list(examine(client))
    if output == "json":
        click.echo(json.dumps(unstructure(findings), indent=2))
    else:
        _print(findings)
    return 0 if all(finding.ok for finding in findings) else 1


def examine(client: KubernetesClient) -> Iterator[Finding]:
    """All checks, in the order in which one would mend what they find."""
    for group, missing in GROUPS:
        yield _check(f"API group {group}", lambda group=group: _group(client, group), missing)  # type: ignore[misc]
    generations = [_served(client, f"{GROUP}/v1"), _served(client, f"{SEED_GROUP}/v1alpha1")]
    yield Finding(
        "CustomResourceDefinition", any(generations), "served" if any(generations) else "not installed", "oc apply -f deploy/crds"
    )
    found, broken = integrations(client) if any(generations) else ((), {})
    for key, error in broken.items():
        yield Finding(f"QuayIntegration {key}", False, str(error), f"oc edit {key}")
    if not found and not broken:
        yield Finding("QuayIntegration", False, "there is none", "create one: see the documentation's page on configuration")
    for integration in found:
        yield from _examine_quay(client, integration)


def _examine_quay(client: KubernetesClient, integration: QuayIntegration) -> Iterator[Finding]:
    where = f"QuayIntegration {integration.name}"
    try:
        token = token_of(client, integration)
    except QuaybridgeError as error:
        reference = integration.credentials
        mend = f"oc create secret generic {reference.name} -n {reference.namespace} --from-literal={reference.key}=<access token>"
        yield Finding(f"{where}: credentials Secret", False, str(error), mend)
        return
    yield Finding(f"{where}: credentials Secret", True, str(integration.credentials))
    mend = "make a new OAuth token in Quay (see the scopes in the documentation), or mend the connection or the certificate"
    with QuayRegistry(integration.endpoint, token) as registry:
        yield _check(f"{where}: Quay {integration.endpoint.url}", lambda: _token(registry), mend)
        if integration.insecure:
            yield Finding(f"{where}: TLS", True, "not verified, because insecureRegistry is true: caBundle would be safer")


def _check(name: str, look: Callable[[], str], mend: str) -> Finding:
    try:
        return Finding(name, True, look())
    except QuaybridgeError as error:
        return Finding(name, False, f"{error.reason}: {error}", mend)


def _token(registry: QuayRegistry) -> str:
    """Whom the token belongs to. Quay answers the same to a wrong token and to one without user:read: then its rights are
    asked.
    """
    user = registry.check_token()
    if user is not None:
        return f"the token belongs to {user}"
    if registry.superuser():
        return "the token is a superuser's; it lacks the scope user:read, which only this check would use"
    raise TokenInvalidError("Quay does not accept the token, or the token lacks the scope user:read", system="quay")


def _group(client: KubernetesClient, group: str) -> str:
    client.get(f"/apis/{group}")
    return "served"


def _served(client: KubernetesClient, group: str) -> bool:
    try:
        client.get(f"/apis/{group}")
    except NotFoundError:
        return False
    return True


def _print(findings: list[Finding]) -> None:
    table = Table("", "check", "detail", "to mend it")
    for finding in findings:
        mark = "[green]✓[/]" if finding.ok else "[red]✗[/]"
        table.add_row(mark, finding.check, finding.detail, "" if finding.ok else finding.mend)
    Console().print(table)
