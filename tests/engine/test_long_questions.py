"""Requests that take long: recognized before they are answered, computed once for all callers, and limited."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from helpers.engine_client import EngineClient, user_config
from helpers.request_builder import build_request

from mockserver.core.folders import Folders
from mockserver.engine.response_cache import LockByKey, ResponseCache
from mockserver.world import generated
from mockserver.world.generated import ROW_CACHE, GeneratedWorld, RowCache

DAY = {"QueryDate": "20191205", "CountBy": 1}


def takes_long(bench: EngineClient, operation: str, body: dict[str, Any]) -> bool:
    """Whether the engine says so before it answers."""
    context = bench.engine.accept(build_request({"operation": operation, "body": body}))
    long = bench.engine.takes_long(context)
    bench.engine.answer(context)
    return long


def test_a_question_takes_long_until_its_answer_is_cached() -> None:
    """A day of statistics does, once; a room does not once the world is built; a refused request never does."""
    bench = EngineClient("default")
    asked = [("count_business_total_volume_by_day", DAY)] * 2 + [("query_room_info", {"RoomId": "1"})] * 2
    assert [takes_long(bench, *question) for question in asked] == [True, False, False, False]
    assert takes_long(bench, "count_business_total_volume_by_day", {"QueryDate": "nonsense", "CountBy": 1}) is False


def test_a_rule_answers_at_once() -> None:
    """The answers of the scenario `document` to the document's samples need no world."""
    bench = EngineClient("document")
    assert takes_long(bench, "query_all_instance_by_time", {"BeginTime": "1575962100", "EndTime": "1575962900"}) in (
        True,
        False,
    )
    context = bench.engine.accept(build_request({"operation": "query_all_instance_by_time"}))
    assert bench.engine.takes_long(context) is False


def test_the_same_cold_day_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight clients ask three questions about one day at the same time: its rows are evaluated once."""
    ROW_CACHE.clear()
    bench, evaluated, start = EngineClient("default"), [], threading.Barrier(8)
    evaluate = GeneratedWorld._evaluate

    def counted(self: GeneratedWorld, first: int, last: int) -> Any:
        evaluated.append((first, last))
        return evaluate(self, first, last)

    monkeypatch.setattr(GeneratedWorld, "_evaluate", counted)
    questions = [("count_business_total_volume_by_day", DAY)] * 4 + [
        ("count_qos_by_day", {"QueryDate": "20191205"})
    ] * 4

    def ask(question: tuple[str, dict[str, Any]]) -> bytes:
        start.wait(30)
        return bench.engine.handle(build_request({"operation": question[0], "body": question[1]})).body

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, questions))
    assert len(set(answers)) == 2
    assert len(evaluated) == 1


def test_a_failed_evaluation_is_reported_to_all_who_wait() -> None:
    """And the next one who asks evaluates again."""
    cache, begun, finish = RowCache(), threading.Event(), threading.Event()

    def fail(first: int, last: int) -> Any:
        begun.set()
        finish.wait(30)
        raise MemoryError("no room")

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(cache.rows, "w", 0, 9, fail)
        assert begun.wait(30)
        other = pool.submit(cache.rows, "w", 2, 5, pytest.fail)
        finish.set()
        for waiting in (one, other):
            with pytest.raises(MemoryError):
                waiting.result(30)
    assert cache.rows("w", 0, 9, lambda first, last: generated.Sessions.empty()) is generated.Sessions.empty()


def test_a_huge_answer_is_no_reason_to_forget_all_others() -> None:
    """An answer over half of the cache is not kept."""
    cache = ResponseCache(max_bytes=100)
    cache.put("a", b"x" * 40, False, 1, None)
    cache.put("huge", b"x" * 51, False, 1, None)
    assert (cache.get("a", 1), cache.get("huge", 1)) == ((b"x" * 40, False), None)


def test_locks_exist_only_while_they_are_used() -> None:
    """One thread at a time for a key, and nothing remains."""
    locks, inside, most = LockByKey(), [], []

    def work(number: int) -> None:
        with locks.lock("key"):
            inside.append(number)
            most.append(len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(200)))
    assert set(most) == {1}
    assert locks._locks == {}


def test_the_parts_of_an_answer_are_one_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are those of an answer made at once."""
    body = {"BeginTime": "1575900000", "EndTime": "1575990000"}
    whole = EngineClient("default").send({"operation": "query_all_instance_by_time", "body": body}).body
    monkeypatch.setattr("mockserver.world.records.PART_ROWS", 7)
    assert EngineClient("default").send({"operation": "query_all_instance_by_time", "body": body}).body == whole
    assert len(json.loads(whole)["UsersList"]) > 1_000


def test_every_row_is_checked_against_a_schema_of_the_user(tmp_path: Path) -> None:
    """A row in the middle that only the user's own schema refuses is an internal error; the others are answered."""
    schema = json.loads(Folders().schema("query_all_instance_by_time.response.json").read_bytes())
    schema["properties"]["UsersList"]["items"]["properties"]["UserId"]["pattern"] = "^[^5]+$"
    user_config(tmp_path, {"schemas/query_all_instance_by_time.response.json": json.dumps(schema)})
    stays = [{"UserId": f"u{n}", "enter": 1575907200 + n, "leave": 1575908000 + n, "audio": n} for n in range(10)]
    world = {"title": "Ten users", "world": {"source": "recorded", "rooms": [{"RoomId": "r", "stays": stays}]}}
    config = user_config(tmp_path, {"scenarios/ten.yaml": json.dumps(world)})
    bench = EngineClient("ten", config=config)

    def error(begin: int) -> str:
        body = {"BeginTime": str(begin), "EndTime": "1575999999"}
        return bench.error(bench.send({"operation": "query_all_instance_by_time", "body": body}))

    assert [error(begin) for begin in (1575907200, 1575908005, 1575908006)] == [
        "internal_error",
        "internal_error",
        "ok",
    ]
