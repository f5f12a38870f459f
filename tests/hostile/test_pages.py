"""No foreign web page can use or read the admin API, however it spells its requests."""

from __future__ import annotations

import json

import pytest
from helpers.request_builder import NOW
from wire import WRITE, send

from mockserver.server.admin import ROUTES
from mockserver.testing.mock_server import MockServer

BODIES = {
    "scenario": {"name": "empty"},
    "clock": {"advance_seconds": 60},
    "faults": {"fault": "latency", "fixed_ms": 1},
    "answers": {"on": "count_qos_by_day", "reply": {"error": "server_busy"}},
    "readings": {"window": "enter"},
}
EVIL = "https://evil.example"
PAGES = {
    "another site": {"Origin": EVIL, "Sec-Fetch-Site": "cross-site"},
    "another site, an old browser": {"Origin": EVIL},
    "another site without an Origin": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    "another port of this machine": {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
    "another port, an old browser": {"Origin": "http://127.0.0.1:3000"},
    "https of this machine": {"Origin": "https://127.0.0.1:{port}"},
    "this machine by another name": {"Origin": "http://localhost:{port}"},
    "a sandboxed frame": {"Origin": "null"},
    "a file": {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    "an extension": {"Origin": "chrome-extension://abcdefghijklmnop"},
    "an empty Origin": {"Origin": ""},
    "our address as a prefix": {"Origin": "http://127.0.0.1:{port}.evil.example"},
    "our address as a user": {"Origin": "http://127.0.0.1:{port}@evil.example"},
    "our address in capitals and a path": {"Origin": "http://127.0.0.1:{port}/"},
    "a same-site page": {"Sec-Fetch-Site": "same-site"},
    "an unknown site": {"Sec-Fetch-Site": "frob"},
    "two sites": {"Sec-Fetch-Site": "same-origin, cross-site"},
    "a rebound name": {"Host": "evil.example"},
    "a rebound name with our port": {"Host": "evil.example:{port}", "Origin": "http://evil.example:{port}"},
    "a rebound name, same origin": {
        "Host": "evil.example:{port}",
        "Origin": "http://evil.example:{port}",
        "Sec-Fetch-Site": "same-origin",
    },
    "a name that ends in ours": {"Host": "evil-localhost:{port}"},
    "a name that begins with ours": {"Host": "localhost.evil.example:{port}"},
    "ours with a final dot": {"Host": "localhost.evil.example.:{port}"},
    "ours as a user": {"Host": "localhost@evil.example"},
    "an empty Host": {"Host": ""},
    "a wildcard address": {"Host": "0.0.0.0:{port}"},
    "the address as one number": {"Host": "2130706433:{port}"},
    "the address in octal": {"Host": "0177.0.0.1:{port}"},
    "another loopback address": {"Host": "127.0.0.2:{port}"},
    "the address mapped into IPv6": {"Host": "[::ffff:127.0.0.1]:{port}"},
    "a forwarded Host": {"Host": "evil.example", "X-Forwarded-Host": "localhost", "Forwarded": "host=localhost"},
}
"""Headers that a browser sends for a foreign page."""
SIMPLE = {
    "a form": {"Content-Type": "application/x-www-form-urlencoded"},
    "text": {"Content-Type": "text/plain"},
    "multipart": {"Content-Type": "multipart/form-data; boundary=x"},
    "no type": {},
    "text that names JSON": {"Content-Type": "text/plain; application/json"},
    "JSON without the header": {"Content-Type": "application/json"},
    "the header without JSON": {"X-Mock-Admin": "1", "Content-Type": "text/plain"},
    "the header with an underscore": {"X_Mock_Admin": "1", "Content-Type": "application/json"},
    "another value of the header": {"X-Mock-Admin": "true", "Content-Type": "application/json"},
    "the header in the query": {"Content-Type": "application/json", "X-Forwarded-Query": "X-Mock-Admin=1"},
}
"""What a page can send without a preflight, and near misses of a write."""
SPELLINGS = (
    "/%5f%5fadmin/{}",
    "/%5F_admin/{}",
    "/__admi%6e/{}",
    "/__admin%2f{}",
    "/__admin%2F{}",
    "/__admin/%2e/{}",
    "/__admin/./{}",
    "/__admin/x/../{}",
    "/x/../__admin/{}",
    "/v2/video/../../__admin/{}",
    "/%2e%2e/__admin/{}",
    "//__admin/{}",
    "/__admin//{}",
    "/__ADMIN/{}",
    "/__admin/{}/",
    "/__admin/{}%00",
    "/__admin/{}%20",
    "/__admin/{};x=1",
    "/__admin/{}?x=1",
    "/__admin/{}#x",
    "/__admin\\{}",
    "/%255f%255fadmin/{}",
    "/__admin%c0%af{}",
    "http://127.0.0.1/__admin/{}",
    "http://evil.example/__admin/{}",
)
ROUTE_IDS = [f"{route.method} {route.path}" for route in ROUTES]


@pytest.fixture(scope="module")
def mock():
    """A server at a frozen clock."""
    with MockServer("document", now=str(NOW)) as server:
        yield server


@pytest.fixture
def unchanged(mock):
    """Assert that nothing the admin API can change has changed."""

    def state() -> object:
        admin = mock.admin
        clock = admin.get("clock")
        answers = admin.get("answers", appkey="123456789")
        return (
            *(admin.get("scenario"), admin.get("apps"), admin.get("faults"), answers),
            *(clock["offset_seconds"], clock["now"]),
        )

    before = state()
    yield
    assert state() == before


def assert_reveals_nothing(answer: tuple[int, dict[str, str], bytes]) -> None:
    """Assert that the response has no Access-Control header and contains only an error."""
    status, headers, body = answer
    assert not [name for name in headers if name.startswith("access-control-")]
    if status == 200:  # The API answers paths outside the admin API with an envelope.
        assert json.loads(body)["Status"] == "FAIL"
    else:
        assert 400 <= status < 500, (status, body[:200])
        assert set(json.loads(body)) in ({"error", "message"}, {"Status", "ErrorCode", "ErrorInfo"})


@pytest.mark.parametrize("route", ROUTES, ids=ROUTE_IDS)
def test_foreign_pages_are_rejected_on_every_route(mock, unchanged, tally, route):
    """403 for every way in which a browser marks a foreign page, even with all headers of a write."""
    target = f"/__admin/{route.path}".replace("<", "").replace(">", "")
    body = json.dumps(BODIES.get(route.path, {})).encode()
    for page, headers in PAGES.items():
        sent = {name: value.format(port=mock.port) for name, value in headers.items()}
        answer = send(mock, route.method, target, {**WRITE, **sent}, body)
        assert answer[0] == 403, page
        tally("pages", "403")
        assert_reveals_nothing(answer)


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.method != "GET"], ids=[name for name in ROUTE_IDS if name[:3] != "GET"]
)
def test_requests_without_a_preflight_change_nothing(mock, unchanged, tally, route):
    """Even without an Origin: a write needs a header and a content type that no form can send."""
    target = f"/__admin/{route.path}".replace("<", "").replace(">", "")
    body = json.dumps(BODIES.get(route.path, {})).encode()
    for kind, headers in SIMPLE.items():
        answer = send(mock, route.method, f"{target}?X-Mock-Admin=1", headers, body)
        assert answer[0] in (403, 415), kind
        tally("pages", str(answer[0]))
        assert_reveals_nothing(answer)


@pytest.mark.parametrize("route", ROUTES, ids=ROUTE_IDS)
def test_a_path_may_be_spelt_in_any_way(mock, unchanged, tally, route):
    """Encoded, doubled, dotted, absolute: the same guard, or the API's envelope, but never an answer."""
    path = route.path.replace("<", "").replace(">", "")
    body = json.dumps(BODIES.get(route.path, {})).encode()
    for spelling in SPELLINGS:
        for page in ("another site", "a rebound name"):
            answer = send(mock, route.method, spelling.format(path), {**WRITE, **PAGES[page]}, body)
            assert_reveals_nothing(answer)
            tally("pages", str(answer[0]))


@pytest.mark.parametrize("target", ["/__admin/scenario", "/v2/video/query_room_info", "/", "*"])
def test_preflights_fail(mock, target):
    """No response to a preflight contains an Access-Control header, neither of the admin API nor of the API."""
    preflight = {
        "Origin": EVIL,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "x-mock-admin, content-type",
        "Access-Control-Request-Private-Network": "true",
    }
    for method in ("OPTIONS", "GET", "POST"):
        _, headers, _ = send(mock, method, target, preflight)
        assert not [name for name in headers if name.startswith("access-control-")]


def test_own_pages_and_programs_are_allowed(mock):
    """The same origin, a bookmark, a command-line client."""
    own = f"http://127.0.0.1:{mock.port}"
    for headers in (
        {},
        {"Origin": own, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Host": f"localhost:{mock.port}", "Origin": f"http://localhost:{mock.port}"},
    ):
        assert send(mock, "GET", "/__admin/health", headers)[0] == 200
        assert send(mock, "PUT", "/__admin/scenario", {**WRITE, **headers}, b'{"name": "document"}')[0] == 200
