"""`record` signs by the target's clock, and with an unused curtime if the target demands that."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest
from helpers.engine_client import shipped_config
from live.local_target import Time, local_target
from live.second_backend import ALL, ROOM, Backend
from live.test_record import NOW, Session, recording, span

from mockserver.live.verify import examine

CALLS = [(ALL, span(NOW - 900 * number, NOW)) for number in range(1, 31)]
UNKNOWN_ROOM = (ROOM, {"RoomId": "no-such-room"})


def backend_with(readings: Mapping[str, Any], time: Time, *, ahead: float = 0.0) -> Backend:
    """A backend with another clock than the recorder."""
    return Backend({"unknown_room": "error", **readings}, clock=lambda: time() + ahead)


def show_clock(session: Session) -> None:
    """Add a Date header to all answers."""
    backend = session.backend.backend

    def handle(*request: Any) -> tuple[Any, ...]:
        date = formatdate(int(backend.clock()), usegmt=True)
        return *backend.handle(*request), {"Content-Type": "application/json", "Date": date}

    session.backend.backend = SimpleNamespace(handle=handle)  # type: ignore[assignment]


def codes(session: Session, questions: list[tuple[str, Mapping[str, Any]]]) -> list[int]:
    """Return the ErrorCodes of the answers."""
    return [session.ask(operation, **body)["ErrorCode"] for operation, body in questions]


def curtimes(session: Session) -> list[str]:
    """Return the curtimes of the requests to the target."""
    return [parse_qs(query)["curtime"][0] for _, _, query, *_ in session.backend.received]


@pytest.mark.parametrize("readings", [{}, {"freshness_seconds": 20}, {"freshness_seconds": 0}])
@pytest.mark.parametrize("own_code", [False, True])
def test_requests_of_one_second_are_accepted_although_a_checksum_is_accepted_once(
    tmp_path: Path, readings: dict[str, Any], own_code: bool
) -> None:
    """The recorder does not know this reading: it learns it from the first refusal, as it does for a short limit."""
    time = Time()
    backend = backend_with({"checksum_reuse": "once", **readings}, time)
    if own_code:
        backend.codes["checksum_reused"] = 61_000
    with recording(tmp_path, backend, time) as session:
        assert codes(session, CALLS) == [0] * len(CALLS)
        assert codes(session, [UNKNOWN_ROOM, CALLS[0]]) == [backend.codes["room_not_found"], 0]
        # Few requests are sent twice.
        assert len(session.backend.received) <= len(CALLS) + 12
    assert "ErrorCode" not in (tmp_path / "recorded.md").read_text()


@pytest.mark.parametrize("code", ["checksum_expired", "checksum_mismatch"])
@pytest.mark.parametrize("limit", [20, 37, 60, 120])
def test_curtimes_that_learn_has_used_are_skipped(tmp_path: Path, limit: int, code: str) -> None:
    """`record --fixtures LEARNED` right after `learn`, which used most curtimes within the limit."""
    time, config = Time(), shipped_config()
    backend = backend_with({"checksum_reuse": "once", "freshness_seconds": limit}, time)
    for name in ("checksum_expired", "checksum_mismatch"):
        backend.codes[name] = config.catalogue[name].code  # As if it had been learned.
    backend.codes["checksum_reused"] = backend.codes[code]
    target = local_target(backend.handle, time, max_requests=300)
    examine(target, config.schemas, config.catalogue, thorough=True)
    time.pause(3)
    with recording(tmp_path, backend, time) as session:
        session.client.engine.store.set_readings({"checksum_reuse": "once", "freshness_seconds": limit})
        assert codes(session, CALLS) == [0] * len(CALLS)
        assert codes(session, [UNKNOWN_ROOM, CALLS[0]]) == [backend.codes["room_not_found"], 0]
        assert len(session.backend.received) <= len(CALLS) + 25


def test_a_request_is_sent_once_if_it_is_not_refused_for_its_curtime(tmp_path: Path) -> None:
    """A failure is sent again only until its code is known, a request that violates the contract never."""
    time = Time()
    backend = backend_with({}, time)
    with recording(tmp_path, backend, time) as session:
        for _ in range(10):
            codes(session, [UNKNOWN_ROOM, CALLS[0], (ROOM, {})])
        assert len(session.backend.received) == 31


@pytest.mark.parametrize("ahead", [-1_200, -45, 45, 1_200])
def test_requests_are_signed_by_the_clock_of_the_target(tmp_path: Path, ahead: int) -> None:
    """It is taken from the Date header, even if the first request is refused."""
    time = Time()
    with recording(tmp_path, backend_with({"freshness_seconds": 30}, time, ahead=ahead), time) as session:
        show_clock(session)
        assert codes(session, CALLS) == [0] * len(CALLS)
        assert len(session.backend.received) == len(CALLS) + 1
        assert {int(each) - int(time()) - ahead for each in curtimes(session)[1:]} <= {-1, 0, 1}
        session.recorder.flush()
        assert abs(session.recorder.recording.recorded_at - time() - ahead) < 2


def test_a_slow_answer_does_not_show_the_clock(tmp_path: Path) -> None:
    """Its Date header may be from its beginning."""
    time = Time()
    with recording(tmp_path, backend_with({}, time), time) as session:
        show_clock(session)
        quick = session.backend.backend.handle

        def slow(*request: Any) -> tuple[Any, ...]:
            answer = quick(*request)
            time.pause(60)
            return answer

        session.backend.backend = SimpleNamespace(handle=slow)  # type: ignore[assignment]
        assert codes(session, CALLS[:3]) == [0, 0, 0]
        session.backend.backend = SimpleNamespace(handle=quick)  # type: ignore[assignment]
        codes(session, CALLS[:1])
        assert int(curtimes(session)[-1]) == int(time())


def test_passing_failures_do_not_slow_down_the_recorder(tmp_path: Path) -> None:
    """A target that accepts curtimes again is never taken for one that accepts each once."""
    time = Time()
    with recording(tmp_path, backend_with({}, time), time) as session:
        busy = b'{"Status": "FAIL", "ErrorCode": 9, "ErrorInfo": "busy"}'
        for number in range(300):
            failures = [(200, busy)] if number % 7 == 3 else []
            session.backend.disturb = lambda failures=failures: failures.pop() if failures else None
            codes(session, CALLS[number % len(CALLS) :][:1])
        # The clock moves by 0.01 s with each request.
        assert time() < NOW + 8
        assert len(set(curtimes(session))) < 10
