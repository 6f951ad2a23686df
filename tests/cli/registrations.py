"""Webhooks, as the API server has them registered."""

from __future__ import annotations

from typing import Any

from tests.cli.fakes import NOW
from tests.cli.pki import DAY, issue

from quaybridge_sdk.cli.doctor.ports import Json
from quaybridge_sdk.cli.doctor.registered import Registered

BEGIN = NOW - DAY
CA = issue(ca=True, cn="signer", begin=BEGIN)


def manual(bundle: str = CA.base64, **changes: Any) -> Json:
    """The webhook of the first generation's manual, as it is written there."""
    return {
        "name": "quayintegration.redhatcop.redhat.io",
        "clientConfig": {
            "service": {"namespace": "openshift-operators", "name": "quay-bridge-operator", "path": "/admissionwebhook"},
            "caBundle": bundle,
        },
        "rules": [
            {"operations": ["CREATE"], "apiGroups": ["build.openshift.io"], "apiVersions": ["v1"], "resources": ["builds"]}
        ],
        "failurePolicy": "Fail",
        "matchPolicy": "Exact",
        "timeoutSeconds": 30,
        "sideEffects": "None",
        "admissionReviewVersions": ["v1beta1"],
        **changes,
    }


def each(bundle: str = CA.base64, **changes: Any) -> Registered:
    return Registered("quay-bridge-operator", 0, manual(bundle, **changes))


def rule(**changes: Any) -> Json:
    return {**manual()["rules"][0], **changes}
