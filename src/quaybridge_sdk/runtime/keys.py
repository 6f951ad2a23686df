"""What the controller's workers work on."""

from __future__ import annotations

from typing import Literal

from attrs import frozen

KeyKind = Literal["namespace", "build", "integration", "token"]


@frozen
class Key:
    """What a worker works on. ``name`` is a Build's name, or the key of an integration: of kind ``integration`` when its status
    is due, of kind ``token`` when its token was replaced.
    """

    kind: KeyKind
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.kind, "/".join(filter(None, (self.namespace, self.name))))))

    @property
    def group(self) -> str:
        """Keys of one group take turns with those of others."""
        return self.namespace or self.name
