"""Builds of every kind: such as the API server makes them, such as nobody should, and such as an attacker would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

from attrs import evolve
from hypothesis import strategies as st
from tests.laws.strategies import any_text, bare, image_streams, integrations, namespaces, tags, words

from quaybridge_sdk.mapping.build_patch import destination_pull_spec
from quaybridge_sdk.mapping.scope import Assignment, assign
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import (
    DESTINATION_ANNOTATION,
    IMPORTED_ANNOTATION,
    MANAGED_ANNOTATION,
    Build,
    ImageStreamTag,
)

TEAMS = ("team-a", "team-b", "team--c")
places = st.sampled_from(TEAMS) | namespaces
times = st.sampled_from(
    [
        "",
        "1970-01-01T00:00:00Z",
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:06Z",
        "2026-01-02T03:04:05.999999999Z",
        "2025-12-31T00:00:00Z",
    ]
)
digests = st.sampled_from(["", "sha256:" + "a" * 64, "sha256:" + "b" * 64, "sha256:" + "c" * 64])
phases = st.sampled_from(["New", "Pending", "Running", "Complete", "Failed", "Error", "Cancelled", ""])
kinds = st.sampled_from(["ImageStreamTag", "ImageStreamTag", "ImageStreamTag", "DockerImage", "ImageStreamImage", "", None])
strategy_names = st.sampled_from(["Docker", "Source", "Docker", "Source", "Custom", "JenkinsPipeline", ""])
output_names = st.one_of(
    st.builds("{}:{}".format, image_streams, tags),
    st.builds("{}:{}:latest".format, image_streams, tags),
    st.sampled_from(["app", "app:", ":v1", "app:a:b", "App:v1", "app:latest", "a:b:c:latest", "app:v1:latest", ""]),
    any_text,
    st.none(),
)
annotation_maps: st.SearchStrategy[Mapping[str, str] | None] = st.none() | st.dictionaries(
    st.sampled_from([MANAGED_ANNOTATION, IMPORTED_ANNOTATION, "a/b", "c~d", "x"]), st.just("true") | words, max_size=4
)


def optional(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str | None]:
    return st.none() | strategy


any_builds: st.SearchStrategy[Build] = st.builds(
    Build,
    namespace=st.one_of(places, places, any_text),
    name=words,
    strategy=strategy_names,
    output_kind=kinds,
    output_name=output_names,
    output_namespace=optional(st.one_of(places, any_text, st.just("Not Valid"))),
    push_secret=optional(words),
    service_account=optional(st.sampled_from(["builder", "pipeline", "a--b"]) | words),
    phase=phases,
    digest=digests,
    started=times,
    completed=times,
    annotations=annotation_maps,
)

usual_builds: st.SearchStrategy[Build] = st.builds(
    Build,
    namespace=st.sampled_from(TEAMS),
    name=words,
    strategy=st.sampled_from(["Docker", "Source"]),
    output_kind=st.just("ImageStreamTag"),
    output_name=st.sampled_from(["app:v1", "app:v1:latest", "app:latest", "a.b_c-d:1", "app:a:b", "App:v1"]),
    output_namespace=optional(st.sampled_from([*TEAMS, "openshift", ""])),
    push_secret=optional(words),
    service_account=optional(st.sampled_from(["builder", "pipeline"])),
    phase=phases,
    digest=digests,
    completed=times,
    annotations=annotation_maps,
)
builds = usual_builds | usual_builds | any_builds

SCHEDULED = evolve(bare(), scheduled_import=True)
coverings = st.one_of(
    st.just([SCHEDULED]),
    st.just([SCHEDULED]),
    st.just([evolve(bare(), allowlist=frozenset({"team-a", "team--c"}))]),
    st.just([evolve(bare(), allowlist=frozenset({"team-a"})), evolve(bare(), name="other", denylist=frozenset({"team-a"}))]),
    st.lists(integrations(), max_size=2),
)
"""The integrations of a cluster: one, none, several side by side, or overlapping."""


def assigned_by(integrations: list[QuayIntegration]) -> Callable[[str], Assignment]:
    return lambda namespace: assign(integrations, namespace)


destinations = st.builds(ImageStreamTag, places, image_streams, tags)
destination_texts = st.one_of(
    destinations.map(str),
    any_text,
    st.sampled_from(["", "a/b", "a/b:", "/b:c", "a/:c", "a/b:c/d", "a:b/c", "victim/app:latest", "Bad Name/app:v1", "a/b:c:d"]),
)


def managed(text: str, *, imported: bool = False) -> dict[str, str]:
    done = {IMPORTED_ANNOTATION: "true"} if imported else {}
    return {MANAGED_ANNOTATION: "true", DESTINATION_ANNOTATION: text, **done}


@st.composite
def finished(draw: st.DrawFn, integration: QuayIntegration) -> tuple[Build, ImageStreamTag]:
    """A Build just as the bridge rewrote it and OpenShift completed it, with its destination."""
    place = draw(destinations)
    here = draw(st.sampled_from([place.namespace, "team-a"]))
    output = destination_pull_spec(integration, place)
    build = Build(here, "app-1", "Docker", "DockerImage", output, phase="Complete", annotations=managed(str(place)))
    return build, place


forged_parts = ("namespace", "service_account", "output_kind", "output_name", "phase", "annotations")
turns = st.sampled_from([(), *combinations(forged_parts, 1), *combinations(forged_parts, 2)])


@st.composite
def forgeries(draw: st.DrawFn, integration: QuayIntegration) -> Build:
    """A Build of the bridge's own, in which one or two things were turned: nothing, all or a little may agree then."""
    honest, place = draw(finished(integration))
    annotations: dict[str, str] = dict(honest.annotations or {})
    changes: dict[str, Any] = {
        "namespace": st.sampled_from(["team-b", "attacker", "openshift"]),
        "service_account": words,
        "output_kind": st.sampled_from(["ImageStreamTag", None]),
        "output_name": st.sampled_from(["evil/x", "q/openshift_victim/app:latest", f"{honest.output_name}x"]) | any_text,
        "phase": phases,
        "annotations": st.one_of(
            destination_texts.map(managed),
            st.sampled_from([{**annotations, MANAGED_ANNOTATION: "false"}, {DESTINATION_ANNOTATION: str(place)}]),
            st.just({**annotations, IMPORTED_ANNOTATION: "true"}),
            st.none(),
        ),
    }
    turned = draw(turns)
    return evolve(honest, **{field: draw(changes[field]) for field in turned})
