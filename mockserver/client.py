"""A handle on a mock server over its admin API: for the pytest plugin, the report command, and any test.

Speaks HTTP by the standard library alone, so that importing it costs nothing; knows nothing of engines.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
import urllib.parse
from collections.abc import Mapping
from typing import Any

from mockserver.addresses import address_of, untrusted
from mockserver.contract.operations import OPERATIONS
from mockserver.errors import ConfigurationError, ControlError
from mockserver.messages import Text
from mockserver.signing.checksum import Keys, sign

Json = dict[str, Any]
__tracebackhide__ = True
"""What goes wrong in here is shown at the line of the test that asked for it."""

_ONE_WAIT = 50.0
"""Seconds that one question waits: less than the server and this side of the connection bear."""


class Admin:
    """The admin API of the server at `url`; ConfigurationError when that is no URL of a server.

    Over https `ca` is a file with the certificates to trust.
    """

    def __init__(
        self, url: str, token: str | None = None, timeout: float = 70.0, *, ca: str | None = None
    ) -> None:
        self._address = address_of(url, ca)
        if token and not (token.isascii() and token.isprintable()):
            # The error of http.client would tell it.
            text = Text("holds characters that no header can carry", "含有请求头无法携带的字符")
            raise ConfigurationError.one("--admin-token", text)
        self.url = url.rstrip("/")
        self._token = token
        self._timeout = timeout
        self._ca = ca

    def get(self, path: str, **query: Any) -> Json:
        """The answer to a GET; ControlError when refused, ConfigurationError when no mock server answers."""
        return self._ask("GET", path, query, None)

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Json:
        """The answer to a write; errors as with `get`."""
        return self._ask(method, path, query, body or {})

    def _ask(self, method: str, path: str, query: Mapping[str, Any], body: Mapping[str, Any] | None) -> Json:
        words = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
        target = f"/__admin/{path}" + (f"?{words}" if words else "")
        content = None if body is None else json.dumps(body).encode()
        connection = self._address.connection(self._ca, timeout=self._timeout)
        try:
            # No variable holds the headers: a traceback with variables would tell the token.
            connection.request(method, target, content, self._headers(writes=body is not None))
            answer = connection.getresponse()
            status, raw = answer.status, answer.read()
        except ssl.SSLCertVerificationError as error:
            raise ConfigurationError.one(self.url, untrusted(error)) from None
        # ValueError: a host that cannot be looked up.
        except (OSError, ValueError, http.client.HTTPException) as error:
            why = str(error) or type(error).__name__
            text = Text(
                f"no answer of a mock server ({why}); is it running there?",
                f"没有模拟服务器的应答（{why}）；是否在运行？",
            )
            raise ConfigurationError.one(self.url, text) from None
        finally:
            connection.close()
        told = _object(raw)
        if status >= 400 and {"error", "message"} <= told.keys():
            raise ControlError(status, told["error"], Text(told["message"], told["message"]))
        # 503 is how `ready` tells of files that are wrong.
        if not told or (status >= 300 and status != 503):
            text = Text(
                f"what answers there is no mock server (HTTP {status})",
                f"应答方不是模拟服务器（HTTP {status}）",
            )
            raise ConfigurationError.one(self.url, text)
        return told

    def _headers(self, *, writes: bool) -> dict[str, str]:
        proof = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        write = {"Content-Type": "application/json", "X-Mock-Admin": "1"} if writes else {}
        return {"Accept": "application/json", **proof, **write}


class MockApp:
    """One app on a mock server, with credentials, scenario, faults, clock and journal of its own."""

    def __init__(self, admin: Admin, keys: Keys) -> None:
        self._admin = admin
        self._keys = keys

    @classmethod
    def fresh(cls, admin: Admin) -> MockApp:
        """A new app, made for this test alone."""
        made = admin.send("POST", "apps")
        return cls(admin, Keys(made["appkey"], made["appsecret"], made["restapikey"]))

    @property
    def url(self) -> str:
        """`http://HOST:PORT`, without a slash at the end."""
        return self._admin.url

    @property
    def appkey(self) -> str:
        """The public half of the credentials."""
        return self._keys.appkey

    @property
    def appsecret(self) -> str:
        """The secret that a client signs with."""
        return self._keys.appsecret

    @property
    def restapikey(self) -> str:
        """The key in the middle of the checksum (§1.1.2)."""
        return self._keys.restapikey

    def sign(self, *, identifier: str = "admin", seq: str | None = None) -> str:
        """A signed query string by the app's own clock."""
        now = self._admin.get("clock", appkey=self.appkey)["now"]
        return sign(self._keys, now, identifier=identifier, seq=seq)

    def signed_url(self, operation: str, *, identifier: str = "admin", seq: str | None = None) -> str:
        """The whole URL of one signed call of `operation`."""
        return f"{self.url}{OPERATIONS[operation].path}?{self.sign(identifier=identifier, seq=seq)}"

    def use(self, scenario: str) -> None:
        """Let another scenario answer."""
        self._send("PUT", "scenario", {"name": scenario})

    def read(self, **readings: str | int) -> None:
        """Choose readings: `read(window="enter")`."""
        self._send("PUT", "readings", readings)

    def answer(
        self,
        operation: str,
        *,
        error: str | None = None,
        info: str | None = None,
        body: Mapping[str, Any] | None = None,
        patch: Mapping[str, Any] | None = None,
        when: Mapping[str, Any] | None = None,
        times: int | None = None,
        unchecked: bool | None = None,
    ) -> str:
        """Answer an operation with an error, a body or a patch of the world's; gives an id for `take_back`."""
        reply = {"error": error, "info": info, "body": body, "patch": patch, "unchecked": unchecked}
        entry: Json = {"on": operation, "reply": _given(reply), **_given({"when": when, "times": times})}
        return str(self._send("POST", "answers", entry)["id"])

    def inject(self, fault: str, **fields: Any) -> str:
        """Put a fault to work: `inject("latency", fixed_ms=300, times=1)`; gives an id for `end`."""
        return str(self._send("POST", "faults", {"fault": fault, **fields})["id"])

    def take_back(self, answer: str) -> None:
        """Take an answer back by its id."""
        self._send("DELETE", f"answers/{urllib.parse.quote(answer, safe='')}")

    def end(self, fault: str) -> None:
        """End a fault by its id."""
        self._send("DELETE", f"faults/{urllib.parse.quote(fault, safe='')}")

    def freeze(self, when: str | float) -> None:
        """Stop the app's clock at a moment: `freeze("2019-12-10T15:30+08:00")`."""
        self._send("PUT", "clock", {"now": when})

    def advance(self, seconds: float) -> None:
        """Jump ahead: signatures age, calls go on, faults run out."""
        self._send("PUT", "clock", {"advance_seconds": seconds})

    def reset(self) -> None:
        """Everything as it was when the app was made."""
        self._send("POST", "reset")

    def remove(self) -> None:
        """Forget the app."""
        self._admin.send("DELETE", f"apps/{self.appkey}")

    @property
    def requests(self) -> list[Json]:
        """Every request of this app, oldest first; nothing is left out silently."""
        told = self._admin.get("requests", appkey=self.appkey)
        if told["evicted"]:
            raise AssertionError(f"{told['evicted']} older requests are gone; raise --journal-size")
        return list(told["requests"])

    def wait_for(self, count: int, timeout: float = 10.0) -> list[Json]:
        """The requests, once there are `count`; AssertionError when they do not come in `timeout` seconds."""
        until = time.monotonic() + timeout
        while True:
            left = min(max(until - time.monotonic(), 0.0), _ONE_WAIT)
            found = self._admin.get("requests", appkey=self.appkey, wait_for=count, timeout=left)["requests"]
            if len(found) >= count:
                return list(found)
            if time.monotonic() >= until:
                raise AssertionError(f"{len(found)} requests came within {timeout:g} s, expected {count}")

    def assert_called(
        self,
        operation: str | None = None,
        *,
        times: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
        accepted: bool | None = None,
        error: str | None = None,
    ) -> None:
        """AssertionError, with similar requests and how they differ, unless so many came (at least one)."""
        wanted = {
            "operation": operation,
            "when": _given({"body": body, "query": query}) or None,
            "count": times,
            "at_least": at_least,
            "at_most": at_most,
            "accepted": accepted,
            "error": error,
        }
        verdict = self._send("POST", "requests/verify", _given(wanted))
        if not verdict["ok"]:
            raise AssertionError(verdict["message"])

    def assert_no_violations(self) -> None:
        """AssertionError that names every departure from the document, and when nothing was asked at all."""
        found = self.requests
        if not found:
            raise AssertionError("no request came: nothing was tested; does the client call this server?")
        lines = [
            f"  {request['id']} {request['operation'] or request['request']['path']}: "
            f"{one['where']}: {one['text']} [{one['name']}, §{one['section']}]"
            for request in found
            for one in request["violations"]
        ]
        if lines:
            raise AssertionError("\n".join([f"{len(lines)} violations of the contract:", *lines]))

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        return self._admin.send(method, path, body, appkey=self.appkey)


def _given(words: Mapping[str, Any]) -> Json:
    return {name: value for name, value in words.items() if value is not None}


def _object(raw: bytes) -> Json:
    """A JSON object, or nothing when it is none."""
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
