"""``python -m entrypoints.webhook``: the same program as ``quaybridge webhook``, as the container image starts it."""

from __future__ import annotations

import sys

from quaybridge_sdk.cli.main import run

if __name__ == "__main__":
    sys.exit(run(["webhook", *sys.argv[1:]]))
