"""A server process that records every file it opens while names that try to leave its folders are sent to it.

Prints JSON: the opened files and the number of requests. The test that starts it checks them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.parse import quote

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from helpers.request_builder import NOW, request_bytes  # noqa: E402
from wire import WRITE, send  # noqa: E402

from mockserver.testing.mock_server import MockServer  # noqa: E402

OPENED: list[str] = []
RECORDING = False


def hook(event: str, arguments: tuple[object, ...]) -> None:
    """Record what is opened or listed."""
    if RECORDING and event in ("open", "os.listdir", "os.scandir", "os.rename", "os.remove", "subprocess.Popen"):
        OPENED.append(f"{event} {arguments[0]!r}")


NAMES = [
    "../secret",
    "../secret.yaml",
    "../../secret",
    "..%2fsecret",
    "%2e%2e%2fsecret",
    "%252e%252e%252fsecret",
    "..\\secret",
    "..%5csecret",
    "....//secret",
    "./../secret",
    "scenarios/../../secret",
    "secret\x00.yaml",
    "secret%00.yaml",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "file:///etc/passwd",
    "//etc/passwd",
    "~/secret",
    "$HOME/secret",
    "/proc/self/environ",
    "\\\\host\\share\\secret",
    "C:\\secret",
    "link",
    "..",
    ".",
    "..;/secret",
    "%c0%ae%c0%ae%c0%afsecret",
    "\u2025/secret",
    "\uff0e\uff0e\uff0fsecret",
]


def attack(mock: MockServer, secret: str) -> int:
    """Send every name everywhere a name is accepted; no response may contain the secret. Return the request count."""
    tried = 0

    def check(method: str, target: str, headers: dict[str, str], body: bytes = b"") -> None:
        nonlocal tried
        tried += 1
        assert secret.encode() not in send(mock, method, target, headers, body)[2], (method, target)

    for name in NAMES:
        plain = name.replace("\x00", "%00").encode().decode("latin-1").replace(" ", "%20")
        encoded, double = quote(name, safe=""), quote(quote(name, safe=""), safe="")
        for spelling in (plain, encoded, double):
            if any(letter in spelling for letter in "\\"):
                continue
            for place in ("scenarios", "docs", "requests", "apps", "faults", "answers", "schemas", "fixtures"):
                check("GET", f"/__admin/{place}/{spelling}", WRITE)
            for place in ("apps", "faults", "answers"):
                check("DELETE", f"/__admin/{place}/{spelling}", WRITE)
            check("GET", f"/__admin/{spelling}", WRITE)
            check("GET", f"/{spelling}", {})
            check("POST", f"/v2/video/{spelling}", {"Content-Type": "application/json"}, b"{}")
            check("GET", f"/__admin/scenario?appkey={spelling}", WRITE)
            check("GET", f"/__admin/sign?appkey={spelling}", WRITE)
            check("POST", f"/v2/video/query_room_info?appkey={spelling}", {"Content-Type": "application/json"}, b"{}")
            check("GET", f"/__admin/openapi.json?lang={spelling}", WRITE)
        for path, fields in (
            ("scenario", {"name": name}),
            ("faults", {"fault": name}),
            ("answers", {"on": "query_room_info", "reply": {"error": name}}),
            ("answers", {"on": "query_room_info", "when": {"body": {"RoomId": {"schema": {"$ref": name}}}}}),
            ("readings", {"window": name}),
            ("clock", {"now": name}),
            ("report", {"form": name}),
        ):
            for method in ("PUT", "POST"):
                check(method, f"/__admin/{path}", WRITE, json.dumps(fields).encode())
        if name.isascii() and name.isprintable():
            check("POST", "/v2/video/query_room_info", {"X-Mock-Scenario": name, "X-Mock-Fault": name})
        for prefix in ("mock:scenario=", "mock:error=", "mock:fault=", ""):
            raw = request_bytes(
                {"body": {"RoomId": prefix + name}, "query": {"identifier": prefix + name}}, "localhost"
            )
            head, _, body = raw.partition(b"\r\n\r\n")
            target = head.split(b" ")[1].decode("latin-1")
            check("POST", target, {"Content-Type": "application/json"}, body)
    return tried


def main() -> None:
    """Start a server, send the requests, and print the result."""
    global RECORDING
    folder, secret = sys.argv[1], sys.argv[2]
    sys.addaudithook(hook)
    with MockServer("document", fixtures=folder, now=str(NOW)) as mock:
        send(mock, "POST", "/__admin/reload", WRITE)
        send(mock, "GET", "/__admin/openapi.json", WRITE)
        RECORDING = True
        tried = attack(mock, secret)
        mock.engine.reload()
        RECORDING = False
    print(json.dumps({"opened": OPENED, "tried": tried}))


if __name__ == "__main__":
    main()
