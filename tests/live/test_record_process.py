"""`mockserver record` as a process, over real sockets: failures of the target, a kill, a proxy, and secrets."""

from __future__ import annotations

import base64
import http.client
import http.server
import json
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from urllib.request import urlopen

import pytest
import trustme
from helpers.redis_process import wait_until
from helpers.server_process import ServerProcess, serving
from helpers.shell import run
from helpers.signer import APPKEY, APPSECRET, RESTAPIKEY
from live.second_backend import ALL, APP, DAY, QUALITY, ROOM, Backend
from live.test_record import span
from live.test_target import answer, backend, query_of

from mockserver.cli.check import check_folder
from mockserver.contract.apps import Credentials
from mockserver.live.target import Target, TargetCredentials, TargetError

CLIENT = TargetCredentials(Credentials(APPKEY, APPSECRET, RESTAPIKEY), "client-operator")
ENVIRON = {f"MOCKSERVER_TARGET_{name.upper()}": value for name, value in APP.items()}
USER, PASSWORD = "proxy-user", "planted:proxy/password"
RESET = struct.pack("ii", 1, 0)


class UnstableBackend:
    """Answers requests with a backend; `disturbance` is called instead for the next request."""

    def __init__(self, *defects: str) -> None:
        self.backend = Backend({"seq": "unique"}, clock=time.time, defects=frozenset(defects))
        self.disturbance: Callable[[Any], object] | None = None

    def __call__(self, handler: Any) -> None:
        disturbance, self.disturbance = self.disturbance, None
        if disturbance is not None:
            disturbance(handler)
            return
        path, _, query = handler.path.partition("?")
        status, body = self.backend.handle("POST", path, query, dict(handler.headers), handler.body)
        answer(handler, body, status, Content_Type="application/json")


def some_day() -> dict[str, str]:
    """A window of 2.3 with calls that have ended."""
    first = int(time.time()) - 2 * DAY
    return span(first, first + DAY)


def ask(client: Target, operation: str, **body: Any) -> dict[str, Any]:
    """The parsed answer to a signed request."""
    received = client.send(f"/v2/video/{operation}", json.dumps(body).encode())
    assert received.status == 200
    return dict(json.loads(received.body))


@contextmanager
def recorder(url: str, folder: Path, *words: str, **environ: str) -> Iterator[tuple[ServerProcess, Target]]:
    """A process that records into `folder`, and a client of it."""
    ready = folder.with_name("ready.json")
    options = ("--target", url, "--output", str(folder), "--target-timeout", "0.5", "--ready-file", str(ready))
    with serving(*options, *words, command="record", **ENVIRON, **environ) as server:
        assert server.line, server.log
        client = Target(server.url, CLIENT, ca=json.loads(ready.read_text()).get("ca_file"))
        yield server, client
        client.close()


def break_off(handler: Any) -> None:
    """Reset the connection in the middle of an answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"Status": "OK"')
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    handler.close_connection = True


def hang_up(handler: Any) -> None:
    """Close the connection without an answer, as servers close an idle one."""
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def html(status: int) -> Callable[[Any], None]:
    """Answer with a page."""
    return lambda handler: answer(handler, b"<html>a page</html>", status, Content_Type="text/html")


def test_a_failing_target_is_an_envelope_and_nothing_recorded_is_lost(tmp_path: Path) -> None:
    """With https on both sides: a slow target, a reset, HTML, 502, a dropped connection, and a target that is down."""
    authority, target_backend, folder, done = trustme.CA(), UnstableBackend(), tmp_path / "out", threading.Event()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    disturbances: list[tuple[Callable[[Any], object], str]] = [
        (lambda handler: done.wait(20), "no complete answer in time"),
        (break_off, "the connection broke before the answer was complete"),
        (html(200), "HTTP 200 with text/html"),
        (html(502), "HTTP 502 with text/html"),
    ]
    with ExitStack() as target:
        url, seen = target.enter_context(backend(target_backend, authority))
        with recorder(url, folder, "--tls", "--target-ca", str(tmp_path / "ca.pem")) as (server, client):
            assert server.url.startswith("https://")
            assert f", target {urlsplit(url).netloc}, output {folder}, " in server.line
            rows = ask(client, ALL, **some_day())["UsersList"]
            room = rows[0]["RoomId"]
            for disturbance, reason in disturbances:
                target_backend.disturbance = disturbance
                got = ask(client, ROOM, RoomId=room)
                assert (got["Status"], got["ErrorCode"]) == ("FAIL", 1500)
                assert reason in got["ErrorInfo"]
            done.set()
            assert ask(client, ROOM, RoomId=room)["Status"] == "OK"
            # It is signed and sent again: the target accepts no seq twice.
            sent, target_backend.disturbance = len(seen), hang_up
            assert ask(client, ROOM, RoomId=room)["Status"] == "OK"
            assert len({query_of(path)["seq"] for path in seen[sent:]}) == len(seen[sent:]) == 2
            target.close()
            target_backend.disturbance = hang_up
            assert "unreachable" in ask(client, ROOM, RoomId=room)["ErrorInfo"]
            assert server.stop()[0] == 0
    assert check_folder(folder)[1] == []
    assert (folder / "scenarios" / "recorded.csv").read_text().count("\n") > len(rows)
    page = (folder / "recorded.md").read_text()
    assert [reason for _, reason in [*disturbances, (None, "unreachable")] if reason not in page] == []


def test_a_killed_recorder_leaves_a_whole_recording(tmp_path: Path) -> None:
    """Answers before the last write are on disk."""
    target_backend, folder = UnstableBackend(), tmp_path / "out"
    with backend(target_backend) as (url, _), recorder(url, folder) as (server, client):
        rows = ask(client, ALL, **some_day())["UsersList"]
        assert check_folder(folder)[1] == []
        sessions = folder / "scenarios" / "recorded.csv"
        wait_until(lambda: sessions.read_text().count("\n") > len(rows), 10)
        ask(client, ROOM, RoomId=rows[0]["RoomId"])
        server.process.kill()
        server.process.communicate()
    assert check_folder(folder)[1] == []
    assert sessions.read_text().count("\n") == len(rows) + 1


class Proxy(http.server.BaseHTTPRequestHandler):
    """A proxy that wants a password: forwards requests to http, and tunnels to https."""

    protocol_version = "HTTP/1.1"
    requests: list[str] = []
    user = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self._allowed():
            return
        parts = urlsplit(self.path)
        connection = http.client.HTTPConnection(parts.netloc)
        connection.request("POST", f"{parts.path}?{parts.query}", body, {"Content-Type": "application/json"})
        with connection.getresponse() as received:
            answer(self, received.read(), received.status, Content_Type="application/json")
        connection.close()

    def do_CONNECT(self) -> None:
        if not self._allowed():
            return
        host, _, port = self.path.partition(":")
        with socket.create_connection((host, int(port))) as other:
            self.send_response(200)
            self.end_headers()
            ends = {self.connection: other, other: self.connection}
            while data := (end := select.select(list(ends), (), ())[0][0]).recv(65_536):
                ends[end].sendall(data)
        self.close_connection = True

    def _allowed(self) -> bool:
        self.requests.append(f"{self.command} {self.path.partition('?')[0]}")
        allowed = self.headers["Proxy-Authorization"] == self.user
        if not allowed:
            answer(self, b"<html>who are you?</html>", 407, Content_Type="text/html")
        return allowed

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def proxy() -> Iterator[str]:
    """The address of a proxy."""
    Proxy.requests = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_a_proxy_is_used_with_its_password(proxy: str, tmp_path: Path, tls: bool) -> None:
    """Requests go through it; without its password, the error does not repeat the URL."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    credentials = TargetCredentials(Credentials(APP["appkey"], APP["appsecret"], APP["restapikey"]))
    with backend(UnstableBackend(), authority if tls else None) as (url, _):
        said = []
        for password in (quote(PASSWORD, safe=""), "planted"):
            target = Target(url, credentials, ca=str(tmp_path / "ca.pem"), proxy=f"http://{USER}:{password}@{proxy}")
            try:
                said.append(str(target.send(f"/v2/video/{ROOM}", b'{"RoomId": "no-such-room"}').status))
            except TargetError as error:
                said.append(str(error))
            target.close()
    assert said == ["200", f"{url}: the proxy cannot be used; check --target-proxy" if tls else "407"]
    place = url.partition("//")[2] if tls else f"{url}/v2/video/{ROOM}"
    assert Proxy.requests == [f"{'CONNECT' if tls else 'POST'} {place}"] * 2


def test_no_secret_leaves_the_recorder(proxy: str, tmp_path: Path) -> None:
    """Secrets of target, clients and proxy are planted everywhere, and searched for in everything that can be read."""
    target_backend, folder = UnstableBackend("leaks", "secret_ids"), tmp_path / "out"
    environ = {"MOCKSERVER_TARGET_PROXY": f"http://{USER}:{quote(PASSWORD, safe='')}@{proxy}"}
    with backend(target_backend) as (url, seen), recorder(url, folder, "--pseudonyms", **environ) as (server, client):
        rows = ask(client, ALL, **some_day())["UsersList"]
        ask(client, ROOM, RoomId=rows[0]["RoomId"])
        ask(client, ROOM, RoomId="no-such-room")
        client.send(f"/v2/video/{ROOM}", f'{{"{APPSECRET}": "{APP["restapikey"]}"'.encode())
        ask(client, QUALITY, QueryDate="20261399")
        target_backend.disturbance = lambda handler: answer(
            handler, b"no", 500, Content_Type=f"text/{handler.path} {APP['appsecret']} {APP['identifier']}"
        )
        shown = {"error": json.dumps(ask(client, ROOM, RoomId="room1"))}
        for name in [
            "requests",
            "metrics",
            "health",
            "settings",
            "console",
            "console/requests",
            "console/report",
            "console/data",
        ]:
            with urlopen(f"{server.url}/__admin/{name}") as page:
                shown[name] = page.read().decode()
        for form in ("text", "json", "junit", "html", "markdown"):
            shown[form] = run("report", "--url", server.url, "--format", form).stdout
        shown["har"] = run("export", "har", "--url", server.url).stdout
        shown["log"] = server.stop()[1]
    files = {str(path): path.read_text() for path in folder.rglob("*") if path.is_file()}
    checksums = {query_of(path)[name] for path in seen for name in ("checksum", "seq")} | target_backend.backend.seen
    secrets = {*APP.values(), APPSECRET, RESTAPIKEY, PASSWORD, quote(PASSWORD, safe=""), Proxy.user, *checksums}
    found = [(place, secret) for place, text in {**shown, **files}.items() for secret in secrets if secret in text]
    assert found == []
    names = {row[name] for row in rows for name in ("UserId", "RoomId")}
    written = {**files, "log": shown["log"], "har": shown["har"]}
    own = {CLIENT.identifier, *client._sent}
    assert [(place, secret) for place, text in written.items() for secret in own if secret in text] == []
    del written["har"]  # It has the bodies, which have no stand-ins.
    assert [(place, name) for place, text in written.items() for name in names if name in text] == []
    assert all(shown.values())
