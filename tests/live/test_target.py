"""The client of a target: signs when sending, respects its limits, and reports errors in one line without secrets."""

from __future__ import annotations

import hashlib
import http.server
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from mockserver.contract.apps import Credentials
from mockserver.core.errors import ConfigurationError
from mockserver.live.target import Target, TargetCredentials, TargetError, read_target_credentials

KEYS = Credentials("planted-appkey", "planted+secret/of/the/target==", "planted-restapikey")
CREDENTIALS = TargetCredentials(KEYS, "planted-operator")
PLANTED = (KEYS.appkey, KEYS.appsecret, KEYS.restapikey, CREDENTIALS.identifier)
Reply = Callable[[http.server.BaseHTTPRequestHandler], None]


def answer(handler: http.server.BaseHTTPRequestHandler, body: bytes = b"{}", status: int = 200, **headers: str) -> None:
    """Send an answer."""
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def backend(reply: Reply, authority: trustme.CA | None = None) -> Iterator[tuple[str, list[str]]]:
    """Yield the URL of a server that answers with `reply`, and the request targets that it received."""
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            seen.append(self.path)
            reply(self)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if authority:
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield (f"{'https' if authority else 'http'}://localhost:{server.server_port}", seen)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def query_of(path: str) -> dict[str, str]:
    """Return the query parameters of a request target."""
    return {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}


class Time:
    """A clock that only waiting moves."""

    def __init__(self) -> None:
        self.now = 1_575_962_150.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.waits.append(round(seconds, 6))
        self.now += seconds


def test_a_request_is_signed_after_its_wait() -> None:
    """The rate limits the requests, and curtime is that of sending, not that of asking."""
    time = Time()
    with backend(answer) as (url, seen):
        target = Target(url, CREDENTIALS, rate=0.5, clock=time, ticks=time, pause=time.pause)
        for _ in range(3):
            target.send("/v2/video/query_room_info", b"{}")
        target.close()
    assert time.waits == [2.0, 2.0]
    queries = [query_of(path) for path in seen]
    assert [query["curtime"] for query in queries] == ["1575962150", "1575962152", "1575962154"]
    assert len({query["seq"] for query in queries}) == 3
    for query in queries:
        text = KEYS.appsecret + KEYS.restapikey + query["curtime"]
        assert query["checksum"] == hashlib.sha1(text.encode()).hexdigest()
        assert (query["appkey"], query["identifier"]) == (KEYS.appkey, CREDENTIALS.identifier)


def test_parameters_can_be_replaced_and_left_out() -> None:
    """`sign` changes the signature of one request; a replaced curtime is the one that is hashed."""
    with backend(answer) as (url, seen):
        target = Target(url, CREDENTIALS)
        target.send("/", b"{}", sign=lambda: {"curtime": "1", "seq": None}, formula="v1", query="seq=%FF")
        target.close()
    assert seen[0].endswith("&seq=%FF")
    assert query_of(seen[0])["checksum"] == hashlib.sha1(f"{KEYS.appsecret}1".encode()).hexdigest()


def test_the_number_of_requests_is_limited() -> None:
    """The request beyond the limit is not sent."""
    with backend(answer) as (url, seen):
        target = Target(url, CREDENTIALS, max_requests=2)
        for _ in range(2):
            target.send("/", b"{}")
        with pytest.raises(TargetError, match="the limit of 2 requests") as caught:
            target.send("/", b"{}")
        target.close()
    assert (caught.value.kind, len(seen)) == ("out_of_requests", 2)


def test_redirects_and_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer of the target itself comes back, whatever it says."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with backend(lambda handler: answer(handler, b"moved", 302, Location="http://127.0.0.1:1/")) as (url, _):
        target = Target(url, CREDENTIALS)
        received = target.send("/", b"{}")
        target.close()
    assert (received.status, received.body) == (302, b"moved")


def test_an_answer_is_not_decoded() -> None:
    """Its bytes are those on the wire, also when they claim to be compressed."""
    with backend(lambda handler: answer(handler, b"\x1f\x8bno gzip", Content_Encoding="gzip")) as (url, _):
        target = Target(url, CREDENTIALS)
        received = target.send("/", b"{}")
        target.close()
    assert (received.body, received.headers["content-encoding"]) == (b"\x1f\x8bno gzip", "gzip")


def test_a_dropped_connection_is_replaced_by_a_newly_signed_request() -> None:
    """A server that closes an idle connection costs a repetition with another seq, not an error."""
    dropped: list[bool] = []

    def reply(handler: http.server.BaseHTTPRequestHandler) -> None:
        if len(dropped) == 1:
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
        else:
            answer(handler)
        dropped.append(True)

    with backend(reply) as (url, seen):
        target = Target(url, CREDENTIALS)
        assert [target.send("/", b"{}").status for _ in range(2)] == [200, 200]
        target.close()
    assert len(seen) == len({query_of(path)["seq"] for path in seen}) == 3


def test_an_untrusted_certificate_is_reported_and_a_trusted_one_is_not(tmp_path: Path) -> None:
    """`--target-ca` adds a CA to those of the system."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with backend(answer, authority) as (url, _):
        target = Target(url, CREDENTIALS, ca=str(tmp_path / "ca.pem"))
        assert target.send("/", b"{}").status == 200
        target.close()
        stranger = Target(url, CREDENTIALS)
        with pytest.raises(TargetError, match="certificate is not trusted") as caught:
            stranger.send("/", b"{}")
        stranger.close()
        renamed = Target(url.replace("localhost", "127.0.0.1"), CREDENTIALS, ca=str(tmp_path / "ca.pem"))
        with pytest.raises(TargetError, match="use a host name that it is valid for"):
            renamed.send("/", b"{}")
        renamed.close()
    assert (caught.value.kind, len(caught.value.problems)) == ("certificate", 1)
    assert "--target-ca FILE" in str(caught.value)


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid"])
def test_an_unreachable_target_is_one_line_without_secrets(host: str) -> None:
    """Neither the address that was signed nor its query shows up."""
    target = Target(f"http://{host}:{free_port()}", CREDENTIALS)
    with pytest.raises(TargetError) as caught:
        target.send("/v2/video/query_room_info", b"{}")
    shown = str(caught.value) + caught.value.show("zh")
    assert caught.value.kind == "unreachable"
    assert "unreachable" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert not [secret for secret in (*PLANTED, "checksum", "curtime") if secret in shown]


def test_what_a_target_says_is_masked() -> None:
    """Credentials, the identifier, seqs and checksums, sent or expected, are no part of what is shown."""
    with backend(answer) as (url, seen):
        target = Target(url, CREDENTIALS)
        target.send("/", b"{}")
        target.close()
    query = query_of(seen[0])
    expected = hashlib.sha1((KEYS.appsecret + query["curtime"]).encode()).hexdigest()
    said = json.dumps([*PLANTED, query["checksum"], query["seq"], expected, expected.upper(), "why"])
    assert json.loads(target.redact(said)) == ["***"] * 8 + ["why"]


def test_an_escaped_identifier_is_masked() -> None:
    """A target may repeat the query as it was received."""
    target = Target("http://host", TargetCredentials(KEYS, "op/erator@corp"))
    assert target.redact("identifier=op%2Ferator%40corp, op\\/erator@corp") == "identifier=***, ***"


@pytest.mark.parametrize("url", ["ftp://host", "http://user:pass@host", "http://host/?a=1", "host", ""])
def test_only_the_url_of_a_server_is_accepted(url: str) -> None:
    """The message names the option and shows no password."""
    with pytest.raises(ConfigurationError, match=r"--target: ") as caught:
        Target(url, CREDENTIALS)
    assert "pass" not in str(caught.value)


def test_credentials_come_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first app of the file unless another is chosen; without either, the message says what to set."""
    with pytest.raises(ConfigurationError, match="MOCKSERVER_TARGET_APPKEY, MOCKSERVER_TARGET_APPSECRET"):
        read_target_credentials(None, None)
    for name, value in zip(("APPKEY", "APPSECRET", "RESTAPIKEY", "IDENTIFIER"), PLANTED, strict=True):
        monkeypatch.setenv(f"MOCKSERVER_TARGET_{name}", value)
    assert read_target_credentials(None, None) == CREDENTIALS
    assert not [secret for secret in PLANTED[1:] if secret in repr(CREDENTIALS)]
    apps = tmp_path / "target.yaml"
    row = "{{appkey: {0}, appsecret: secret-of-{0}, restapikey: restapikey-of-{0}, identifiers: [{0}-admin]}}"
    apps.write_text(f"apps: [{row.format('first-app')}, {row.format('second-app')}]\n")
    assert read_target_credentials(str(apps), None).keys.appkey == "first-app"
    assert read_target_credentials(str(apps), "second-app").identifier == "second-app-admin"
    with pytest.raises(ConfigurationError, match=r"--target-appkey: .*first-app, second-app"):
        read_target_credentials(str(apps), "third")
