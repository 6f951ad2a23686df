"""The serving certificate: where its files are, and the TLS context that follows them when they change.

A Secret's volume is replaced under a running pod when the certificate is renewed. Each new handshake uses the newest pair that
could be loaded; connections that are open go on as they are. A pair that cannot be loaded (half written, or a key of
another certificate) changes nothing, is logged once, and is tried again when the files change again.
"""

from __future__ import annotations

import hashlib
import logging
import ssl
from pathlib import Path
from typing import Protocol

from attrs import frozen

from quaybridge_sdk.errors import InvalidInputError

_log = logging.getLogger(__name__)

FILE_NAMES = (
    ("apiserver.crt", "apiserver.key"),  # what OLM mounts, and the incumbent reads
    ("tls.crt", "tls.key"),  # a Secret of type kubernetes.io/tls
    ("cert.pem", "key.pem"),  # the manual of the first generation
)
"""The names under which a directory is searched, in this order."""


@frozen
class CertificatePair:
    """A certificate chain and its private key, both PEM."""

    certificate: Path
    key: Path

    def __str__(self) -> str:
        return f"{self.certificate} and {self.key}"


class CertificateSource(Protocol):
    """Tells where the pair is at the moment."""

    def pair(self) -> CertificatePair:
        """Raises InvalidInputError when there is none."""


@frozen
class CertificateFiles:
    """A pair given by its two paths."""

    certificate: Path
    key: Path

    def pair(self) -> CertificatePair:
        return CertificatePair(self.certificate, self.key)


@frozen
class CertificateDirectory:
    """A directory that holds a pair under one of :data:`FILE_NAMES`."""

    path: Path

    def pair(self) -> CertificatePair:
        for certificate, key in FILE_NAMES:
            pair = CertificatePair(self.path / certificate, self.path / key)
            if pair.certificate.is_file() and pair.key.is_file():
                return pair
        names = ", or ".join(f"{certificate} with {key}" for certificate, key in FILE_NAMES)
        raise InvalidInputError(f"no serving certificate in {self.path}: expected {names}")


class LiveCertificate:
    """A TLS context for a listener that hands each handshake to the newest certificate.

    A certificate is never loaded into a context that is in use: OpenSSL replaces the chain before it looks at the key,
    so a pair that does not match would leave the context without a usable one. Each pair gets a context of its own, and
    the callback that OpenSSL calls for every ClientHello (with a server name or without) switches to the newest.
    """

    def __init__(self, source: CertificateSource) -> None:
        """Loads the first pair. Raises InvalidInputError when that fails."""
        self._source = source
        self._loaded = b""
        self._complained = ""
        self._newest = self._load()
        self.context = _context()
        self.context.sni_callback = self._switch

    def refresh(self) -> bool:
        """Looks at the files, and loads them if they have changed. Returns whether a new pair is in use. Never raises.

        A pair that could not be loaded is tried again each time: it may have been looked at in the middle of a change.
        """
        try:
            if _digest(self._source.pair()) == self._loaded:
                return False
            self._newest = self._load()
        except InvalidInputError as error:
            self._complain(error)
            return False
        self._complained = ""
        _log.info("new serving certificate loaded")
        return True

    def _load(self) -> ssl.SSLContext:
        pair = self._source.pair()
        before = _digest(pair)
        context = _load(pair)
        self._loaded = before if _digest(pair) == before else b""  # changed in between: which one it was is not known
        return context

    def _complain(self, error: InvalidInputError) -> None:
        """Once for each error, not each second."""
        said = str(error)
        if said != self._complained:
            _log.error("the former serving certificate stays in use: %s", error)
        self._complained = said

    def _switch(self, handshake: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _context: ssl.SSLContext) -> None:
        handshake.context = self._newest


def _context() -> ssl.SSLContext:
    """TLS 1.2 or later (Python's default). No HTTP/2: the API server then speaks HTTP/1.1 with kept-alive connections."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    return context


def _load(pair: CertificatePair) -> ssl.SSLContext:
    context = _context()
    try:
        # The empty password fails on an encrypted key; without it OpenSSL would ask the terminal for one.
        context.load_cert_chain(pair.certificate, pair.key, password="")
    except OSError as error:  # ssl.SSLError is one of them
        raise InvalidInputError(f"cannot load the serving certificate from {pair}: {error}") from error
    return context


def _digest(pair: CertificatePair) -> bytes:
    """Of the contents: a volume's files are replaced through a link, so times and sizes may stay the same."""
    try:
        return b"".join(hashlib.sha256(path.read_bytes()).digest() for path in (pair.certificate, pair.key))
    except OSError as error:
        raise InvalidInputError(f"cannot read the serving certificate: {error}") from error
