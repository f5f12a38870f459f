"""The Flask app: HTTP 200 and an envelope for every request, on any WSGI server."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from helpers.engine_client import EngineClient
from helpers.request_builder import query_string, request_body
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.core.http import DeliveryPlan, Response
from mockserver.server.app import build_app

URL = "/v2/video/query_room_info"


@pytest.fixture(scope="module")
def client():
    """A Flask test client of the document scenario."""
    return build_app(EngineClient().engine).test_client()


def answered(response: Any) -> dict[str, Any]:
    """Assert HTTP 200 and JSON (§1.3); return the envelope."""
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert b"<" not in response.data[:1]
    answer = json.loads(response.data)
    assert list(answer)[:3] == ["Status", "ErrorCode", "ErrorInfo"]
    return answer


def test_a_valid_request_is_answered(client) -> None:
    """Flask passes the request to the engine."""
    response = client.post(f"{URL}?{query_string({})}", data=request_body({}), content_type="application/json")
    assert answered(response)["Status"] == "OK"


def test_a_form_body_reaches_the_engine(client) -> None:
    """Flask's form parsing does not consume the body."""
    response = client.post(f"{URL}?{query_string({})}", data=b"a=1", content_type="application/x-www-form-urlencoded")
    assert answered(response)["ErrorCode"] == 1006
    assert response.headers["X-Mock-Violations"] == "2"


@pytest.mark.parametrize(
    ("sent", "info"), [("系统忙".encode(), "系统忙"), (b"%E7%B3%BB", "系"), ("é".encode("latin-1"), "é"), ("ü".encode(), "ü")]
)  # fmt: skip
def test_header_bytes_are_read_as_utf_8(client, sent: bytes, info: str) -> None:
    """Bytes that are not UTF-8 are Latin-1, as some clients send them."""
    fault = f"error;name=server_busy;info={sent.decode('latin-1')}"
    response = client.post(
        f"{URL}?{query_string({})}",
        data=request_body({}),
        content_type="application/json",
        environ_overrides={"HTTP_X_MOCK_FAULT": fault},
    )
    assert answered(response)["ErrorInfo"] == info


@pytest.mark.parametrize("size", [1_048_577, 3_000_000])
def test_a_chunked_body_over_the_limit_is_too_large(client, size: int) -> None:
    """A body without Content-Length is not truncated to a valid one."""
    response = client.post(
        f"{URL}?{query_string({})}",
        input_stream=io.BytesIO(b'{"RoomId":"1"}' + b" " * size),
        headers={"Transfer-Encoding": "chunked", "Content-Type": "application/json"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answered(response)["ErrorCode"] == 1005


@pytest.mark.parametrize("host", ["", "exa mple.com", "[::1", "a" * 300, "é"])
def test_an_invalid_host_is_ignored(client, host: str) -> None:
    """Flask's own 400 page never appears."""
    answered(client.get(URL, environ_overrides={"HTTP_HOST": host}))


@pytest.mark.parametrize(
    "environ",
    [
        {"CONTENT_LENGTH": "-1"},
        {"CONTENT_LENGTH": "x"},
        {"HTTP_COOKIE": "session=\xff; =; ;;"},
        {"HTTP_AUTHORIZATION": "Basic \xff"},
        {"HTTP_RANGE": "bytes=0-0"},
        {"HTTP_IF_NONE_MATCH": "*"},
        {"HTTP_EXPECT": "100-continue"},
        {"SCRIPT_NAME": "/x", "PATH_INFO": ""},
    ],
    ids=str,
)
def test_unusual_headers_are_answered(client, environ: dict[str, str]) -> None:
    """No header makes Flask respond by itself."""
    answered(client.post(URL, data=b"{}", environ_overrides=environ))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", "/static/x", "/favicon.ico", "/v2/video", "/v2/video/query_room_info"])
def test_any_method_on_any_path_is_answered(client, method: str, path: str) -> None:
    """Flask never responds with its own 404, 405 or OPTIONS."""
    assert answered(client.open(path, method=method))["ErrorCode"] in (1001, 1002)


def test_every_response_is_an_envelope(client) -> None:
    """For any path, query, content type and body, as bytes on the wire."""
    latin = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)

    @settings(max_examples=150, deadline=None)
    @given(path=latin, query=latin, content=latin, body=st.binary(max_size=200))
    def check(path: str, query: str, content: str, body: bytes) -> None:
        environ = {"PATH_INFO": "/" + path, "QUERY_STRING": query, "CONTENT_TYPE": content}
        answered(client.post("/", data=body, environ_overrides=environ))

    check()


def test_an_internal_error_is_an_envelope_and_a_log_entry(caplog) -> None:
    """The client receives internal_error, the log the traceback."""
    engine = EngineClient().engine

    def broken(call: Any) -> Response:
        raise ZeroDivisionError(call.path)

    engine.handle = broken  # type: ignore[method-assign]
    with caplog.at_level(logging.ERROR):
        answer = answered(build_app(engine).test_client().post(URL))
    assert (answer["Status"], answer["ErrorCode"]) == ("FAIL", 1500)
    assert "ZeroDivisionError" in caplog.text


def test_connection_faults_need_our_own_transport() -> None:
    """On another WSGI server the response names `mockserver serve` instead of ignoring the fault."""
    engine = EngineClient().engine
    engine.handle = lambda call: Response(200, (), b"{}", DeliveryPlan(instead="reset"))  # type: ignore[method-assign]
    answer = answered(build_app(engine).test_client().post(URL))
    assert answer["ErrorCode"] == 1500
    assert "mockserver serve" in answer["ErrorInfo"]
