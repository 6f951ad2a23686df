"""The QuayIntegrations and their credentials Secrets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from quaybridge_sdk.adapters.kubernetes.kinds import Unreadable, integration_parser, tenure_parser
from quaybridge_sdk.adapters.kubernetes.objects import dig, text
from quaybridge_sdk.cli.doctor.finding import Finding, bad, doubtful, good, unsure
from quaybridge_sdk.cli.doctor.manifests import INTEGRATION
from quaybridge_sdk.cli.doctor.namespaces import NAMESPACES, covered
from quaybridge_sdk.cli.doctor.ports import Examination, Json, look
from quaybridge_sdk.cli.snapshot import integration_items, secret_values
from quaybridge_sdk.errors import QuaybridgeError, RemoteError
from quaybridge_sdk.model.cleanup import CLEANUP_FINALIZER, Tenure
from quaybridge_sdk.model.integration import DEFAULT_CLUSTER_ID, PLURAL, QuayIntegration
from quaybridge_sdk.model.quay import SecretText


@frozen
class Integration:
    """A QuayIntegration that can be read, as written (``spec``) and as understood; its token when there is one."""

    parsed: QuayIntegration
    spec: Json
    resource: str
    token: SecretText | None = None

    @property
    def title(self) -> str:
        return f"{self.resource}/{self.parsed.name}"


@frozen
class Integrations:
    """All that were found, and what was found about them."""

    usable: tuple[Integration, ...] = ()
    findings: tuple[Finding, ...] = ()


def examine(examination: Examination) -> Integrations:
    """Reads them and their Secrets; what can be used is handed on to the checks of Quay."""
    try:
        items = integration_items(examination.cluster)
    except RemoteError as error:
        return Integrations((), (bad("integrations.present", "QuayIntegrations", f"{error.reason}: {error}", *_RIGHT),))
    if not items:
        detail = "there is none, so no namespace is linked with Quay"
        return Integrations((), (bad("integrations.present", "QuayIntegrations", detail, "make one", INTEGRATION),))
    findings = [good("integrations.present", "QuayIntegrations", f"{len(items)} found")]
    readable: list[Integration] = []
    for group, version, item in items:
        parsed, resource = integration_parser(group, version)(item), f"{PLURAL}.{group}"
        name, tenure = text(item, "metadata", "name"), tenure_parser(group, version)(item)
        if tenure.leaving:  # not used any more, so nothing else of it matters
            findings.append(_leaving(tenure, resource))
            continue
        if isinstance(parsed, Unreadable):
            command = f"oc edit {resource} {name}"
            findings.append(
                bad("integrations.readable", f"{resource}/{name}", str(parsed.error()), f"correct {parsed.field}", command)
            )
            continue
        found = Integration(parsed, _spec(item), resource)
        findings.append(good("integrations.readable", found.title, f"links with {parsed.endpoint.url}"))
        readable.append(found)
    findings += _overlap(examination, readable)
    usable = []
    for each in readable:
        findings += _fields(each, len(readable))
        finding, token = credentials(examination, each)
        findings.append(finding)
        usable.append(Integration(each.parsed, each.spec, each.resource, token))
    return Integrations(tuple(usable), tuple(findings))


_RIGHT = ("give the right to list them", "oc auth can-i list quayintegrations.quay.redhat.com")


def _spec(item: Json) -> Json:
    spec = dig(item, "spec")
    return spec if isinstance(spec, dict) else {}


def _leaving(tenure: Tenure, resource: str) -> Finding:
    """One that waits for a controller which is not there any more would wait for ever."""
    detail = "is being deleted, and waits until the controller has taken back what was made for it in the cluster"
    fix = (
        "look whether the controller runs and what it logs; or let it go with nothing more taken back. "
        f"Where no controller runs any more, take the finalizer {CLEANUP_FINALIZER} off it"
    )
    patch = '{"spec":{"cleanupPolicy":"Retain"}}'
    commands = ("oc get events -A --field-selector type=Warning", f"oc patch {resource} {tenure.name} --type=merge -p '{patch}'")
    return doubtful("integrations.leaving", f"{resource}/{tenure.name}", detail, fix, *commands)


def _overlap(examination: Examination, integrations: Sequence[Integration]) -> Iterator[Finding]:
    if len(integrations) < 2:
        return
    subject = f"{len(integrations)} QuayIntegrations"
    seen = look(examination.cluster, NAMESPACES)
    if seen.problem:
        yield unsure("integrations.overlap", subject, seen.problem)
        return
    parsed = [each.parsed for each in integrations]
    contested = sorted(each.parsed.name for each in covered(parsed, seen.items) if each.assignment.contested)
    if not contested:
        yield good("integrations.overlap", subject, "no namespace is covered by two")
        return
    shown = ", ".join(contested[:5]) + (f" and {len(contested) - 5} more" if len(contested) > 5 else "")
    detail = f"covered by more than one, so none acts on them: {shown}"
    commands = tuple(f"oc edit {each.resource} {each.parsed.name}" for each in integrations)
    yield bad("integrations.overlap", subject, detail, "give each an allowlist (or denylist) of its own", *commands)


def _fields(each: Integration, count: int) -> Iterator[Finding]:
    """What can be read, but may not be what was meant."""
    edit = f"oc edit {each.resource} {each.parsed.name}"
    if not each.spec.get("clusterID"):
        detail = f"not given, so it is {DEFAULT_CLUSTER_ID!r}: fine while no other cluster uses this Quay with the same"
        found = doubtful if count > 1 else good
        yield found("integrations.clusterid", each.title, detail, *(("give each cluster its own", edit) if count > 1 else ()))
    else:
        yield good("integrations.clusterid", each.title, f"{each.parsed.cluster_id!r}")
    yield _hostname(each, edit)
    if each.parsed.organization_prefix:
        yield doubtful("integrations.prefix", each.title, "spec.organizationPrefix has no effect", "take it out", edit)


def _hostname(each: Integration, edit: str) -> Finding:
    given, url = str(each.spec.get("quayHostname", "")), each.parsed.endpoint.url
    if url.startswith("http://"):
        detail = f"{url}: the token and all images go over the network unencrypted"
        return doubtful("integrations.hostname", each.title, detail, "use https, when Quay has it", edit)
    return good("integrations.hostname", each.title, url if given == url else f"{given!r} is read as {url}")


def credentials(examination: Examination, each: Integration) -> tuple[Finding, SecretText | None]:
    """The credentials Secret, and the token in it when it can be used."""
    key = each.parsed.credentials
    subject, fix = f"Secret {key.namespace}/{key.name}", f"make a new OAuth token in Quay, and put it under the key {key.key}"
    command = write_token(each)
    try:
        values = secret_values(examination.cluster, key)
    except QuaybridgeError as error:
        who = f"oc auth can-i get secret/{key.name} -n {key.namespace}"
        return bad("integrations.secret", subject, f"{error.reason}: {error}", "give the right to read it", who), None
    if values is None:
        return bad("integrations.secret", subject, f"does not exist, but {each.title} names it", fix, command), None
    if key.key not in values:
        return bad("integrations.secret", subject, f"has no key {key.key!r}, but {_keys(values)}", fix, command), None
    return _value(subject, values[key.key], fix, command)


def _value(subject: str, value: SecretText, fix: str, command: str) -> tuple[Finding, SecretText | None]:
    whole = value.reveal()
    token = whole.strip()
    if not token:
        return bad("integrations.secret", subject, "its value is empty, or no text", fix, command), None
    if len(token.split()) > 1 or not (token.isascii() and token.isprintable()):
        return bad("integrations.secret", subject, "its value has characters inside that no token has", fix, command), None
    if whole != token:
        detail = "its value has a line end or spaces around the token: the bridge drops them, other programs may not"
        return doubtful("integrations.secret", subject, detail, "write it again without (echo -n)", command), SecretText(token)
    return good("integrations.secret", subject, "there, with a token in it"), SecretText(token)


def _keys(values: Mapping[str, SecretText]) -> str:
    return "the keys " + ", ".join(sorted(values)) if values else "no data at all"


def write_token(each: Integration) -> str:
    """The command that puts a token into the Secret, whether it is there or not."""
    key = each.parsed.credentials
    make = f"oc create secret generic {key.name} -n {key.namespace} --from-literal={key.key}=<access token>"
    return f"{make} --dry-run=client -o yaml | oc apply -f -"
