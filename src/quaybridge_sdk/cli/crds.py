"""``quaybridge crds``: the CustomResourceDefinitions that an administrator applies, for those who have the package alone."""

from __future__ import annotations

from importlib.resources import files

import click


def texts() -> list[str]:
    """The CRDs as they lie in the package, one YAML document each, in the order of their files' names."""
    found = sorted(files("quaybridge_sdk").joinpath("crds").iterdir(), key=lambda item: item.name)
    return [item.read_text(encoding="utf-8") for item in found]


@click.command("crds")
def command() -> None:
    """Print the CRDs of both QuayIntegrations, as one YAML stream.

    For `quaybridge crds | oc apply -f -`. Talks to no server.
    """
    click.echo("---\n".join(texts()), nl=False)
