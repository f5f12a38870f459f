"""A page in somebody's browser can do nothing with the admin API, and read nothing of it, however it spells its requests."""

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
    "a site of ours that is none": {"Sec-Fetch-Site": "same-site"},
    "an unknown site": {"Sec-Fetch-Site": "frob"},
    "two sites": {"Sec-Fetch-Site": "same-origin, cross-site"},
    "a re-bound name": {"Host": "evil.example"},
    "a re-bound name with our port": {"Host": "evil.example:{port}", "Origin": "http://evil.example:{port}"},
    "a re-bound name, same origin": {
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
    "a forwarded Host": {
        "Host": "evil.example",
        "X-Forwarded-Host": "localhost",
        "Forwarded": "host=localhost",
    },
}
"""What a browser says for a page that is none of ours."""
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
"""What a page may send without asking first, and what comes close to a write."""
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
    """A server that stands still."""
    with MockServer("document", now=str(NOW)) as running:
        yield running


@pytest.fixture
def unchanged(mock):
    """Nothing that the admin API can change has changed."""

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


def shows_nothing(answer: tuple[int, dict[str, str], bytes]) -> None:
    """The answer grants no page anything, and tells nothing of what the admin API knows."""
    status, headers, body = answer
    assert not [name for name in headers if name.startswith("access-control-")]
    if status == 200:  # a path that is not the admin's is the API's: it refuses with an envelope
        assert json.loads(body)["Status"] == "FAIL"
    else:
        assert 400 <= status < 500, (status, body[:200])
        assert set(json.loads(body)) in ({"error", "message"}, {"Status", "ErrorCode", "ErrorInfo"})


@pytest.mark.parametrize("route", ROUTES, ids=ROUTE_IDS)
def test_a_foreign_page_is_refused_on_every_route(mock, unchanged, tally, route):
    """403 for each way in which a browser tells that a page is none of ours, though it sends all that a write needs."""
    target = f"/__admin/{route.path}".replace("<", "").replace(">", "")
    body = json.dumps(BODIES.get(route.path, {})).encode()
    for page, headers in PAGES.items():
        told = {name: value.format(port=mock.port) for name, value in headers.items()}
        answer = send(mock, route.method, target, {**WRITE, **told}, body)
        assert answer[0] == 403, page
        tally("pages", "403")
        shows_nothing(answer)


@pytest.mark.parametrize(
    "route", [one for one in ROUTES if one.method != "GET"], ids=[x for x in ROUTE_IDS if x[:3] != "GET"]
)
def test_what_a_page_can_send_without_asking_changes_nothing(mock, unchanged, tally, route):
    """Even from an origin that says nothing of itself: a write carries a header and a type that no form can send."""
    target = f"/__admin/{route.path}".replace("<", "").replace(">", "")
    body = json.dumps(BODIES.get(route.path, {})).encode()
    for kind, headers in SIMPLE.items():
        answer = send(mock, route.method, f"{target}?X-Mock-Admin=1", headers, body)
        assert answer[0] in (403, 415), kind
        tally("pages", str(answer[0]))
        shows_nothing(answer)


@pytest.mark.parametrize("route", ROUTES, ids=ROUTE_IDS)
def test_a_path_may_be_spelt_in_any_way(mock, unchanged, tally, route):
    """Encoded, doubled, dotted, absolute: the same guard, or the API's envelope, but never an answer."""
    path = route.path.replace("<", "").replace(">", "")
    body = json.dumps(BODIES.get(route.path, {})).encode()
    for spelling in SPELLINGS:
        for page in ("another site", "a re-bound name"):
            answer = send(mock, route.method, spelling.format(path), {**WRITE, **PAGES[page]}, body)
            shows_nothing(answer)
            tally("pages", str(answer[0]))


@pytest.mark.parametrize("target", ["/__admin/scenario", "/v2/video/query_room_info", "/", "*"])
def test_a_preflight_is_never_granted(mock, target):
    """A browser that asks first hears nothing it could take for a yes; the API answers other origins as ever, unreadably."""
    asking = {
        "Origin": EVIL,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "x-mock-admin, content-type",
        "Access-Control-Request-Private-Network": "true",
    }
    for method in ("OPTIONS", "GET", "POST"):
        _, headers, _ = send(mock, method, target, asking)
        assert not [name for name in headers if name.startswith("access-control-")]


def test_a_page_of_our_own_and_a_program_may_call(mock):
    """The same origin, a bookmark, a command line."""
    own = f"http://127.0.0.1:{mock.port}"
    for headers in (
        {},
        {"Origin": own, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Host": f"localhost:{mock.port}", "Origin": f"http://localhost:{mock.port}"},
    ):
        assert send(mock, "GET", "/__admin/health", headers)[0] == 200
        assert send(mock, "PUT", "/__admin/scenario", {**WRITE, **headers}, b'{"name": "document"}')[0] == 200
