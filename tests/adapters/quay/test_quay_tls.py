"""Whom the adapter trusts."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.adapters.quay.support import registry_of

from quaybridge_sdk.adapters.quay import QuayRegistry
from quaybridge_sdk.adapters.quay.tls import tls_context
from quaybridge_sdk.errors import InvalidIntegrationError, TLSVerificationError, UnreachableError
from quaybridge_sdk.model.quay import QuayEndpoint, SecretText
from quaybridge_sdk.testing.quay import EmbeddedQuay


@frozen
class Served:
    quay: EmbeddedQuay
    pem: str


def _certificate(host: str, folder: Path, days: int = 1, *, by_another: bool = False) -> tuple[str, ssl.SSLContext]:
    """A certificate for ``host``, self-signed or by an authority that is not given, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    signer = ec.generate_private_key(ec.SECP256R1()) if by_another else key
    name, issuer = (
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("quay", "CA" if by_another else "quay")
    )
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=9)).not_valid_after(now + timedelta(days=days))
    names: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(host))]
    for extension, critical in (
        (x509.SubjectAlternativeName(names), False),
        (x509.BasicConstraints(ca=not by_another, path_length=None), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False),
    ):
        builder = builder.add_extension(extension, critical)
    pem = builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "both.pem").write_bytes(pem + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")
    return pem.decode(), context


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    pem, context = _certificate("127.0.0.1", tmp_path)
    with EmbeddedQuay(tls=context) as quay:
        yield Served(quay, pem)


def test_a_self_signed_certificate_is_refused(served: Served) -> None:
    with registry_of(served.quay) as registry, pytest.raises(TLSVerificationError, match=r"self.signed.*spec\.caBundle"):
        registry.check_token()
    assert served.quay.requests == (), "the token was not sent"


def test_it_is_accepted_with_its_ca(served: Served) -> None:
    with registry_of(served.quay, ca_bundle=served.pem) as registry:
        assert registry.check_token() == "admin"


def test_it_is_accepted_when_nothing_is_verified(served: Served) -> None:
    with registry_of(served.quay, insecure=True) as registry:
        assert registry.check_token() == "admin"


def test_another_ca_does_not_help(served: Served, tmp_path: Path) -> None:
    other, _ = _certificate("127.0.0.1", tmp_path)
    with registry_of(served.quay, ca_bundle=other) as registry, pytest.raises(TLSVerificationError):
        registry.check_token()


def test_the_servers_own_certificate_may_be_the_anchor(tmp_path: Path) -> None:
    """Without the authority above it: so it was with the incumbent's language, and so people have set it up."""
    pem, context = _certificate("127.0.0.1", tmp_path, by_another=True)
    with EmbeddedQuay(tls=context) as quay, registry_of(quay, ca_bundle=pem) as registry:
        assert registry.check_token() == "admin"


def test_a_write_to_an_untrusted_quay_is_tried_once(served: Served) -> None:
    with registry_of(served.quay) as registry, pytest.raises(TLSVerificationError):
        registry.create_organization("shop", "a@b.cc")
    assert served.quay.requests == ()


@pytest.mark.parametrize(("host", "days", "words"), [("10.0.0.1", 1, "IP address mismatch"), ("127.0.0.1", -1, "expired")])
def test_a_trusted_certificate_must_fit(tmp_path: Path, host: str, days: int, words: str) -> None:
    pem, context = _certificate(host, tmp_path, days)
    server = EmbeddedQuay(tls=context)
    with server as quay, registry_of(quay, ca_bundle=pem) as registry, pytest.raises(TLSVerificationError, match=words):
        registry.check_token()


def test_a_quay_that_speaks_no_tls_is_unreachable(quay: EmbeddedQuay) -> None:
    url = quay.url.replace("http://", "https://")
    registry = QuayRegistry(QuayEndpoint(url, url[8:]), SecretText(quay.token), sleep=lambda _: None)
    with registry, pytest.raises(UnreachableError, match="no connection"):
        registry.check_token()


@pytest.mark.parametrize("bundle", ["", "no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "é"])
def test_a_bundle_without_certificates(bundle: str) -> None:
    endpoint = QuayEndpoint("https://quay.test", "quay.test", ca_bundle=bundle)
    with pytest.raises(InvalidIntegrationError, match=r"spec\.caBundle"):
        QuayRegistry(endpoint, SecretText("token"))


def test_without_a_bundle_the_systems_authorities_count() -> None:
    context = tls_context(QuayEndpoint("https://quay.test", "quay.test"))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.get_ca_certs()


def test_an_image_without_a_store_has_one_all_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    empty = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    bare = iter([empty])
    make = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda **more: next(bare) if not more else make(**more))
    context = tls_context(QuayEndpoint("https://quay.test", "quay.test"))
    assert context is not empty
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.get_ca_certs()


def test_a_bundle_is_the_only_anchor(tmp_path: Path) -> None:
    pem, _ = _certificate("127.0.0.1", tmp_path)
    context = tls_context(QuayEndpoint("https://quay.test", "quay.test", ca_bundle=pem))
    assert len(context.get_ca_certs()) == 1
    assert context.verify_mode is ssl.CERT_REQUIRED
