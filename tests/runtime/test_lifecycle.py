from __future__ import annotations

import os
import signal
import subprocess
import sys

from quaybridge_sdk.runtime.lifecycle import Stopper


def test_the_first_signal_asks_to_stop_and_the_former_handler_comes_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Stopper() as stopper:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stopper.stopped.wait(5)
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_second_signal_ends_the_process_at_once() -> None:
    program = (
        "import os, signal, threading\n"
        "from quaybridge_sdk.runtime.lifecycle import Stopper\n"
        "with Stopper() as stopper:\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    assert stopper.stopped.wait(5)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    threading.Event().wait(30)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], timeout=20, check=False, env={**os.environ, "PYTHONPATH": "src"})
    assert done.returncode == 128 + signal.SIGTERM


def test_stop_is_the_same_as_a_signal() -> None:
    with Stopper() as stopper:
        stopper.stop()
        assert stopper.stopped.is_set()
