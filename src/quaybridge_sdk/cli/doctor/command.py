"""The command line of ``quaybridge doctor``: builds the real ports, and prints what was found."""

from __future__ import annotations

import os
import re
from typing import Any, Literal

import click

from quaybridge_sdk.adapters.kubernetes.client import KubernetesClient
from quaybridge_sdk.adapters.quay import routes
from quaybridge_sdk.adapters.quay.answers import require_done
from quaybridge_sdk.adapters.quay.reader import QuayReader
from quaybridge_sdk.cli.assembly import connect, utc_now
from quaybridge_sdk.cli.doctor.catalogue import TOPICS
from quaybridge_sdk.cli.doctor.examine import examine
from quaybridge_sdk.cli.doctor.network import Network
from quaybridge_sdk.cli.doctor.ports import Examination
from quaybridge_sdk.cli.doctor.report import as_json, as_text, passed
from quaybridge_sdk.cli.options import cluster_options, namespace_of_pod
from quaybridge_sdk.errors import ForbiddenError

DEFAULT_NAMESPACE = "openshift-operators"
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


class ServiceAccount(click.ParamType[tuple[str, str]]):
    """``namespace/name``."""

    name = "namespace/name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        namespace, slash, name = str(value).partition("/")
        if not slash or not _NAME.fullmatch(namespace) or not _NAME.fullmatch(name):
            self.fail(f"not a service account such as openshift-operators/quay-bridge-operator: {value!r}", param, ctx)
        return namespace, name


class QuayProbe(QuayReader):
    """Implements :class:`~quaybridge_sdk.cli.doctor.ports.QuayPort`: a reader that can also ask about a repository's rights."""

    def may_administer(self, organization: str, repository: str) -> bool:
        names = {"organization": organization, "repository": repository}
        try:
            require_done(self._send(routes.GET_REPOSITORY.call(names)))
        except ForbiddenError:
            return False
        return True


@click.command("doctor")
@click.option("--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="How to print.")
@click.option(
    "--service-account",
    type=ServiceAccount(),
    default=None,
    help="Ask about the rights of this service account instead of one's own, as `oc auth can-i --as` does.",
)
@click.option("--skip", type=click.Choice(list(TOPICS)), multiple=True, help="Leave a topic out; may be given several times.")
@cluster_options
def command(
    output: Literal["table", "json"],
    service_account: tuple[str, str] | None,
    skip: tuple[str, ...],
    kubeconfig: str | None,
    context: str | None,
) -> int:
    """Check what the bridge needs, and say how to mend it.

    Looks at the cluster and its API groups, the rights, the QuayIntegrations and their Secrets, each Quay and its token, the
    webhook and its certificate, the running programs, and the clocks. Changes nothing: a build is tried as a dry run. Exit code
    0 when nothing failed, 1 otherwise; warnings and what could not be checked do not count.
    """
    with connect(kubeconfig, context) as client:
        findings = list(examine(_examination(client, service_account), skip))
    if output == "json":
        click.echo(as_json(findings))
    else:
        for line in as_text(findings):
            click.echo(line)
    return 0 if passed(findings) else 1


def _examination(client: KubernetesClient, account: tuple[str, str] | None) -> Examination:
    in_pod = "KUBERNETES_SERVICE_HOST" in os.environ
    home = account[0] if account else namespace_of_pod(None) if in_pod else DEFAULT_NAMESPACE
    return Examination(client, Network(), QuayProbe, utc_now, home, account, in_pod)
