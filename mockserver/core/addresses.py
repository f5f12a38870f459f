"""URLs of mock servers and of stores, as users give them: parsing, connecting, and advice about TLS errors."""

from __future__ import annotations

import http.client
import ipaddress
import re
import ssl
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote

from mockserver.core.errors import ConfigurationError
from mockserver.core.messages import message
from mockserver.core.text import Text

_USER = re.compile(r"//[^/]*@")
_HOST_AND_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+):[0-9]+/?")
_IN_BRACKETS = re.compile(r"\[[^\[\]]+\](?::[0-9]*)?")
_NOT_IN_A_URL = re.compile(r"[\s\x00-\x1f\x7f\\]")

_SIGNS_OF_HTTP = ("wrong version number", "record layer failure", "packet length too long", "http request")
_TLS_ALERT = "\x15\x03"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Scheme, host and port of a server."""

    secure: bool  # Whether the scheme is https.
    host: str
    port: int | None

    @property
    def url(self) -> str:
        """`http://HOST:PORT`, without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"{'https' if self.secure else 'http'}://{host}{port}"

    def connection(self, ca: str | None = None, *, timeout: float) -> http.client.HTTPConnection:
        """Return an unopened connection. Over https it trusts the file `ca`, or else the system's certificates."""
        if not self.secure:
            return http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=_tls_context(ca, "--ca"))


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Where a Redis server is, and how to log in. Its text has no credentials."""

    host: str = ""
    port: int = 0
    path: str = ""  # The socket of a server on this machine, instead of host and port.
    database: int = 0
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        """Return the URL without user and password."""
        if self.path:
            return f"unix://{self.path}?db={self.database}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"redis{'s' if self.tls else ''}://{host}:{self.port}/{self.database}"


def parse_store(given: str | StoreAddress) -> StoreAddress:
    """Return the address in `redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]`, `rediss://…` or `unix:///PATH[?db=N]`.

    `?ssl_ca_certs=FILE` names the CA of a `rediss` server, as in other clients. Raise ConfigurationError, without
    showing the credentials, for other texts.
    """
    if isinstance(given, StoreAddress):
        return given
    try:
        parts = urllib.parse.urlsplit(given.strip())
        local = parts.scheme == "unix"
        options = dict(urllib.parse.parse_qsl(parts.query, strict_parsing=True)) if parts.query else {}
        port, user, password = parts.port or 6379, unquote(parts.username or ""), unquote(parts.password or "")
        database = int(options.pop("db", "") or (not local and parts.path.strip("/")) or 0)
        ca, place = options.pop("ssl_ca_certs", None), parts.path if local else parts.hostname
        if parts.scheme not in ("redis", "rediss", "unix") or options or database < 0 or not place:
            raise ValueError
    except ValueError:
        # The text may contain a password, so it is not shown.
        raise ConfigurationError.at("--store", message("store_url")) from None
    if local:
        return StoreAddress(path=place, database=database, user=user, password=password)
    tls = _tls_context(ca, "--store") if parts.scheme == "rediss" else None
    return StoreAddress(place, port, "", database, user, password, tls)


def _tls_context(ca: str | None, option: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        text = message("no_certificates", file=ca, reason=error.strerror or str(error))
        raise ConfigurationError.at(option, text) from None


def parse_server_url(url: str, ca: str | None = None) -> ServerAddress:
    """Return the address in `http://HOST:PORT`; raise ConfigurationError for other texts, or a `ca` without https."""
    parts = _split(url)
    if parts is None:
        raise _invalid_url(url, "…@" if "@" in url else "")
    if extra := urllib.parse.urlunsplit(("", "", parts.path.rstrip("/"), parts.query, parts.fragment)):
        raise _invalid_url(url, extra)
    if ca and parts.scheme != "https":
        raise ConfigurationError.at("--ca", message("not_https", url=url))
    return ServerAddress(parts.scheme == "https", parts.hostname or "", parts.port)


def normalize_server_url(text: str) -> str:
    """Return `http://HOST:PORT` without a trailing slash; `HOST:PORT` means http. ConfigurationError if invalid."""
    text = text.strip()
    return parse_server_url(f"http://{text}" if _HOST_AND_PORT.fullmatch(text) else text).url


def parse_public_url(url: str, option: str = "--public-url") -> str:
    """Return a server's URL without a trailing slash; raise ConfigurationError about `option` if it is invalid."""
    parts = _split(url)
    if parts is None or parts.query or parts.fragment:
        raise ConfigurationError.at(option, message("server_url", url=_without_user(url)))
    return url.strip().rstrip("/")


def parse_origins(given: str | Iterable[str]) -> tuple[str, ...]:
    """Return origins, `http://HOST[:PORT]`, as browsers send them; raise ConfigurationError for anything else."""
    texts = re.split(r"[,\s]+", given.strip(", \n")) if isinstance(given, str) else given
    return tuple(dict.fromkeys(_parse_origin(text) for text in texts))


def _parse_origin(text: str) -> str:
    parts = _split(text)
    if parts is None or parts.path.strip("/") or parts.query or parts.fragment:
        reason = "every_origin" if text.strip() == "*" else "not_an_origin"
        raise ConfigurationError.at("--cors-origin", message(reason, url=_without_user(text)))
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, default) else "")


def certificate_advice(error: ssl.SSLCertVerificationError) -> Text:
    """Return what to do about a server certificate that is not trusted."""
    return message("untrusted", reason=error.verify_message)


def scheme_advice(address: ServerAddress, received: Exception | bytes) -> Text | None:
    """Return the advice to use the other scheme if `received` shows that the port serves that one, otherwise None.

    `received` is the error instead of an answer, or the body of an HTTP 400: many https servers answer plain http
    that way.
    """
    if address.secure:
        reason = str(received).lower().replace("_", " ")
        swapped = isinstance(received, ssl.SSLError) and any(sign in reason for sign in _SIGNS_OF_HTTP)
    elif isinstance(received, bytes):
        swapped = b"https" in received.lower()
    else:
        swapped = isinstance(received, http.client.BadStatusLine) and str(received).startswith(_TLS_ALERT)
    if not swapped:
        return None
    other = ServerAddress(not address.secure, address.host, address.port).url
    return message("other_scheme", scheme="http" if address.secure else "https", url=other)


def _split(url: str) -> urllib.parse.SplitResult | None:
    """Return the parts of an http or https URL with a host and without a user name, or None."""
    url = url.strip()
    try:
        parts = split_url(url)
        # Reading the port checks it.
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if valid and "@" not in parts.netloc and not _NOT_IN_A_URL.search(url) else None


def split_url(url: str) -> urllib.parse.SplitResult:
    """Return the parts of a URL; raise ValueError for brackets around anything but an IPv6 address.

    Python 3.10 accepts any host in brackets.
    """
    parts = urllib.parse.urlsplit(url)
    host_and_port = parts.netloc.rpartition("@")[2]
    if "[" in host_and_port:
        ipaddress.IPv6Address(parts.hostname or "")
        if not _IN_BRACKETS.fullmatch(host_and_port):
            raise ValueError
    return parts


def _without_user(url: str) -> str:
    # The user name before an @ often includes a password.
    return _USER.sub("//…@", url)[:200]


def _invalid_url(url: str, extra: str = "") -> ConfigurationError:
    place = _without_user(url) if url.strip() else "--url"
    without = message("without", extra=extra) if extra else ""
    return ConfigurationError.at(place, message("mock_server_url", without=without))
