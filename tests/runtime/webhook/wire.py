"""Real sockets to a running webhook, and certificates for it."""

from __future__ import annotations

import datetime as dt
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from attrs import define, field, frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PATIENCE = 20.0
"""Seconds after which a test that waits for the server has failed."""


def write_pair(folder: Path, names: tuple[str, str] = ("tls.crt", "tls.key"), *, name: str = "first", password: str = "") -> None:
    """A new self-signed certificate for localhost, with ``name`` as its common name, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    hidden = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    folder.joinpath(names[0]).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    folder.joinpath(names[1]).write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)
    )


def common_name(der: bytes) -> str:
    return str(x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def trusting() -> ssl.SSLContext:
    """A client that takes any certificate: which one it was is asked afterwards."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@frozen
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@define
class Wire:
    """One connection. ``certificate`` is the common name of the server's, "" without TLS."""

    sock: socket.socket
    certificate: str = ""
    buffer: bytearray = field(factory=bytearray)

    def send(self, data: bytes) -> Self:
        self.sock.sendall(data)
        return self

    def read(self) -> Response:
        """The next response. Raises EOFError when the server has closed the connection."""
        while b"\r\n\r\n" not in self.buffer:
            self._more()
        head, _, rest = bytes(self.buffer).partition(b"\r\n\r\n")
        first, *lines = head.decode("ascii").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        length = int(headers.get("content-length", "0"))
        self.buffer[:] = rest
        while len(self.buffer) < length:
            self._more()
        body = bytes(self.buffer[:length])
        del self.buffer[:length]
        return Response(int(first.split(" ")[1]), headers, body)

    def at_end(self) -> bool:
        """Whether the server closed the connection without another byte."""
        return not self.buffer and self.sock.recv(65536) == b""

    def _more(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise EOFError("the server closed the connection")
        self.buffer += data


@contextmanager
def wire(port: int, *, tls: bool = False, server_name: str | None = "localhost") -> Iterator[Wire]:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain:
        if not tls:
            yield Wire(plain)
            return
        with trusting().wrap_socket(plain, server_hostname=server_name) as sock:
            yield Wire(sock, common_name(sock.getpeercert(binary_form=True) or b""))


def request(body: bytes, *, method: str = "POST", target: str = "/admissionwebhook?timeout=10s", more: str = "") -> bytes:
    """A request as the API server sends it; ``more`` are further header lines."""
    lines = (f"{method} {target} HTTP/1.1", "Host: webhook", "Content-Type: application/json", f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + f"\r\n{more}\r\n").encode() + body


def review_request(review: Any, **more: str) -> bytes:
    return request(json.dumps(review).encode(), **more)


def post(port: int, review: Any, *, tls: bool = False, **more: str) -> Response:
    """One review over a connection of its own."""
    with wire(port, tls=tls) as connection:
        return connection.send(review_request(review, **more)).read()
