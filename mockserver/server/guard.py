"""Access control of the admin API: programs on this machine may use it, foreign web pages may not.

Any web page can send requests to localhost. Therefore the Host header must name this server (against DNS rebinding),
requests with a foreign Origin or from another site are rejected, and writes need a header and a content type that a
page can only send after a CORS preflight. No response contains an Access-Control header, so a preflight never succeeds.

The probes of an orchestrator know neither the token nor a name of the server; they get a status without details.
"""

from __future__ import annotations

import base64
import functools
import hmac
import ipaddress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.core.addresses import split_url
from mockserver.core.errors import AdminError
from mockserver.core.http import header_text
from mockserver.core.yaml_reader import read_texts

if TYPE_CHECKING:
    from flask import Request

CHALLENGES = ("Bearer", 'Basic realm="mockserver: any name, the admin token as password", charset="UTF-8"')
"""The WWW-Authenticate headers of a 401. With Basic, a browser asks its user for the token."""
_READS = frozenset({"GET", "HEAD"})
_ALLOWED_FETCH_SITES = frozenset({"", "same-origin", "none"})


def admin_error(name: str, /, **values: object) -> AdminError:
    """Return an error of admin_errors.yaml with the placeholders of its message filled."""
    row = _errors()[name]
    return AdminError(row["status"], name.partition(".")[0], row["text"].format(**values))


@functools.cache
def _errors() -> Any:
    return read_texts(Path(__file__).with_name("admin_errors.yaml"))


@dataclass(frozen=True)
class Guard:
    """The access rules of one server."""

    hosts: frozenset[str] | None
    """Allowed host names in lower case; None allows any name and is only safe with a token."""
    token: str | None = None
    origins: frozenset[str] = frozenset()
    """Origins of the server's own pages, in addition to the one named by the Host header."""

    @classmethod
    def for_host(cls, host: str, token: str | None) -> Guard:
        """Return the guard of a server that listens on `host`. Off loopback, a token allows every host name."""
        if token and not is_loopback(host):
            return cls(None, token)
        return cls(frozenset({"localhost", "127.0.0.1", "::1", host.lower()}), token or None)

    def behind(self, public_url: str | None) -> Guard:
        """Return the guard that also allows the host and origin of `public_url`, if there is a token.

        Without a token, any client of the reverse proxy could use the admin API.
        """
        if not public_url or not self.token:
            return self
        parts = split_url(public_url)
        hosts = None if self.hosts is None else self.hosts | {parts.hostname or ""}
        return replace(self, hosts=hosts, origins=self.origins | {f"{parts.scheme}://{parts.netloc}".lower()})

    def allows_probe(self, request: Request) -> bool:
        """Return whether a request that `check` refuses may see the status of a server with a token.

        It must not carry credentials, because wrong ones are to be reported, and must not come from a web page.
        """
        return (
            self.token is not None
            and request.method in _READS
            and not request.headers.get("Authorization")
            and request.headers.get("Origin") is None
            and request.headers.get("Sec-Fetch-Site", "") in _ALLOWED_FETCH_SITES
        )

    def check(self, request: Request) -> None:
        """Raise AdminError 401, 403 or 415 unless the request is allowed."""
        host = host_name(request.environ.get("HTTP_HOST", ""))
        if self.hosts is not None and host not in self.hosts:
            raise admin_error("foreign_host", host=host)
        origin = request.headers.get("Origin")
        own = f"{request.scheme}://{request.environ.get('HTTP_HOST', '')}"
        if origin is not None and origin != own and origin not in self.origins:
            raise admin_error("foreign_origin")
        if request.headers.get("Sec-Fetch-Site", "") not in _ALLOWED_FETCH_SITES:
            raise admin_error("cross_site")
        if self.token is None and not is_loopback(request.remote_addr or "localhost"):
            raise admin_error("foreign_machine")
        if self.token is not None and not hmac.compare_digest(
            _sent_token(request), header_text(self.token).encode("latin-1")
        ):
            raise admin_error("unauthorized")
        if request.method not in _READS:
            if request.headers.get("X-Mock-Admin") != "1":
                raise admin_error("missing_header")
            if request.mimetype != "application/json":
                raise admin_error("unsupported_content_type")


def _sent_token(request: Request) -> bytes:
    """Return the token of the request: the Bearer token, or the password of Basic with any user name."""
    # WSGI decodes header bytes as Latin-1.
    header = request.headers.get("Authorization", "").encode("latin-1", "replace")
    scheme, _, credentials = header.partition(b" ")
    if scheme.lower() != b"basic":
        return credentials if scheme == b"Bearer" else b""
    try:
        return base64.b64decode(credentials, validate=True).partition(b":")[2]
    except ValueError:
        return b""


def is_loopback(host: str) -> bool:
    """Return whether `host` is a loopback address or `localhost`."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def host_name(header: str) -> str:
    """Return the name in a Host header in lower case, without port and brackets; empty when it is malformed."""
    try:
        return (split_url(f"//{header}").hostname or "") if "@" not in header else ""
    except ValueError:
        return ""
