"""``python -m entrypoints.controller``: the same program as ``quaybridge controller``, as the container image starts it."""

from __future__ import annotations

import sys

from quaybridge_sdk.cli.main import run

if __name__ == "__main__":
    sys.exit(run(["controller", *sys.argv[1:]]))
