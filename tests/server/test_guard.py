"""Access to the admin API: programs on this machine; no foreign web pages, and no other machine without the token."""

from __future__ import annotations

import base64
import re

import pytest
from helpers.engine_client import EngineClient

from mockserver import create_app
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.text import Text
from mockserver.server.admin import ROUTES
from mockserver.server.app import build_app
from mockserver.server.guard import Guard, host_name, is_loopback
from mockserver.testing.admin_client import AdminClient
from mockserver.testing.mock_server import MockServer

WRITE = {"X-Mock-Admin": "1", "Content-Type": "application/json"}
TOKEN = "made-up-token"


def basic(credentials: str) -> str:
    """The Authorization header of NAME:PASSWORD."""
    return "Basic " + base64.b64encode(credentials.encode()).decode()


def client(guard: Guard | None = None):
    """A Flask test client, which calls from this machine."""
    return build_app(EngineClient().engine, guard=guard).test_client()


@pytest.fixture(scope="module")
def local():
    """A client of the admin API with the guard of a loopback server."""
    return client(Guard.for_host("127.0.0.1", None))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST:1"])
def test_loopback_host_names_are_allowed(local, host: str) -> None:
    """Every loopback name is allowed, with any port and in any case."""
    assert local.get("/__admin/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil@localhost", "localhost@evil", "[::1",
     "0.0.0.0", "127.0.0.2", "localhost.", "10.0.0.1:8080", "", "localhost/../x:1@evil"],
)  # fmt: skip
def test_other_host_names_are_rejected(local, host: str) -> None:
    """The Host header stops DNS rebinding, for reads too."""
    answer = local.get("/__admin/health", environ_overrides={"HTTP_HOST": host})
    assert (answer.status_code, answer.json["error"]) == (403, "foreign_host")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://localhost:1"},
        {"Origin": "https://localhost"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_foreign_origins_and_sites_are_rejected(local, headers: dict[str, str], method: str) -> None:
    """A foreign Origin or a cross-site fetch is rejected whatever else the request contains."""
    answer = local.open("/__admin/reset" if method == "POST" else "/__admin/apps", method=method, headers={**WRITE, **headers})  # fmt: skip
    assert answer.status_code == 403
    assert answer.json["error"] in ("foreign_origin", "cross_site")


def test_the_own_origin_is_allowed(local) -> None:
    """The docs page calls with the server's own origin."""
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert local.get("/__admin/health", headers=own).status_code == 200


WRITES = sorted({(route.method, route.path) for route in ROUTES if route.method != "GET"})


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_every_write_needs_the_header_and_json(local, method: str, path: str) -> None:
    """A write without them is rejected: a form or a simple fetch cannot send them."""
    target = "/__admin/" + re.sub(r"<\w+>", "1", path)
    response = local.open(target, method=method, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json["error"]) == (403, "missing_header")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        response = local.open(target, method=method, headers={"X-Mock-Admin": "1", "Content-Type": kind})
        assert (response.status_code, response.json["error"]) == (415, "unsupported_content_type")


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PATCH"])
def test_preflights_fail(local, method: str) -> None:
    """No response has an Access-Control header."""
    headers = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = local.open("/__admin/reset", method=method, headers=headers)
    assert answer.status_code == 403
    for response in (answer, local.get("/__admin/health")):
        assert not [name for name, _ in response.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("path", ["/__admin", "/__admin/", "/__admin/nothing", "/__admin/docs/nothing"])
def test_unknown_paths_are_guarded(local, path: str) -> None:
    """The guard runs before the 404, so the routes are not revealed."""
    assert local.get(path, headers={"Host": "evil.example"}).status_code == 403


@pytest.mark.parametrize(
    ("token", "status"), [(TOKEN, {"local": 200, "public": 200, "other": 403}), (None, {"local": 200, "public": 403, "other": 403})],
    ids=["token", "none"],
)  # fmt: skip
def test_the_public_url_is_a_name_of_the_server_that_has_a_token(token: str | None, status: dict[str, int]) -> None:
    """Its host and its origin are accepted, by https too; without a token the proxy would let everyone in."""
    guard = Guard.for_host("127.0.0.1", token).behind("https://CI.example:8443/mock")
    names = {"local": "localhost", "public": "ci.example:8443", "other": "evil.example"}
    sent = {"Authorization": f"Bearer {token}"} if token else {}
    for name, host in names.items():
        headers = {"Host": host, **sent}
        assert client(guard).get("/__admin/health", headers=headers).status_code == status[name]
        if name != "local":
            headers = {**WRITE, **headers, "Origin": f"https://{host}"}
            assert client(guard).post("/__admin/reset", headers=headers, json={}).status_code == status[name]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "headers",
    [{}, {"Host": "10.244.1.7:8080"}, {"User-Agent": "kube-probe/1.31", "Host": "mock.ns.svc"}, {"Authorization": ""}],
    ids=str,
)
@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
def test_probes_need_no_token(host: str, headers: dict[str, str], method: str) -> None:
    """They see the status alone, under any Host, from any machine; with the token everything is shown."""
    engine = EngineClient().engine
    probed = build_app(engine, guard=Guard.for_host(host, TOKEN)).test_client()
    sent = {"headers": headers, "environ_overrides": {"REMOTE_ADDR": "10.244.0.1"}}
    for path, status in (("health", {"status": "ok"}), ("ready", {"ready": True})):
        answer = probed.open(f"/__admin/{path}", method=method, **sent)
        assert (answer.status_code, answer.json if method == "GET" else status) == (200, status)
    whole = probed.get("/__admin/health", headers={"Authorization": f"Bearer {TOKEN}"}).json
    assert whole.keys() == {"status", "version", "uptime_seconds"}
    engine.problems = (Problem("scenarios/mine.yaml", Text("secret", "secret")),)
    answer = probed.open("/__admin/ready", method=method, **sent)
    assert (answer.status_code, answer.data) == (503, b'{"ready": false}\n' if method == "GET" else b"")


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "health", {}),
        ("DELETE", "ready", {}),
        ("OPTIONS", "health", {}),
        ("GET", "health/", {}),
        ("GET", "health", {"Authorization": "Bearer wrong"}),
        ("GET", "ready", {"Authorization": basic(":wrong")}),
        ("GET", "ready", {"Origin": "http://evil.example"}),
        ("GET", "health", {"Sec-Fetch-Site": "cross-site"}),
        *(("GET", route.path, {}) for route in ROUTES if route.method == "GET" and not route.probe),
    ],
    ids=str,
)  # fmt: skip
def test_only_bare_probes_need_no_token(method: str, path: str, headers: dict[str, str]) -> None:
    """A wrong token, a web page, another method and every other resource are refused."""
    guarded = client(Guard.for_host("0.0.0.0", TOKEN))
    answer = guarded.open(f"/__admin/{path}", method=method, headers=headers)
    assert (answer.status_code, answer.json.keys()) in ((401, {"error", "message"}), (403, {"error", "message"}))


@pytest.mark.parametrize("sent", [None, "", TOKEN, f"Basic {TOKEN}", f"bearer {TOKEN}", f"Bearer {TOKEN}x", "Bearer ", "Bearer é"])  # fmt: skip
def test_a_wrong_token_is_rejected(sent: str | None) -> None:
    """With a token, every call needs exactly this token, reads too."""
    headers = {} if sent is None else {"Authorization": sent}
    answer = client(Guard.for_host("0.0.0.0", TOKEN)).get("/__admin/apps", headers=headers)
    assert (answer.status_code, answer.json["error"]) == (401, "unauthorized")
    assert [challenge.split()[0] for challenge in answer.headers.getlist("WWW-Authenticate")] == ["Bearer", "Basic"]
    assert TOKEN not in answer.text


@pytest.mark.parametrize("token", [TOKEN, "Schlüssel-钥匙", "with:colons: in it"])
@pytest.mark.parametrize("name", ["", "alice", "王"])
def test_the_token_is_accepted_as_a_basic_password(token: str, name: str) -> None:
    """With any user name; a foreign site is still rejected."""
    guarded = client(Guard.for_host("0.0.0.0", token))
    headers = {"Authorization": basic(f"{name}:{token}")}
    assert guarded.get("/__admin/health", headers=headers).status_code == 200
    for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        assert guarded.get("/__admin/health", headers={**headers, **foreign}).status_code == 403
    assert guarded.post("/__admin/reset", headers=headers, json={}).status_code == 403


@pytest.mark.parametrize("credentials", [TOKEN, f":{TOKEN}x", ":", f"{TOKEN}:", f"a:b:{TOKEN}", "\x00"])
def test_a_wrong_password_is_rejected(credentials: str) -> None:
    """The password must be exactly the token."""
    guarded = client(Guard.for_host("0.0.0.0", TOKEN))
    for sent in (basic(credentials), basic(credentials) + "=", f"Basic {credentials}", "Basic", "basic \u00ff"):
        assert guarded.get("/__admin/health", headers={"Authorization": sent}).status_code == 401


@pytest.mark.parametrize("token", [TOKEN, "Schlüssel-钥匙"])
@pytest.mark.parametrize("host", ["localhost", "mock.internal:8080", "10.1.2.3"])
def test_off_loopback_any_host_name_is_allowed_with_the_token(token: str, host: str) -> None:
    """A server in a container cannot know its host names, so the token decides."""
    sent = f"Bearer {token}".encode().decode("latin-1")
    api = client(Guard.for_host("0.0.0.0", token))
    answer = api.get("/__admin/health", headers={"Host": host}, environ_overrides={"HTTP_AUTHORIZATION": sent})
    assert answer.status_code == 200


def test_on_loopback_host_name_and_token_are_both_required() -> None:
    """There the host names are known."""
    answer = client(Guard.for_host("127.0.0.1", TOKEN)).get(
        "/__admin/health", headers={"Host": "evil.example", "Authorization": f"Bearer {TOKEN}"}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("remote", ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1", "0.0.0.0"])
def test_other_machines_need_a_token(local, remote: str) -> None:
    """On any server and address: without a token only this machine is allowed."""
    answer = local.get("/__admin/health", environ_overrides={"REMOTE_ADDR": remote})
    assert (answer.status_code, answer.json["error"]) == (403, "foreign_machine")


@pytest.mark.parametrize("remote", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", ""])
def test_every_spelling_of_loopback_is_this_machine(local, remote: str) -> None:
    """IPv4-mapped addresses and Unix sockets (no address) included."""
    assert local.get("/__admin/health", environ_overrides={"REMOTE_ADDR": remote}).status_code == 200


def test_create_app_requires_the_token() -> None:
    """The setting also protects the app under gunicorn or `flask run`."""
    api = create_app(admin_token=TOKEN, scenario="document").test_client()
    assert api.get("/__admin/apps").status_code == 401
    allowed = api.get("/__admin/apps", headers={"Authorization": f"Bearer {TOKEN}", "Host": "mock.internal"})
    assert allowed.status_code == 200


@pytest.mark.parametrize("token", ["", " ", "\n", "a\nb", "a\x00", "\x7f"])
def test_a_token_that_no_header_can_carry_is_refused(token: str) -> None:
    """At start, by the server and by the client; the message does not show it."""
    for start in (
        lambda: create_app(admin_token=token),
        lambda: MockServer(admin_token=token),
        lambda: AdminClient("http://127.0.0.1:1", token or " "),
    ):
        with pytest.raises(ConfigurationError, match="--admin-token: is empty or contains"):
            start()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1"])
def test_mock_server_needs_a_token_off_loopback(host: str) -> None:
    """`MockServer` refuses to start without one, as `serve` does."""
    with pytest.raises(ConfigurationError, match="--admin-token"):
        MockServer(host=host)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("a", "a"),
        ("A:1", "a"),
        ("[::1]:80", "::1"),
        ("[::1", ""),
        ("[localhost]", ""),
        ("[::1]x", ""),
        ("u@a", ""),
        ("", ""),
        ("a:b:c", "a"),
    ],
)
def test_host_name_drops_port_and_brackets(header: str, name: str) -> None:
    """A malformed header yields an empty name."""
    assert host_name(header) == name


def test_is_loopback() -> None:
    """True only for names and addresses of this machine."""
    assert [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "", "box")] == [
        True, True, True, False, False, False, False,
    ]  # fmt: skip
