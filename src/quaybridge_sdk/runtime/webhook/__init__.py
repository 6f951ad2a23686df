"""The admission webhook as a server.

The way of a request: :mod:`.connection` (bytes to a call) -> :mod:`.app` (route, hold) ->
:mod:`quaybridge_sdk.admission` (the answer). :mod:`.server` owns listener, loop and end; :mod:`.certificates` follows
the files of the serving certificate.
"""

from quaybridge_sdk.runtime.webhook.app import AdmissionObserver
from quaybridge_sdk.runtime.webhook.certificates import (
    FILE_NAMES,
    CertificateDirectory,
    CertificateFiles,
    CertificatePair,
    CertificateSource,
)
from quaybridge_sdk.runtime.webhook.server import WebhookServer

__all__ = [
    "FILE_NAMES",
    "AdmissionObserver",
    "CertificateDirectory",
    "CertificateFiles",
    "CertificatePair",
    "CertificateSource",
    "WebhookServer",
]
