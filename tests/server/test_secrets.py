"""The secrets of apps appear in no output of the server or the command line."""

from __future__ import annotations

import base64
import json
import logging
import re
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest
from helpers.http_client import Client
from helpers.shell import run
from helpers.signer import sha1

from mockserver.testing.mock_server import MockServer

CANARIES = (
    "CANARY/appsecret+one-that-is-longer-than-what-any-message-ever-quotes-of-a-text==",
    "canary-restapikey-one",
    "CANARY/appsecret+two==",
    "canary-restapikey-two",
)
APPS = """apps:
  - {name: One, appkey: "1111", appsecret: "CANARY/appsecret+one-that-is-longer-than-what-any-message-ever-quotes-of-a-text==", restapikey: "canary-restapikey-one", identifiers: [admin]}
  - {name: Two, appkey: "2222", appsecret: "CANARY/appsecret+two==", restapikey: "canary-restapikey-two", identifiers: [admin]}
"""


def spellings(secret: str) -> set[str]:
    """Return the spellings of a secret in text: plain, escaped, encoded, base64 and hex."""
    encoded = {quote(secret), quote(secret, safe=""), secret.replace("/", "\\/"), secret.replace("+", " ")}
    return {secret, *encoded, secret.encode().hex(), base64.b64encode(secret.encode()).decode().rstrip("=")[:-2]}


def assert_no_canary(text: str, where: str) -> None:
    """Assert that the text contains no spelling of any secret, and no checksum outside signed examples."""
    signed = any(name in where for name in ("openapi", "sign", "docs", "curl", "export"))
    assert signed or not re.search(r"(?<![0-9a-f])(?=[0-9]*[a-f])[0-9a-f]{20,40}(?![0-9a-f])", text), (
        f"a checksum in {where}"
    )
    for secret in CANARIES:
        for spelling in (secret, quote(secret, safe=""), secret.replace("/", "~1")):
            assert spelling.lower() not in text.lower(), f"{spelling} in {where}"
        for spelling in spellings(secret):
            assert spelling not in text, f"{spelling} in {where}: …{text[max(0, text.index(spelling) - 200) :][:500]}"


@pytest.fixture
def folder(tmp_path) -> Path:
    """A user's folder whose apps have recognizable secrets."""
    (tmp_path / "apps.yaml").write_text(APPS, encoding="utf-8")
    return tmp_path


def leaking_requests(client: Client) -> list[tuple[str, bytes, dict[str, str]]]:
    """Return requests of clients that put a secret in a wrong place: (target, body, headers)."""
    secret, rest = CANARIES[0], CANARIES[1]
    plain = {"Content-Type": "application/json"}
    target = client.target()
    curtime = target.partition("curtime=")[2][:10]

    def signed(checksum: str) -> str:
        return f"{target.partition('&checksum=')[0]}&checksum={quote(checksum, safe='')}&seq=1"

    requests = [(target, json.dumps({"RoomId": value}).encode(), plain) for value in (secret, rest, f"x{secret}y")]
    requests += [(target, json.dumps({value: "1", "RoomId": "1"}).encode(), plain) for value in (secret, rest)]
    requests += [(target, json.dumps({"RoomId": {"a": [secret]}}).encode(), plain)]
    requests += [(target, b'{"RoomId": "CANARY\\/' + secret[7:].encode() + b'"}', plain)]
    requests += [(target, b'{"RoomId": "\\u0043' + secret[1:].encode() + b'"}', plain)]
    requests += [(target, f'{{"RoomId": "{secret}" "x": 1}}'.encode(), plain), (target, secret.encode(), plain)]
    requests += [(target, b"RoomId=" + quote(secret).encode(), plain)]
    requests += [(f"{target}&{name}={quote(value, safe='')}", b"{}", plain) for name in ("appsecret", "x", "identifier") for value in (secret, rest)]  # fmt: skip
    requests += [(f"{target}&{quote(secret, safe='')}=1", b"{}", plain)]
    requests += [(signed(value), b"{}", plain) for value in (secret, rest, secret + rest, secret + rest + curtime, sha1(secret), sha1(secret + curtime), sha1(secret + rest + curtime).upper(), base64.b64encode(secret.encode()).decode())]  # fmt: skip
    requests += [(f"/v2/video/{quote(secret, safe='')}?{target.partition('?')[2]}", b"{}", plain)]
    requests += [(target, b"{}", {**plain, name: value}) for name in ("X-Secret", "Authorization", "User-Agent", "X-Mock-Fault", "X-Mock-Scenario", "Cookie", "Content-Type") for value in (secret, f"Basic {rest}")]  # fmt: skip
    requests += [(target, json.dumps({"RoomId": f"mock:{secret}"}).encode(), plain)]
    requests += [(target, json.dumps({"RoomId": f"mock:error={rest}"}).encode(), plain)]
    # Where messages truncate text, in JSON pointers, and with other kinds of escapes.
    for value in CANARIES:
        far = "x" * 30 + value
        requests += [
            (signed(far), b"{}", plain),
            (target.replace("curtime=", f"curtime={quote(value, safe='')}"), b"{}", plain),
        ]
        requests += [
            (f"/v2/video/query_room_info&secret={value}&checksum={sha1(secret + rest + curtime)}", b"{}", plain)
        ]
        requests += [
            (target, json.dumps({far: far, "RoomId": [far]}).encode(), plain),
            (target, b'{"RoomId": "' + far.encode(), plain),
        ]
        requests += [(target, b'{"RoomId": "' + value.replace("/", "\\u002f").replace("-", "\\u002D").encode(), plain)]
        requests += [
            (target, b"{}", {**plain, name: far})
            for name in ("X-Mock-Fault", "X-Mock-Scenario", "Content-Type", "Referer")
        ]
        requests += [
            (target, b"{}", {**plain, "Referer": re.sub("%..", lambda found: found[0].lower(), quote(value, safe=""))})
        ]
        requests += [(target.replace("appkey=1111", f"appkey={quote(value, safe='')}"), b"{}", plain)]
    swapped = f"/v2/video/query_room_info?appkey=1111&identifier=admin&curtime={sha1(secret + rest + curtime)}&checksum={curtime}&seq=1"
    requests += [
        (swapped, b"{}", plain),
        (swapped.replace("&curtime=", "&seq=").replace("&seq=1", "&curtime=1"), b"{}", plain),
    ]
    requests += [(target.replace("&checksum=", "%23checksum="), b"{}", plain)]
    return requests


def test_no_secret_appears_in_any_output(folder: Path, caplog) -> None:
    """Not in answers, headers, the journal, admin responses, reports or logs, wherever clients put it."""
    caplog.set_level(logging.DEBUG)
    with MockServer(scenario="document", fixtures=str(folder)) as mock, ExitStack() as clients:
        client = clients.enter_context(Client(mock.port, "1111", *CANARIES[:2]))
        answers = []
        for operation in ("query_room_info", "count_qos_by_day"):
            answers.append(client.call(operation))
        sent = leaking_requests(client)
        for target, body, headers in sent:
            answers.append(
                client.wire.ask("POST", target, body, **{k.replace("-", "_"): v for k, v in headers.items()})
            )
        for kind in ("checksum_rejected", "secret_rotated", "checksum_flaky"):
            client.send("POST", "faults", {"fault": kind})
            answers.append(client.call())
            client.send("DELETE", "faults")
        assert len(client.wire.get("requests")["requests"]) == len(answers)
        assert sum(bool(answer.json["ErrorCode"]) for answer in answers) > 20
        for answer in answers:
            assert_no_canary(f"{answer.headers}", f"a header: {answer}")
            envelope = answer.json
            assert_no_canary(envelope["ErrorInfo"], f"ErrorInfo: {answer}")
        for path in ("health", "ready", "operations", "scenarios", "errors", "readings", "settings", "scenario", "fault-kinds",
                     "faults", "answers", "clock", "requests", "coverage", "report", "apps", "openapi.json", "docs", "sign"):  # fmt: skip
            for response in (client.admin("GET", path), client.wire.admin("GET", path)):
                assert response.status == 200
                assert_no_canary(response.body.decode(), path)
                assert_no_canary(json.dumps(response.json, ensure_ascii=False) if path != "docs" else "", path)
        for form in ("text", "json", "junit", "html"):
            assert_no_canary(client.send("POST", "report", {"form": form})["rendered"], form)
        for secret in CANARIES:
            for method, path, body in (
                ("PUT", "scenario", {"name": "nothing"}),
                ("POST", "faults", {"fault": "nothing"}),
                ("POST", "requests/verify", {"operation": "query_room_info", "when": {"body": {"RoomId": "78"}}}),
            ):
                assert secret not in client.admin(method, path, body).body.decode()
        assert_no_canary(repr(mock.engine.config.apps) + repr(mock.engine.app("1111")), "a repr")
    assert_no_canary(caplog.text, "the log")


def test_tracebacks_contain_no_secret(folder: Path, monkeypatch, caplog) -> None:
    """A crash is logged with its traceback and answered with 1500, both without secrets."""
    with MockServer(scenario="document", fixtures=str(folder)) as mock:

        def crash(context: object) -> None:
            raise RuntimeError(f"on purpose: {context!r}")

        monkeypatch.setattr(mock.engine, "_decide", crash)
        with Client(mock.port, "1111", *CANARIES[:2]) as client:
            response = client.call()
        assert response.json["ErrorCode"] == 1500
        assert "on purpose" not in response.body.decode()
    assert "on purpose" in caplog.text
    assert_no_canary(caplog.text, "the log")
    assert_no_canary(response.body.decode() + str(response.headers), "the answer")


def test_no_command_prints_a_secret(folder: Path) -> None:
    """`explain`, `check`, tables and exports with a user's own folder."""
    url = f"http://h/v2/video/query_room_info?appkey=1111&identifier=admin&curtime=1575962150&checksum={sha1(CANARIES[0] + '1575962150')}&seq=1"  # fmt: skip
    leaks = [
        url.replace("appkey=1111", f"appkey={quote(CANARIES[0], safe='')}"),
        "--body",
        json.dumps({CANARIES[0]: CANARIES[1]}),
    ]
    for arguments in (["explain", url], ["explain", url, "--json"], ["explain", *leaks], ["explain", *leaks, "--json"], ["check", str(folder)], ["sign"], ["curl", "2.2"], ["sample", "2.2"],
                  ["export", "openapi"], ["export", "postman"], ["export", "http"], ["settings"], ["errors", "--json"]):  # fmt: skip
        done = run(*arguments, MOCKSERVER_FIXTURES=str(folder))
        assert done.returncode in (0, 1), (arguments, done.stderr)
        assert_no_canary(done.stdout + done.stderr, " ".join(arguments))
