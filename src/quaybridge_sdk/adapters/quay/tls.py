"""Whom to trust: an endpoint's TLS context."""

from __future__ import annotations

import ssl

import httpx

from quaybridge_sdk.errors import InvalidIntegrationError
from quaybridge_sdk.model.quay import QuayEndpoint


def tls_context(endpoint: QuayEndpoint) -> ssl.SSLContext:
    """The context for an endpoint: nothing is verified when it is insecure; else its own CA bundle, when given, is the only
    anchor; else the system's store, so that a CA which the administrator put there counts.

    Raises:
        InvalidIntegrationError: the CA bundle holds no certificate that can be read.
    """
    if endpoint.insecure or endpoint.url.startswith("http://"):  # reading the system's store takes some 30 ms: not for nothing
        return httpx.create_ssl_context(verify=False)
    if endpoint.ca_bundle is not None:
        return _pinned(endpoint.ca_bundle)
    context = ssl.create_default_context()
    # A minimal container image has no store: then httpx's own, the certificates of certifi.
    return context if context.get_ca_certs() else httpx.create_ssl_context()


def _pinned(bundle: str) -> ssl.SSLContext:
    unreadable = InvalidIntegrationError("spec.caBundle", "holds no PEM certificate that can be read")
    if not bundle or not bundle.isascii():  # ssl takes "" for none given, and then trusts the system's store
        raise unreadable
    try:
        context = ssl.create_default_context(cadata=bundle)
    except ssl.SSLError as error:
        raise unreadable from error
    # As Go's verifier, the incumbent's: an intermediate CA or the server's own certificate may be the anchor.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
