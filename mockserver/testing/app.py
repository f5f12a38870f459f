"""One app of a mock server as a test holds it: what answers its requests, and what is asserted of them."""

from __future__ import annotations

import contextlib
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

from mockserver.contract.checksum import Credentials
from mockserver.contract.operations import OPERATIONS
from mockserver.core.errors import AdminError, MockServerError
from mockserver.core.text import Text, pluralize
from mockserver.testing.admin_client import Admin, Json
from mockserver.testing.verdicts import (
    Departure,
    check_names,
    clock_advice,
    departures,
    stranger_advice,
    told,
)

__tracebackhide__ = True
"""What goes wrong in here is shown at the line of the test that asked for it."""

_ONE_WAIT = 50.0
"""Seconds that one question waits: less than the server and this side of the connection bear."""


class MockApp:
    """One app on a mock server, with credentials, scenario, faults, clock and journal of its own."""

    def __init__(self, admin: Admin, keys: Credentials) -> None:
        self._admin = admin
        self._keys = keys
        self._expected: tuple[str, ...] = ()

    @classmethod
    def fresh(cls, admin: Admin) -> MockApp:
        """A new app, made for this test alone."""
        made = admin.send("POST", "apps")
        return cls(admin, Credentials(made["appkey"], made["appsecret"], made["restapikey"]))

    def __repr__(self) -> str:
        told = f"appkey={self.appkey!r}, url={self.url!r}"
        with contextlib.suppress(MockServerError):
            told += f", scenario={self._admin.hurried(1.0).get('scenario', appkey=self.appkey)['name']!r}"
        return f"MockApp({told})"

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
        """A signed query string by the app's own clock and its reading `signing`; a seq of its own unless given."""
        return str(self._ask("sign", identifier=identifier, seq=seq)["query"])

    def signed_url(self, operation: str, *, identifier: str = "admin", seq: str | None = None) -> str:
        """The whole URL of one signed call of `operation`."""
        if operation not in OPERATIONS:
            # Here, so that only who needs the hint pays for it: it brings the schemas along.
            from mockserver.core.suggestions import unknown

            raise AdminError(422, "invalid_field", unknown("operation", operation, OPERATIONS))
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
        sequence: Sequence[Mapping[str, Any]] | None = None,
    ) -> str:
        """Answer an operation with an error, a body or a patch of the world's; gives an id for `take_back`.

        `sequence=[{"error": "server_busy"}, {"world": True}]` is one reply after another; the last one stays.
        """
        reply = {"error": error, "info": info, "body": body, "patch": patch, "unchecked": unchecked}
        replies = {"reply": _given(reply)} if sequence is None else {"sequence": [*sequence], **_given(reply)}
        entry: Json = {"on": operation, **replies, **_given({"when": when, "times": times})}
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
        found = self._ask("requests")
        if gone := found["evicted"]:
            raise AssertionError(
                f"{pluralize(gone, 'older request')} {'is' if gone == 1 else 'are'} gone; raise --journal-size"
            )
        return list(found["requests"])

    def wait_for(self, count: int, timeout: float = 10.0) -> list[Json]:
        """The requests, once there are `count`; AssertionError when they do not come in `timeout` seconds."""
        until = time.monotonic() + timeout
        while True:
            left = min(max(until - time.monotonic(), 0.0), _ONE_WAIT)
            found = self._ask("requests", wait_for=count, timeout=left)["requests"]
            if len(found) >= count:
                return list(found)
            if time.monotonic() >= until:
                raise AssertionError(
                    f"{pluralize(len(found), 'request')} came within {timeout:g} s, expected {count}"
                )

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
        if times is not None and (at_least, at_most) != (None, None):
            text = Text("give times, or at_least and at_most", "times 与 at_least、at_most 不能同时使用")
            raise AdminError(422, "invalid_field", text)
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
            raise AssertionError("\n".join([verdict["message"], *self._advice()]))

    def assert_no_violations(self) -> None:
        """AssertionError that names every departure from the document that is not expected, and every lint.

        Also when nothing was asked at all: a test without a request tested nothing.
        """
        found = self.requests
        if not found:
            head = (
                "no request came: nothing was tested; does the client call this server, with this app's keys?"
            )
            raise AssertionError("\n".join([head, *self._strangers()]))
        wrong = self._wrong(found)
        if wrong:
            head = f"{len(wrong)} violation{'s' * (len(wrong) != 1)} of the contract:"
            raise AssertionError("\n".join([head, *map(told, wrong), *self._advice()]))

    def expect_violation(self, *names: str) -> None:
        """Let requests depart from the document in these ways: `expect_violation("unknown_field")`.

        Takes names of violations, of lints and of mistakes in error handling; AdminError for any other. They fail
        neither `assert_no_violations` nor, with `--mockserver-fail-on-violations`, the run; a test of the plugin in
        which one of them does not come fails.
        """
        check_names(names)
        self._expected = tuple(dict.fromkeys((*self._expected, *names)))

    @property
    def expected_violations(self) -> tuple[str, ...]:
        """What `expect_violation` was told."""
        return self._expected

    def assert_expected_violations(self) -> None:
        """AssertionError for an expected violation that did not come."""
        found = departures(self.requests, self._ask("report")) if self._expected else []
        came = dict.fromkeys(one.name for one in found)
        if missing := [name for name in self._expected if name not in came]:
            words = f"expected {', '.join(missing)}, but no request of this test did that"
            raise AssertionError(f"{words}; what came: {', '.join(came) or 'no violation'}")

    def explain(self) -> list[str]:
        """What the requests so far did wrong, a line each, and what may be behind it; nothing when all is well."""
        wrong = self._wrong(self.requests)
        return [*map(told, wrong), *self._advice()] if wrong else []

    def _wrong(self, requests: list[Json]) -> list[Departure]:
        """Departures and lints that are not expected."""
        came = departures(requests, self._ask("report"))
        return [one for one in came if not one.handling and one.name not in self._expected]

    def _advice(self) -> list[str]:
        """What else may explain a failure: keys of no registered app, or another clock than the app's."""
        strangers, clock = self._strangers(), self._ask("clock")
        if not (clock["frozen"] or clock["offset_seconds"]):
            return strangers
        expired = self._ask("requests", violation="checksum_expired")["requests"]
        return [*strangers, *clock_advice(clock, expired)]

    def _strangers(self) -> list[str]:
        """The requests that name no registered app, when the app itself was never called."""
        if self._ask("requests/count")["count"]:
            return []
        count = self._admin.get("requests/count", appkey="")["count"]
        return stranger_advice(count, self._admin.get("requests", appkey="", limit=1)["requests"])

    def _ask(self, path: str, **query: Any) -> Json:
        return self._admin.get(path, appkey=self.appkey, **query)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        return self._admin.send(method, path, body, appkey=self.appkey)


def _given(words: Mapping[str, Any]) -> Json:
    return {name: value for name, value in words.items() if value is not None}
