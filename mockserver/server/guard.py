"""Who may talk to the admin API: this machine's own programs, never a page in somebody's browser.

A page can reach a server on localhost. So the Host must be one of ours (else a name was re-bound to this address), a
foreign Origin or a cross-site fetch is refused, and a write carries a header and a content type that no page can send
without asking first; that asking is never granted, since no answer carries an Access-Control header.
"""

from __future__ import annotations

import base64
import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Request

from mockserver.core.errors import ControlError
from mockserver.core.text import Text

WRITE_HEADER = "X-Mock-Admin"
CHALLENGES = ("Bearer", 'Basic realm="mockserver: any name, the admin token as password", charset="UTF-8"')
"""What a 401 asks for, a header each: a browser lets its user type the token and sends it with the page's own calls."""
_READS = frozenset({"GET", "HEAD"})
_OWN_SITES = frozenset({"", "same-origin", "none"})


@dataclass(frozen=True)
class Guard:
    """The rules for one server: the names it is reached by, and the token that is asked for, if any."""

    hosts: frozenset[str] | None
    """None: any name. A server that other machines reach cannot know its names; there the token is what counts."""
    token: str | None = None

    @classmethod
    def for_host(cls, host: str, token: str | None, more: Iterable[str] = ()) -> Guard:
        """The guard of a server that listens on `host`: its own name and the loopback's."""
        if token and not is_loopback(host):
            return cls(None, token)
        return cls(frozenset({"localhost", "127.0.0.1", "::1", host.lower(), *more}), token or None)

    def check(self, request: Request) -> None:
        """ControlError 401, 403 or 415 unless the request may go on."""
        host = host_name(request.environ.get("HTTP_HOST", ""))
        if self.hosts is not None and host not in self.hosts:
            raise _forbidden(
                "foreign_host", f"Host {host!r} is none of this server's", f"Host {host!r} 不属于本服务器"
            )
        origin = request.headers.get("Origin")
        if origin is not None and origin != f"{request.scheme}://{request.environ.get('HTTP_HOST', '')}":
            raise _forbidden(
                "foreign_origin", "pages of another origin may not call", "其他来源的页面不得调用"
            )
        if request.headers.get("Sec-Fetch-Site", "") not in _OWN_SITES:
            raise _forbidden("cross_site", "pages of another site may not call", "其他站点的页面不得调用")
        if self.token is None and not is_loopback(request.remote_addr or "localhost"):
            raise _forbidden(
                "foreign_machine",
                "other machines may call only where the server has an admin token",
                "仅当服务器设置了管理令牌时，其他机器才可调用",
            )
        if self.token is not None and not hmac.compare_digest(_token(request), self.token.encode()):
            text = Text("send Authorization: Bearer TOKEN", "请发送 Authorization: Bearer TOKEN")
            raise ControlError(401, "unauthorized", text)
        if request.method not in _READS:
            if request.headers.get(WRITE_HEADER) != "1":
                raise _forbidden(
                    "missing_header", f"a write carries {WRITE_HEADER}: 1", f"写操作须带 {WRITE_HEADER}: 1"
                )
            if request.mimetype != "application/json":
                text = Text(
                    "a write carries Content-Type: application/json",
                    "写操作须带 Content-Type: application/json",
                )
                raise ControlError(415, "unsupported_content_type", text)


def _token(request: Request) -> bytes:
    """The token that a request carries: a program's as Bearer, a browser's as the password of any name."""
    # WSGI tells a header's bytes as Latin-1.
    given = request.headers.get("Authorization", "").encode("latin-1", "replace")
    scheme, _, rest = given.partition(b" ")
    if scheme.lower() != b"basic":
        return rest if scheme == b"Bearer" else b""
    try:
        return base64.b64decode(rest, validate=True).partition(b":")[2]
    except ValueError:
        return b""


def is_loopback(host: str) -> bool:
    """Whether a server on `host` can be reached from this machine alone."""
    try:
        address = ipaddress.ip_address(host)
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return (mapped or address).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def host_name(header: str) -> str:
    """The name in a Host header, without port and brackets, in lower case; empty when there is none."""
    try:
        return (urlsplit(f"//{header}").hostname or "") if "@" not in header else ""
    except ValueError:
        return ""


def _forbidden(name: str, en: str, zh: str) -> ControlError:
    return ControlError(403, name, Text(en, zh))
