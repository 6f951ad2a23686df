"""`quaybridge demo`: as wide as it should be, one that stays up, and what it says when a program ends under it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from quaybridge_sdk.cli.demo import Narrator, make_console, show_logs
from quaybridge_sdk.cli.main import run

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "quaybridge_sdk.cli"]


@contextmanager
def demo(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """One that stays up, and what it has printed until it says what to try. ``folder`` is where its temporary files go."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TMPDIR": str(folder)}
    command = [*PROGRAM, "demo", "--keep-running"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, text=True, cwd=ROOT, env=environment, **pipes) as running:  # type: ignore[call-overload]
        try:
            yield running, list(_until(running, "kubectl"))
        finally:
            running.terminate()  # after a failed test: it ends its own programs


def _until(running: subprocess.Popen[str], word: str) -> Iterator[str]:
    assert running.stdout is not None
    for line in running.stdout:
        yield line
        if line.startswith(word):
            return


def rest(running: subprocess.Popen[str]) -> str:
    """All that it still says, up to its end."""
    return running.communicate(timeout=60)[0]


def plan(lines: list[str]) -> dict[str, list[dict[str, str]]]:
    """What `quaybridge plan` answers with the kubeconfig of the line that is to be copied."""
    export = next(line for line in lines if line.startswith("export KUBECONFIG="))
    kubeconfig = export.removeprefix("export KUBECONFIG=").strip()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "KUBECONFIG": kubeconfig}
    done = subprocess.run([*PROGRAM, "plan", "--output", "json"], capture_output=True, text=True, env=environment, check=True)
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def pids(lines: list[str]) -> list[int]:
    """Of controller and webhook."""
    return [int(number) for number in re.findall(r"\(pid (\d+)\)", "".join(lines))]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stays_up_for_others_to_try_until_it_is_interrupted(number: signal.Signals, tmp_path: Path) -> None:
    with demo(tmp_path) as (running, lines):
        assert "all is well" in "".join(lines)
        assert list(tmp_path.iterdir()) != []
        created = [action["name"] for action in plan(lines)["actions"] if action["verb"] == "create"]
        assert created == ["openshift_shop/cart"]
        running.send_signal(number)
        assert "all of it is cleaned up" in rest(running)
        assert running.returncode == 0
    assert not [pid for pid in pids(lines) if is_alive(pid)]
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_ends_is_told_at_once(tmp_path: Path) -> None:
    with demo(tmp_path) as (running, lines):
        controller, webhook = pids(lines)
        started = time.monotonic()
        os.kill(webhook, signal.SIGKILL)
        out = rest(running)
    assert running.returncode == 1
    assert out.rstrip().endswith("the demo failed: the webhook ended with exit code -9")
    assert time.monotonic() - started < 20, "it waited for something"
    assert not is_alive(controller)
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_cannot_start_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho '[/bold] broken'\nexit 7\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    assert run(["demo", "--keep-logs", str(tmp_path / "logs")]) == 1
    out, err = capsys.readouterr()
    assert "[/bold] broken" in out
    assert err == "quaybridge: the demo failed: the controller ended with exit code 7\n"


def test_a_folder_that_cannot_be_made_names_the_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--keep-logs", f"{__file__}/x"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"quaybridge: --keep-logs: {__file__}/x cannot be made: Not a directory (see `quaybridge demo --help`)\n"


@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("200", 200), ("", 120), ("wide", 120), (None, 120)])
def test_without_a_terminal_columns_says_how_wide(columns: str | None, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False, raising=False)
    assert make_console().width == width


def test_names_are_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    Narrator(make_console()).done("project ", ("[/x]", "bold"), " is [bold]here[/]")
    assert "project [/x] is [bold]here[/]" in capsys.readouterr().out


def test_last_lines_of_a_log_are_no_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "[red].log").write_text("[/x] was here\n", encoding="utf-8")
    show_logs(make_console(), tmp_path)
    assert capsys.readouterr().out == "[red].log: the last lines\n[/x] was here\n"
