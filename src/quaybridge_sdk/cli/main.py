"""The ``quaybridge`` command: its sub-commands, and what becomes of errors.

Exit codes: 0 done; 1 failed (one line on stderr says why); 2 the arguments are wrong (one line says which); 3 the lease was lost.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from types import MappingProxyType

import click

from quaybridge_sdk.errors import InvalidInputError, QuaybridgeError

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "controller": "Keep Quay in step with the cluster.",
        "webhook": "Answer admission reviews: new builds push to Quay.",
        "demo": "Show the whole bridge at work on embedded servers.",
        "plan": "Show what would be changed, and change nothing.",
        "sync": "Apply the plan once, for all namespaces or some.",
        "deletions": "List, confirm or undo what becomes of organizations whose namespaces are gone.",
        "names": "Show how names are mapped, and map them back.",
        "crds": "Print the CustomResourceDefinitions, for `oc apply -f -`.",
        "doctor": "Check what the bridge needs, and say how to mend it.",
    }
)


class LazyGroup(click.Group):
    """Loads a sub-command's module only when it is called, so that ``quaybridge names`` does not load a Kubernetes client."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"quaybridge_sdk.cli.{cmd_name}")
        command = module.command
        assert isinstance(command, click.Command)  # noqa: S101 - each module of the table defines one
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(version("quaybridge-sdk"), package_name="quaybridge-sdk", prog_name="quaybridge")
def cli() -> None:
    """Replaces OpenShift's integrated registry with Quay.

    Namespaces become organizations, service accounts robots with pull secrets, ImageStreams repositories; builds push to Quay,
    and what they built is imported.
    """


def run(arguments: Sequence[str]) -> int:
    """Runs one command; returns the exit code."""
    try:
        result = cli.main(list(arguments), prog_name="quaybridge", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except (click.UsageError, InvalidInputError) as error:
        text = error.format_message() if isinstance(error, click.UsageError) else str(error)
        click.echo(f"quaybridge: {' '.join(text.split())} (see `{_command(arguments)} --help`)", err=True)
        return 2
    except click.Abort:
        click.echo("quaybridge: interrupted", err=True)
        return 130
    except (QuaybridgeError, click.ClickException, OSError) as error:
        text = error.format_message() if isinstance(error, click.ClickException) else str(error)
        click.echo(f"quaybridge: {text}", err=True)
        return 1
    return result if isinstance(result, int) else 0


def _command(arguments: Sequence[str]) -> str:
    """Whose ``--help`` is of use to the one who typed this."""
    return f"quaybridge {arguments[0]}" if arguments and arguments[0] in COMMANDS else "quaybridge"
