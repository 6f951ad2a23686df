"""Requests to the API server: the official client's configuration and connection pool as transport, JSON in and out.

No model classes: they cost memory by the object, and they drop what they do not know, which a PUT would then erase.
"""

from __future__ import annotations

import copy
import re
import ssl
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

import orjson
import urllib3
import yaml
from attrs import frozen
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException, load_incluster_config, load_kube_config

from quaybridge_sdk.adapters.kubernetes.answers import SYSTEM, Call, answer_error, decode, transport_error
from quaybridge_sdk.adapters.kubernetes.objects import Json
from quaybridge_sdk.adapters.kubernetes.stream import Stream
from quaybridge_sdk.errors import InvalidInputError, InvalidNameError, TokenInvalidError

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
USER_AGENT = "quaybridge-sdk"
POOL_SIZE = 64
"""Connections kept for reuse: each open watch holds one, and the workers share the rest."""

SURROGATE = re.compile(r"[\ud800-\udfff]")
"""Half of a character: a Python string may have one, UTF-8 has none."""


@frozen
class Timeouts:
    """Limits of each request, in seconds.

    ``read`` is the longest silence of the server: it gives up an ordinary request itself after 60 s, but needs seconds at most.
    """

    connect: float = 5.0
    read: float = 30.0


def api_path(prefix: str, *segments: str) -> str:
    """A path below ``prefix``, each segment quoted: names that come out of custom resources are anybody's text.

    Raises:
        InvalidNameError: a segment is one that URLs resolve away, or no text that can be sent.
    """
    for segment in segments:
        if segment in ("", ".", "..") or SURROGATE.search(segment):
            raise InvalidNameError(f"not a name that Kubernetes allows: {segment!r}")
    return "/".join((prefix, *(quote(segment, safe="") for segment in segments)))


def _require_usable(configuration: Configuration) -> None:
    """Each call would fail, for a reason that the server, or the library below, tells badly.

    Raises:
        InvalidInputError: a certificate cannot be read, or there are no credentials at all (also when an exec plugin failed).
    """
    if not str(configuration.host).startswith("https://"):
        return
    try:
        trusted = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    except OSError:  # ssl.SSLError is one
        raise InvalidInputError("kubeconfig: the cluster's certificate-authority holds no certificate that can be read") from None
    if configuration.cert_file:
        try:
            trusted.load_cert_chain(configuration.cert_file, configuration.key_file)
        except OSError:
            text = "kubeconfig: the user's client-certificate and client-key cannot be read, or do not belong together"
            raise InvalidInputError(text) from None
    elif not (configuration.api_key or configuration.username):
        text = "kubeconfig: the user has no credentials; where a plugin is to give them, it did not: log in anew, with oc login"
        raise InvalidInputError(text)


class KubernetesClient:
    """One API server, with one identity. Thread-safe; a context manager, unusable once closed.

    Every method raises subclasses of :class:`~quaybridge_sdk.errors.RemoteError` with ``system="kubernetes"``; none tries twice.
    """

    def __init__(self, configuration: Configuration, timeouts: Timeouts = Timeouts()) -> None:
        configuration.connection_pool_maxsize = POOL_SIZE
        self._configuration = configuration
        self._timeouts = timeouts
        self._api = ApiClient(configuration)
        self._token_lock = threading.Lock()
        self._closed = threading.Event()

    @classmethod
    def from_kubeconfig(cls, path: str | None = None, context: str | None = None, timeouts: Timeouts = Timeouts()) -> Self:
        """A client as a kubeconfig file says. ``path`` None: ``$KUBECONFIG``, or ``~/.kube/config``.

        Raises:
            InvalidInputError: the file is missing or malformed, has no such context, or holds nothing by which a call could work.
        """
        configuration = Configuration()
        try:
            load_kube_config(  # type: ignore[no-untyped-call]
                config_file=path, context=context, client_configuration=configuration, persist_config=False
            )
        except ConfigException as error:
            raise InvalidInputError(f"kubeconfig: {error}") from error
        except yaml.YAMLError:  # its text quotes the file, in which tokens are
            raise InvalidInputError("kubeconfig: not YAML") from None
        except OSError as error:
            raise InvalidInputError(f"kubeconfig: {error.strerror}: {error.filename}") from error
        except (TypeError, AttributeError, KeyError, ValueError):  # what the library meets in a file of another shape
            raise InvalidInputError("kubeconfig: it is not of a kubeconfig's shape") from None
        if not re.match(r"https?://[^\s/]", str(configuration.host)):
            raise InvalidInputError("kubeconfig: the cluster's server must be a URL that begins with https://")
        _require_usable(configuration)
        return cls(configuration, timeouts)

    @classmethod
    def in_cluster(cls, timeouts: Timeouts = Timeouts()) -> Self:
        """A client with the pod's own service account; its token file is read again every minute.

        Raises:
            InvalidInputError: this is no pod, or it has no service account token.
        """
        configuration = Configuration()
        try:
            load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        except ConfigException as error:
            raise InvalidInputError(f"not in a cluster: {error}") from error
        return cls(configuration, timeouts)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Closes the idle connections. Streams that are open end on their own or by :meth:`Stream.interrupt`."""
        self._closed.set()
        self._api.close()  # type: ignore[no-untyped-call]

    def limited(self, timeouts: Timeouts) -> Self:
        """The same client, its connections included, with other limits. It is closed together with this one."""
        limited = copy.copy(self)
        limited._timeouts = timeouts  # noqa: SLF001 - of our own class
        return limited

    @property
    def host(self) -> str:
        """The API server's URL."""
        return str(self._configuration.host)

    def get(self, path: str, query: Mapping[str, str] | None = None, *, accept: str = JSON) -> Json:
        """An object, or a page of a list."""
        return self._request("GET", path, query=query, accept=accept)

    def create(self, path: str, body: Json, *, read_timeout: float | None = None) -> Json:
        """POST to a collection."""
        return self._request("POST", path, body=body, read_timeout=read_timeout)

    def try_creating(self, path: str, body: Json) -> Json:
        """POST as a dry run: admitted and validated, webhooks included, and not stored; answers what would have been."""
        return self._request("POST", path, query={"dryRun": "All"}, body=body)

    def replace(self, path: str, body: Json) -> Json:
        """PUT. ``body`` must carry the ``resourceVersion`` it was read with: without one, some kinds are overwritten blindly."""
        return self._request("PUT", path, body=body)

    def patch_merge(self, path: str, body: Json) -> Json:
        """A JSON merge patch; with ``metadata.resourceVersion`` in it, a stale one is a ConflictError."""
        return self._request("PATCH", path, body=body, content_type=MERGE_PATCH)

    def delete(self, path: str, preconditions: Mapping[str, str] | None = None) -> Json:
        """Answers the object, or a Status. With ``uid`` and ``resourceVersion`` given, another one is a ConflictError."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": dict(preconditions)} if preconditions else None
        return self._request("DELETE", path, body=options)

    def stream(self, path: str, query: Mapping[str, str], *, accept: str = JSON, silence: float | None = None) -> Stream:
        """Opens a watch. ``silence``: seconds without a byte after which it counts as broken."""
        call = self._call("GET", path)
        response = self._send(call, query, None, accept, JSON, silence, preload=False)
        if response.status == 200:
            return Stream(call, response)
        try:
            body = response.read()
        except urllib3.exceptions.HTTPError as error:
            raise transport_error(call, error) from error
        finally:
            response.close()
        raise answer_error(call, response.status, response.headers, body)

    def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        accept: str = JSON,
        content_type: str = JSON,
        read_timeout: float | None = None,
    ) -> Json:
        call = self._call(method, path)
        response = self._send(call, query, body, accept, content_type, read_timeout, preload=True)
        if not 200 <= response.status < 300:
            raise answer_error(call, response.status, response.headers, response.data)
        return decode(call, response.data)

    def _send(
        self,
        call: Call,
        query: Mapping[str, str] | None,
        body: Json | None,
        accept: str,
        content_type: str,
        read_timeout: float | None,
        *,
        preload: bool,
    ) -> urllib3.BaseHTTPResponse:
        headers = {"Accept": accept, "User-Agent": USER_AGENT, **self._authorization(call)}
        if body is not None:
            headers["Content-Type"] = content_type
        url = self.host.rstrip("/") + call.path + (f"?{urlencode(query)}" if query else "")
        timeout = urllib3.Timeout(connect=self._timeouts.connect, read=read_timeout or self._timeouts.read)
        sent: dict[str, Any] = {"headers": headers, "timeout": timeout, "preload_content": preload}
        # `retries=False`: neither repeated (two layers of retries multiply, and the error's class decides above the adapter) nor
        # sent on to where the server points, with our token in it.
        try:
            return self._api.rest_client.pool_manager.urlopen(
                call.method, url, body=None if body is None else orjson.dumps(body), retries=False, **sent
            )
        except urllib3.exceptions.HTTPError as error:
            raise transport_error(call, error) from error

    def _call(self, method: str, path: str) -> Call:
        if self._closed.is_set():
            raise RuntimeError("this KubernetesClient is closed: open a new one")
        configuration = self._configuration
        return Call(method, path, bool(configuration.api_key or configuration.cert_file or configuration.username))

    def _authorization(self, call: Call) -> Mapping[str, str]:
        """The current bearer token: service account tokens live an hour, and the client library reads the new one in time."""
        try:
            with self._token_lock:  # the library's refresh is not written for several threads
                token = self._configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        except (ConfigException, OSError) as error:
            raise TokenInvalidError(f"{call}: no token to send: {type(error).__name__}", system=SYSTEM) from error
        if token:
            return {"Authorization": token.strip()}
        basic = self._configuration.get_basic_auth_token() if self._configuration.username else None
        return {"Authorization": basic} if basic else {}
