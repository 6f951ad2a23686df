"""Laws of how deep a pass looks, and of the record in the cluster that lets it look less deep."""

from __future__ import annotations

import copy
import json
from datetime import datetime, timedelta

from attrs import evolve
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.laws.passes import INTERVAL, NOW, converge
from tests.laws.strategies import more_examples
from tests.laws.worlds import (
    Situation,
    World,
    moments,
    situations,
    worlds,
)

from quaybridge_sdk.depth import Depth, asks_for_roles, assumed, depth
from quaybridge_sdk.model import actions as act
from quaybridge_sdk.model.openshift import APPLIED_ANNOTATION, Namespace
from quaybridge_sdk.model.state import Applied, ClusterState, Observed, RegistryState
from quaybridge_sdk.plan import plan
from quaybridge_sdk.reconcile import without_tokens

ORDER = list(Depth)


@given(situations(), moments, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_depth_is_total_and_deterministic(situation: Situation, now: datetime, interval: timedelta) -> None:
    cluster, registry = situation.observed.cluster, situation.observed.registry
    first = depth(cluster, situation.desired, registry, now, interval)
    assert first is depth(copy.deepcopy(cluster), situation.desired, copy.deepcopy(registry), now, interval)


@given(situations(), moments, st.timedeltas(timedelta(0), timedelta(days=40)), st.timedeltas(timedelta(0), timedelta(days=40)))
def test_a_longer_interval_or_a_sound_secret_never_means_a_deeper_look(
    situation: Situation, now: datetime, interval: timedelta, more: timedelta
) -> None:
    cluster, desired, registry = situation.observed.cluster, situation.desired, situation.observed.registry
    base = ORDER.index(depth(cluster, desired, registry, now, interval))
    assert ORDER.index(depth(cluster, desired, registry, now, interval + more)) <= base
    recorded = cluster.applied.secrets if cluster.applied else {}
    repaired = evolve(cluster, pull_secrets={**cluster.pull_secrets, **recorded})
    assert ORDER.index(depth(repaired, desired, registry, now, interval)) <= base
    for robot in desired.robots:
        damaged = evolve(cluster, pull_secrets={**cluster.pull_secrets, robot.secret: "damaged"})
        assert ORDER.index(depth(damaged, desired, registry, now, interval)) >= min(base, ORDER.index(Depth.ROBOTS))


@given(situations(), moments)
def test_a_full_check_is_due_when_the_last_one_is_old_or_in_the_future(situation: Situation, now: datetime) -> None:
    cluster, desired = situation.observed.cluster, situation.desired
    for age in (INTERVAL, INTERVAL + timedelta(days=1), timedelta(seconds=-1)):
        registry = evolve(situation.observed.registry, complete_at=now - age)
        assert depth(cluster, desired, registry, now, INTERVAL) is Depth.FULL


@given(worlds(), st.sampled_from(["", "a", "b"]), st.sampled_from(["", "a", "b"]), st.booleans())
def test_roles_are_looked_at_only_for_a_new_text_and_by_no_periodic_check(
    world: World, followed: str, text: str, old: bool
) -> None:
    converge(world)
    namespace, record = world.cluster.state.namespace, world.cluster.state.applied
    assert record is not None
    written = evolve(record, check=followed, checked_at=NOW - INTERVAL if old else NOW)
    annotations = {**namespace.annotations, APPLIED_ANNOTATION: written.dumps()}
    cluster, wishes = (
        evolve(world.cluster.state, namespace=evolve(namespace, annotations=annotations)),
        evolve(world.wishes, check=text),
    )
    expected = Depth.ROLES if text not in ("", followed) else Depth.FULL if old or text != followed else Depth.NOTHING
    assert depth(cluster, wishes, assumed(wishes, written), NOW, INTERVAL) is expected
    assert expected.is_full == (expected is not Depth.NOTHING)
    assert asks_for_roles(cluster, wishes) == (expected is Depth.ROLES)
    first = evolve(cluster, namespace=evolve(namespace, annotations={}))
    assert depth(first, wishes, RegistryState(), NOW, INTERVAL) is Depth.FIRST
    assert asks_for_roles(first, wishes) == bool(text)


@given(situations(), moments)
def test_where_nothing_is_known_the_owner_is_asked_for_first(situation: Situation, now: datetime) -> None:
    """Without a record of this very organization in this very Quay there is no proof that it is ours."""
    cluster, desired = situation.observed.cluster, situation.desired
    applied = cluster.applied
    found = depth(cluster, desired, RegistryState(), now, INTERVAL)
    here = applied is not None and applied.registry[:16] == desired.place
    assert (found is Depth.FIRST) == (not here)
    if applied is not None and here and applied.registry != desired.fingerprint:
        assert found is Depth.FULL


@given(worlds(), st.sampled_from(["changed", "gone"]), st.integers(0, 3))
def test_a_damaged_secret_is_seen_repaired_with_one_look_and_never_recorded_as_right(world: World, how: str, which: int) -> None:
    converge(world)
    assume(world.wishes.robots)
    secret = world.wishes.robots[which % len(world.wishes.robots)].secret
    others = {name: text for name, text in world.cluster.state.pull_secrets.items() if name != secret}
    cluster = evolve(world.cluster.state, pull_secrets=others if how == "gone" else {**others, secret: "changed"})
    beliefs = without_tokens(world.quay.observe(NOW))
    assert depth(cluster, world.wishes, beliefs, NOW, INTERVAL) is Depth.ROBOTS
    assert depth(cluster, world.wishes, assumed(world.wishes, cluster.applied), NOW, INTERVAL) is Depth.ROBOTS
    later = evolve(beliefs, complete_at=NOW + INTERVAL)
    assert plan(Observed(cluster, later), world.settled(later)) == ()  # without tokens: neither repaired nor vouched for
    looked = evolve(beliefs, robots=world.quay.observe(NOW).robots)
    (repair,) = plan(Observed(cluster, looked), world.settled(looked))
    assert isinstance(repair, act.WritePullSecret)
    assert repair.secret == secret


@given(worlds(), st.sampled_from(["robots", "prototypes", "repositories"]))
def test_new_wishes_are_not_recorded_while_a_part_of_quay_is_unknown(world: World, part: str) -> None:
    converge(world)
    wishes = evolve(world.wishes, endpoint=evolve(world.wishes.endpoint, url="https://another"))
    known = world.quay.observe(NOW)
    assert len(plan(Observed(world.cluster.state, known), wishes)) == 1
    hidden = {"robots": evolve(known, robots=None), "prototypes": evolve(known, prototypes=None)}
    registry = hidden.get(part, evolve(known, repositories=None))
    assert plan(Observed(world.cluster.state, registry), wishes) == ()


@given(worlds(), st.sampled_from(["organization", "namespace_uid", "endpoint"]))
def test_a_record_of_another_place_proves_nothing(world: World, what: str) -> None:
    converge(world)
    endpoint = evolve(world.wishes.endpoint, url="https://another", host="another")
    moves = {
        "organization": evolve(world.wishes, organization="another_org"),
        "namespace_uid": evolve(world.wishes, namespace_uid="0"),
        "endpoint": evolve(world.wishes, endpoint=endpoint),
    }
    moved = moves[what]
    assert assumed(moved, world.cluster.state.applied) == RegistryState()
    assert depth(world.cluster.state, moved, RegistryState(), NOW, INTERVAL) is Depth.FIRST


@given(worlds(), st.booleans())
def test_a_depth_of_nothing_never_leads_to_an_action_that_needs_what_is_only_assumed(world: World, reverse: bool) -> None:
    """A default permission that is only assumed has no id; when its role must change, it is looked at first."""
    converge(world)
    cluster = world.cluster.state
    beliefs = assumed(world.wishes, cluster.applied)
    swapped = {robot.account: robot.role for robot in world.wishes.robots}
    names = sorted(swapped)
    turned = dict(zip(names, [swapped[name] for name in reversed(names)], strict=True)) if reverse else swapped
    wishes = evolve(world.wishes, robots=tuple(evolve(r, role=turned[r.account]) for r in world.wishes.robots))
    found = depth(cluster, wishes, beliefs, NOW, INTERVAL)
    actions = plan(Observed(cluster, beliefs), wishes)
    changed = any(isinstance(action, (act.UpdatePrototype, act.DeletePrototype)) for action in actions)
    assert changed == (turned != swapped)
    assert found is (Depth.FULL if changed else Depth.NOTHING)


# --- the record ---


@given(st.text(), st.dictionaries(st.text(st.characters(), max_size=5), st.text(max_size=5), max_size=3), moments)
def test_a_record_is_read_back(registry: str, secrets: dict[str, str], moment: datetime) -> None:
    record = Applied(registry, secrets, moment)
    assert Applied.loads(record.dumps()) == record
    assert Applied.loads(record.dumps()).dumps() == record.dumps()  # type: ignore[union-attr] # just seen


_scalars = st.none() | st.booleans() | st.floats() | st.text(st.characters(), max_size=4)
_nested = _scalars | st.lists(_scalars, max_size=2) | st.dictionaries(st.text(max_size=3), _scalars, max_size=2)
json_values = _nested | st.lists(_nested, max_size=2) | st.dictionaries(st.text(max_size=3), _nested, max_size=2)
moments_written = st.sampled_from(["2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05", "2026-01-02", "0001-01-01T00:00:00+23:59"])
records = st.fixed_dictionaries(
    {},
    optional={
        "registry": st.just("x") | json_values,
        "secrets": st.dictionaries(st.text(max_size=3), st.text(max_size=3) | json_values, max_size=2) | json_values,
        "checked": moments_written | json_values,
    },
)


@given(
    st.one_of(st.none(), st.text(st.characters()), json_values.map(json.dumps), records.map(json.dumps), records.map(json.dumps))
)
@example('{"registry":"x","secrets":{},"checked":"2026-01-02T03:04:05"}')
@example('{"registry":"x","secrets":{"a":1},"checked":"2026-01-02T03:04:05+00:00"}')
@example("[" * 100_000)
@more_examples(2)
def test_a_spoilt_record_is_no_record(text: str | None) -> None:
    record = Applied.loads(text)
    if record is not None:
        assert record.checked_at.utcoffset() is not None
        assert all(isinstance(part, str) for part in (record.registry, *record.secrets.values()))
        assert Applied.loads(record.dumps()) == record
    cluster = ClusterState(Namespace("n", "u", annotations={} if text is None else {APPLIED_ANNOTATION: text}))
    assert cluster.applied == record
