"""The pure functions on one core, and the import of the package. ``python -m benchmarks.core``."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

from benchmarks.figures import Figure, table
from quaybridge_sdk.mapping.build_patch import decide
from quaybridge_sdk.mapping.organization import organization_name
from quaybridge_sdk.mapping.repository import repository_name
from quaybridge_sdk.mapping.scope import assign
from quaybridge_sdk.model.integration import QuayIntegration, SecretKey, parse_endpoint
from quaybridge_sdk.model.openshift import Build

INTEGRATION = QuayIntegration("quay", "openshift", SecretKey("ns", "name"), parse_endpoint("quay.example.com"))
BUILD = Build("shop", "app-1", "Docker", "ImageStreamTag", "app:latest", annotations={"x": "y"})
ROUNDS = 100_000
IMPORTS = 15


def run() -> list[Figure]:
    """All measurements."""
    names = [f"team-{number}" for number in range(1_000)]

    def name(number: int) -> None:
        organization = organization_name("openshift", names[number % 1_000])
        repository_name("quay.example.com", organization, "app")

    def patch(_number: int) -> None:
        decide(BUILD, lambda namespace: assign((INTEGRATION,), namespace))

    name_rate, patch_rate, milliseconds = 2 * _rate(name), _rate(patch), _import_milliseconds()
    return [
        Figure("names on one core", f"{name_rate:,.0f}/s", "200,000/s", "", name_rate >= 200_000),
        Figure("build patches on one core", f"{patch_rate:,.0f}/s", "50,000/s", "", patch_rate >= 50_000),
        Figure("`import quaybridge_sdk`, beyond Python's start", f"{milliseconds:.0f} ms", "60 ms", "", milliseconds <= 60),
    ]


def _rate(work: Callable[[int], None]) -> float:
    started = time.perf_counter()
    for number in range(ROUNDS):
        work(number)
    return ROUNDS / (time.perf_counter() - started)


def _import_milliseconds() -> float:
    """The median of several fresh processes, with what an empty one needs taken off."""

    def median(program: str) -> float:
        times = []
        for _ in range(IMPORTS):
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True)
            times.append(time.perf_counter() - started)
        return statistics.median(times) * 1_000

    return median("import quaybridge_sdk") - median("pass")


if __name__ == "__main__":
    print(table(run()))
