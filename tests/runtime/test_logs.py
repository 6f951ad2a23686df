from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Iterator

import pytest

from quaybridge_sdk.errors import InvalidInputError
from quaybridge_sdk.mapping.pull_secret import pull_secret_bytes
from quaybridge_sdk.model.quay import SecretText
from quaybridge_sdk.runtime.logs import Encoder, LogOptions, parse_level, redact, set_up_logging

ROBOT_TOKEN = "ABCDEFGH" * 8


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


CREDENTIALS = (
    f"robot token {ROBOT_TOKEN} leaked",
    f"robot token:\n{ROBOT_TOKEN}",
    "Authorization: Bearer abcdefghij0123456789",
    "Authorization: Bearer\tabcdefghij0123456789",
    "GET /?token=abcdefghij0123456789 failed",
    '{"auths":{"q":{"auth":"abcdefghij0123456789=="}}}',
    '{"token": "abcdefghij0123456789"}',
    json.dumps(json.dumps({"auths": {"q": {"auth": "abcdefghij0123456789=="}}, "token": "abcdefghij0123456789"})),
    repr({"token": "abcdefghij0123456789", "auth": "abcdefghij0123456789"}),
    "authorization: basic abcdefghij0123456789",
    pull_secret_bytes("quay.example.com", "openshift_shop+builder", SecretText("abcdefghij0123456789")).reveal(),
)


@pytest.mark.parametrize("text", CREDENTIALS)
def test_what_looks_like_a_credential_is_masked(text: str) -> None:
    masked = redact(text)
    assert "********" in masked
    assert "abcdefghij0123456789" not in masked
    assert ROBOT_TOKEN not in masked


@pytest.mark.parametrize("text", CREDENTIALS)
@pytest.mark.parametrize("encoder", ["json", "console"])
def test_no_line_shows_a_credential_wherever_it_is(encoder: Encoder, text: str) -> None:
    """As message, as argument, in the traceback of an error and of its cause, and in a stack."""
    stream = io.StringIO()
    set_up_logging(LogOptions(encoder=encoder), stream)
    try:
        try:
            raise ValueError(text)
        except ValueError as error:
            raise RuntimeError(text) from error
    except RuntimeError as error:
        logging.getLogger("quaybridge_sdk.test").exception(text.replace("%", "%%"))
        logging.getLogger("quaybridge_sdk.test").warning("%s and %s", text, error, stack_info=True)
    written = stream.getvalue()
    assert "********" in written
    assert "RuntimeError" in written
    assert "Stack (most recent call last)" in written
    secret = base64.b64encode(b"openshift_shop+builder:abcdefghij0123456789").decode()
    assert [found for found in ("abcdefghij0123456789", ROBOT_TOKEN, secret) if found in written] == []


def test_ordinary_text_is_left_alone() -> None:
    text = "namespace shop: organization openshift_shop is as wanted; sha256:" + "ab" * 32
    assert redact(text) == text


def test_json_lines_carry_tracebacks_and_no_secret() -> None:
    stream = io.StringIO()
    set_up_logging(LogOptions(), stream)
    try:
        raise ValueError(f"Bearer {'x' * 40}")
    except ValueError:
        logging.getLogger("quaybridge_sdk.test").exception("failed with %s", SecretText("abcdefghij0123456789"))
    line = json.loads(stream.getvalue())
    assert line["level"] == "error"
    assert line["msg"] == "failed with SecretText(********)"
    assert "ValueError" in line["stacktrace"]
    assert "x" * 40 not in stream.getvalue()


def test_the_console_format_and_the_stack_trace_level() -> None:
    stream = io.StringIO()
    set_up_logging(LogOptions(encoder="console", stacktrace_level=logging.CRITICAL), stream)
    try:
        raise ValueError("why")
    except ValueError:
        logging.getLogger("quaybridge_sdk.test").exception("failed")
    assert "ERROR quaybridge_sdk.test: failed" in stream.getvalue()
    assert "Traceback" not in stream.getvalue()


def test_libraries_are_quiet_below_warning() -> None:
    stream = io.StringIO()
    set_up_logging(LogOptions(level=logging.DEBUG), stream)
    logging.getLogger("httpx").info("HTTP Request: GET …")
    logging.getLogger("quaybridge_sdk").debug("ours")
    assert "HTTP Request" not in stream.getvalue()
    assert "ours" in stream.getvalue()


@pytest.mark.parametrize(("text", "level"), [("debug", 10), ("info", 20), ("error", 40), ("panic", 50), ("3", 10)])
def test_zap_levels(text: str, level: int) -> None:
    assert parse_level(text) == level


@pytest.mark.parametrize("text", ["", "loud", "-1", "0", "²"])
def test_what_is_no_level_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="not a log level"):
        parse_level(text)
