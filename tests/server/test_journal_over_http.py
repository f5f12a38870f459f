"""The journal as a client's test sees it: there before the answer, under any load, and without a secret anywhere."""

from __future__ import annotations

import base64
import http.client
import json
import logging
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest
from helpers.driving import Client, Wire, listen
from helpers.signer import sha1

from mockserver.testing.mock_server import MockServer

THREADS, REQUESTS = 200, 50


def test_every_request_is_found_at_once() -> None:
    """Each of many threads asks for its own request right after its answer, and finds it every time."""
    with MockServer(scenario="document", journal_size=20_000) as mock:

        def ask(_: int) -> int:
            found = 0
            with first.twin() as client:
                for _ in range(REQUESTS):
                    number = client.call().headers["x-mock-request-id"]
                    told = client.admin("GET", f"requests/{number}")
                    found += told.status == 200 and told.json["id"] == number
            return found

        with Client.fresh(mock.port) as first, ThreadPoolExecutor(THREADS) as threads:
            assert sum(threads.map(ask, range(THREADS))) == THREADS * REQUESTS
            assert first.get("requests/count") == {"count": THREADS * REQUESTS, "evicted": 0}
            ids = [one["id"] for one in first.get("requests", limit=THREADS * REQUESTS)["requests"]]
            assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("fault", ["connection_reset", "empty_response", "garbage_response", "truncated_body", "malformed_chunk"])  # fmt: skip
def test_a_request_whose_answer_never_came_is_there_too(fault: str) -> None:
    """Whatever the client got, the server has seen it."""
    with MockServer(scenario="document") as mock, Client.fresh(mock.port) as client:
        client.send("POST", "faults", {"fault": fault})
        listen(mock.port, client.raw())
        (one,) = client.get("requests")["requests"]
        assert one["faults"] == [fault]


def test_a_request_that_hangs_is_there_while_it_hangs() -> None:
    """The entry comes before the first byte of the answer, even when none ever comes."""
    with MockServer(scenario="document") as mock, Client.fresh(mock.port) as client:
        client.send("POST", "faults", {"fault": "hang"})
        hanging = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=20)
        hanging.request("POST", client.target(), b'{"RoomId": "77"}', {"Content-Type": "application/json"})
        (one,) = client.get("requests", wait_for=1, timeout=15)["requests"]
        assert (one["faults"], one["request"]["json"]) == (["hang"], {"RoomId": "77"})
        assert client.send("DELETE", "faults")["released"] == 1
        with pytest.raises(http.client.RemoteDisconnected):
            hanging.getresponse()
        hanging.close()


def test_what_is_refused_is_there_too() -> None:
    """Refused requests of an app are its entries; those of nobody are found without an app, or with the empty one."""
    with MockServer(scenario="document") as mock, Client.fresh(mock.port) as client:
        client.wire.ask("GET", client.target())
        client.wire.ask("POST", "/v2/video/nothing?appkey=" + client.appkey, b"\xff\x00")
        client.wire.ask("DELETE", "/elsewhere")
        told = client.get("requests")["requests"]
        assert [one["error"] for one in told] == ["method_not_allowed", "unknown_command"]
        assert base64.b64decode(told[1]["request"]["body_base64"]) == b"\xff\x00"
        (stray,) = client.wire.get("requests", appkey="")["requests"]
        assert (stray["request"]["method"], stray["request"]["path"]) == ("DELETE", "/elsewhere")


def test_admin_calls_are_no_requests() -> None:
    """The journal holds the client's requests alone, whatever the admin API is asked."""
    with MockServer(scenario="document") as mock, Wire(mock.port) as wire:
        for path in ("health", "nothing", "", "requests"):
            wire.admin("GET", path)
        wire.ask("GET", "/__admin")
        wire.ask("TRACE", "/__admin/health")
        assert wire.get("requests/count") == {"count": 0, "evicted": 0}


# Secrets


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
    """How a secret could stand in text: plain, escaped, encoded, as base64 or as hex."""
    encoded = {quote(secret), quote(secret, safe=""), secret.replace("/", "\\/"), secret.replace("+", " ")}
    return {
        secret,
        *encoded,
        secret.encode().hex(),
        base64.b64encode(secret.encode()).decode().rstrip("=")[:-2],
    }


def assert_no_canary(text: str, where: str) -> None:
    """No spelling of any secret stands in the text."""
    signs = any(word in where for word in ("openapi", "sign", "docs", "curl", "export"))
    assert signs or not re.search(r"(?<![0-9a-f])(?=[0-9]*[a-f])[0-9a-f]{20,40}(?![0-9a-f])", text), (
        f"a checksum in {where}"
    )
    for secret in CANARIES:
        for word in (secret.lower(), quote(secret, safe="").lower(), secret.replace("/", "~1").lower()):
            assert word not in text.lower(), f"{word} in {where}"
        for word in spellings(secret):
            assert word not in text, f"{word} in {where}: …{text[max(0, text.index(word) - 200) :][:500]}"


@pytest.fixture
def folder(tmp_path) -> Path:
    """A user's folder whose apps have secrets to be kept."""
    (tmp_path / "apps.yaml").write_text(APPS, encoding="utf-8")
    return tmp_path


def leaking_requests(client: Client) -> list[tuple[str, bytes, dict[str, str]]]:
    """Requests by clients that put a secret where it does not belong: (target, body, headers)."""
    secret, rest = CANARIES[0], CANARIES[1]
    plain = {"Content-Type": "application/json"}
    target = client.target()
    curtime = target.partition("curtime=")[2][:10]

    def signed(checksum: str) -> str:
        return f"{target.partition('&checksum=')[0]}&checksum={quote(checksum, safe='')}&seq=1"

    requests = [
        (target, json.dumps({"RoomId": one}).encode(), plain) for one in (secret, rest, f"x{secret}y")
    ]
    requests += [(target, json.dumps({one: "1", "RoomId": "1"}).encode(), plain) for one in (secret, rest)]
    requests += [(target, json.dumps({"RoomId": {"a": [secret]}}).encode(), plain)]
    requests += [(target, b'{"RoomId": "CANARY\\/' + secret[7:].encode() + b'"}', plain)]
    requests += [(target, b'{"RoomId": "\\u0043' + secret[1:].encode() + b'"}', plain)]
    requests += [
        (target, f'{{"RoomId": "{secret}" "x": 1}}'.encode(), plain),
        (target, secret.encode(), plain),
    ]
    requests += [(target, b"RoomId=" + quote(secret).encode(), plain)]
    requests += [(f"{target}&{name}={quote(one, safe='')}", b"{}", plain) for name in ("appsecret", "x", "identifier") for one in (secret, rest)]  # fmt: skip
    requests += [(f"{target}&{quote(secret, safe='')}=1", b"{}", plain)]
    requests += [(signed(one), b"{}", plain) for one in (secret, rest, secret + rest, secret + rest + curtime, sha1(secret), sha1(secret + curtime), sha1(secret + rest + curtime).upper(), base64.b64encode(secret.encode()).decode())]  # fmt: skip
    requests += [(f"/v2/video/{quote(secret, safe='')}?{target.partition('?')[2]}", b"{}", plain)]
    requests += [(target, b"{}", {**plain, name: one}) for name in ("X-Secret", "Authorization", "User-Agent", "X-Mock-Fault", "X-Mock-Scenario", "Cookie", "Content-Type") for one in (secret, f"Basic {rest}")]  # fmt: skip
    requests += [(target, json.dumps({"RoomId": f"mock:{secret}"}).encode(), plain)]
    requests += [(target, json.dumps({"RoomId": f"mock:error={rest}"}).encode(), plain)]
    # Where a text is cut, where it is a pointer, and behind escapes of other kinds.
    for one in CANARIES:
        far = "x" * 30 + one
        requests += [
            (signed(far), b"{}", plain),
            (target.replace("curtime=", f"curtime={quote(one, safe='')}"), b"{}", plain),
        ]
        requests += [
            (f"/v2/video/query_room_info&secret={one}&checksum={sha1(secret + rest + curtime)}", b"{}", plain)
        ]
        requests += [
            (target, json.dumps({far: far, "RoomId": [far]}).encode(), plain),
            (target, b'{"RoomId": "' + far.encode(), plain),
        ]
        requests += [
            (target, b'{"RoomId": "' + one.replace("/", "\\u002f").replace("-", "\\u002D").encode(), plain)
        ]
        requests += [
            (target, b"{}", {**plain, name: far})
            for name in ("X-Mock-Fault", "X-Mock-Scenario", "Content-Type", "Referer")
        ]
        requests += [
            (
                target,
                b"{}",
                {**plain, "Referer": re.sub("%..", lambda found: found[0].lower(), quote(one, safe=""))},
            )
        ]
        requests += [(target.replace("appkey=1111", f"appkey={quote(one, safe='')}"), b"{}", plain)]
    swapped = f"/v2/video/query_room_info?appkey=1111&identifier=admin&curtime={sha1(secret + rest + curtime)}&checksum={curtime}&seq=1"
    requests += [
        (swapped, b"{}", plain),
        (swapped.replace("&curtime=", "&seq=").replace("&seq=1", "&curtime=1"), b"{}", plain),
    ]
    requests += [(target.replace("&checksum=", "%23checksum="), b"{}", plain)]
    return requests


def test_a_secret_is_told_nowhere(folder: Path, caplog) -> None:
    """Not in answers, headers, journal, admin answers, reports or logs, whatever clients send, crashes included."""
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
            for told in (client.admin("GET", path), client.wire.admin("GET", path)):
                assert told.status == 200
                assert_no_canary(told.body.decode(), path)
                assert_no_canary(json.dumps(told.json, ensure_ascii=False) if path != "docs" else "", path)
        for form in ("text", "json", "junit", "html"):
            assert_no_canary(client.send("POST", "report", {"form": form})["rendered"], form)
        for secret in CANARIES:
            for method, path, body in (
                ("PUT", "scenario", {"name": "nothing"}),
                ("POST", "faults", {"fault": "nothing"}),
                (
                    "POST",
                    "requests/verify",
                    {"operation": "query_room_info", "when": {"body": {"RoomId": "78"}}},
                ),
            ):
                assert secret not in client.admin(method, path, body).body.decode()
        assert_no_canary(repr(mock.engine.config.apps) + repr(mock.engine.app("1111")), "a repr")
    assert_no_canary(caplog.text, "the log")


def test_a_traceback_shows_no_secret(folder: Path, monkeypatch, caplog) -> None:
    """A crash inside is logged with its trace, and answered 1500 without it."""
    with MockServer(scenario="document", fixtures=str(folder)) as mock:

        def crash(visit: object) -> None:
            raise RuntimeError(f"on purpose: {visit!r}")

        monkeypatch.setattr(mock.engine, "_decide", crash)
        with Client(mock.port, "1111", *CANARIES[:2]) as client:
            told = client.call()
        assert told.json["ErrorCode"] == 1500
        assert "on purpose" not in told.body.decode()
    assert "on purpose" in caplog.text
    assert_no_canary(caplog.text, "the log")
    assert_no_canary(told.body.decode() + str(told.headers), "the answer")


def test_the_command_line_tells_no_secret(folder: Path) -> None:
    """`explain`, `check`, tables and exports of a user's own folder."""
    with_secrets = {"MOCKSERVER_FIXTURES": str(folder)}
    url = f"http://h/v2/video/query_room_info?appkey=1111&identifier=admin&curtime=1575962150&checksum={sha1(CANARIES[0] + '1575962150')}&seq=1"  # fmt: skip
    leaks = [
        url.replace("appkey=1111", f"appkey={quote(CANARIES[0], safe='')}"),
        "--body",
        json.dumps({CANARIES[0]: CANARIES[1]}),
    ]
    for words in (["explain", url], ["explain", url, "--json"], ["explain", *leaks], ["explain", *leaks, "--json"], ["check", str(folder)], ["sign"], ["curl", "2.2"], ["sample", "2.2"],
                  ["export", "openapi"], ["export", "postman"], ["export", "http"], ["settings"], ["errors", "--json"]):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "mockserver", *words],
            capture_output=True, text=True, timeout=60, env={**os.environ, **with_secrets},
        )  # fmt: skip
        assert done.returncode in (0, 1), (words, done.stderr)
        assert_no_canary(done.stdout + done.stderr, " ".join(words))
