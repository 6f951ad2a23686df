"""The embedded Quay against the recordings of a real one: every exchange, in order, over real HTTP."""

from __future__ import annotations

import math
from collections import Counter
from functools import cache

import httpx
import pytest
from tests.contract.quay_replay import (
    ADMIN,
    ALICE,
    ANONYMOUS,
    GARBAGE,
    ORGADMIN,
    OUTSIDE,
    Interaction,
    Outcome,
    Preset,
    Replay,
    in_order_of_recording,
)

from quaybridge_sdk.testing.quay import EmbeddedQuay

RECORDED = in_order_of_recording()


@cache
def outcomes() -> dict[str, Outcome]:
    """One run for all tests of this module: later exchanges build on earlier ones."""
    with EmbeddedQuay(name_release=math.inf) as quay, httpx.Client(base_url=quay.url, verify=False) as client:
        quay.add_user("alice")
        tokens = {ADMIN: quay.token, ALICE: quay.issue_token("alice"), ANONYMOUS: None, GARBAGE: "nonsense"}
        tokens[ORGADMIN] = quay.issue_token(scopes={"org:admin"})
        client.headers["Authorization"] = f"Bearer {quay.token}"
        Preset(client, RECORDED).build()
        del client.headers["Authorization"]
        replay = Replay(client, tokens)
        return {interaction.name: replay.run(interaction) for interaction in RECORDED}


@pytest.mark.parametrize("interaction", [step for step in RECORDED if not step.is_outside], ids=lambda step: step.name)
def test_answers_as_recorded(interaction: Interaction) -> None:
    differences = outcomes()[interaction.name].differences
    title = f"{interaction.method} {interaction.path} as {interaction.caller}"
    assert not differences, "\n".join([title, *differences])


@pytest.mark.parametrize("interaction", [step for step in RECORDED if step.is_outside], ids=lambda step: step.name)
def test_outside_is_501(interaction: Interaction) -> None:
    assert outcomes()[interaction.name].status == (501 if interaction.kind_outside else interaction.status)


def test_every_kind_outside_is_recorded() -> None:
    assert {step.kind_outside for step in RECORDED if step.kind_outside} == set(OUTSIDE)


def test_counts() -> None:
    """How much of the recorded behaviour is imitated: figures the documentation may quote."""
    kinds = Counter(("outside" if step.is_outside else "replayed") for step in RECORDED)
    equal = sum(not outcomes()[step.name].differences for step in RECORDED if not step.is_outside)
    assert (len(RECORDED), kinds["replayed"], equal, kinds["outside"]) == (202, 161, 161, 41)
