"""The console script, and ``python -m quaybridge_sdk.cli``: one command, and its exit code.

Everything else is imported inside the ``try``, so that Ctrl-C in the first moments ends as it does later: with one line.
"""

import sys


def main() -> None:
    """Runs the command of the command line, and ends the process."""
    try:
        from quaybridge_sdk.cli.main import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        sys.stderr.write("quaybridge: interrupted\n")
        code = 130
    sys.exit(code)


if __name__ == "__main__":
    main()
