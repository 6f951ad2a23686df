"""``python -m tests.soak --minutes 30 --seed N``: exit code 1 when anything is lost, left over, or not as it should be."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from tests.conftest import scrub_environment
from tests.soak.run import Options, Report, run


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--names", type=int, default=16, help="names that namespaces of both integrations take turns with")
    given = parser.parse_args(arguments)
    scrub_environment()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the programs are ended, too
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    report = run(Options(given.minutes * 60, given.seed, given.names), folder)
    sys.stdout.write(page(report, f"{given.minutes:g} minutes with seed {given.seed}; logs are in {folder}"))
    return 1 if report.differences else 0


def page(report: Report, head: str) -> str:
    """The report as it is read."""
    verdict = f"{len(report.differences)} DIFFERENCES" if report.differences else "no difference: nothing lost, nothing left over"
    lines = [head, "", *report.counters.lines(), "", *report.lines, "", verdict, *(f"  - {text}" for text in report.differences)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
