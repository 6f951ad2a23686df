"""The webhook's serving certificate, wherever it can be seen, and whether the caBundle vouches for it."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from attrs import frozen
from cryptography import x509

from quaybridge_sdk.adapters.kubernetes.objects import text
from quaybridge_sdk.cli.doctor.certificates import (
    dates,
    described,
    ends_soon,
    is_for,
    names,
    parse_bundle,
    parse_der,
    parse_pem,
    vouched_for,
)
from quaybridge_sdk.cli.doctor.finding import Finding, bad, doubtful, good, unsure
from quaybridge_sdk.cli.doctor.ports import ClusterPort, Examination, Look, NoAnswerError, look
from quaybridge_sdk.cli.doctor.registered import RESOURCE, Registered
from quaybridge_sdk.runtime.webhook.certificates import FILE_NAMES

SECRETS = ("quay-bridge-operator-webhook-certs", "webhook-server-cert")
"""Where the certificate lies: as the first generation's manual names it, and as the Go operator does."""

ANNOTATION = "service.beta.openshift.io/serving-cert-secret-name"
CLIENT_CA = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
INJECT = "service.beta.openshift.io/inject-cabundle=true"


@frozen
class Serving:
    """A certificate with what came along with it, and where it was seen."""

    place: str
    chain: tuple[x509.Certificate, ...]
    secret: str = ""
    file: str = ""

    @property
    def live(self) -> bool:
        return not self.secret


def examine(examination: Examination, each: Registered) -> Iterator[Finding]:
    """The certificate in each Secret and the served one; then the caBundle against each."""
    host = urlsplit(each.url).hostname or "" if each.url else "{1}.{0}.svc".format(*each.service)
    secrets, problems = _secrets(examination, each)
    live = _live(examination, each, host)
    seen = secrets + ([live] if isinstance(live, Serving) else [])
    yield from problems
    if isinstance(live, Finding):
        yield live
    if not seen and not problems and not isinstance(live, Finding):
        yield _nowhere(each, host)
    for serving in seen:
        yield _certificate(examination, each, serving, host)
    yield from _trust(examination, each, seen)
    if isinstance(live, Serving) and secrets and all(secret.chain[:1] != live.chain[:1] for secret in secrets):
        detail = "the certificate that is served is in none of the Secrets: the pod has not taken up a new one yet"
        restart = f"oc delete pod -n {each.service[0]} -l name=quay-bridge-operator"
        yield doubtful("webhook.certificate", live.place, detail, "wait a minute, or start the pods anew", restart)


def _make(each: Registered) -> tuple[str, str]:
    """OpenShift itself makes the certificate and keeps it fresh, and puts its CA into the caBundle; for a Service alone."""
    namespace, name = each.service
    return (
        f"oc annotate service {name} -n {namespace} {ANNOTATION}={SECRETS[0]} --overwrite",
        f"oc annotate {RESOURCE} {each.configuration} {INJECT} --overwrite",
    )


def _renew(each: Registered, serving: Serving) -> tuple[str, ...]:
    if each.url:
        return ()
    return (f"oc delete secret {serving.secret or SECRETS[0]} -n {each.service[0]}", *_make(each))


def _secrets(examination: Examination, each: Registered) -> tuple[list[Serving], list[Finding]]:
    namespace, service = each.service
    if each.url or not namespace:
        return [], []
    found: list[Serving] = []
    problems: list[Finding] = []
    annotated = text(look(examination.cluster, f"/api/v1/namespaces/{namespace}/services/{service}").item, *_annotation())
    for name in dict.fromkeys(filter(None, (*SECRETS, annotated))):
        seen = look(examination.cluster, f"/api/v1/namespaces/{namespace}/secrets/{name}")
        place = f"Secret {namespace}/{name}"
        if seen.problem:
            problems.append(unsure("webhook.certificate", place, seen.problem))
        elif seen.item is not None:
            serving = _in_secret(seen, place, name)
            found += [serving] if serving.chain else []
            problems += [] if serving.chain else [_unreadable(each, serving)]
    return found, problems


def _annotation() -> tuple[str, ...]:
    return ("metadata", "annotations", ANNOTATION)


def _in_secret(seen: Look, place: str, name: str) -> Serving:
    """The certificates of the first pair of file names that is there with its key. The key itself is not looked at."""
    for file, key in FILE_NAMES:
        content = text(seen.item, "data", file)
        if content and text(seen.item, "data", key):
            return Serving(place, parse_bundle(content), name, file)
    return Serving(place, (), name)


def _unreadable(each: Registered, serving: Serving) -> Finding:
    pairs = ", ".join(f"{certificate} with {key}" for certificate, key in FILE_NAMES)
    detail = f"holds no certificate that can be read, under none of: {pairs}"
    return bad("webhook.certificate", serving.place, detail, "have it made again", *_renew(each, serving))


def _live(examination: Examination, each: Registered, host: str) -> Serving | Finding | None:
    """What is served now, when it can be reached from here: inside the cluster, or at a URL."""
    if not (examination.in_pod or each.url):
        return None
    port = (urlsplit(each.url).port or 443) if each.url else each.port
    try:
        chain = parse_der(examination.network.certificate(host, port))
    except NoAnswerError as error:
        mend = "start the webhook, or open the way to it (the API server takes the same)"
        return bad("webhook.endpoints", f"{host}:{port}", str(error), mend, f"curl -vk https://{host}:{port}/healthz")
    return Serving(f"{host}:{port}", chain) if chain else None


def _nowhere(each: Registered, host: str) -> Finding:
    if each.url:
        port = urlsplit(each.url).port or 443
        show = f"openssl s_client -connect {host}:{port} -showcerts </dev/null"
        return bad(
            "webhook.certificate", each.title, "what is served there is no certificate that can be read", "look at it", show
        )
    detail = f"no certificate under the known names ({' and '.join(SECRETS)}), and from here what is served cannot be seen"
    mend = "have OpenShift make one, and mount the Secret into the pod"
    return bad("webhook.certificate", f"Secrets in {each.service[0]}", detail, mend, *_make(each))


def _certificate(examination: Examination, each: Registered, serving: Serving, host: str) -> Finding:
    leaf, now = serving.chain[0], examination.clock()
    told, valid = dates(leaf, now)
    if not valid:
        return bad("webhook.certificate", serving.place, told, "have it made again", *_renew(each, serving))
    if not is_for(leaf, host):
        detail = f"it is for {', '.join(names(leaf)) or 'no name (a common name does not count)'}, not for {host}"
        return bad("webhook.certificate", serving.place, detail, f"make one whose SANs have {host}", *_renew(each, serving))
    if ends_soon(leaf, now):
        return doubtful("webhook.certificate", serving.place, told, "have it made again in time", *_renew(each, serving))
    return good("webhook.certificate", serving.place, f"for {host}, {told}")


def _trust(examination: Examination, each: Registered, seen: list[Serving]) -> Iterator[Finding]:
    anchors = parse_bundle(each.bundle)
    if not anchors:
        yield _without_anchors(each)
        return
    for serving in seen:
        if vouched_for(serving.chain, anchors):
            yield good("webhook.trust", serving.place, f"the caBundle of {each.configuration} vouches for it")
        else:
            yield _untrusted(examination.cluster, each, serving, anchors)


def _without_anchors(each: Registered) -> Finding:
    """OpenShift's CA signs for Services alone: for a URL it is no help. There the API server's own CAs may do."""
    detail = "the caBundle is no PEM certificates, base64-encoded in one line" if each.bundle else "the caBundle is empty"
    if not each.url:
        return bad("webhook.trust", each.title, detail, "have OpenShift put it in", *_make(each)[1:])
    edit = f"oc edit {RESOURCE} {each.configuration}"
    mend = "put the CA of the certificate that is served at the URL in, as PEM, base64-encoded in one line"
    if each.bundle:
        return bad("webhook.trust", each.title, detail, mend, edit)
    detail += ": only a certificate of a CA that the API server's machine trusts will do"
    return doubtful("webhook.trust", each.title, detail, mend, edit)


def _untrusted(cluster: ClusterPort, each: Registered, serving: Serving, anchors: tuple[x509.Certificate, ...]) -> Finding:
    clients = parse_pem(text(look(cluster, CLIENT_CA).item, "data", "client-ca-file").encode())
    is_clients = bool(set(anchors) & set(clients))
    what = "the cluster's CA for clients (of extension-apiserver-authentication)" if is_clients else "the caBundle"
    detail = f"{what} does not sign the certificate: {described(serving.chain[0])}"
    if each.url:
        edit = f"oc edit {RESOURCE} {each.configuration}"
        return bad("webhook.trust", serving.place, detail, "put the certificate's own CA in", edit)
    mend = "have OpenShift make the certificate and put its CA in"
    if not serving.file:
        return bad("webhook.trust", serving.place, detail, mend, *_make(each))
    key = serving.file.replace(".", "\\.")
    value = f"oc get secret {serving.secret} -n {each.service[0]} -o jsonpath='{{.data.{key}}}'"
    trust = each.patch("clientConfig/caBundle", f""""'"$({value})"'\"""")
    return bad(
        "webhook.trust",
        serving.place,
        detail,
        f"{mend}; or trust the one in the Secret, with the last command",
        *_make(each),
        trust,
    )
