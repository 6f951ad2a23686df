"""What a soak measures: calls a minute, the controllers' memory, and texts in which no token may be."""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import define, field, frozen
from tests.soak.ground import USER, Ground
from tests.soak.programs import Programs

from quaybridge_sdk.testing.http import HttpServer

GROWTH_KB = 24 * 1024
"""A leader's memory may be so much more after its last half than at the beginning of that."""

OLD_ENOUGH = 240.0
"""Seconds that a process must have lived before its memory tells anything: caches and code are loaded in the first minutes."""

_NAME, _VALUE = USER.split("=")
_LONG_WORD = re.compile(r"[A-Za-z0-9+/=_-]{20,}")


@frozen
class Sample:
    second: float
    pid: int
    kilobytes: int


@define
class Memory:
    """Samples of both controllers' resident memory."""

    programs: Programs
    samples: list[Sample] = field(factory=list)

    def watch(self, over: threading.Event) -> None:
        while not over.wait(5):
            for program in self.programs.controllers:
                if program.running is not None and (kilobytes := _resident(program.running.pid)) is not None:
                    self.samples.append(Sample(time.monotonic(), program.running.pid, kilobytes))

    def lives(self) -> Iterator[list[Sample]]:
        for pid in dict.fromkeys(sample.pid for sample in self.samples):
            yield [sample for sample in self.samples if sample.pid == pid]

    def report(self) -> tuple[list[str], list[str]]:
        """Lines to read, and differences: a process whose memory grows on and on."""
        lines, wrong = [], []
        for life in sorted(self.lives(), key=lambda life: life[0].second - life[-1].second)[:4]:
            seconds, half = life[-1].second - life[0].second, life[len(life) // 2]
            start, end = life[min(len(life) - 1, 6)].kilobytes, life[-1].kilobytes
            lines.append(f"pid {life[0].pid}: {seconds:.0f} s, {start // 1024} MB after 30 s, "
                         f"{half.kilobytes // 1024} MB half-way, {end // 1024} MB at the end")  # fmt: skip
            if seconds >= OLD_ENOUGH and end - half.kilobytes > GROWTH_KB:
                wrong.append(f"the memory of a controller grows: {lines[-1]}")
        return lines, wrong


def _resident(pid: int) -> int | None:
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return None
    found = re.search(r"^VmRSS:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else None


def bridge_calls(server: HttpServer, start: int = 0, *, writes: bool = False) -> int:
    """The calls that were the bridge's, after the first ``start`` requests."""
    return sum(1 for e in server.requests[start:] if e.path.startswith("/api/v1/") and e.query.get(_NAME) != _VALUE
               and (not writes or e.method != "GET"))  # fmt: skip


@define
class Calls:
    """The bridge's calls to Quay, minute by minute."""

    ground: Ground
    minutes: list[int] = field(factory=list)

    def watch(self, over: threading.Event) -> None:
        start = len(self.ground.stage.quay.requests)
        while not over.wait(60):
            end = len(self.ground.stage.quay.requests)
            self.minutes.append(bridge_calls(self.ground.stage.quay, start))
            start = end

    def statuses(self) -> Counter[int]:
        return Counter(e.status for e in self.ground.stage.quay.api_calls if e.query.get(_NAME) != _VALUE)


def leaks(ground: Ground) -> list[str]:
    """Where a token can be read that should not: in logs, and in the cluster outside of Secrets."""
    texts = _texts(ground)
    return [f"a token is shown in {name}" for name, text in texts if not ground.tokens.isdisjoint(_LONG_WORD.findall(text))]


def _texts(ground: Ground) -> Iterable[tuple[str, str]]:
    for log in sorted(ground.stage.folder.glob("*.log")):
        yield log.name, log.read_text(encoding="utf-8", errors="replace")
    for plural in ("events", "namespaces", "quayintegrations", "serviceaccounts", "imagestreams", "builds", "leases"):
        yield f"the cluster's {plural}", json.dumps(ground.stage.openshift.objects(plural))
