"""Makes the README fit for a package index: its relative links get the project's address in front."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_RELATIVE = re.compile(r"\]\((?!https?:|#)([^)\s]+)\)")


def absolute(text: str, project: str) -> str:
    """``text`` with each link to a file of the repository as one to ``project``, the repository's address."""
    return _RELATIVE.sub(rf"]({project}/blob/main/\1)", text)


class Readme(MetadataHookInterface):
    """Called by hatchling, since ``readme`` is dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Adds the field."""
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        readme = absolute(text, metadata["urls"]["Homepage"])
        metadata["readme"] = {"content-type": "text/markdown", "text": readme}
