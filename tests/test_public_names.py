"""The public names are a promise, and so is what an import does not load."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import quaybridge_sdk

NAMES = [
    "ClusterState",
    "Desired",
    "Observed",
    "QuayIntegration",
    "QuaybridgeError",
    "RegistryState",
    "SecretText",
    "after",
    "assign",
    "collisions",
    "decide",
    "decide_import",
    "desired_state",
    "image_pull_spec",
    "judge",
    "organization_name",
    "organization_origin",
    "ownership",
    "parse_integration",
    "plan",
    "pull_secret_bytes",
    "pull_secret_name",
    "repository_name",
    "repository_origin",
    "reverse",
    "robot_name",
    "robot_origin",
    "scope",
    "settle",
]


def test_the_public_names() -> None:
    assert quaybridge_sdk.__all__ == NAMES
    assert all(hasattr(quaybridge_sdk, name) for name in NAMES)


def test_the_import_loads_no_client() -> None:
    program = "import sys, quaybridge_sdk; print(*{'httpx', 'kubernetes', 'tenacity', 'urllib3', 'click'} & set(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(Path(quaybridge_sdk.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == []
