"""Which service accounts get a robot, and with which role. Source: the incumbent's table, and Red Hat's manual."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from quaybridge_sdk.model.quay import DEFAULT_ACCOUNTS, Role

_BUILDER, _DEFAULT, _DEPLOYER = DEFAULT_ACCOUNTS

DEFAULT_ROLES: Mapping[str, Role] = MappingProxyType(
    {
        _BUILDER: Role.WRITE,  # builds push
        _DEFAULT: Role.READ,  # pods pull
        _DEPLOYER: Role.READ,  # deployer pods pull
    }
)
