"""Tokens that can be found again: every secret of the fakes bears one mark, which no output may show in any form."""

from __future__ import annotations

import base64
import itertools

from quaybridge_sdk.model.quay import SecretText

MARK = "QZSECRETQZSECRET"
_serials = itertools.count(1)


def _forms() -> tuple[str, ...]:
    """The mark itself, and what base64 makes of it at each of the three places that it can begin at."""
    encoded = (base64.b64encode(b"x" * shift + MARK.encode()).decode() for shift in range(3))
    return (MARK, *(text[4:16] for text in encoded))


FORMS = _forms()


def new_token() -> SecretText:
    return SecretText(f"{MARK}{next(_serials):06d}")


def shown(text: str) -> bool:
    """Whether ``text`` shows a token, plain or as it stands in a pull secret."""
    return any(form in text for form in FORMS)
