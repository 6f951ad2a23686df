"""Which service accounts get a robot, and with which role. Source: the incumbent's table, and Red Hat's manual."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from quaybridge_sdk.model.quay import Role

DEFAULT_ROLES: Mapping[str, Role] = MappingProxyType(
    {
        "builder": Role.WRITE,  # builds push
        "default": Role.READ,  # pods pull
        "deployer": Role.READ,  # deployer pods pull
    }
)
