"""A server of its own process that notes every file it opens once it is up, while a client tries to leave the folders.

Prints JSON: the files opened, and how many names were tried. The parent judges.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from urllib.parse import quote

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from helpers.request_builder import NOW, request_bytes  # noqa: E402
from wire import WRITE, send  # noqa: E402

from mockserver.testing.mock_server import MockServer

OPENED: list[str] = []
RECORDING = False


def hook(event: str, given: tuple[object, ...]) -> None:
    """Notes what is opened or listed."""
    if RECORDING and event in (
        "open",
        "os.listdir",
        "os.scandir",
        "os.rename",
        "os.remove",
        "subprocess.Popen",
    ):
        OPENED.append(f"{event} {given[0]!r}")


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
    """Every name in every place that takes one; no answer may hold the secret."""
    tried = 0

    def go(method: str, target: str, headers: dict[str, str], body: bytes = b"") -> None:
        nonlocal tried
        tried += 1
        assert secret.encode() not in send(mock, method, target, headers, body)[2], (method, target)

    for name in NAMES:
        plain = name.replace("\x00", "%00").encode().decode("latin-1").replace(" ", "%20")
        coded, double = quote(name, safe=""), quote(quote(name, safe=""), safe="")
        for spelt in (plain, coded, double):
            if any(letter in spelt for letter in "\\"):
                continue
            for place in (
                "scenarios",
                "docs",
                "requests",
                "apps",
                "faults",
                "answers",
                "schemas",
                "fixtures",
            ):
                go("GET", f"/__admin/{place}/{spelt}", WRITE)
            for place in ("apps", "faults", "answers"):
                go("DELETE", f"/__admin/{place}/{spelt}", WRITE)
            go("GET", f"/__admin/{spelt}", WRITE)
            go("GET", f"/{spelt}", {})
            go("POST", f"/v2/video/{spelt}", {"Content-Type": "application/json"}, b"{}")
            go("GET", f"/__admin/scenario?appkey={spelt}", WRITE)
            go("GET", f"/__admin/sign?appkey={spelt}", WRITE)
            go(
                "POST",
                f"/v2/video/query_room_info?appkey={spelt}",
                {"Content-Type": "application/json"},
                b"{}",
            )
            go("GET", f"/__admin/openapi.json?lang={spelt}", WRITE)
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
                go(method, f"/__admin/{path}", WRITE, json.dumps(fields).encode())
        if name.isascii() and name.isprintable():
            go("POST", "/v2/video/query_room_info", {"X-Mock-Scenario": name, "X-Mock-Fault": name})
        for wish in ("mock:scenario=", "mock:error=", "mock:fault=", ""):
            raw = request_bytes(
                {"body": {"RoomId": wish + name}, "query": {"identifier": wish + name}}, "localhost"
            )
            head, _, body = raw.partition(b"\r\n\r\n")
            target = head.split(b" ")[1].decode("latin-1")
            go("POST", target, {"Content-Type": "application/json"}, body)
    return tried


def main() -> None:
    """Start, attack, tell."""
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
