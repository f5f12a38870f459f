"""A client of a running mock server, without code of the package.

`Connection` is one keep-alive connection; `Client` is an app's own client, which signs its requests (§1.1.2).
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
    """An HTTP response."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Connection:
    """A keep-alive connection to a local port, reopened after the server closed it."""

    def __init__(self, port: int, timeout: float = 20.0) -> None:
        self.port = port
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def ask(self, method: str, target: str, body: bytes | None = None, **headers: str) -> HttpAnswer:
        """Send a request and return the response; raise whatever fails."""
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            self._connection.request(method, target, body, named)
            answer = self._connection.getresponse()
            received = {name.lower(): value for name, value in answer.getheaders()}
            return HttpAnswer(answer.status, received, answer.read())
        except Exception:
            self._connection.close()
            raise

    def admin(self, method: str, path: str, body: Any = None, **query: Any) -> HttpAnswer:
        """Call the admin API, with the headers that writes need."""
        words = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in query.items())
        target = f"/__admin/{path}" + (f"?{words}" if words else "")
        if method == "GET":
            return self.ask(method, target)
        content = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        return self.ask(method, target, content, Content_Type="application/json", X_Mock_Admin="1")

    def get(self, path: str, **query: Any) -> Any:
        """Return the JSON of a GET; it must succeed."""
        answer = self.admin("GET", path, **query)
        assert answer.status == 200, answer
        return answer.json

    def send(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Return the JSON of a write; it must succeed."""
        answer = self.admin(method, path, body, **query)
        assert answer.status in (200, 201), answer
        return answer.json

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Client:
    """A client of an app, with a connection of its own."""

    def __init__(
        self, port: int, appkey: str = APPKEY, appsecret: str = APPSECRET, restapikey: str = RESTAPIKEY
    ) -> None:
        self.wire = Connection(port)
        self.appkey, self._keys = appkey, appsecret + restapikey
        self.skew = 0.0
        """Seconds that the client's clock is ahead of this machine's."""

    @classmethod
    def fresh(cls, port: int) -> Client:
        """Create an app and return its client."""
        with Connection(port) as wire:
            made = wire.send("POST", "apps")
        return cls(port, made["appkey"], made["appsecret"], made["restapikey"])

    def twin(self) -> Client:
        """Return another client of the same app."""
        twin = Client(self.wire.port, self.appkey)
        twin._keys, twin.skew = self._keys, self.skew
        return twin

    def target(self, operation: str = "query_room_info", *, at: float | None = None, identifier: str = "admin") -> str:
        """Return path and signed query string of a call."""
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
        """Call an operation, by default with the document's sample body."""
        content = json.dumps(SAMPLES[operation]["body"] if body is None else body, ensure_ascii=False).encode()
        target = self.target(operation, at=at, identifier=identifier)
        return self.wire.ask("POST", target, content, Content_Type="application/json", **headers)

    def code(self, *words: Any, **more: Any) -> int:
        """Call an operation and return the ErrorCode."""
        code = self.call(*words, **more).json["ErrorCode"]
        assert isinstance(code, int)
        return code

    def raw(self, operation: str = "query_room_info", body: Any = None, **headers: str) -> bytes:
        """Return a call as bytes for a socket."""
        content = json.dumps(SAMPLES[operation]["body"] if body is None else body).encode()
        fields = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": str(len(content))}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = f"POST {self.target(operation)} HTTP/1.1\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return head.encode() + b"\r\n" + content

    def admin(self, method: str, path: str, body: Any = None, **query: Any) -> HttpAnswer:
        """Call the admin API for this app."""
        return self.wire.admin(method, path, body, appkey=self.appkey, **query)

    def get(self, path: str, **query: Any) -> Any:
        """Return the JSON of a GET for this app."""
        return self.wire.get(path, appkey=self.appkey, **query)

    def send(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Return the JSON of a write for this app."""
        return self.wire.send(method, path, body, appkey=self.appkey, **query)

    def close(self) -> None:
        """Close the connection."""
        self.wire.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RawAnswer(NamedTuple):
    """What was received on a socket: pieces with their time, and how it ended."""

    pieces: list[tuple[float, bytes]]
    end: str
    """`close`, `reset`, or `open` after a timeout."""
    seconds: float
    """Seconds from the last byte sent to the end."""

    @property
    def data(self) -> bytes:
        """All bytes."""
        return b"".join(piece for _, piece in self.pieces)

    @property
    def head(self) -> bytes:
        """Status line and headers."""
        return self.data.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        """Everything after the head."""
        return self.data.partition(b"\r\n\r\n")[2]

    def header(self, name: str) -> str:
        """The value of a header; empty if missing."""
        for line in self.head.decode("latin-1").split("\r\n")[1:]:
            if line.lower().startswith(f"{name.lower()}:"):
                return line.partition(":")[2].strip()
        return ""


def listen(port: int, raw: bytes, timeout: float = 5.0) -> RawAnswer:
    """Send raw bytes and receive until the connection ends or is silent for `timeout` seconds."""
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
    """Close a socket with an RST, like a killed client."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
