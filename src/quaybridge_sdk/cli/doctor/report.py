"""Findings as text for people, 80 columns wide with or without a terminal, and as JSON for programs."""

from __future__ import annotations

import json
import shutil
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import cattrs
import click

from quaybridge_sdk.cli.doctor.catalogue import TOPICS
from quaybridge_sdk.cli.doctor.finding import Finding, Status

FORMAT = 1
"""Version of the JSON. Keys may be added to it; one that is removed or changes its meaning makes it 2."""

MARKS = {Status.OK: "ok", Status.WARNING: "warn", Status.FAILURE: "FAIL", Status.NOT_CHECKED: "?"}
COLOURS = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILURE: "red", Status.NOT_CHECKED: "cyan"}
NARROWEST, WIDEST = 60, 110


def passed(findings: Iterable[Finding]) -> bool:
    """Whether there is no failure."""
    return all(finding.status is not Status.FAILURE for finding in findings)


def as_json(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.status for finding in findings)
    rows = [{"topic": finding.topic, **cattrs.unstructure(finding)} for finding in findings]
    summary = {status.value: counts[status] for status in Status}
    return json.dumps({"format": FORMAT, "ok": passed(findings), "summary": summary, "findings": rows}, indent=2)


def as_text(findings: Sequence[Finding], width: int | None = None) -> Iterator[str]:
    """Lines, topic by topic. Prose is wrapped; commands are not, so that they can be copied."""
    columns = min(WIDEST, max(NARROWEST, width or shutil.get_terminal_size().columns))
    for topic, heading in TOPICS.items():
        rows = [finding for finding in findings if finding.topic == topic]
        if rows:
            yield click.style(heading, bold=True)
            for finding in rows:
                yield from _lines(finding, columns)
    yield summary(findings)


def _lines(finding: Finding, columns: int) -> Iterator[str]:
    mark = click.style(f"{MARKS[finding.status]:>4}", fg=COLOURS[finding.status])
    wrapped = _wrap(f"{finding.subject}: {finding.detail}", columns, " " * 6)
    yield f"{mark}  {wrapped[0].lstrip()}"
    yield from wrapped[1:]
    if finding.mend:
        yield from _wrap(f"-> {finding.mend}", columns, " " * 6)
    for command in finding.commands:
        yield from [f"{' ' * 6}$ {command}"] if "\n" not in command else command.splitlines()


def _wrap(text: str, columns: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text, columns, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def summary(findings: Sequence[Finding]) -> str:
    counts = Counter(finding.status for finding in findings)
    parts = (
        f"{counts[Status.FAILURE]} failed",
        f"{counts[Status.WARNING]} warnings",
        f"{counts[Status.NOT_CHECKED]} not checked",
        f"{counts[Status.OK]} good",
    )
    return ", ".join(parts)
