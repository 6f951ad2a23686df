"""``quaybridge crds``: the CustomResourceDefinitions that an administrator applies, for those who have the package alone."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import click
import yaml


def texts() -> list[str]:
    """The CRDs as they lie in the package, one YAML document each, in the order of their files' names."""
    found = sorted(files("quaybridge_sdk").joinpath("crds").iterdir(), key=lambda item: item.name)
    return [item.read_text(encoding="utf-8") for item in found]


def definitions() -> list[dict[str, Any]]:
    """The same, read."""
    return [yaml.safe_load(text) for text in texts()]


@click.command("crds")
def command() -> None:
    """Print the CRDs of both QuayIntegrations, as one YAML stream.

    For `quaybridge crds | oc apply -f -`. Talks to no server.
    """
    click.echo("---\n".join(texts()), nl=False)
