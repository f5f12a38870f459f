"""The fast path and the Flask app give the same bytes and the same journal entries, whatever a client sends."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import Any

import pytest
from helpers import corpus_runner
from helpers.corpus import family
from helpers.engine_client import EngineClient
from helpers.length import length
from helpers.request_builder import request_bytes
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.contract.operations import OPERATIONS
from mockserver.engine.journal import JournalQuery
from mockserver.engine.journal_entry import JournalEntry
from mockserver.engine.pipeline import Engine
from mockserver.engine.request_log import RequestLog
from mockserver.server.api import FastPath
from mockserver.server.app import build_app
from mockserver.server.connection import Connection
from mockserver.server.limits import ClientLog, Limits
from mockserver.server.playback import Playbacks
from mockserver.server.service import Service

HOST = "127.0.0.1:8080"
DATE = re.compile(rb"\r\ndate: [^\r]*")
MEASURED = ("seconds", "started", "fingerprint", "rules")
API_FAMILIES = ("json", "fields", "signatures", "overrides")


class Wire(asyncio.Transport):
    """A client that reads everything at once: what was written, and how it ended."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.ended = b"", ""

    def write(self, data: Any) -> None:
        if not self.ended:
            self.written += data

    def close(self) -> None:
        self.ended = self.ended or "closed"

    def abort(self) -> None:
        self.ended = "aborted"

    def is_closing(self) -> bool:
        return bool(self.ended)

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Path:
    """A separate engine behind a connection, with or without the fast path."""

    def __init__(self, engine: Engine, *, fast: bool) -> None:
        self.engine, self.loop, self.calls = engine, asyncio.new_event_loop(), 0
        self.runner = ThreadPoolExecutor(1)  # The main thread may have a running loop: that of a browser's driver.
        timer = lambda seconds, callback: self.loop.call_later(0, callback)  # noqa: E731 - no test waits
        self.service = Service(
            loop=self.loop,
            app=build_app(engine),
            api=FastPath(engine) if fast else None,
            scheme="http",
            limits=Limits(body_bytes=1_048_576),
            inline=lambda path: True,
            threads=ThreadPoolExecutor(1),
            few_threads=ThreadPoolExecutor(1),
            envelope=engine.error_body,
            playbacks=Playbacks(self.loop, timer),
            client_log=ClientLog(),
            on_stop=lambda: None,
        )
        if self.service.api is not None:
            answer = self.service.api.answer

            def counted(call: Any) -> Any:
                self.calls += 1
                return answer(call)

            self.service.api.answer = counted  # type: ignore[method-assign]

    def close(self) -> None:
        """Release threads and loop."""
        self.service.threads.shutdown()
        self.service.few_threads.shutdown()
        self.runner.shutdown()
        self.loop.close()

    def exchange(self, *pieces: bytes) -> tuple[bytes, str]:
        """Return what one connection answers to these pieces, without dates, and how it ends."""
        wire = Wire()

        async def main() -> None:
            connection = Connection(self.service)
            connection.connection_made(wire)
            for piece in pieces:
                if not wire.ended:
                    connection.data_received(piece)
                while self.service.tasks:
                    await asyncio.wait(self.service.tasks)
            connection.connection_lost(None)

        self.runner.submit(lambda: self.loop.run_until_complete(main())).result()
        return DATE.sub(b"", wire.written), wire.ended

    def entries(self) -> list[dict[str, Any]]:
        """Return everything in the journal except measured times."""
        kinds = ("request", "stray")
        found = [entry for kind in kinds for entry in self.engine.journal.select(JournalQuery(kind=kind)).entries]  # type: ignore[arg-type]
        names = [field.name for field in fields(JournalEntry) if field.name not in MEASURED]
        return [{name: getattr(entry, name) for name in names} | {"order": list(entry.headers)} for entry in found]


class Both:
    """Two equal engines: one with the fast path, one behind Flask only."""

    def __init__(self, scenario: str = "document", readings: dict[str, Any] | None = None, config: Any = None) -> None:
        self.paths = []
        for fast in (True, False):
            client = EngineClient(scenario, readings, config=config)
            client.journal.max_entries = 10
            client.engine._log = RequestLog("none")
            self.paths.append(Path(client.engine, fast=fast))

    def check(self, *pieces: bytes) -> bytes:
        """Send the same bytes to both; return the response after checking that both respond and record alike."""
        fast, flask = self.paths
        received = fast.exchange(*pieces)
        assert received == flask.exchange(*pieces)
        assert fast.entries() == flask.entries()
        return received[0]

    def close(self) -> None:
        """Release both."""
        for path in self.paths:
            path.close()


@pytest.fixture(scope="module")
def both() -> Iterator[Both]:
    """Both paths with the document scenario."""
    both = Both()
    yield both
    both.close()


@pytest.mark.parametrize("name", API_FAMILIES)
def test_the_corpus_gets_the_same_answers(both: Both, name: str) -> None:
    """Every named bad input of the API, over a connection of its own."""
    for title in family(name):
        case = dict(family(name)[title])
        case.pop("back")
        both.check(request_bytes(case, HOST))


def test_odd_framing_gets_the_same_answers(both: Both) -> None:
    """Raw bytes: requests that are cut, chunked, pipelined or no HTTP."""
    assert len(family("framing")) > 50
    for case in family("framing").values():
        both.check(corpus_runner.wire_bytes(case))


def test_every_case_gets_the_same_answer(tmp_path) -> None:
    """Every file of tests/cases under its own settings; every twelfth one in a short run."""
    from contract import test_cases

    loaded, taken = test_cases.config(tmp_path), 0
    for name, case in list(test_cases.CASES.items())[:: length(12, 1)]:
        settings = case.get("settings", {})
        scenario = name if "answers" in case else settings.get("scenario", "document")
        both = Both(scenario, settings.get("readings"), loaded)
        for send in (*case.get("before", ()), case.get("send", {})):
            both.check(request_bytes(send, HOST))
        taken += both.paths[0].calls
        both.close()
    assert taken > length(8, 100)


FAULTS = ("latency;fixed_ms=50", "truncated_body", "connection_reset", "empty_response", "garbage_response", "hang",
          "malformed_chunk", "slow_body", "http_status;status=503", "malformed_json", "secret_rotated", "error;name=server_busy",
          "slow_close", "wrong_content_type")  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_do_the_same_on_both_ways(both: Both, fault: str) -> None:
    """The same bytes leave, the connection ends alike, and the journal has the same."""
    before = both.paths[0].calls
    both.check(request_bytes({"headers": {"x-mock-fault": fault, "connection": None}}, HOST))
    # The request took the fast path, or the comparison would be meaningless.
    assert both.paths[0].calls == before + 1


NAMES = st.sampled_from(["host", "Content-Type", "content-type", "X-Mock-Scenario", "x_under", "cookie", "Cookie", "Accept",
                         "UPGRADE", "origin", "x-mock-fault", "Connection", "expect", "X-Ä"])  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(["application/json", "empty", "a=1", "", "close", "keep-alive", "websocket", "bandwidth;bytes_per_second=9",
                     "http://a", "100-continue", "é", "\udcff", "text/plain; charset=utf-8"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=0x17F), max_size=20),
)  # fmt: skip
BODIES = st.one_of(
    st.fixed_dictionaries({"RoomId": st.sampled_from(["123456789", "房间", "mock:error=server_busy", ""])}),
    st.fixed_dictionaries({"QueryDate": st.just("20191210"), "CountBy": st.integers(-1, 5)}),
    st.dictionaries(st.text(max_size=6), st.integers() | st.text(max_size=6), max_size=3),
)
SENDS = st.fixed_dictionaries(
    {"operation": st.sampled_from([*OPERATIONS]), "body": BODIES},
    optional={
        "method": st.sampled_from(["GET", "HEAD", "OPTIONS", "PUT"]),
        "path": st.sampled_from(["/v1/video/query_room_info", "/v2/video/query%5Froom_info", "//", "/favicon.ico", "/v2/video/é", "/v2/video/nothing"]),
        "query": st.dictionaries(st.sampled_from(["seq", "curtime", "checksum", "更"]), st.text(max_size=8) | st.none(), max_size=2),
        "sign": st.sampled_from(["v1", "upper"]),
        "clock": st.sampled_from([-400, 299]),
    },
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(SENDS, min_size=1, max_size=3), st.lists(st.tuples(NAMES, VALUES), max_size=4), st.integers(1, 4_000))
def test_any_request_gets_the_same_answer(both: Both, sends: list[dict[str, Any]], headers: Any, size: int) -> None:
    """Odd headers, repeated headers, pipelined requests, and bytes that arrive in pieces."""
    raw = b""
    for send in sends:
        if "sign" in send and send["sign"] == "upper":
            send = {**send, "query": {"checksum": "A" * 40}}
            del send["sign"]
        head, blank, body = request_bytes({**send, "headers": {"connection": None}}, HOST).partition(b"\r\n\r\n")
        lines = [f"{name}: {value}".encode("utf-8", "surrogateescape") for name, value in headers]
        raw += b"\r\n".join([head, *lines]) + blank + body
    both.check(*(raw[at : at + size] for at in range(0, len(raw), size)))
