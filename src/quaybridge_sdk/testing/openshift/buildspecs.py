"""What is wrong with the spec of a Build or a BuildConfig.

Source: openshift/openshift-apiserver pkg/build/apis/build (validation, v1 defaults), answers as measured.
"""

from __future__ import annotations

import re

from quaybridge_sdk.testing.openshift import images, metadata
from quaybridge_sdk.testing.openshift.status import Cause, Json, bad, required

STRATEGIES = ("dockerStrategy", "sourceStrategy", "customStrategy", "jenkinsPipelineStrategy")
_INPUTS = ("git", "binary", "dockerfile", "images")
_FROM_KINDS = ("ImageStreamTag", "ImageStreamImage", "DockerImage")


def default_strategy(strategy: Json) -> Json:
    """Only type Docker implies its strategy; a ``from`` without a kind is an ImageStreamTag."""
    if strategy.get("type") == "Docker" and strategy.get("dockerStrategy") is None:
        strategy = strategy | {"dockerStrategy": {}}
    for name in STRATEGIES[:3]:
        given = strategy.get(name)
        if given is not None and (given.get("from") is not None or name != "dockerStrategy"):
            strategy = strategy | {name: given | {"from": stream_tag(given.get("from") or {}, ("ImageStream",))}}
    return strategy


def stream_tag(reference: Json, kinds: tuple[str, ...]) -> Json:
    """A reference with the kind filled in; one of ``kinds`` means the tag latest of a stream."""
    kind = reference.get("kind") or ""
    if kind in kinds:
        return reference | {"kind": "ImageStreamTag", "name": f"{reference.get('name', '')}:latest"}
    return reference | {"kind": kind or "ImageStreamTag"}


def faults(spec: Json) -> list[Cause]:
    """In the real server's order: source, output, strategy."""
    strategy, source, output = spec.get("strategy") or {}, spec.get("source") or {}, spec["output"]
    given = [name for name in STRATEGIES if strategy.get(name) is not None]
    causes = []
    if "dockerStrategy" in given and STRATEGIES[3] not in given and all(source.get(name) is None for name in _INPUTS):
        text = "must provide a value for at least one source input(git, binary, dockerfile, images)."
        causes.append(bad("spec.source", "", text))
    causes += _output(output.get("to")) + _secret(output.get("pushSecret"), "spec.output.pushSecret")
    if len(given) != 1:
        empty = '{"DockerStrategy":null,"SourceStrategy":null,"CustomStrategy":null,"JenkinsPipelineStrategy":null}'
        text = "must provide a value for exactly one of sourceStrategy, customStrategy, dockerStrategy, "
        said = f"Invalid value: {empty}: {text}or jenkinsPipelineStrategy"
        return [*causes, Cause("FieldValueInvalid", "spec.strategy", said)]
    at, chosen = f"spec.strategy.{given[0]}", strategy[given[0]]
    return causes + _from(chosen.get("from"), f"{at}.from") + _secret(chosen.get("pullSecret"), f"{at}.pullSecret")


def _secret(reference: Json | None, at: str) -> list[Cause]:
    return [required(f"{at}.name")] if reference is not None and not reference.get("name") else []


def _output(to: Json | None) -> list[Cause]:
    if to is None:
        return []
    kind, name, at = to.get("kind"), to.get("name") or "", "spec.output.to"
    if kind == "ImageStreamTag":
        texts = (
            "ImageStreamTag object references must be in the form <name>:<tag>",
            "ImageStreamTag name contains invalid syntax",
        )
        return _tag(name, at, texts) + _namespace(to, at, "namespace must be a valid subdomain")
    if kind != "DockerImage":
        return [bad(f"{at}.kind", kind, "the target of build output must be an 'ImageStreamTag' or 'DockerImage'")]
    causes = []
    if to.get("namespace"):
        causes.append(bad(f"{at}.namespace", to["namespace"], "namespace is not valid when used with a 'DockerImage'"))
    if fault := images.reference_fault(name):
        causes.append(bad(f"{at}.name", name, f"name is not a valid Docker pull specification: {fault}"))
    return causes


def _from(source: Json | None, at: str) -> list[Cause]:
    if source is None:
        return []
    kind, name = source["kind"], source.get("name") or ""
    if kind not in _FROM_KINDS:
        return [bad(f"{at}.kind", kind, "must be 'ImageStreamTag', 'ImageStreamImage', or 'DockerImage'")]
    if kind == "ImageStreamTag":
        return _tag(name, at, ("must be <name>:<tag>", "invalid name syntax")) + _namespace(
            source, at, "must be a valid namespace"
        )
    causes = [] if name else [required(f"{at}.name")]
    if kind == "ImageStreamImage":
        return causes + _namespace(source, at, "must be a valid namespace")
    if source.get("namespace"):
        causes.insert(0, bad(f"{at}.namespace", source["namespace"], "not valid when used with a 'DockerImage'"))
    if name and (fault := images.reference_fault(name)):
        causes.append(bad(f"{at}.name", name, f"not a valid Docker pull specification: {fault}"))
    return causes


def _tag(name: str, at: str, texts: tuple[str, str]) -> list[Cause]:
    stream, colon, _ = name.partition(":")
    if not name:
        return [required(f"{at}.name")]
    if not colon:
        return [bad(f"{at}.name", name, texts[0])]
    return [] if re.fullmatch(metadata.STREAM.pattern, stream) else [bad(f"{at}.name", stream, texts[1])]


def _namespace(reference: Json, at: str, text: str) -> list[Cause]:
    namespace = reference.get("namespace") or ""
    fits = len(namespace) <= metadata.SUBDOMAIN.longest and re.fullmatch(metadata.SUBDOMAIN.pattern, namespace)
    return [] if not namespace or fits else [bad(f"{at}.namespace", namespace, text)]
