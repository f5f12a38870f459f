"""The Flask door: HTTP 200 and the envelope for whatever arrives, under any WSGI server."""

from __future__ import annotations

import io
import json
import logging
from typing import Any

import pytest
from helpers.bench import Bench
from helpers.sending import body_of, query_of
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.core.http import DeliveryPlan, Response
from mockserver.server.app import build_app

URL = "/v2/video/query_room_info"


@pytest.fixture(scope="module")
def client():
    """A Flask test client of the document scenario."""
    return build_app(Bench().engine).test_client()


def answered(response: Any) -> dict[str, Any]:
    """The envelope of a response that keeps §1.3."""
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    assert b"<" not in response.data[:1]
    answer = json.loads(response.data)
    assert list(answer)[:3] == ["Status", "ErrorCode", "ErrorInfo"]
    return answer


def test_a_right_request_is_answered(client) -> None:
    """The same request that the engine takes goes through Flask."""
    response = client.post(f"{URL}?{query_of({})}", data=body_of({}), content_type="application/json")
    assert answered(response)["Status"] == "OK"


def test_a_body_of_a_form_is_read_as_it_came(client) -> None:
    """Flask's own reading of forms takes nothing away from the body."""
    response = client.post(
        f"{URL}?{query_of({})}", data=b"a=1", content_type="application/x-www-form-urlencoded"
    )
    assert answered(response)["ErrorCode"] == 1006
    assert response.headers["X-Mock-Violations"] == "2"


@pytest.mark.parametrize("size", [1_048_577, 3_000_000])
def test_a_chunked_body_over_the_limit_is_too_large(client, size: int) -> None:
    """A body without a length is not cut off and taken for good."""
    response = client.post(
        f"{URL}?{query_of({})}",
        input_stream=io.BytesIO(b'{"RoomId":"1"}' + b" " * size),
        headers={"Transfer-Encoding": "chunked", "Content-Type": "application/json"},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answered(response)["ErrorCode"] == 1005


@pytest.mark.parametrize("host", ["", "exa mple.com", "[::1", "a" * 300, "é"])
def test_a_strange_host_is_no_matter_of_the_api(client, host: str) -> None:
    """Flask's own 400 page never shows."""
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
def test_strange_headers_are_answered(client, environ: dict[str, str]) -> None:
    """No header makes Flask answer by itself."""
    answered(client.post(URL, data=b"{}", environ_overrides=environ))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("path", ["/", "/static/x", "/favicon.ico", "/v2/video", "/v2/video/query_room_info"])
def test_any_method_on_any_path_is_answered(client, method: str, path: str) -> None:
    """No 404, 405 or automatic OPTIONS answer of Flask's."""
    assert answered(client.open(path, method=method))["ErrorCode"] in (1001, 1002)


def test_whatever_comes_through_flask_is_an_envelope(client) -> None:
    """Any path, query, content type and body, as bytes on the wire."""
    latin = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)

    @settings(max_examples=150, deadline=None)
    @given(path=latin, query=latin, content=latin, body=st.binary(max_size=200))
    def check(path: str, query: str, content: str, body: bytes) -> None:
        environ = {"PATH_INFO": "/" + path, "QUERY_STRING": query, "CONTENT_TYPE": content}
        answered(client.post("/", data=body, environ_overrides=environ))

    check()


def test_a_mistake_of_ours_is_an_envelope_and_a_log_line(caplog) -> None:
    """An exception behind the door is internal_error to the client and a trace to the log."""
    engine = Bench().engine

    def broken(call: Any) -> Response:
        raise ZeroDivisionError(call.path)

    engine.handle = broken  # type: ignore[method-assign]
    with caplog.at_level(logging.ERROR):
        answer = answered(build_app(engine).test_client().post(URL))
    assert (answer["Status"], answer["ErrorCode"]) == ("FAIL", 1500)
    assert "ZeroDivisionError" in caplog.text


def test_a_delivery_that_needs_the_connection_is_told_where_there_is_none() -> None:
    """Under another WSGI server a connection fault answers how to get it, instead of pretending."""
    engine = Bench().engine
    engine.handle = lambda call: Response(200, (), b"{}", DeliveryPlan(instead="reset"))  # type: ignore[method-assign]
    answer = answered(build_app(engine).test_client().post(URL))
    assert answer["ErrorCode"] == 1500
    assert "mockserver serve" in answer["ErrorInfo"]
