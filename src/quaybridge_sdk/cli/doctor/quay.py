"""Each Quay: the way there, its certificate, its health, the token, and what the token may do. Nothing is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

from quaybridge_sdk.adapters.kubernetes.objects import dig, text
from quaybridge_sdk.cli.doctor.certificates import described, names, parse_der
from quaybridge_sdk.cli.doctor.finding import Finding, bad, doubtful, good, unsure
from quaybridge_sdk.cli.doctor.integrations import Integration
from quaybridge_sdk.cli.doctor.ports import TLS_TROUBLES, Examination, Json, NoAnswerError, Page, Trouble
from quaybridge_sdk.cli.doctor.token import examine_token
from quaybridge_sdk.errors import InvalidIntegrationError

NETWORK_MENDS = {
    Trouble.DNS: "correct spec.quayHostname, or the name service",
    Trouble.REFUSED: "start Quay, or correct the port in spec.quayHostname",
    Trouble.TIMEOUT: "open the way from here to Quay: firewall, proxy, NetworkPolicy",
    Trouble.UNREACHABLE: "open the way from here to Quay",
}
RENEW = "renew Quay's certificate; a caBundle does not help"
TLS_MENDS = {
    Trouble.EXPIRED: RENEW,
    Trouble.NOT_YET_VALID: "set the clocks right, or wait; a caBundle does not help",
    Trouble.WRONG_HOST: "use a name that the certificate has in spec.quayHostname, or renew the certificate with this one",
    Trouble.NO_TLS: "write http:// in spec.quayHostname if Quay really has no TLS there, or correct the port",
}
PIN = "put Quay's CA into spec.caBundle; the command takes the served certificate itself, so compare its fingerprint first"


def examine(examination: Examination, each: Integration) -> Iterator[Finding]:
    """All checks of one integration's Quay; after one that makes the next ones meaningless, none."""
    endpoint = each.parsed.endpoint
    try:
        page = examination.network.page(f"{endpoint.url}/health/instance", endpoint)
    except InvalidIntegrationError as error:
        yield bad("integrations.readable", each.title, str(error), f"correct {error.field}", _edit(each))
        return
    except NoAnswerError as error:
        yield from _no_answer(examination, each, error)
        return
    yield good("quay.reachable", endpoint.url, "answers")
    yield _tls(each)
    yield from _health(each, page)
    config = _config(examination, each)
    yield _version(each, config)
    if each.token is not None:
        yield from examine_token(examination, each, _full_access(config))


def _edit(each: Integration) -> str:
    return f"oc edit {each.resource} {each.parsed.name}"


def _no_answer(examination: Examination, each: Integration, error: NoAnswerError) -> Iterator[Finding]:
    url = each.parsed.endpoint.url
    if error.trouble not in TLS_TROUBLES:
        command = f"curl -v {url}/health/instance" if error.trouble is not Trouble.DNS else f"nslookup {_host(each)[0]}"
        yield bad("quay.reachable", url, str(error), NETWORK_MENDS[error.trouble], command, _edit(each))
        return
    yield good("quay.reachable", url, "the port answers")
    served = _served(examination, each)
    detail = f"{error.trouble.value}{f': {served}' if served else ''}"
    if error.trouble in TLS_MENDS:
        yield bad("quay.tls", url, detail, TLS_MENDS[error.trouble], _edit(each))
    else:
        yield bad("quay.tls", url, detail, PIN, _pin(each))


def _served(examination: Examination, each: Integration) -> str:
    try:
        found = parse_der(examination.network.certificate(*_host(each)))
    except NoAnswerError:
        return ""
    return f"{described(found[0])}, for {', '.join(names(found[0])) or 'no name'}" if found else ""


def _host(each: Integration) -> tuple[str, int]:
    parts = urlsplit(each.parsed.endpoint.url)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _pin(each: Integration) -> str:
    """Puts the served certificate into caBundle. Itself may be the anchor, whoever signed it."""
    host, port = _host(each)
    fetch = f"openssl s_client -connect {host}:{port} -servername {host} </dev/null 2>/dev/null | openssl x509 | base64 -w0"
    patch = f"""oc patch {each.resource} {each.parsed.name} --type=merge -p '{{"spec":{{"caBundle":"'"$CA"'"}}}}'"""
    return f"CA=$({fetch})\n{patch}"


def _tls(each: Integration) -> Finding:
    endpoint = each.parsed.endpoint
    if endpoint.url.startswith("http://"):
        return doubtful("quay.tls", endpoint.url, "no TLS at all", "use https, when Quay has it", _edit(each))
    if endpoint.insecure:
        detail = "not verified, because insecureRegistry is true: whoever is in between gets the token"
        return doubtful("quay.tls", endpoint.url, detail, f"{PIN}; then set insecureRegistry to false", _pin(each), _edit(each))
    by = "spec.caBundle" if endpoint.ca_bundle else "the CAs of this machine"
    return good("quay.tls", endpoint.url, f"verified, by {by}")


def _health(each: Integration, page: Page) -> Iterator[Finding]:
    url = each.parsed.endpoint.url
    services = dig(_json(page), "data", "services")
    if not isinstance(services, dict):
        detail = f"the health page answered {page.status}, and not as Quay does: is quayHostname Quay's own address?"
        yield bad("quay.health", url, detail, "correct spec.quayHostname, or look at what stands in front of Quay", _edit(each))
        return
    ill = sorted(name for name, well in services.items() if well is not True)
    if ill:
        yield bad("quay.health", url, f"Quay says that it is not well: {', '.join(ill)}", "look at Quay's logs")
    else:
        yield good("quay.health", url, "all services are well")


def _config(examination: Examination, each: Integration) -> Json:
    """What Quay tells everybody of its configuration; {} when it does not."""
    endpoint = each.parsed.endpoint
    try:
        return _json(examination.network.page(f"{endpoint.url}/config", endpoint))
    except NoAnswerError:
        return {}


def _version(each: Integration, config: Json) -> Finding:
    url = each.parsed.endpoint.url
    if text(config, "registry_state") == "readonly":
        return bad(
            "quay.health", url, "Quay is in read-only mode: nothing can be made", "end the read-only mode in Quay's config"
        )
    version = text(config, "version_number")
    if not version:
        return unsure("quay.version", url, "Quay does not tell its version")
    return good("quay.version", url, f"Quay {version}")


def _full_access(config: Json) -> bool | None:
    value = dig(config, "features", "SUPERUSERS_FULL_ACCESS")
    return value if isinstance(value, bool) else None


def _json(page: Page) -> Json:
    try:
        value = json.loads(page.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
