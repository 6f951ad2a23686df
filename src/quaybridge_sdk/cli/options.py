"""Options that several commands share, in the spelling of the incumbent's flags where it has them."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from quaybridge_sdk.errors import InvalidInputError
from quaybridge_sdk.runtime.health import Address, parse_address
from quaybridge_sdk.runtime.logs import LEVELS, LogOptions, parse_level, set_up_logging

F = TypeVar("F", bound=Callable[..., Any])

DISABLE_WEBHOOK = "DISABLE_WEBHOOK"
"""With this in the environment `quaybridge webhook` has nothing to do, and needs no cluster."""


class BindAddress(click.ParamType[Address | None]):
    """``:8080``, ``127.0.0.1:8080``, ``[::1]:8080``, or ``0`` for none."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address | None:
        if value is None or isinstance(value, Address):
            return value
        try:
            return parse_address(str(value))
        except InvalidInputError as error:
            self.fail(str(error), param, ctx)


class LogLevel(click.ParamType[int]):
    """One of the words of :data:`~quaybridge_sdk.runtime.logs.LEVELS`, or an integer."""

    name = "level"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return parse_level(str(value))
        except InvalidInputError as error:
            self.fail(str(error), param, ctx)


_DURATION = re.compile(r"(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+)s)?")


class Duration(click.ParamType[timedelta]):
    """A duration above 0, as Go programs write it: ``10h``, ``1h30m``, ``45s``."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        found = _DURATION.fullmatch(str(value))
        parts = {unit: int(number) for unit, number in found.groupdict().items() if number} if found else {}
        if not parts:
            self.fail(f"not a duration such as 10h, 1h30m or 45s: {value!r}", param, ctx)
        try:
            duration = timedelta(**parts)
        except OverflowError:
            self.fail(f"longer than a clock can count: {value!r}", param, ctx)
        if not duration:
            self.fail(f"must be above 0: {value!r}", param, ctx)
        return duration


def go_flag(*names: str, default: bool, help: str) -> Callable[[F], F]:
    """A boolean flag as Go programs take it: ``--x``, ``--x=true``, ``--x=false``."""
    return click.option(*names, type=bool, is_flag=False, flag_value="true", default=default, show_default=True, help=help)


def page_options(command: F) -> F:
    """``--metrics-bind-address`` and ``--health-probe-bind-address``."""
    command = click.option(
        "--health-probe-bind-address",
        type=BindAddress(),
        default=":8081",
        show_default=True,
        help="Serves /healthz and /readyz; 0 for none.",
    )(command)
    return click.option(
        "--metrics-bind-address", type=BindAddress(), default=":8080", show_default=True, help="Serves /metrics; 0 for none."
    )(command)


def cluster_options(command: F) -> F:
    """``--kubeconfig`` and ``--context``."""
    command = click.option("--context", default=None, help="The kubeconfig's context to use instead of its current one.")(command)
    return click.option(
        "--kubeconfig",
        type=click.Path(dir_okay=False),
        default=None,
        envvar="KUBECONFIG",
        show_envvar=True,
        callback=_existing,
        help="The kubeconfig. Without one: the pod's service account, or else ~/.kube/config.",
    )(command)


def _existing(ctx: click.Context, _: click.Parameter, value: str | None) -> str | None:
    """Refuses a kubeconfig that is not there, and none at all where there is no pod's service account to stand in for it."""
    in_pod = value is None and "KUBERNETES_SERVICE_HOST" in os.environ
    if ctx.resilient_parsing or in_pod or DISABLE_WEBHOOK in os.environ:
        return value
    files = (value or str(Path.home() / ".kube" / "config")).split(os.pathsep)  # several are merged, as kubectl does
    if not any(Path(file).expanduser().is_file() for file in files if file):
        raise click.UsageError(f"no kubeconfig at {os.pathsep.join(files)}: give --kubeconfig, or set KUBECONFIG", ctx)
    return value


_LEVEL_HELP = f"{', '.join(LEVELS)}, or an integer above 0: the same as debug."


def log_options(command: F) -> F:
    """The incumbent's ``--zap-…`` flags; sets logging up before the command runs."""
    for option in (
        click.option(
            "--zap-time-encoding",
            default="rfc3339",
            show_default=True,
            help="Accepted for compatibility: times are RFC 3339 in UTC.",
        ),
        click.option(
            "--zap-stacktrace-level",
            type=LogLevel(),
            default="error",
            show_default=True,
            help="From which level on tracebacks are logged.",
        ),
        click.option("--zap-encoder", type=click.Choice(["json", "console"]), default=None, help="Log format.  [default: json]"),
        click.option("--zap-log-level", type=LogLevel(), default=None, help=_LEVEL_HELP),
        go_flag("--zap-devel", default=False, help="Console format at level debug, unless said otherwise."),
    ):
        command = option(command)
    return command


def set_up(zap_devel: bool, zap_log_level: int | None, zap_encoder: str | None, zap_stacktrace_level: int) -> None:
    """Sets logging up from the flags of :func:`log_options`."""
    level = zap_log_level or (logging.DEBUG if zap_devel else logging.INFO)
    encoder = zap_encoder or ("console" if zap_devel else "json")
    set_up_logging(LogOptions(level, "console" if encoder == "console" else "json", zap_stacktrace_level))


def namespace_of_pod(given: str | None) -> str:
    """The namespace that this process runs in: as given, or ``POD_NAMESPACE``, or the pod's service account's, or ``default``."""
    if given or os.environ.get("POD_NAMESPACE"):
        return given or os.environ["POD_NAMESPACE"]
    try:
        with open("/var/run/secrets/kubernetes.io/serviceaccount/namespace", encoding="utf-8") as file:  # noqa: PTH123
            return file.read().strip() or "default"
    except OSError:
        return "default"
