"""Every route of the admin API over HTTP: appkeys, methods, paths, query parameters and bodies."""

from __future__ import annotations

import json

import pytest
from admin_assertions import assert_error, fill_path, reading_value
from helpers.http_client import WRITES, Client, Connection
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.server.admin import ROUTES
from mockserver.testing.mock_server import MockServer

GETS = [route for route in ROUTES if route.method == "GET"]


@pytest.mark.parametrize("path", [route.path for route in GETS if "<" not in route.path])
@pytest.mark.parametrize("scoped", [False, True])
def test_every_get_returns_uncached_json(mock, app, path: str, scoped: bool) -> None:
    """For one app and for all; only the docs page and the metrics have another type."""
    app.call()
    response = app.admin("GET", path) if scoped else app.wire.admin("GET", path)
    assert response.status == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    if path not in ("docs", "metrics"):
        assert isinstance(response.json, dict)


@pytest.mark.parametrize(
    ("method", "path"), [(route.method, route.path) for route in ROUTES if "appkey" not in route.path]
)
def test_an_unknown_appkey_is_an_error_on_every_route(wire, method: str, path: str) -> None:
    """A misspelt appkey never acts on another app and never yields an empty result."""
    global_resources = {
        "health",
        "metrics",
        "ready",
        "operations",
        "scenarios",
        "errors",
        "settings",
        "fault-kinds",
        "scenario-schema",
        "apps",
        "reload",
        "docs",
    }
    body = {"name": "document"} if path == "scenario" else {"fault": "hang"} if path == "faults" else {"now": "now"} if path == "clock" else {"on": "*", "reply": {"error": "server_busy"}} if path == "answers" else {}  # fmt: skip
    response = wire.admin(method, fill_path(path), body, appkey="12345678")
    if path in global_resources or path.startswith(("docs/", "openapi")):
        assert response.status in (200, 201, 404)
    else:
        assert assert_error(response, 404)["error"] == "unknown_appkey"
    if method == "POST" and path == "apps":
        wire.send("DELETE", f"apps/{response.json['appkey']}")


METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
PATHS = sorted({route.path for route in ROUTES})


@pytest.mark.parametrize("path", PATHS)
def test_a_wrong_method_is_405_with_allow(wire, path: str) -> None:
    """Every method that a resource does not support is rejected as JSON, with the supported ones in Allow."""
    known = {route.method for route in ROUTES if route.path == path} | (
        {route.method for route in ROUTES if route.path.startswith("requests/<")}
        if path.startswith("requests/")
        else set()
    )
    for method in METHODS - known - ({"HEAD"} if "GET" in known else set()):
        response = wire.ask(method, f"/__admin/{fill_path(path)}", b"{}", **{name.replace("-", "_"): value for name, value in WRITES.items()})  # fmt: skip
        assert response.status == 405, (method, response)
        assert set(response.headers["allow"].split(", ")) == known
        if method != "HEAD":
            assert assert_error(response, 405)["error"] == "method_not_allowed"


@pytest.mark.parametrize(
    "path", ["x", "healthz", "health/", "faults/", "faults/1/2", "apps/1/2", "requests/1/2", "../health", "docs/nothing", "docs/..%2f..%2fguard.py", "%00", "é", "faults%2f1%2f2"],
)  # fmt: skip
def test_an_unknown_path_is_404_as_json(wire, path: str) -> None:
    """Below the prefix there are no HTML pages and no envelopes of the YouMe API."""
    assert assert_error(wire.ask("GET", f"/__admin/{path.replace('é', '%C3%A9')}"), 404)["error"] == "unknown_resource"


def test_head_is_supported(wire) -> None:
    """HEAD is answered as GET, without the body."""
    response = wire.ask("HEAD", "/__admin/health")
    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize(
    ("method", "path"),
    [(route.method, route.path) for route in ROUTES if "<" not in route.path and route.path != "docs"],
)
def test_an_unknown_query_parameter_is_rejected(wire, method: str, path: str) -> None:
    """`?apkey=` must not act on every app."""
    assert_error(wire.admin(method, path, {}, apkey="123456789"), 422, "apkey", "did you mean appkey?")


def test_a_repeated_appkey_is_rejected(wire) -> None:
    """It is unclear which of the two apps is meant."""
    response = wire.ask("GET", "/__admin/clock?appkey=123456789&appkey=987654321")
    assert_error(response, 422, "appkey is given 2 times")


BODIES = [
    (b"", 0), (b"{", 400), (b"[]", 400), (b"null", 400), (b'"x"', 400), (b"1", 400), (b"NaN", 400), (b"\xff", 400),
    (b'{"name": NaN}', 400), (b'{"name": 1e999}', 400), (b'{"name": "a", "name": "document"}', 400),
    (b"[" * 5_000, 400), (b'{"a":' * 5_000, 400), (b'{"name": ' + b"9" * 5_000 + b"}", 400),
    (b'{"name": "document"}' + b" " * 1_048_576, 413), (b" " * 3_000_000, 413), (b"x" * 40_000_000, 413),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status"), BODIES, ids=range(len(BODIES)))
def test_a_body_that_is_not_a_json_object_is_rejected(mock, body: bytes, status: int) -> None:
    """The error is JSON, and a body over the limit is never treated as empty."""
    with Connection(mock.port) as wire:
        response = wire.admin("PUT", "scenario", body)
    assert_error(response, status or 422, "" if status else "missing name")


def test_a_body_over_the_limit_unsets_no_readings(app) -> None:
    """An overlong body must not count as `{}`, which unsets all readings."""
    app.send("PUT", "readings", {"unknown_room": "empty"})
    assert_error(app.admin("PUT", "readings", b" " * 2_000_000), 413)
    assert reading_value(app.get("readings"), "unknown_room") == "empty"


@settings(max_examples=150, deadline=None)
@given(
    route=st.sampled_from([route for route in ROUTES if route.path not in ("report", "metrics") and "docs" not in route.path]),
    body=st.dictionaries(
        st.sampled_from(["fault", "on", "when", "name", "now", "offset_seconds", "advance_seconds", "window", "reply",
                         "times", "operation", "count", "appkey", "fixed_ms", "how", "\ud800", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(max_size=8)
            | st.sampled_from(["latency", "query_room_info", "*", "now", "document", "malformed_json", 10**400, "\ud800"]),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                st.sampled_from(["body", "query", "matches", "schema", "error", "patch", "$ref", "x"]), inner, max_size=3),
            max_leaves=6,
        ),
        max_size=4,
    ),
    query=st.dictionaries(
        st.sampled_from(["operation", "limit", "since", "timeout", "accepted", "lang", "seq", "error"]),
        st.sampled_from(["", "0", "1", "-1", "nan", "1e400", "x", "true", "é", "null"]), max_size=2),
)  # fmt: skip
def test_no_request_causes_an_internal_error(fuzzed: Client, route, body, query) -> None:
    """No request is answered 500, and a reset always restores the API."""
    response = fuzzed.wire.admin(route.method, fill_path(route.path, fuzzed.appkey + "0"), json.dumps(body).encode(), appkey=fuzzed.appkey, **query)  # fmt: skip
    assert response.status < 500, (route, body, query, response)
    assert isinstance(response.json, dict)
    assert fuzzed.get("faults").keys() == {"faults"}
    assert fuzzed.get("requests", limit=1)["evicted"] == 0
    fuzzed.send("POST", "reset")
    fuzzed.wire.send("DELETE", "clock")
    assert fuzzed.code() == 0


@pytest.fixture(scope="module")
def fuzzed(mock):
    """A client whose app all examples share."""
    with Client.fresh(mock.port) as client:
        yield client


def test_error_messages_use_the_server_language() -> None:
    """With `lang: zh` they are Chinese."""
    with MockServer(scenario="document", lang="zh") as mock, Connection(mock.port) as wire:
        assert_error(wire.admin("PUT", "scenario", {"name": "documnt"}), 422, "未知场景", "是否为 document")
        assert_error(wire.admin("GET", "nothing"), 404, "没有资源")
