"""All that is wanted for one namespace, by example."""

from __future__ import annotations

import pytest
from tests.laws.strategies import bare

from quaybridge_sdk.errors import InvalidNameError
from quaybridge_sdk.mapping.desired import desired_state, waits_for_project
from quaybridge_sdk.model.openshift import Namespace
from quaybridge_sdk.model.quay import Role
from quaybridge_sdk.model.state import ClusterState, DesiredRobot

DESCRIPTION = "quaybridge: integration=quay cluster=C namespace=N"


def test_a_namespace_becomes_an_organization_three_robots_and_a_repository_for_each_image_stream() -> None:
    cluster = ClusterState(Namespace("shop", "N"), image_streams=frozenset({"app", "db", "Refused By OpenShift"}))
    desired = desired_state(bare(), cluster, "C")
    assert (desired.namespace, desired.namespace_uid, desired.organization) == ("shop", "N", "openshift_shop")
    assert desired.email == "N@C.quaybridge.invalid"
    assert desired.repositories == {"app", "db"}
    assert desired.robots == (
        DesiredRobot("builder", "openshift_shop+builder", Role.WRITE, DESCRIPTION, "builder-quay-openshift"),
        DesiredRobot("default", "openshift_shop+default", Role.READ, DESCRIPTION, "default-quay-openshift"),
        DesiredRobot("deployer", "openshift_shop+deployer", Role.READ, DESCRIPTION, "deployer-quay-openshift"),
    )
    assert desired.writable
    assert not desired.contents


def test_a_name_that_no_namespace_has_is_refused() -> None:
    with pytest.raises(InvalidNameError, match="'Shop'"):
        desired_state(bare(), ClusterState(Namespace("Shop", "N")), "C")


DISPLAY, TEXT, SCC = "openshift.io/display-name", "openshift.io/description", "openshift.io/sa.scc.mcs"


@pytest.mark.parametrize(
    ("present", "waits"),
    [
        ((), False),  # a plain namespace never gets them
        ((DISPLAY,), False),
        ((TEXT,), False),
        ((DISPLAY, TEXT), True),
        ((DISPLAY, TEXT, SCC), False),
        ((SCC,), False),
    ],
)
def test_a_project_is_waited_for_until_its_scc_annotation_is_there(present: tuple[str, ...], waits: bool) -> None:
    namespace = Namespace("shop", "N", annotations=dict.fromkeys(present, ""))  # empty texts count as well
    assert waits_for_project(ClusterState(namespace)) == waits
