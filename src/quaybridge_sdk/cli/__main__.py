"""``python -m quaybridge_sdk.cli``: the same as the console script."""

from quaybridge_sdk.cli.main import main

main()
