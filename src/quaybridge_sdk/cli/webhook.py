"""``quaybridge webhook``: answers admission reviews from watch caches, over TLS."""

from __future__ import annotations

import logging
import os
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from quaybridge_sdk.adapters.kubernetes.kinds import Kind
from quaybridge_sdk.cli.assembly import Assembly, assemble, utc_now
from quaybridge_sdk.cli.options import (
    DISABLE_WEBHOOK,
    BindAddress,
    cluster_options,
    go_flag,
    log_options,
    namespace_of_pod,
    page_options,
    set_up,
)
from quaybridge_sdk.cli.pages import serve_pages
from quaybridge_sdk.errors import InvalidInputError
from quaybridge_sdk.runtime.health import Address
from quaybridge_sdk.runtime.heartbeat import Heartbeat
from quaybridge_sdk.runtime.lifecycle import Stopper
from quaybridge_sdk.runtime.metrics import Metrics
from quaybridge_sdk.runtime.webhook import CertificateDirectory, CertificateFiles, CertificateSource, WebhookServer

_log = logging.getLogger(__name__)

KINDS = frozenset({Kind.NAMESPACE, Kind.SERVICE_ACCOUNT, Kind.IMAGE_STREAM, Kind.INTEGRATION})
"""All that an answer depends on."""

CERTIFICATE_DIRECTORY = "/apiserver.local.config/certificates"


@click.command("webhook")
@click.option(
    "--webhook-bind-address", type=BindAddress(), default=":9443", show_default=True, help="Serves /admissionwebhook over TLS."
)
@click.option(
    "--webhook-cert-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="WEBHOOK_CERT_DIR",
    default=CERTIFICATE_DIRECTORY,
    show_default=True,
    show_envvar=True,
    help="The certificate: apiserver.crt and .key, tls.crt and .key, or cert.pem and key.pem.",
)
@click.option(
    "--webhook-cert-file", "--webhookCertFile", type=click.Path(path_type=Path), help="The certificate, instead of the folder."
)
@click.option("--webhook-key-file", "--webhookKeyFile", type=click.Path(path_type=Path), help="Its private key.")
@go_flag("--webhook-ssl-disable", "--webhookSslDisable", default=False, help="Plain HTTP, for a proxy in front that does TLS.")
@page_options
@click.option(
    "--hold", type=click.FloatRange(0, 25), default=8.0, show_default=True, help="Seconds that a build waits for its pull secret."
)
@click.option(
    "--grace", type=click.FloatRange(0, 600), default=5.0, show_default=True, help="Seconds for requests under way at the end."
)
@cluster_options
@log_options
def command(**flags: Any) -> int:
    """Answer admission reviews: new builds push to Quay.

    Makes no call while a request waits: it answers from caches, and is not ready before they are filled. With DISABLE_WEBHOOK
    in the environment it ends at once, with exit code 0.
    """
    set_up(flags["zap_devel"], flags["zap_log_level"], flags["zap_encoder"], flags["zap_stacktrace_level"])
    if DISABLE_WEBHOOK in os.environ:
        _log.info("%s is set: there is nothing to do", DISABLE_WEBHOOK)
        return 0
    address: Address | None = flags["webhook_bind_address"]
    if address is None:
        raise InvalidInputError("--webhook-bind-address: the webhook needs an address")
    metrics = Metrics()
    with Stopper() as stopper, ExitStack() as stack:
        assembly = stack.enter_context(assemble(flags["kubeconfig"], flags["context"], kinds=KINDS))
        serve_pages(stack, flags["metrics_bind_address"], flags["health_probe_bind_address"], metrics, assembly)
        identity = os.environ.get("POD_NAME") or socket.gethostname()
        beat = Heartbeat(assembly.leases, namespace_of_pod(None), identity, lambda: assembly.caches.synced, utc_now)
        stack.enter_context(beat)
        _server(assembly, address, flags, metrics).run_forever(stopper.stopped)
    return 0


def _server(assembly: Assembly, address: Address, flags: dict[str, Any], metrics: Metrics) -> WebhookServer:
    return WebhookServer(
        assembly.caches,
        assembly.caches,
        ready=lambda: assembly.caches.synced,
        host=address.host,
        port=address.port,
        certificates=_certificates(flags),
        observer=metrics,
        hold=flags["hold"],
        grace=flags["grace"],
    )


def _certificates(flags: dict[str, Any]) -> CertificateSource | None:
    """Where the certificate is, by the flags. Raises InvalidInputError when only one of the two files is given."""
    if flags["webhook_ssl_disable"]:
        return None
    certificate, key = flags["webhook_cert_file"], flags["webhook_key_file"]
    if (certificate is None) != (key is None):
        raise InvalidInputError("--webhook-cert-file and --webhook-key-file belong together")
    return CertificateFiles(certificate, key) if certificate else CertificateDirectory(flags["webhook_cert_dir"])
