"""Logging set-up, with the incumbent's ``--zap-…`` flags, and a second line of defence for secrets.

The first line is :class:`~quaybridge_sdk.model.quay.SecretText`, which no format shows. The filter here masks what looks like a
credential in any record, also in the text of foreign exceptions.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from typing import Literal, TextIO

from attrs import frozen

from quaybridge_sdk.errors import InvalidInputError

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "panic": logging.CRITICAL,
}
Encoder = Literal["json", "console"]

_QUOTE = r"\\*[\"']"
"""A quotation mark of JSON or of Python; with backslashes where a text quotes JSON within JSON."""

_SECRETS = re.compile(
    rf"(?P<keep>(?i:(?:bearer|basic)\s+|{_QUOTE}(?:auth|token){_QUOTE}\s*:\s*{_QUOTE}|token=))[A-Za-z0-9+/=._~-]{{8,}}"
    r"|\b[A-Z0-9]{64}\b"  # a robot's token
)
_QUIET = ("httpx", "httpcore", "urllib3", "kubernetes", "asyncio")


@frozen
class LogOptions:
    """How to log. ``level`` is one of logging's numbers; ``stacktrace_level``: from which level a traceback is printed."""

    level: int = logging.INFO
    encoder: Encoder = "json"
    stacktrace_level: int = logging.ERROR


def parse_level(text: str) -> int:
    """Reads a zap level: ``debug``, ``info``, ``error``, ``panic``, or an integer > 0 (more verbose than info).

    Raises:
        InvalidInputError: anything else.
    """
    if text in LEVELS:
        return LEVELS[text]
    if text.isascii() and text.isdigit() and int(text) > 0:
        return logging.DEBUG
    raise InvalidInputError(f"not a log level: {text!r}; one of {', '.join(LEVELS)} or an integer above 0")


def redact(text: str) -> str:
    """``text`` with all that looks like a credential masked."""
    return _SECRETS.sub(lambda found: (found["keep"] or "") + "********", text)


class _Formatter(logging.Formatter):
    converter = staticmethod(time.gmtime)

    def __init__(self, options: LogOptions) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
        self._options = options

    def format(self, record: logging.LogRecord) -> str:
        if record.levelno < self._options.stacktrace_level:
            record.exc_info, record.exc_text = None, None
        return redact(super().format(record)) if self._options.encoder == "console" else self._json(record)

    def _json(self, record: logging.LogRecord) -> str:
        """The line. Each text is masked before it is encoded: with escapes in it a credential does not look like one any more."""
        line = {
            "ts": f"{self.formatTime(record, self.datefmt)}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
        }
        traces = [self.formatException(record.exc_info)] if record.exc_info else []
        traces += [self.formatStack(record.stack_info)] if record.stack_info else []
        if traces:
            line["stacktrace"] = "\n".join(traces)
        return json.dumps({name: redact(text) for name, text in line.items()})


def set_up_logging(options: LogOptions, stream: TextIO | None = None) -> None:
    """Replaces the root logger's handlers by one on ``stream`` (stderr). Libraries are heard from WARNING on."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_Formatter(options))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(options.level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(options.level, logging.WARNING))
