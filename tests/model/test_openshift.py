"""The cluster's objects, by example."""

from __future__ import annotations

import pytest

from quaybridge_sdk.model.openshift import (
    FINALIZER,
    IGNORE_ANNOTATION,
    SEED_FINALIZER,
    Build,
    ImageStreamTag,
    Namespace,
    ServiceAccount,
)


@pytest.mark.parametrize(
    ("finalizers", "ours"),
    [((), False), (("other/one",), False), ((FINALIZER,), True), ((SEED_FINALIZER,), True), (("other/one", FINALIZER), True)],
)
def test_both_generations_of_the_finalizer_are_recognised(finalizers: tuple[str, ...], ours: bool) -> None:
    assert Namespace("shop", "N", finalizers=finalizers).has_finalizer == ours


@pytest.mark.parametrize(
    ("annotations", "ignored"), [({}, False), ({IGNORE_ANNOTATION: "no"}, False), ({IGNORE_ANNOTATION: "true"}, True)]
)
def test_a_namespace_takes_itself_out_by_one_word(annotations: dict[str, str], ignored: bool) -> None:
    assert Namespace("shop", "N", annotations=annotations).ignored == ignored


@pytest.mark.parametrize(
    ("secrets", "pulls", "linked"), [((), (), False), (("s",), (), False), ((), ("s",), False), (("t", "s"), ("s",), True)]
)
def test_a_secret_is_linked_when_it_is_in_both_lists(secrets: tuple[str, ...], pulls: tuple[str, ...], linked: bool) -> None:
    assert ServiceAccount("builder", secrets, pulls).links("s") == linked


@pytest.mark.parametrize(("named", "account"), [(None, "builder"), ("", "builder"), ("pipeline", "pipeline")])
def test_a_build_runs_as_builder_unless_it_says_otherwise(named: str | None, account: str) -> None:
    assert Build("shop", "app-1", service_account=named).account == account


def test_a_destination_is_written_as_the_contract_has_it() -> None:
    assert str(ImageStreamTag("shop", "app", "v1")) == "shop/app:v1"


def test_the_names_of_the_contract_never_change() -> None:
    assert FINALIZER == "quay.redhat.com/quayintegrations"
    assert SEED_FINALIZER == "redhatcop.redhat.io/quayintegrations"
