"""What a check found: a value that the table, the JSON and the exit code are made of."""

from __future__ import annotations

from enum import Enum

from attrs import frozen


class Status(str, Enum):
    """How a check ended. Only a failure makes the command fail."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"
    NOT_CHECKED = "not_checked"


@frozen
class Finding:
    """One check's outcome. No field ever holds a secret.

    Attributes:
        check: the check's stable name, a key of :data:`~quaybridge_sdk.cli.doctor.catalogue.CHECKS`.
        subject: what was looked at.
        mend: what to do, in words.
        commands: what to type for it; a command may have several lines.
    """

    check: str
    subject: str
    status: Status
    detail: str
    mend: str = ""
    commands: tuple[str, ...] = ()

    @property
    def topic(self) -> str:
        return self.check.partition(".")[0]


def good(check: str, subject: str, detail: str) -> Finding:
    return Finding(check, subject, Status.OK, detail)


def unsure(check: str, subject: str, detail: str, mend: str = "", *commands: str) -> Finding:
    """Not checked, and why not."""
    return Finding(check, subject, Status.NOT_CHECKED, detail, mend, commands)


def doubtful(check: str, subject: str, detail: str, mend: str = "", *commands: str) -> Finding:
    """A warning: it works, but somebody should know."""
    return Finding(check, subject, Status.WARNING, detail, mend, commands)


def bad(check: str, subject: str, detail: str, mend: str = "", *commands: str) -> Finding:
    return Finding(check, subject, Status.FAILURE, detail, mend, commands)
