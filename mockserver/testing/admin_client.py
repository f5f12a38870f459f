"""The admin API of a mock server, asked over HTTP by the standard library alone: importing it costs nothing."""

from __future__ import annotations

import copy
import http.client
import json
import ssl
import urllib.parse
from collections.abc import Mapping
from typing import Any

from mockserver.core.addresses import certificate_advice, parse_server_url
from mockserver.core.errors import AdminError, ConfigurationError
from mockserver.core.text import Text

Json = dict[str, Any]
__tracebackhide__ = True
"""What goes wrong in here is shown at the line of the test that asked for it."""


class Admin:
    """The admin API of the server at `url`; ConfigurationError when that is no URL of a server.

    Over https `ca` is a file with the certificates to trust.
    """

    def __init__(
        self, url: str, token: str | None = None, timeout: float = 70.0, *, ca: str | None = None
    ) -> None:
        self._address = parse_server_url(url, ca)
        if token and not (token.isascii() and token.isprintable()):
            # The error of http.client would tell it.
            text = Text("holds characters that no header can carry", "含有请求头无法携带的字符")
            raise ConfigurationError.at("--admin-token", text)
        self.url = url.rstrip("/")
        self._token = token
        self._timeout = timeout
        self._ca = ca

    def hurried(self, seconds: float) -> Admin:
        """The same API, asked by somebody who waits no longer than so many seconds."""
        other = copy.copy(self)
        other._timeout = seconds
        return other

    def get(self, path: str, **query: Any) -> Json:
        """The answer to a GET; AdminError when refused, ConfigurationError when no mock server answers."""
        return self._ask("GET", path, query, None)

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Json:
        """The answer to a write; errors as with `get`."""
        return self._ask(method, path, query, body or {})

    def _ask(self, method: str, path: str, query: Mapping[str, Any], body: Mapping[str, Any] | None) -> Json:
        words = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
        target = f"/__admin/{path}" + (f"?{words}" if words else "")
        status, raw = self._exchange(method, target, None if body is None else json.dumps(body).encode())
        told = _object(raw)
        if status >= 400 and {"error", "message"} <= told.keys():
            raise AdminError(status, told["error"], Text(told["message"], told["message"]))
        # 503 is how `ready` tells of files that are wrong.
        if not told or (status >= 300 and status != 503):
            text = Text(
                f"what answers there is no mock server (HTTP {status})",
                f"应答方不是模拟服务器（HTTP {status}）",
            )
            raise ConfigurationError.at(self.url, text)
        return told

    def _exchange(self, method: str, target: str, content: bytes | None) -> tuple[int, bytes]:
        """Status and body of the answer; ConfigurationError when none comes."""
        connection = self._address.connection(self._ca, timeout=self._timeout)
        try:
            # No variable holds the headers: a traceback with variables would tell the token.
            connection.request(method, target, content, self._headers(writes=content is not None))
            answer = connection.getresponse()
            return answer.status, answer.read()
        except ssl.SSLCertVerificationError as error:
            raise ConfigurationError.at(self.url, certificate_advice(error)) from None
        # ValueError: a host that cannot be looked up.
        except (OSError, ValueError, http.client.HTTPException) as error:
            why = str(error) or type(error).__name__
            text = Text(
                f"no answer of a mock server ({why}); is it running there?",
                f"没有模拟服务器的应答（{why}）；是否在运行？",
            )
            raise ConfigurationError.at(self.url, text) from None
        finally:
            connection.close()

    def _headers(self, *, writes: bool) -> dict[str, str]:
        proof = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        write = {"Content-Type": "application/json", "X-Mock-Admin": "1"} if writes else {}
        return {"Accept": "application/json", **proof, **write}


def _object(raw: bytes) -> Json:
    """A JSON object, or nothing when it is none."""
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
