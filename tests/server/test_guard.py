"""Who may talk to the admin API: this machine's own programs; no page in a browser, no other machine without the token."""

from __future__ import annotations

import base64
import re

import pytest
from helpers.bench import Bench

from mockserver import create_app
from mockserver.core.errors import ConfigurationError
from mockserver.server.admin import ROUTES
from mockserver.server.app import build_app
from mockserver.server.guard import Guard, host_name, is_loopback
from mockserver.testing.mock_server import MockServer

WRITE = {"X-Mock-Admin": "1", "Content-Type": "application/json"}
TOKEN = "made-up-token"


def client(guard: Guard | None = None):
    """A test client that comes from this machine."""
    return build_app(Bench().engine, guard=guard).test_client()


@pytest.fixture(scope="module")
def local():
    """The admin API as `serve` on loopback has it."""
    return client(Guard.for_host("127.0.0.1", None))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.1:8080", "[::1]:8080", "LOCALHOST:1"])
def test_the_names_of_this_machine_may_call(local, host: str) -> None:
    """Every name of the loopback is ours, with any port and in any case."""
    assert local.get("/__admin/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil@localhost", "localhost@evil", "[::1",
     "0.0.0.0", "127.0.0.2", "localhost.", "10.0.0.1:8080", "", "localhost/../x:1@evil"],
)  # fmt: skip
def test_a_name_that_was_rebound_to_this_address_may_not(local, host: str) -> None:
    """DNS rebinding ends at the Host header, for reads too."""
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
def test_a_page_of_another_origin_may_not(local, headers: dict[str, str], method: str) -> None:
    """A foreign Origin or a cross-site fetch is refused whatever else the request carries."""
    answer = local.open("/__admin/reset" if method == "POST" else "/__admin/apps", method=method, headers={**WRITE, **headers})  # fmt: skip
    assert answer.status_code == 403
    assert answer.json["error"] in ("foreign_origin", "cross_site")


def test_our_own_page_may(local) -> None:
    """The docs page calls with its own origin."""
    own = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    assert local.get("/__admin/health", headers=own).status_code == 200


WRITES = sorted({(one.method, one.path) for one in ROUTES if one.method != "GET"})


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_every_write_needs_what_no_page_can_send(local, method: str, path: str) -> None:
    """Each write is refused without the header and without JSON as its type: a form or a simple fetch does nothing."""
    target = "/__admin/" + re.sub(r"<\w+>", "1", path)
    told = local.open(target, method=method, headers={"Content-Type": "application/json"})
    assert (told.status_code, told.json["error"]) == (403, "missing_header")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        told = local.open(target, method=method, headers={"X-Mock-Admin": "1", "Content-Type": kind})
        assert (told.status_code, told.json["error"]) == (415, "unsupported_content_type")


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PATCH"])
def test_asking_first_is_not_granted(local, method: str) -> None:
    """A preflight gets no Access-Control header; neither does any answer."""
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    answer = local.open("/__admin/reset", method=method, headers=asked)
    assert answer.status_code == 403
    for one in (answer, local.get("/__admin/health")):
        assert not [name for name, _ in one.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize("path", ["/__admin", "/__admin/", "/__admin/nothing", "/__admin/docs/nothing"])
def test_paths_that_are_none_are_guarded_too(local, path: str) -> None:
    """Nobody learns from a 404 what is there: the guard comes first."""
    assert local.get(path, headers={"Host": "evil.example"}).status_code == 403


@pytest.mark.parametrize("sent", [None, "", TOKEN, f"Basic {TOKEN}", f"bearer {TOKEN}", f"Bearer {TOKEN}x", "Bearer ", "Bearer é"])  # fmt: skip
def test_a_wrong_token_is_refused(sent: str | None) -> None:
    """With a token every call needs it, to the letter, reads too."""
    headers = {} if sent is None else {"Authorization": sent}
    answer = client(Guard.for_host("0.0.0.0", TOKEN)).get("/__admin/health", headers=headers)
    assert (answer.status_code, answer.json["error"]) == (401, "unauthorized")
    assert [one.split()[0] for one in answer.headers.getlist("WWW-Authenticate")] == ["Bearer", "Basic"]
    assert TOKEN not in answer.text


def basic(words: str) -> str:
    """What a browser sends for a name and a password."""
    return "Basic " + base64.b64encode(words.encode()).decode()


@pytest.mark.parametrize("token", [TOKEN, "Schlüssel-钥匙", "with:colons: in it"])
@pytest.mark.parametrize("name", ["", "anybody", "王"])
def test_a_browser_sends_the_token_as_a_password(token: str, name: str) -> None:
    """Whatever the name; from a page of another site it is refused all the same."""
    guarded = client(Guard.for_host("0.0.0.0", token))
    headers = {"Authorization": basic(f"{name}:{token}")}
    assert guarded.get("/__admin/health", headers=headers).status_code == 200
    for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        assert guarded.get("/__admin/health", headers={**headers, **foreign}).status_code == 403
    assert guarded.post("/__admin/reset", headers=headers, json={}).status_code == 403


@pytest.mark.parametrize("words", [TOKEN, f":{TOKEN}x", ":", f"{TOKEN}:", f"a:b:{TOKEN}", "\x00"])
def test_a_wrong_password_is_refused(words: str) -> None:
    """The password is the token, to the letter."""
    guarded = client(Guard.for_host("0.0.0.0", TOKEN))
    for sent in (basic(words), basic(words) + "=", f"Basic {words}", "Basic", "basic \u00ff"):
        assert guarded.get("/__admin/health", headers={"Authorization": sent}).status_code == 401


@pytest.mark.parametrize("token", [TOKEN, "Schlüssel-钥匙"])
@pytest.mark.parametrize("host", ["localhost", "mock.internal:8080", "10.1.2.3"])
def test_off_loopback_the_token_opens_under_any_name(token: str, host: str) -> None:
    """A server in a container cannot know by which name others reach it: there the token is what counts."""
    sent = f"Bearer {token}".encode().decode("latin-1")
    wire = client(Guard.for_host("0.0.0.0", token))
    answer = wire.get(
        "/__admin/health", headers={"Host": host}, environ_overrides={"HTTP_AUTHORIZATION": sent}
    )
    assert answer.status_code == 200


def test_on_loopback_the_token_does_not_open_under_a_foreign_name() -> None:
    """There the names are known, so both are asked for."""
    answer = client(Guard.for_host("127.0.0.1", TOKEN)).get(
        "/__admin/health", headers={"Host": "evil.example", "Authorization": f"Bearer {TOKEN}"}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("remote", ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1", "0.0.0.0"])
def test_another_machine_needs_a_token(local, remote: str) -> None:
    """Whatever server carries the app, wherever it listens: without a token only this machine is let in."""
    answer = local.get("/__admin/health", environ_overrides={"REMOTE_ADDR": remote})
    assert (answer.status_code, answer.json["error"]) == (403, "foreign_machine")


@pytest.mark.parametrize("remote", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", ""])
def test_this_machine_is_known_in_every_spelling(local, remote: str) -> None:
    """IPv4 in IPv6 and a Unix socket (no address) are this machine."""
    assert local.get("/__admin/health", environ_overrides={"REMOTE_ADDR": remote}).status_code == 200


def test_the_app_factory_asks_for_the_token() -> None:
    """Under gunicorn or `flask run`, too, the setting is not decoration."""
    wire = create_app(admin_token=TOKEN, scenario="document").test_client()
    assert wire.get("/__admin/health").status_code == 401
    opened = wire.get(
        "/__admin/health", headers={"Authorization": f"Bearer {TOKEN}", "Host": "mock.internal"}
    )
    assert opened.status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1"])
def test_a_server_in_test_code_is_no_open_door_either(host: str) -> None:
    """Off loopback `MockServer` refuses to start without a token, as `serve` does."""
    with pytest.raises(ConfigurationError, match="--admin-token"):
        MockServer(host=host)


@pytest.mark.parametrize(
    ("header", "name"),
    [("a", "a"), ("A:1", "a"), ("[::1]:80", "::1"), ("[::1", ""), ("u@a", ""), ("", ""), ("a:b:c", "a")],
)
def test_the_name_in_a_host_header(header: str, name: str) -> None:
    """Port and brackets do not count, and what is no host is no name."""
    assert host_name(header) == name


def test_what_loopback_is() -> None:
    """The names of this machine alone."""
    assert [is_loopback(one) for one in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "::", "", "box")] == [
        True, True, True, False, False, False, False,
    ]  # fmt: skip
