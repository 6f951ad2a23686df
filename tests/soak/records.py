"""What the bridge says on a namespace that it has brought about, compared with what is true."""

from __future__ import annotations

from typing import Any

from tests.soak.diary import Page
from tests.soak.ground import Ground

from quaybridge_sdk.adapters.kubernetes.objects import parse_pull_secret, parse_service_account
from quaybridge_sdk.mapping.desired import desired_state
from quaybridge_sdk.mapping.ownership import robot_description
from quaybridge_sdk.model.integration import parse_integration
from quaybridge_sdk.model.openshift import APPLIED_ANNOTATION, Namespace
from quaybridge_sdk.model.state import Applied, ClusterState


def record(ground: Ground, page: Page) -> Applied | None:
    """The record on the namespace; None when there is none."""
    metadata: dict[str, Any] = ground.objects("namespaces").get(page.name, {}).get("metadata", {})
    return Applied.loads((metadata.get("annotations") or {}).get(APPLIED_ANNOTATION))


def fingerprint(secret: dict[str, Any] | None) -> str:
    """Of a pull secret's content, as the record has it; "" when there is none."""
    return parse_pull_secret(secret) if secret else ""


def is_up_to_date(ground: Ground, page: Page) -> bool:
    """Whether the record names the ImageStreams and accounts that there are now: then the bridge has seen them."""
    integration = ground.objects("quayintegrations").get(page.cluster_id)
    found = record(ground, page)
    if integration is None or found is None:
        return False
    accounts = {name: parse_service_account(item) for name, item in ground.objects("serviceaccounts", page.name).items()}
    cluster = ClusterState(Namespace(page.name, uid=page.uid), accounts, image_streams=frozenset(page.streams))
    return found.registry == desired_state(parse_integration(integration), cluster, ground.cluster_uid).fingerprint


def mark(ground: Ground, page: Page) -> str:
    """The description of a repository that the bridge makes for this very namespace."""
    return robot_description(page.cluster_id, ground.cluster_uid, page.uid)


def settle(ground: Ground, page: Page) -> None:
    """Of ImageStreams that were made again: a repository that the bridge has checked since then, for them, is not about to go.

    The time of that check counts: the record itself may be as old as the ImageStream that was deleted.
    """
    if not page.again or not is_up_to_date(ground, page):
        return
    found, organization = record(ground, page), ground.organization(page.organization)
    for name, since in list(page.again.items()):
        if found is not None and found.checked_at > since and organization is not None:
            row = organization.repositories.get(name)
            page.settle(name, row.tags if row else {})
