"""The target: a real backend and its credentials. Every request to it is signed, counted and sent here.

A request is signed when it is sent, after any wait, and again when it is repeated. Redirects are not followed, proxies
in the environment are ignored, certificates are verified. Texts of a target or an error pass `redact` before they are
shown.
"""

from __future__ import annotations

import math
import re
import ssl
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, unquote

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError, ReadTimeoutError
from urllib3.exceptions import SSLError as TlsError

from mockserver.contract.apps import Credentials, load_apps
from mockserver.contract.checking import check_document
from mockserver.contract.checksum import Formula, checksum, new_seq
from mockserver.contract.schemas import Schemas
from mockserver.core.addresses import parse_public_url
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.folders import Folders
from mockserver.core.json_reader import read_json
from mockserver.core.machine_time import machine_time, monotonic, sleep
from mockserver.core.settings import read_variable
from mockserver.core.suggestions import unknown
from mockserver.core.text import MASK, Text
from mockserver.core.yaml_reader import read_yaml
from mockserver.validation.redactor import Redactor

JSON_HEADERS = {"Content-Type": "application/json"}
DEFAULT_IDENTIFIER = "admin"  # The document's own (§1.1.2): no secret.
_MAX_ANSWER = 256 * 1024 * 1024
_MAX_REMEMBERED = 20_000  # Checksums and seqs that `redact` masks.
_HEX_DIGEST = re.compile(r"(?<![0-9A-Za-z])(?:[0-9a-f]{40}|[0-9A-F]{40})(?![0-9A-Za-z])", re.ASCII)
_OTHER_HOST = Text("use a host name that it is valid for", "请使用证书所适用的主机名")
_TLS_ADVICE = {
    9: Text("it is not valid yet", "证书尚未生效"),
    10: Text("it has expired", "证书已过期"),
    62: _OTHER_HOST,
    64: _OTHER_HOST,
}
"""By the verification code of OpenSSL. Other codes concern the issuer of the certificate."""
Changes = Mapping[str, str | None]
Kind = Literal["unreachable", "certificate", "refused", "rate_limited", "other_api", "out_of_requests"]


class TargetError(ConfigurationError):
    """The target cannot be used; `kind` is the reason."""

    kind: Kind = "unreachable"

    @classmethod
    def of(cls, kind: Kind, place: str, text: Text) -> TargetError:
        """Return an error about `place`: the URL of the target, or an option."""
        error = cls([Problem(place, text)])
        error.kind = kind
        return error


@dataclass(frozen=True, slots=True)
class TargetCredentials:
    """The keys with which requests to the target are signed, and their identifier."""

    keys: Credentials
    identifier: str = field(default=DEFAULT_IDENTIFIER, repr=False)

    @property
    def names(self) -> list[str]:
        """The appkey and the identifier, unless it is the document's own."""
        return [name for name in (self.keys.appkey, self.identifier) if name != DEFAULT_IDENTIFIER]


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer of the target, as it was received."""

    status: int
    headers: Mapping[str, str]  # By lowercase name.
    body: bytes
    seconds: float  # From sending to the last byte.
    at: float = 0.0  # When the request was signed.


def read_target_credentials(apps: str | None, appkey: str | None) -> TargetCredentials:
    """Return the credentials from the file `apps`, or from the variables `MOCKSERVER_TARGET_…` if it is None.

    `appkey` selects an app of the file; the default is the first. Raise ConfigurationError, without secrets in its
    text.
    """
    if apps is None:
        return _credentials_from_environment(appkey)
    schema = Schemas({"apps.json": read_json(Folders().schema("apps.json"))})["apps.json"]
    document = read_yaml(Path(apps))
    problems: list[Problem] = []
    checked = check_document(document, schema, problems)
    if problems:
        raise ConfigurationError(problems)
    known = load_apps(checked)
    if appkey is not None and appkey not in known:
        raise ConfigurationError.at("--target-appkey", unknown("app", appkey, known))
    app = known[appkey] if appkey is not None else next(iter(known.values()))
    return TargetCredentials(app.credentials, next(iter(app.identifiers), DEFAULT_IDENTIFIER))


def _credentials_from_environment(appkey: str | None) -> TargetCredentials:
    names = ("APPKEY", "APPSECRET", "RESTAPIKEY", "IDENTIFIER")
    values = {name: read_variable(f"MOCKSERVER_TARGET_{name}") for name in names}
    values["APPKEY"] = appkey or values["APPKEY"]
    if listed := ", ".join(f"MOCKSERVER_TARGET_{name}" for name in ("APPKEY", "APPSECRET") if not values[name]):
        text = Text(
            f"no credentials of the target: give a file like apps.yaml, or set {listed}",
            f"缺少目标的凭证：请给出 apps.yaml 格式的文件，或设置 {listed}",
        )
        raise ConfigurationError.at("--target-apps", text)
    keys = Credentials(values["APPKEY"], values["APPSECRET"], values["RESTAPIKEY"])
    return TargetCredentials(keys, values["IDENTIFIER"] or DEFAULT_IDENTIFIER)


class Target:
    """A thread-safe client of one backend.

    `rate` is in requests per second, 0 for unlimited. More than `max_requests` requests raise TargetError. `clock`
    returns the time to sign with, in seconds since the epoch; `ticks` monotonic seconds; `pause` waits.
    """

    def __init__(
        self,
        url: str,
        credentials: TargetCredentials,
        *,
        ca: str | None = None,
        proxy: str | None = None,
        rate: float = 0.0,
        max_requests: int | None = None,
        timeout: float = 30.0,
        connections: int = 1,
        clock: Callable[[], float] = machine_time,
        ticks: Callable[[], float] = monotonic,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        self.url = parse_public_url(url, "--target")
        self.credentials = credentials
        self.formula: Formula = "v2"
        self.requests = 0
        self.clock, self.pause = clock, pause
        self._rate, self._max_requests, self._ticks = rate, max_requests, ticks
        self._lock, self._next_slot = threading.Lock(), 0.0
        self._redactor = Redactor()
        self._redactor.add_secrets(credentials.keys.secrets)
        self._escaped_names = Redactor()
        self._escaped_names.add_secrets(credentials.names)
        self._sent: deque[str] = deque(maxlen=_MAX_REMEMBERED)
        options: dict[str, Any] = {
            "timeout": urllib3.Timeout(connect=min(timeout, 10.0), read=timeout),
            "retries": False,
            "maxsize": connections,
            "block": True,
            "ssl_context": _tls_context(ca) if self.url.startswith("https:") or proxy else None,
        }
        self._pool = _proxy_pool(proxy, options) if proxy else urllib3.PoolManager(**options)

    def send(
        self,
        path: str,
        body: bytes,
        *,
        method: str = "POST",
        headers: Mapping[str, str] = JSON_HEADERS,
        sign: Callable[[], Changes] = dict,
        formula: Formula | None = None,
        query: str = "",
    ) -> Answer:
        """Sign and send a request, and return the answer. Raise TargetError if there is none.

        `sign` is called when the request is signed; it returns parameters to replace, or None to omit one. `query` is
        appended unchanged. If the connection is closed before an answer begins, the request is signed and sent again.
        """
        for attempt in (1, 2):
            self._wait_for_turn()
            changes = sign()
            now = self.clock()
            signed = self._signed_query(now, changes, formula or self.formula)
            url = f"{self.url}{path}?{'&'.join(filter(None, (signed, query)))}"
            started = self._ticks()
            try:
                response = self._pool.request(
                    method,
                    url,
                    body=body,
                    headers=dict(headers),
                    redirect=False,
                    preload_content=False,
                    decode_content=False,
                )
                try:
                    content = self._read(response)
                finally:
                    response.release_conn()
            except HTTPError as error:
                if attempt == 1 and _was_dropped(error):
                    continue
                raise self._explain(error) from None
            received = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, received, content, self._ticks() - started, now)
        raise AssertionError

    def sent(self) -> frozenset[str]:
        """Return the last checksums and seqs that were sent, and the checksums of the other formula."""
        # A list, because other threads add to the deque.
        return frozenset(list(self._sent))

    def redact(self, text: str) -> str:
        """Return a text from the target with credentials, checksums, seqs and the identifier masked."""
        for value in (*self.credentials.names, *self.sent()):
            if value in text:
                text = text.replace(value, MASK)
        text = self._escaped_names.redact_text(text)
        return _HEX_DIGEST.sub(MASK, self.redact_secrets(text))

    def redact_secrets(self, text: str) -> str:
        """Return data from the target with appsecret and restapikey masked, which occur in data only by mistake."""
        return self._redactor.redact_text(text)

    def error(self, kind: Kind, text: Text) -> TargetError:
        """Return an error about this target."""
        return TargetError.of(kind, self.url, text)

    @property
    def remaining(self) -> float:
        """How many more requests may be sent."""
        return math.inf if self._max_requests is None else self._max_requests - self.requests

    def close(self) -> None:
        """Close all connections."""
        self._pool.clear()

    def _wait_for_turn(self) -> None:
        """Wait until the rate allows another request, and count it."""
        with self._lock:
            if self.remaining <= 0:
                text = Text(
                    f"the limit of {self._max_requests} requests is reached",
                    f"已达到 {self._max_requests} 个请求的上限",
                )
                raise self.error("out_of_requests", text)
            self.requests += 1
            now = self._ticks()
            slot = max(now, self._next_slot)
            self._next_slot = slot + 1 / self._rate if self._rate else slot
        if slot > now:
            self.pause(slot - now)

    def _signed_query(self, now: float, changes: Changes, formula: Formula) -> str:
        keys = self.credentials.keys
        curtime = changes.get("curtime") or str(int(now))
        values: dict[str, str | None] = {
            "appkey": keys.appkey,
            "identifier": self.credentials.identifier,
            "curtime": curtime,
            "checksum": checksum(keys, curtime, formula),
            "seq": new_seq(str(int(now))),
            **changes,
        }
        # Both formulas, because an answer may contain the checksum that the target expected.
        self._sent += [checksum(keys, curtime, "v2"), checksum(keys, curtime, "v1")]
        self._sent += [value for value in (values["seq"], values["checksum"]) if value and len(value) > 8]
        return "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items() if value is not None)

    def _read(self, response: urllib3.BaseHTTPResponse) -> bytes:
        parts, size = [], 0
        for part in response.stream(1 << 16, decode_content=False):
            parts.append(part)
            size += len(part)
            if size > _MAX_ANSWER:
                response.close()
                raise self.error("other_api", Text("an answer is larger than 256 MiB", "响应超过 256 MiB"))
        return b"".join(parts)

    def _explain(self, error: HTTPError) -> TargetError:
        """Return the error for a failed request, without the texts of urllib3, which contain the signed URL."""
        cause = error.__cause__ or error.__context__ or error
        if isinstance(error, ProxyError):
            return self.error(
                "unreachable",
                Text("the proxy cannot be used; check --target-proxy", "代理不可用；请检查 --target-proxy"),
            )
        if isinstance(error, TlsError):
            return self.error("certificate", _tls_text(error, cause))
        if isinstance(error, (NewConnectionError, ConnectTimeoutError)):
            reason = _reason(
                cause, "the host name is unknown" if "resol" in type(error).__name__.lower() else "no connection"
            )
            return self.error("unreachable", Text(f"unreachable: {reason}", f"无法连接：{reason}"))
        if isinstance(error, ReadTimeoutError):
            return self.error("unreachable", Text("no complete answer in time", "未在时限内收到完整响应"))
        return self.error(
            "unreachable", Text("the connection broke before the answer was complete", "响应未完整，连接即中断")
        )


def _proxy_pool(proxy: str, options: Mapping[str, Any]) -> urllib3.ProxyManager:
    try:
        user = urllib3.util.parse_url(proxy).auth
        headers = urllib3.make_headers(proxy_basic_auth=unquote(user)) if user else None
        return urllib3.ProxyManager(proxy, proxy_headers=headers, **options)
    except (HTTPError, ValueError):
        text = Text("not the URL of a proxy; expected http://HOST:PORT", "不是代理的 URL；应为 http://HOST:PORT")
        raise ConfigurationError.at("--target-proxy", text) from None


def _tls_context(ca: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca is not None:
        try:
            context.load_verify_locations(cafile=ca)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            text = Text(f"{ca} contains no CA certificates: {reason}", f"{ca} 中没有 CA 证书：{reason}")
            raise ConfigurationError.at("--target-ca", text) from None
    return context


def _was_dropped(error: HTTPError) -> bool:
    """Whether the server closed an idle connection just when it was used again."""
    return any(isinstance(each, ConnectionError) for each in (error.__cause__, error.__context__, *error.args))


def _reason(cause: BaseException, otherwise: str) -> str:
    return getattr(cause, "strerror", None) or otherwise


def _tls_text(error: TlsError, cause: BaseException) -> Text:
    for each in (cause, *error.args):
        if isinstance(each, ssl.SSLCertVerificationError):
            reason = each.verify_message
            advice = _TLS_ADVICE.get(each.verify_code, Text("add --target-ca FILE", "请加 --target-ca FILE"))
            return Text(
                f"its certificate is not trusted ({reason}): {advice.en}", f"证书不受信任（{reason}）：{advice.zh}"
            )
    return Text("no TLS connection; is this an https port?", "无法建立 TLS 连接；该端口是否提供 https？")
