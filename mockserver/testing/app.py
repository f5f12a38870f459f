"""Handles for the apps of a mock server: configure how they answer, and assert what their clients sent."""

from __future__ import annotations

import contextlib
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

from mockserver.contract.apps import Credentials
from mockserver.contract.operations import OPERATIONS
from mockserver.core.errors import AdminError, MockServerError
from mockserver.core.machine_time import monotonic
from mockserver.core.suggestions import unknown
from mockserver.core.text import pluralize
from mockserver.testing.admin_client import AdminClient, Json, message
from mockserver.testing.messages import Finding, check_names, clock_advice, find_all

__tracebackhide__ = True  # Errors are shown at the line of the test that called these methods.

MAX_POLL_SECONDS = 50.0
"""How long one request to the admin API waits; shorter than the server's limit and the client's timeout."""


class AppControls:
    """Configure how a mock server answers one app, or all of its apps if `appkey` is None."""

    def __init__(self, admin: AdminClient, appkey: str | None = None) -> None:
        self._admin = admin
        self._appkey = appkey

    def use(self, scenario: str) -> None:
        """Switch to another scenario."""
        self._send("PUT", "scenario", {"name": scenario})

    def set_readings(self, **readings: str | int) -> None:
        """Choose readings: `set_readings(window="enter")`."""
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
        """Answer an operation with an error, a body, or a patch of the world's body; return an id for `remove_answer`.

        `sequence=[{"error": "server_busy"}, {"world": True}]` gives one reply after another and repeats the last.
        """
        reply = {"error": error, "info": info, "body": body, "patch": patch, "unchecked": unchecked}
        fields = _without_none(reply)
        entry: Json = {"on": operation, **_without_none({"when": when, "times": times})}
        entry |= {"reply": fields} if sequence is None else {"sequence": [*sequence], **fields}
        return str(self._send("POST", "answers", entry)["id"])

    def remove_answer(self, answer: str) -> None:
        """Remove an answer by its id."""
        self._send("DELETE", f"answers/{urllib.parse.quote(answer, safe='')}")

    def inject(self, fault: str, **fields: Any) -> str:
        """Inject a fault: `inject("latency", fixed_ms=300, times=1)`; return an id for `remove_fault`."""
        return str(self._send("POST", "faults", {"fault": fault, **fields})["id"])

    def remove_fault(self, fault: str) -> None:
        """Remove a fault by its id."""
        self._send("DELETE", f"faults/{urllib.parse.quote(fault, safe='')}")

    def freeze(self, when: str | float) -> None:
        """Stop the clock at a time: `freeze("2019-12-10T15:30+08:00")`."""
        self._send("PUT", "clock", {"now": when})

    def advance(self, seconds: float) -> None:
        """Move the clock forward: signatures and faults expire, calls continue. `freeze` can set it back."""
        if seconds < 0:
            raise AdminError(422, "invalid_clock", message("only_forward"))
        self._send("PUT", "clock", {"advance_seconds": seconds})

    def reset(self) -> None:
        """Restore scenario, readings, clock, faults and answers, and clear the journal."""
        self._send("POST", "reset")

    def _get(self, path: str, **query: Any) -> Json:
        return self._admin.get(path, appkey=self._appkey, **query)

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        return self._admin.send(method, path, body, appkey=self._appkey)


class MockApp(AppControls):
    """One app on a mock server, with its own credentials, scenario, faults, clock and journal."""

    def __init__(self, admin: AdminClient, credentials: Credentials) -> None:
        super().__init__(admin, credentials.appkey)
        self._credentials = credentials
        self._expected: tuple[str, ...] = ()

    @classmethod
    def fresh(cls, admin: AdminClient) -> MockApp:
        """Create an app on the server."""
        created = admin.send("POST", "apps")
        return cls(admin, Credentials(created["appkey"], created["appsecret"], created["restapikey"]))

    def __repr__(self) -> str:
        fields = f"appkey={self.appkey!r}, url={self.url!r}"
        with contextlib.suppress(MockServerError):
            scenario = self._admin.with_timeout(1.0).get("scenario", appkey=self.appkey)["name"]
            fields += f", scenario={scenario!r}"
        return f"MockApp({fields})"

    @property
    def url(self) -> str:
        """`http://HOST:PORT`, without a slash at the end."""
        return self._admin.url

    @property
    def appkey(self) -> str:
        """The app's key, part of every URL."""
        return self._credentials.appkey

    @property
    def appsecret(self) -> str:
        """The secret that a client signs with."""
        return self._credentials.appsecret

    @property
    def restapikey(self) -> str:
        """The key in the middle of the checksum (§1.1.2)."""
        return self._credentials.restapikey

    def sign(self, *, identifier: str = "admin", seq: str | None = None) -> str:
        """Return a query string signed by the app's clock and reading `signing`; `seq` is unique unless given."""
        return str(self._get("sign", identifier=identifier, seq=seq)["query"])

    def signed_url(self, operation: str, *, identifier: str = "admin", seq: str | None = None) -> str:
        """Return the URL of one signed call of `operation`. Raises AdminError for an unknown operation."""
        if operation not in OPERATIONS:
            raise AdminError(422, "invalid_field", unknown("operation", operation, OPERATIONS))
        return f"{self.url}{OPERATIONS[operation].path}?{self.sign(identifier=identifier, seq=seq)}"

    def remove(self) -> None:
        """Remove the app from the server."""
        self._admin.send("DELETE", f"apps/{self.appkey}")

    @property
    def requests(self) -> list[Json]:
        """Every request of this app, oldest first. Raises AssertionError if the journal has evicted some."""
        found = self._get("requests")
        if evicted := found["evicted"]:
            verb = "was" if evicted == 1 else "were"
            raise AssertionError(
                f"{pluralize(evicted, 'older request')} {verb} evicted from the journal; raise --journal-size"
            )
        return list(found["requests"])

    def wait_for(self, count: int, timeout: float = 10.0) -> list[Json]:
        """Return the requests as soon as there are `count`. Raises AssertionError after `timeout` seconds."""
        deadline = monotonic() + timeout
        while True:
            left = min(max(deadline - monotonic(), 0.0), MAX_POLL_SECONDS)
            found = self._get("requests", wait_for=count, timeout=left)["requests"]
            if len(found) >= count:
                return list(found)
            if monotonic() >= deadline:
                raise AssertionError(
                    f"{pluralize(len(found), 'request')} received within {timeout:g} s, expected {count}"
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
        """Assert that `times`, or `at_least` to `at_most`, matching requests were received; by default at least one.

        The message of a failed assertion lists similar requests and how they differ.
        """
        if times is not None and (at_least, at_most) != (None, None):
            raise AdminError(422, "invalid_field", message("times_or_range"))
        expected = {
            "operation": operation,
            "when": _without_none({"body": body, "query": query}) or None,
            "count": times,
            "at_least": at_least,
            "at_most": at_most,
            "accepted": accepted,
            "error": error,
        }
        verification = self._send("POST", "requests/verify", _without_none(expected))
        if not verification["ok"]:
            raise AssertionError("\n".join([verification["message"], *self._advice()]))

    def assert_no_violations(self) -> None:
        """Assert that at least one request was received and that none violated the contract unexpectedly.

        Lints over several requests count too. The message lists every violation.
        """
        requests = self.requests
        if not requests:
            message = (
                "no request received: nothing was tested; does the client use this server's URL and this app's keys?"
            )
            raise AssertionError("\n".join([message, *self._unregistered()]))
        if unexpected := self._unexpected(requests):
            message = f"{pluralize(len(unexpected), 'violation')} of the contract:"
            raise AssertionError("\n".join([message, *(each.line for each in unexpected), *self._advice()]))

    def expect_violation(self, *names: str) -> None:
        """Expect violations: `expect_violation("unknown_field")`.

        Takes names of violations, lints and error-handling mistakes; raises AdminError for others. They fail neither
        `assert_no_violations` nor, with `--mockserver-fail-on-violations`, the run. A test that uses the plugin's
        fixture fails if one of them does not occur.
        """
        check_names(names)
        self._expected = tuple(dict.fromkeys((*self._expected, *names)))

    @property
    def expected_violations(self) -> tuple[str, ...]:
        """The names given to `expect_violation`."""
        return self._expected

    def assert_expected_violations(self) -> None:
        """Assert that every expected violation occurred."""
        found = find_all(self.requests, self._get("report")) if self._expected else []
        occurred = dict.fromkeys(each.name for each in found)
        if missing := [name for name in self._expected if name not in occurred]:
            raise AssertionError(
                f"expected {', '.join(missing)}, which did not occur in this test;"
                f" found: {', '.join(occurred) or 'no violation'}"
            )

    def explain(self) -> list[str]:
        """Return a line for each unexpected violation so far, then likely causes; an empty list if there is none."""
        unexpected = self._unexpected(self.requests)
        return [*(each.line for each in unexpected), *self._advice()] if unexpected else []

    def _unexpected(self, requests: list[Json]) -> list[Finding]:
        """Return the violations and lints that were not announced by `expect_violation`."""
        found = find_all(requests, self._get("report"))
        return [each for each in found if not each.error_handling and each.name not in self._expected]

    def _advice(self) -> list[str]:
        """Return likely causes of a failure: keys of an unregistered app, or a clock that differs on purpose."""
        expired = self._get("requests", violation="checksum_expired")["requests"]
        return [*self._unregistered(), *clock_advice(self._get("clock"), expired)]

    def _unregistered(self) -> list[str]:
        """Return a note on requests without a registered appkey, if this app received no request."""
        newest = self._admin.get("requests", appkey="", limit=1)["requests"]
        if not newest or self._get("requests/count")["count"]:
            return []
        counted = pluralize(self._admin.get("requests/count", appkey="")["count"], "request")
        return [f"{counted} named no registered app; diagnosis of the newest: {newest[0]['diagnosis']}"]


def _without_none(values: Mapping[str, Any]) -> Json:
    return {name: value for name, value in values.items() if value is not None}
