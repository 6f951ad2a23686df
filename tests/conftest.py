"""What all tests share: Hypothesis' profiles, and an environment without anything that could lead a test astray.

``HYPOTHESIS_PROFILE=deep`` looks fifty times as long; without it ``ci`` is taken.
"""

from __future__ import annotations

import os
import signal

from hypothesis import HealthCheck, settings

OURS = ("QUAYBRIDGE_", "KUBECONFIG", "KUBERNETES_", "DISABLE_WEBHOOK", "WEBHOOK_", "POD_", "LEADER_")
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
GIVEN_ON_PURPOSE = "QUAYBRIDGE_TEST_"
"""Addresses of live servers, for the contract tests."""


def scrub_environment() -> None:
    """Takes out what the programs and their clients read, so that a developer's cluster is never touched by a test."""
    for name in list(os.environ):
        read = name.startswith(OURS) or name.upper() in PROXIES
        if read and not name.startswith(GIVEN_ON_PURPOSE):
            del os.environ[name]


scrub_environment()

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what runs in its background so, and programs inherit it: those that are interrupted here would never hear it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Shared machines make single examples slow now and then: a deadline would measure the machine. Generating whole worlds is
# slow as well as large on purpose.
_PATIENT = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
settings.register_profile("ci", deadline=None, max_examples=100, suppress_health_check=_PATIENT)
settings.register_profile("deep", deadline=None, max_examples=5_000, suppress_health_check=_PATIENT)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
