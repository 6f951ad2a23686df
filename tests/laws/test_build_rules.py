"""Laws of the build rules: an answer to every Build, minimal patches, and no import that the mapping does not vouch for."""

from __future__ import annotations

import copy
import random
from typing import Any

from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st
from tests.laws.builds import (
    assigned_by,
    builds,
    coverings,
    destination_texts,
    destinations,
    digests,
    finished,
    forgeries,
    managed,
    times,
)
from tests.laws.strategies import bare, image_streams, more_examples, tags

from quaybridge_sdk.mapping.build_import import (
    Freshness,
    ImportReason,
    decide_import,
    judge,
    parse_destination,
    push_account,
)
from quaybridge_sdk.mapping.build_patch import STRATEGIES, Rewrite, Verdict, decide, destination_pull_spec, effective_tag
from quaybridge_sdk.mapping.pull_secret import pull_secret_name
from quaybridge_sdk.model.integration import QuayIntegration
from quaybridge_sdk.model.openshift import (
    DESTINATION_ANNOTATION,
    IMPORTED_ANNOTATION,
    MANAGED_ANNOTATION,
    Build,
    ImageStreamTag,
    ImportedImage,
)

# --- a JSON patch, applied as RFC 6902 says ---


def document(build: Build) -> dict[str, Any]:
    """The Build as the API server sends it: what is absent has no key."""
    to = {"kind": build.output_kind, "name": build.output_name, "namespace": build.output_namespace}
    output: dict[str, Any] = {"to": {key: value for key, value in to.items() if value is not None}}
    if build.push_secret is not None:
        output["pushSecret"] = {"name": build.push_secret}
    metadata: dict[str, Any] = {} if build.annotations is None else {"annotations": dict(build.annotations)}
    return {"metadata": metadata, "spec": {"output": output, "serviceAccount": build.service_account}}


def patched(body: dict[str, Any], rewrite: Rewrite) -> dict[str, Any]:
    body = copy.deepcopy(body)
    for operation in rewrite.patch:
        *parents, key = (part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:])
        target = body
        for parent in parents:
            target = target[parent]
        match operation["op"]:
            case "add":
                target[key] = operation["value"]
            case "replace":
                assert key in target, "replace of what is not there fails"
                target[key] = operation["value"]
            case "remove":
                del target[key]
    return body


def read(body: dict[str, Any], build: Build) -> Build:
    """The Build of a patched document."""
    output, to = body["spec"]["output"], body["spec"]["output"]["to"]
    return evolve(
        build,
        output_kind=to.get("kind"),
        output_name=to.get("name"),
        output_namespace=to.get("namespace"),
        push_secret=output.get("pushSecret", {}).get("name"),
        annotations=body["metadata"].get("annotations"),
    )


# --- admission ---


@given(builds, coverings)
@example(Build("team-a", "b", "Docker", "ImageStreamTag", "app:v1", output_namespace="Not Valid"), [bare()])
@example(Build("Not Valid", "b", "Docker", "ImageStreamTag", "app:v1"), [bare()])
@example(Build("team-a", "b", "Docker", "ImageStreamTag", "app:v1", output_namespace=""), [bare()])
def test_there_is_an_answer_to_every_build_and_the_same_each_time(build: Build, integrations: list[QuayIntegration]) -> None:
    before = copy.deepcopy((build, integrations))
    rewrite = decide(build, assigned_by(integrations))
    assert rewrite == decide(build, assigned_by(list(reversed(integrations))))
    assert (build, integrations) == before
    assert bool(rewrite.patch) == (rewrite.verdict in (Verdict.REWRITTEN, Verdict.UNMARKED))
    if rewrite.verdict is not Verdict.REWRITTEN:
        assert rewrite.warnings == ((rewrite.verdict.value,) if rewrite.verdict.value.endswith(".") else ())
        assert rewrite.needs_secret is None


@given(builds, coverings)
@example(Build("team-a", "b", "Docker", "ImageStreamTag", "app:v1", output_namespace=""), [bare()])
@more_examples(3)
def test_a_patch_changes_what_it_must_and_nothing_else(build: Build, integrations: list[QuayIntegration]) -> None:
    rewrite = decide(build, assigned_by(integrations))
    before = document(build)
    after = patched(before, rewrite)
    if rewrite.verdict is Verdict.UNMARKED:
        assert before["metadata"]["annotations"].pop(IMPORTED_ANNOTATION) == "true"
    if rewrite.verdict is not Verdict.REWRITTEN:
        assert after == before
        return
    (integration,) = (i for i in integrations if i in assigned_by(integrations)(build.namespace).covering)
    tag = effective_tag(str(build.output_name).partition(":")[2])
    place = ImageStreamTag(build.output_namespace or build.namespace, str(build.output_name).partition(":")[0], tag)
    expected = copy.deepcopy(before)
    expected["spec"]["output"]["to"] = {"kind": "DockerImage", "name": destination_pull_spec(integration, place)}
    expected["metadata"].setdefault("annotations", {}).update(managed(str(place)))
    if expected["metadata"]["annotations"].get(IMPORTED_ANNOTATION) == "true":
        del expected["metadata"]["annotations"][IMPORTED_ANNOTATION]
    if build.push_secret is None and build.service_account not in (None, "", "builder"):
        expected["spec"]["output"]["pushSecret"] = {"name": pull_secret_name("builder", integration.cluster_id)}
    assert after == expected
    assert rewrite.needs_secret == (None if build.push_secret else pull_secret_name("builder", integration.cluster_id))
    assert build.strategy in STRATEGIES
    assert len({operation["path"] for operation in rewrite.patch}) == len(rewrite.patch)


@given(builds, coverings)
def test_a_rewritten_build_is_not_rewritten_again(build: Build, integrations: list[QuayIntegration]) -> None:
    rewrite = decide(build, assigned_by(integrations))
    again = decide(read(patched(document(build), rewrite), build), assigned_by(integrations))
    assert again.patch == ()
    if rewrite.verdict in (Verdict.REWRITTEN, Verdict.UNMARKED):
        assert again.verdict is Verdict.OTHER_OUTPUT


@given(finished(bare()), coverings, st.sampled_from(["Docker", "Source", "Custom"]))
@example((Build("team-a", "b", "Docker", "DockerImage", "h/o/app:v1"), ImageStreamTag("team-a", "app", "v1")), [bare()], "Docker")
@more_examples(3)
def test_a_clone_is_imported_as_the_build_it_is_a_copy_of_was(
    case: tuple[Build, ImageStreamTag], integrations: list[QuayIntegration], strategy: str
) -> None:
    """Whoever writes the mark by hand gets by its removal what a Build without it has: the same decision, nothing more."""
    assigned, original = assigned_by(integrations), evolve(case[0], strategy=strategy)
    clone = evolve(original, annotations=managed(str(case[1]), imported=True))
    rewrite = decide(clone, assigned)
    covered = assigned(clone.namespace).integration is not None and strategy in STRATEGIES
    assert (rewrite.verdict is Verdict.UNMARKED) == covered
    assert (rewrite.needs_secret, rewrite.warnings) == (None, ())
    if covered:
        unmarked = read(patched(document(clone), rewrite), clone)
        assert decide_import(unmarked, assigned) == decide_import(evolve(clone, annotations=managed(str(case[1]))), assigned)
    else:
        assert rewrite.patch == ()


@given(builds, coverings)
def test_the_order_of_operations_is_the_contracts(build: Build, integrations: list[QuayIntegration]) -> None:
    order = ["/spec/output/to/kind", "/spec/output/to/name", "/spec/output/to/namespace", "/spec/output/pushSecret", "/metadata"]
    paths = [operation["path"] for operation in decide(build, assigned_by(integrations)).patch]
    places = [next(i for i, start in enumerate(order) if path == start or path.startswith(start + "/")) for path in paths]
    assert places == sorted(places)


@given(builds, coverings)
@more_examples(3)
def test_nothing_leaves_the_build_s_own_integration(build: Build, integrations: list[QuayIntegration]) -> None:
    assigned = assigned_by(integrations)
    if decide(build, assigned).verdict is Verdict.REWRITTEN:
        assert assigned(build.namespace).integration is not None
        assert assigned(build.output_namespace or build.namespace).integration == assigned(build.namespace).integration


@given(tags, st.sampled_from(["", ":latest", ":latest:latest", ":v1"]))
def test_the_tag_that_was_written_is_the_one_that_is_meant(tag: str, defaulted: str) -> None:
    expected = {"": tag, ":latest": tag}.get(defaulted)
    assert effective_tag(tag + defaulted) == (expected or tag + defaulted)


# --- import ---


@given(forgeries(bare()), coverings)
@more_examples(3)
def test_an_import_is_only_what_the_mapping_gives_for_the_destination(build: Build, integrations: list[QuayIntegration]) -> None:
    """Whatever an annotation claims: what comes into an ImageStream is what its own repository in Quay holds."""
    assigned = assigned_by(integrations)
    before = copy.deepcopy(build)
    decision = decide_import(build, assigned)
    assert decision == decide_import(build, assigned)
    assert build == before
    assert (decision.request is not None) == (decision.reason is ImportReason.IMPORT)
    if decision.request is None:
        assert decision.asks_for is None
        return
    place = decision.request.destination
    integration = assigned(place.namespace).integration
    assert integration is not None
    assert integration == assigned(build.namespace).integration
    assert decision.request.pull_spec == build.output_name == destination_pull_spec(integration, place)
    assert build.output_kind == "DockerImage"
    assert build.phase == "Complete"
    annotations = build.annotations or {}
    assert annotations[DESTINATION_ANNOTATION] == str(place)
    assert annotations[MANAGED_ANNOTATION] == "true"
    assert annotations.get(IMPORTED_ANNOTATION) != "true"
    assert (decision.request.insecure, decision.request.scheduled) == (integration.insecure, integration.scheduled_import)
    foreign = place.namespace != build.namespace
    account = build.service_account or "builder"
    assert decision.asks_for == (f"system:serviceaccount:{build.namespace}:{account}" if foreign else None)


@given(builds, coverings, destination_texts)
def test_there_is_a_decision_on_every_build(build: Build, integrations: list[QuayIntegration], text: str) -> None:
    annotated = evolve(build, annotations=managed(text))
    for one in (build, annotated, evolve(annotated, phase="Complete"), evolve(annotated, output_kind="DockerImage")):
        assert isinstance(decide_import(one, assigned_by(integrations)).reason, ImportReason)


@given(finished(bare()))
@example((Build("team-a", "b", annotations={}), ImageStreamTag("team-a", "app", "v1")))
def test_an_honest_build_is_imported_once(case: tuple[Build, ImageStreamTag]) -> None:
    build, place = case
    assigned = assigned_by([evolve(bare(), allowlist=frozenset({build.namespace, place.namespace}))])
    decision = decide_import(build, assigned)
    if not build.annotations:
        assert decision.reason is ImportReason.NOT_MANAGED
        return
    assert decision.request is not None
    assert decision.request.destination == place
    again = evolve(build, annotations=managed(str(place), imported=True))
    assert decide_import(again, assigned).reason is ImportReason.DONE
    for phase in ("New", "Pending", "Running", "Failed", "Error", "Cancelled"):
        assert decide_import(evolve(build, phase=phase), assigned).reason is ImportReason.NOT_COMPLETE


@given(destinations)
def test_a_destination_is_read_back(place: ImageStreamTag) -> None:
    assert parse_destination(str(place)) == place


@given(destination_texts)
def test_only_what_is_a_destination_is_read(text: str) -> None:
    place = parse_destination(text)
    if place is not None:
        assert str(place) == text
        assert place.namespace
        assert place.name
        assert place.tag
        assert "/" not in place.name + place.tag
        assert ":" not in place.name


@given(image_streams, st.sampled_from(["a/b/c:d", "/b:c", "a/b", "a/b:", "a:b", ""]))
def test_what_is_no_destination_is_not_read(stream: str, text: str) -> None:
    assert parse_destination(text) is None
    assert parse_destination(f"{stream}:v1") is None


@given(builds)
def test_the_account_that_is_asked_about_is_the_builds_own(build: Build) -> None:
    account = build.service_account or "builder"
    assert push_account(build) == f"system:serviceaccount:{build.namespace}:{account}"
    assert build.account == account


# --- what came in ---

untold = st.sampled_from(["", "1970-01-01T00:00:00Z", "1980-01-01T00:00:01Z", "0001-01-01T00:00:00Z", "2012-12-31T23:59:59Z"])
imported_images = st.builds(ImportedImage, digests.filter(bool), times)


@given(imported_images, builds, st.lists(builds, max_size=4), st.randoms(use_true_random=False))
def test_a_judgement_is_total_and_knows_no_order(
    imported: ImportedImage, build: Build, others: list[Build], shuffler: random.Random
) -> None:
    build = evolve(build, digest="sha256:pushed", completed="2026-01-02T03:04:05Z")
    rivals = [evolve(other, output_name=build.output_name, digest=imported.digest) for other in others[:3]] + others[3:]
    shuffled = list(rivals)
    shuffler.shuffle(shuffled)
    verdict = judge(imported, build, rivals)
    assert verdict is judge(imported, build, iter(shuffled))
    assert verdict is judge(imported, build, [*rivals, build])
    strangers = [evolve(other, output_name=f"{build.output_name}x", digest=imported.digest) for other in others]
    assert judge(imported, build, strangers) is judge(imported, build, [])
    assert verdict is judge(imported, build, [*rivals, *strangers])


@given(imported_images, builds, st.lists(builds, max_size=4))
def test_the_very_image_is_always_the_same(imported: ImportedImage, build: Build, others: list[Build]) -> None:
    same = not build.digest or build.digest == imported.digest
    assert (judge(imported, build, others) is Freshness.SAME) == same


@given(builds, builds)
def test_of_two_builds_that_pushed_to_one_tag_the_later_is_newer(one: Build, other: Build) -> None:
    one = evolve(one, digest="sha256:1", completed="2026-01-02T03:04:05Z")
    other = evolve(other, digest="sha256:2", output_name=one.output_name, completed="2026-01-02T03:04:06Z")
    assert judge(ImportedImage("sha256:2"), one, [other]) is Freshness.NEWER
    assert judge(ImportedImage("sha256:1"), other, [one]) is Freshness.OLDER


@given(builds, times)
def test_without_another_build_the_images_own_time_decides(build: Build, created: str) -> None:
    build = evolve(build, digest="sha256:1", completed="2026-01-02T03:04:05Z")
    verdict = judge(ImportedImage("sha256:2", created), build, [])
    later = Freshness.NEWER if created.startswith("2026-01-02T03:04:06") else Freshness.OLDER
    assert verdict is (later if created.startswith("202") else Freshness.UNTOLD)


@given(builds, builds, st.lists(builds, max_size=3), untold, untold)
def test_an_image_without_a_time_of_its_own_is_as_old_as_the_build_that_pushed_it(
    build: Build, other: Build, strangers: list[Build], created: str, another: str
) -> None:
    """D21: an image of a Build that came before is never taken for a later push, whatever time it bears or lacks."""
    build = evolve(build, digest="sha256:1", completed="2026-01-02T03:04:05Z")
    strangers = [evolve(stranger, digest="sha256:2", output_name=f"{build.output_name}x") for stranger in strangers]
    imported = ImportedImage("sha256:2", created)
    assert judge(imported, build, strangers) is judge(ImportedImage("sha256:2", another), build, []) is Freshness.UNTOLD
    earlier = evolve(other, digest="sha256:2", output_name=build.output_name, completed="2026-01-02T03:04:04Z")
    assert judge(imported, build, [*strangers, earlier]) is Freshness.OLDER
    assert judge(imported, build, [*strangers, evolve(earlier, completed=build.completed)]) is Freshness.NEWER
