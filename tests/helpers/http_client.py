"""A client of a running mock server by sockets and the standard library: it shares no code with the package.

`Wire` keeps one connection; `Client` is an app's own client, which signs by the document's words (§1.1.2).
"""

from __future__ import annotations

import http.client
import itertools
import json
import socket
import struct
import time
from typing import Any, NamedTuple
from urllib.parse import quote

from helpers.request_builder import SAMPLES
from helpers.signer import APPKEY, APPSECRET, RESTAPIKEY, encode, sha1

SEQ = itertools.count(1)
WRITES = {"Content-Type": "application/json", "X-Mock-Admin": "1"}
OK_BODY = {"RoomId": "123456789"}
"""A query_room_info that the document scenario answers."""


class HttpAnswer(NamedTuple):
    """One answer."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Connection:
    """One kept connection to a port of this machine; opened again when the server has closed it."""

    def __init__(self, port: int, timeout: float = 20.0) -> None:
        self.port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def ask(self, method: str, target: str, body: bytes | None = None, **headers: str) -> HttpAnswer:
        """The answer to one request; whatever breaks is raised."""
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            self._connection.request(method, target, body, named)
            answer = self._connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return HttpAnswer(answer.status, told, answer.read())
        except Exception:
            self._connection.close()
            raise

    def admin(self, method: str, path: str, body: Any = None, **query: Any) -> HttpAnswer:
        """One call of the admin API; a write carries what it has to."""
        words = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items())
        target = f"/__admin/{path}" + (f"?{words}" if words else "")
        if method == "GET":
            return self.ask(method, target)
        content = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        return self.ask(method, target, content, Content_Type="application/json", X_Mock_Admin="1")

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a GET that must succeed."""
        told = self.admin("GET", path, **query)
        assert told.status == 200, told
        return told.json

    def send(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The JSON of a write that must succeed."""
        told = self.admin(method, path, body, **query)
        assert told.status in (200, 201), told
        return told.json

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Client:
    """An app's client, on a wire of its own."""

    def __init__(
        self, port: int, appkey: str = APPKEY, appsecret: str = APPSECRET, restapikey: str = RESTAPIKEY
    ) -> None:
        self.wire = Connection(port)
        self.appkey, self._keys = appkey, appsecret + restapikey
        self.skew = 0.0
        """Seconds that the client's clock is ahead of this machine's."""

    @classmethod
    def fresh(cls, port: int) -> Client:
        """The client of an app made for it."""
        with Connection(port) as wire:
            made = wire.send("POST", "apps")
        return cls(port, made["appkey"], made["appsecret"], made["restapikey"])

    def twin(self) -> Client:
        """Another client of the same app, on a wire of its own."""
        twin = Client(self.wire.port, self.appkey)
        twin._keys, twin.skew = self._keys, self.skew
        return twin

    def target(
        self, operation: str = "query_room_info", *, at: float | None = None, identifier: str = "admin"
    ) -> str:
        """Path and signed query string of one call."""
        curtime = str(int(time.time() + self.skew if at is None else at))
        query = [
            ("appkey", self.appkey),
            ("identifier", identifier),
            ("curtime", curtime),
            ("checksum", sha1(self._keys + curtime)),
            ("seq", str(next(SEQ))),
        ]
        return f"/v2/video/{operation}?{encode(query)}"

    def call(
        self,
        operation: str = "query_room_info",
        body: Any = None,
        *,
        at: float | None = None,
        identifier: str = "admin",
        **headers: str,
    ) -> HttpAnswer:
        """The answer to one call; the document's sample body unless there is another."""
        content = json.dumps(
            SAMPLES[operation]["body"] if body is None else body, ensure_ascii=False
        ).encode()
        target = self.target(operation, at=at, identifier=identifier)
        return self.wire.ask("POST", target, content, Content_Type="application/json", **headers)

    def code(self, *words: Any, **more: Any) -> int:
        """The ErrorCode that a call is told."""
        code = self.call(*words, **more).json["ErrorCode"]
        assert isinstance(code, int)
        return code

    def raw(self, operation: str = "query_room_info", body: Any = None, **headers: str) -> bytes:
        """One call as it goes over a socket."""
        content = json.dumps(SAMPLES[operation]["body"] if body is None else body).encode()
        fields = {
            "Host": "localhost",
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
        }
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = f"POST {self.target(operation)} HTTP/1.1\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return head.encode() + b"\r\n" + content

    def admin(self, method: str, path: str, body: Any = None, **query: Any) -> HttpAnswer:
        """One call of the admin API about this app."""
        return self.wire.admin(method, path, body, appkey=self.appkey, **query)

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a GET about this app."""
        return self.wire.get(path, appkey=self.appkey, **query)

    def send(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The JSON of a write about this app."""
        return self.wire.send(method, path, body, appkey=self.appkey, **query)

    def close(self) -> None:
        """Hang up."""
        self.wire.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RawAnswer(NamedTuple):
    """What came out of a socket: pieces with their second, and how it ended."""

    pieces: list[tuple[float, bytes]]
    end: str
    """`close`, `reset`, or `open` when nothing came for as long as was waited."""
    seconds: float
    """From the request's last byte to that end."""

    @property
    def data(self) -> bytes:
        """All of it."""
        return b"".join(piece for _, piece in self.pieces)

    @property
    def head(self) -> bytes:
        """Status line and headers."""
        return self.data.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        """What follows the head."""
        return self.data.partition(b"\r\n\r\n")[2]

    def header(self, name: str) -> str:
        """One header's value; empty when there is none."""
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            if line.lower().startswith(f"{name.lower()}:"):
                return line.partition(":")[2].strip()
        return ""


def listen(port: int, raw: bytes, timeout: float = 5.0) -> RawAnswer:
    """Send raw bytes and watch what comes until the connection ends or is silent for `timeout` seconds."""
    pieces: list[tuple[float, bytes]] = []
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as sock:
        sock.sendall(raw)
        started = time.monotonic()
        while True:
            try:
                piece = sock.recv(65_536)
            except ConnectionResetError:
                end = "reset"
                break
            except TimeoutError:
                end = "open"
                break
            if not piece:
                end = "close"
                break
            pieces.append((time.monotonic() - started, piece))
        return RawAnswer(pieces, end, time.monotonic() - started)


def hang_up_hard(sock: socket.socket) -> None:
    """Close a socket with an RST, as a client that was killed does."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
