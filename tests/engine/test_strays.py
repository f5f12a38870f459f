"""Requests of browsers and CORS preflights are recorded separately and not counted; allowed pages may call the API."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from helpers.engine_client import EngineClient
from helpers.request_builder import query_string, request_body

from mockserver import create_app
from mockserver.core.errors import ConfigurationError
from mockserver.core.http import Request
from mockserver.engine.context import ANSWER_HEADERS
from mockserver.engine.journal import JournalQuery
from mockserver.server.openapi import HEADERS

PAGE = "http://localhost:5173"
PREFLIGHT = {"origin": PAGE, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
URL = f"/v2/video/query_room_info?{query_string({})}"
STRAYS = JournalQuery(kind="stray")


@pytest.mark.parametrize(
    ("method", "path", "headers", "query"),
    [
        ("GET", "/", {}, ""),
        ("HEAD", "/", {}, ""),
        ("GET", "/favicon.ico", {}, "v=1"),
        ("GET", "/robots.txt", {}, ""),
        ("GET", "/.well-known/appspecific/com.chrome.devtools.json", {}, ""),
        ("GET", "/sw.js", {"origin": PAGE}, ""),
        ("GET", "/v3/video/query_room_info", {}, ""),
        ("OPTIONS", "/v2/video/query_room_info", PREFLIGHT, query_string({})),
        ("OPTIONS", "/anywhere", PREFLIGHT, ""),
    ],
)
def test_a_stray_counts_nowhere(method: str, path: str, headers: dict[str, str], query: str) -> None:
    """It is neither a request nor a violation, and does not end a wait for one."""
    bench = EngineClient()
    response = bench.engine.handle(Request(method, path, query, headers))
    assert bench.error(response) in ("unknown_command", "method_not_allowed")
    assert dict(response.headers)["X-Mock-Violations"] == "0"
    assert bench.journal.count() == (0, 0)
    assert bench.journal.wait_for(1).entries == []
    (entry,) = bench.journal.select(STRAYS).entries
    assert (entry.kind, entry.violations, entry.method, entry.path) == ("stray", (), method, path)


@pytest.mark.parametrize(
    ("method", "path", "headers", "query"),
    [
        ("GET", "/v2/video/query_room_info", {}, ""),
        ("GET", "/v1/", {}, ""),
        ("HEAD", "/v2/x", {}, ""),
        ("POST", "/", {}, ""),
        ("POST", "/favicon.ico", PREFLIGHT, ""),
        ("PUT", "/anywhere", {}, ""),
        ("OPTIONS", "/v2/video/query_room_info", {}, ""),
        ("OPTIONS", "/", {"origin": PAGE}, ""),
        ("OPTIONS", "/", {"access-control-request-method": "POST"}, ""),
        ("GET", "/video/query_room_info", {}, query_string({})),
    ],
)
def test_wrong_paths_and_methods_of_a_client_are_violations(
    method: str, path: str, headers: dict[str, str], query: str
) -> None:
    """So is a signed GET to a wrong path: no browser signs."""
    bench = EngineClient()
    bench.engine.handle(Request(method, path, query, headers))
    assert bench.journal.select(STRAYS).entries == []
    assert {"unknown_path", "wrong_method"} & {found.name for found in bench.violations}


def test_strays_evict_no_requests() -> None:
    """A browser that polls leaves the journal of the client alone."""
    bench = EngineClient()
    bench.send({"query": {"appkey": "unknown"}})
    for _ in range(3):
        bench.engine.handle(Request("GET", "/"))
    assert bench.journal.count() == (1, 0)
    assert bench.journal.count(STRAYS) == (1, 2)
    assert bench.journal.clear("") == 1
    assert bench.journal.count(STRAYS) == (0, 0)


@pytest.mark.parametrize(("lang", "words"), [("en", "--cors-origin"), ("zh", "预检")])
def test_a_refused_preflight_is_explained(lang: Any, words: str, caplog: pytest.LogCaptureFixture) -> None:
    """In the answer, its header and the log: CORS, and the option that helps."""
    bench = EngineClient(lang=lang)
    with caplog.at_level(logging.WARNING, logger="mockserver.requests"):
        response = bench.engine.handle(Request("OPTIONS", URL.partition("?")[0], "", PREFLIGHT))
        bench.engine.handle(Request("GET", "/favicon.ico"))
    headers = dict(response.headers)
    assert "CORS" in headers["X-Mock-Diagnosis"]
    assert f"--cors-origin {PAGE}" in headers["X-Mock-Diagnosis"]
    assert words in json.loads(response.body)["ErrorInfo"]
    assert not [name for name in headers if name.startswith("Access-Control")]
    (record,) = caplog.records
    assert "CORS" in record.getMessage()
    nobody = bench.engine.handle(Request("OPTIONS", "/", "", {**PREFLIGHT, "origin": "null"}))
    assert "serve the page over http" in json.loads(nobody.body)["ErrorInfo"] or lang == "zh"


def call(origin: str | None, *, fault: str = "", **settings: Any) -> Any:
    """The response to a signed call of a page."""
    client = create_app(scenario="document", **settings).test_client()
    headers = {**({"Origin": origin} if origin else {}), **({"X-Mock-Fault": fault} if fault else {})}
    query = client.get("/__admin/sign").json["query"]
    url = f"/v2/video/query_room_info?{query}"
    return client.post(url, data=request_body({}), content_type="application/json", headers=headers)


@pytest.mark.parametrize("given", [[PAGE, "https://app.example"], f"{PAGE}, https://APP.example:443/"])
@pytest.mark.parametrize("origin", [PAGE, "https://app.example"])
def test_a_page_of_an_allowed_origin_may_call_the_api(given: Any, origin: str) -> None:
    """Its preflight succeeds, with any method and header, and it may read the answer and the X-Mock headers."""
    client = create_app(scenario="document", cors_origin=given).test_client()
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type,x-mock-fault",
    }
    answer = client.options(URL, headers=asked)
    assert (answer.status_code, answer.data, answer.headers["Vary"]) == (204, b"", "Origin")
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Access-Control-Allow-Methods"] == "PUT"
    assert answer.headers["Access-Control-Allow-Headers"] == "content-type,x-mock-fault"
    for fault in ("", "http_status;status=502"):
        answer = call(origin, fault=fault, cors_origin=given)
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert set(answer.headers["Access-Control-Expose-Headers"].split(", ")) == set(ANSWER_HEADERS)
        assert "Origin" in answer.headers["Vary"]
    assert set(ANSWER_HEADERS) == set(HEADERS)


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://localhost:5173", "http://localhost:5174", "null", None]
)
def test_other_origins_get_no_cors_headers(origin: str | None) -> None:
    """But Vary, so that no cache gives one page the answer of another."""
    answer = call(origin, cors_origin=[PAGE])
    assert answer.json["Status"] == "OK"
    assert answer.headers["Vary"] == "Origin"
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_the_admin_api_is_closed_to_allowed_origins() -> None:
    """--cors-origin is for the API only."""
    client = create_app(scenario="document", cors_origin=[PAGE]).test_client()
    for method in ("OPTIONS", "GET"):
        answer = client.open(
            "/__admin/health", method=method, headers={"Origin": PAGE, "Access-Control-Request-Method": "GET"}
        )
        assert answer.status_code == 403
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize("origin", ["*", "", "null", "localhost:5173", "http://a/b", "ftp://a", "http://me:pw@a"])
def test_an_origin_must_be_one(origin: str) -> None:
    """Never `*`; a password is not repeated."""
    with pytest.raises(ConfigurationError, match="--cors-origin") as error:
        create_app(cors_origin=[origin])
    assert "me:pw" not in str(error.value)


def test_strays_are_listed_when_asked_for() -> None:
    """`kind=stray`, alone and by id; every other resource ignores them."""
    client = create_app(scenario="document").test_client()
    client.get("/")
    client.options(URL, headers={"Origin": PAGE, "Access-Control-Request-Method": "POST"})
    admin = lambda path: client.get(f"/__admin/{path}").json  # noqa: E731
    assert admin("requests")["requests"] == []
    strays = admin("requests?kind=stray")["requests"]
    assert [(entry["kind"], entry["request"]["method"]) for entry in strays] == [("stray", "GET"), ("stray", "OPTIONS")]
    assert admin(f"requests/{strays[0]['id']}")["kind"] == "stray"
    assert (admin("requests/count")["count"], admin("requests/count?kind=stray")["count"]) == (0, 2)
    report = admin("report")
    assert (report["requests"], report["violations"], report["unnamed"]) == (0, [], 0)
    assert client.get("/__admin/requests?kind=other").status_code == 422
