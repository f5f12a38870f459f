"""Where a server is and how a client of ours reaches it: its URL read, its certificate trusted. Asks nothing itself."""

from __future__ import annotations

import http.client
import re
import ssl
import urllib.parse
from dataclasses import dataclass

from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Text

_USER = re.compile(r"//[^/]*@")
_HOST_AND_PORT = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+):[0-9]+/?")
_NEVER = re.compile(r"[\s\x00-\x1f\x7f\\]")
"""Stands in no URL."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A server's place, read from its URL."""

    secure: bool
    """It speaks https."""
    host: str
    port: int | None

    @property
    def url(self) -> str:
        """`http://HOST:PORT`, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port is None else f":{self.port}"
        return f"{'https' if self.secure else 'http'}://{host}{port}"

    def connection(self, ca: str | None = None, *, timeout: float) -> http.client.HTTPConnection:
        """A connection that is not open yet; over https it trusts `ca`, a file, or what this machine trusts."""
        if not self.secure:
            return http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        try:
            trusted = ssl.create_default_context(cafile=ca)
        except OSError as error:
            why = error.strerror or str(error)
            text = Text(f"{ca} holds no certificates to trust: {why}", f"{ca} 中没有可信任的证书：{why}")
            raise ConfigurationError.at("--ca", text) from None
        return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=trusted)


def parse_server_url(url: str, ca: str | None = None) -> ServerAddress:
    """The address behind `http://HOST:PORT`; ConfigurationError for any other text, and for a `ca` without https."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _no_url(url) from None
    if _NEVER.search(url) or parts.scheme not in ("http", "https") or not host:
        raise _no_url(url)
    if "@" in parts.netloc:
        raise _no_url(url, "…@")
    if extra := urllib.parse.urlunsplit(("", "", parts.path.rstrip("/"), parts.query, parts.fragment)):
        raise _no_url(url, extra)
    if ca and parts.scheme != "https":
        raise ConfigurationError.at("--ca", Text(f"{url} is not https", f"{url} 不是 https"))
    return ServerAddress(parts.scheme == "https", host, port)


def normalize_server_url(word: str) -> str:
    """`http://HOST:PORT` without a slash at the end, HOST:PORT taken for http; ConfigurationError for other texts."""
    word = word.strip()
    return parse_server_url(f"http://{word}" if _HOST_AND_PORT.fullmatch(word) else word).url


def _no_url(url: str, extra: str = "") -> ConfigurationError:
    # What stands before an @ is a password as often as not.
    place = _USER.sub("//…@", url)[:200] if url.strip() else "--url"
    without, without_zh = (f", without {extra}", f"，不带 {extra}") if extra else ("", "")
    text = Text(
        f"is no URL of a mock server; give http://HOST:PORT{without}",
        f"不是模拟服务器的 URL；形如 http://HOST:PORT{without_zh}",
    )
    return ConfigurationError.at(place, text)


def certificate_advice(error: ssl.SSLCertVerificationError) -> Text:
    """What to do about a certificate that is not trusted."""
    why = error.verify_message
    return Text(
        f"its certificate is not trusted ({why}): add --ca FILE", f"证书不受信任（{why}）：请加 --ca FILE"
    )
