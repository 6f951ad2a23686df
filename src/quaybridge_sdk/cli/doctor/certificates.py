"""Certificates: which names, which dates, and who vouches for whom. Pure.

The rules are those of Go's verifier, which the API server uses: names come from the SANs alone, and a bundle vouches for a
certificate that is in it or that leads to one in it by signatures.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Iterable
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes

SOON = timedelta(days=14)


def parse_pem(content: bytes) -> tuple[x509.Certificate, ...]:
    """All certificates of a PEM text, () when it cannot be read."""
    try:
        return tuple(x509.load_pem_x509_certificates(content))
    except ValueError:
        return ()


def parse_der(content: bytes) -> tuple[x509.Certificate, ...]:
    try:
        return (x509.load_der_x509_certificate(content),)
    except ValueError:
        return ()


def parse_bundle(text: str) -> tuple[x509.Certificate, ...]:
    """A ``caBundle``: PEM, base64-encoded."""
    try:
        return parse_pem(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return ()


def vouched_for(chain: Iterable[x509.Certificate], anchors: Iterable[x509.Certificate]) -> bool:
    """Whether the first of ``chain`` is an anchor, or leads to one by signatures, over the others of ``chain``."""
    known, trusted = list(chain), list(anchors)
    current = known[:1]
    for _ in known:
        if any(each in trusted or any(_signed(each, anchor) for anchor in trusted) for each in current):
            return True
        current = [issuer for each in current for issuer in known if issuer != each and _signed(each, issuer)]
    return False


def _signed(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The subject's alternative names; () when there are none, whatever the common name says."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    addresses = found.get_values_for_type(x509.IPAddress)
    return (*found.get_values_for_type(x509.DNSName), *map(str, addresses))


def is_for(certificate: x509.Certificate, host: str) -> bool:
    """Whether one of its names is ``host``; a wildcard stands for one label."""
    host = host.lower()
    for name in map(str.lower, names(certificate)):
        if name == host or (name.startswith("*.") and not _is_address(host) and host.partition(".")[2] == name[2:]):
            return True
    return False


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def dates(certificate: x509.Certificate, now: datetime) -> tuple[str, bool]:
    """What is to be said about its validity, and whether it is valid now."""
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < begin:
        return f"not valid before {begin:%Y-%m-%d %H:%M} UTC", False
    if now > end:
        return f"expired on {end:%Y-%m-%d %H:%M} UTC", False
    return f"valid until {end:%Y-%m-%d %H:%M} UTC", True


def ends_soon(certificate: x509.Certificate, now: datetime) -> bool:
    return certificate.not_valid_after_utc - now < min(SOON, _lifetime(certificate) / 5)


def _lifetime(certificate: x509.Certificate) -> timedelta:
    return certificate.not_valid_after_utc - certificate.not_valid_before_utc


def described(certificate: x509.Certificate) -> str:
    """Subject, issuer and fingerprint, for a person to compare."""
    digest = certificate.fingerprint(hashes.SHA256()).hex()
    subject, issuer = certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string()
    by = "signed by itself" if subject == issuer else f"issued by {issuer!r}"
    return f"subject {subject!r}, {by}, SHA-256 {digest[:32]}…"
