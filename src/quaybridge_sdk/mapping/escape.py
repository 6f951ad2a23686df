"""What all name rules share: what a legal name is on each side, and the two reversible or collision-free encodings.

Sources: Quay's ``util/validation.py`` for organizations and robots (measured: 2 to 255 characters), RFC 1123 for
namespaces and Secrets, Docker's reference grammar for repositories and tags.
"""

from __future__ import annotations

import base64
import hashlib
import re

from quaybridge_sdk.errors import InvalidNameError

QUAY_NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
"""An organization's or robot's name; an ImageStream's name follows the same expression."""
QUAY_LENGTH = 255
"""Of an organization, and of ``<organization>+<robot>`` (the column's width)."""

DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
DNS_LABEL_LENGTH = 63
DNS_SUBDOMAIN_LENGTH = 253

HASH_LENGTH = 20
"""Characters of :func:`digest`: 100 bits, so that a collision is out of reach."""

SLUG_LENGTH = 40

_DASHES = re.compile(r"-{2,}")


def is_quay_name(name: str) -> bool:
    """Whether Quay accepts ``name`` for an organization or the short name of a robot."""
    return 2 <= len(name) <= QUAY_LENGTH and QUAY_NAME.fullmatch(name) is not None


def is_dns_label(name: str) -> bool:
    """RFC 1123 label: a namespace's name."""
    return len(name) <= DNS_LABEL_LENGTH and DNS_LABEL.fullmatch(name) is not None


def is_dns_subdomain(name: str) -> bool:
    """RFC 1123 subdomain: a Secret's or service account's name."""
    return len(name) <= DNS_SUBDOMAIN_LENGTH and all(DNS_LABEL.fullmatch(label) for label in name.split("."))


def require(ok: bool, kind: str, name: str) -> None:
    """Raises InvalidNameError unless ``ok``: the name is one that Kubernetes itself would have refused."""
    if not ok:
        raise InvalidNameError(f"not a valid {kind} name: {name!r}")


def escape_dashes(name: str, mark: str) -> str:
    """Writes each run of n >= 2 dashes as ``<mark>n<mark>``: ``a--b`` becomes ``a.2.b`` with the mark ``.``.

    Reversible as long as ``name`` does not hold the mark; ``name`` starts and ends with a letter or digit.
    """
    return _DASHES.sub(lambda run: f"{mark}{len(run.group())}{mark}", name)


def unescape_dashes(name: str, mark: str) -> str | None:
    """The inverse of :func:`escape_dashes`; None when ``name`` was not made by it."""
    parts = name.split(mark)
    if len(parts) % 2 == 0 or not all(count.isascii() and count.isdigit() for count in parts[1::2]):
        return None
    plain = "".join("-" * min(int(part[:4]), DNS_SUBDOMAIN_LENGTH) if odd else part for odd, part in _numbered(parts))
    return plain if escape_dashes(plain, mark) == name else None


def _numbered(parts: list[str]) -> list[tuple[bool, str]]:
    return [(index % 2 == 1, part) for index, part in enumerate(parts)]


def digest(*parts: str) -> str:
    """20 lower-case base32 characters of SHA-256 over the parts, each with its length: different parts, different digest.

    Lone surrogates (which no API can deliver, but a Python string can hold) are hashed too, so the function is total.
    """
    sha = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        sha.update(b"%d:" % len(data) + data)
    return base64.b32encode(sha.digest()).decode("ascii").lower()[:HASH_LENGTH]


def slug(text: str, length: int = SLUG_LENGTH, default: str = "x") -> str:
    """A readable stand-in for ``text``: lower case, ASCII letters and digits, single dashes. Never unique by itself."""
    words = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return words[:length].strip("-") or default
