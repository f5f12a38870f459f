"""A request that is received again is answered and recorded like a new one, whatever has changed in between."""

from __future__ import annotations

import dataclasses
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from engine.test_pipeline import BREAKS
from helpers.engine_client import EngineClient, shipped_config
from helpers.length import length
from helpers.request_builder import build_request
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.contract.apps import App, Credentials
from mockserver.core.http import Response
from mockserver.reporting.json_shapes import entry_json

SECRET = "a-secret-of-tomorrow"
SENDS: dict[str, dict[str, Any]] = {
    **{name: send for name, (_, send) in BREAKS.items()},
    "valid": {},
    "list": {"operation": "query_all_instance_by_time"},
    "long range": {
        "operation": "query_all_instance_by_time",
        "body": {"BeginTime": "1575900000", "EndTime": "1576000000"},
    },
    "count by zero": {
        "operation": "count_business_distribute_volume_by_day",
        "body": {"QueryDate": "20191210", "CountBy": 0},
    },
    "integer": {"body": {"RoomId": "987654321", "BeginTime": 1575962150, "EndTime": "1575962850"}},
    "scenario": {"headers": {"x-mock-scenario": "empty"}},
    "no such scenario": {"headers": {"x-mock-scenario": "nowhere"}},
    "error": {"body": {"RoomId": "mock:error=server_busy"}},
    "secret": {"body": {"RoomId": f"my {SECRET}"}},
    "unsigned": {"query": dict.fromkeys(("checksum", "curtime", "appkey"))},
    "visit": {"method": "GET", "path": "/", "raw_query": ""},
}
CHANGES: dict[str, Callable[[EngineClient], object]] = {
    **{
        f"{name}={value}": lambda client, name=name, value=value: client.engine.store.set_readings({name: value})
        for name, value in (
            ("strictness", "lenient"),
            ("paths", "document"),
            ("signing", "off"),
            ("max_range_days", 1),
            ("count_by_zero", "error"),
            ("http_status", "rest"),
            ("checksum_reuse", "once"),
        )
    },
    "first readings": lambda client: client.engine.store.set_readings({}),
    "later": lambda client: client.engine.store.clock.set_offset(400),
    "now": lambda client: client.engine.store.clock.set_offset(0),
    "default": lambda client: client.engine.store.use_scenario("default"),
    "document": lambda client: client.engine.store.use_scenario("document"),
    "new app": lambda client: client.engine.register(App(Credentials("later", SECRET, "another-secret"), ("admin",))),
    "fewer scenarios": lambda client: reload(client, without="empty"),
    "all scenarios": lambda client: reload(client),
}


def reload(client: EngineClient, without: str = "") -> None:
    """Use the shipped configuration, perhaps without one of its scenarios."""
    config = shipped_config()
    scenarios = {name: scenario for name, scenario in config.scenarios.items() if name != without}
    client.engine._load = lambda: dataclasses.replace(config, scenarios=scenarios)
    client.engine.reload()


def result(client: EngineClient, response: Response) -> tuple[Response, dict[str, Any]]:
    """The response, and the journal entry without what is measured."""
    entry = client.journal.get(dict(response.headers)["X-Mock-Request-Id"])
    assert entry is not None
    return response, {**entry_json(entry), "seconds": 0}


class Pair:
    """Two equal engines: one receives the same requests again and again, the other one a new copy each time."""

    def __init__(self) -> None:
        self.repeating, self.fresh = EngineClient(), EngineClient()
        self.requests = {name: build_request(send) for name, send in SENDS.items()}

    def perform(self, step: str) -> None:
        """Change both engines, or compare their answers to a request."""
        if step in CHANGES:
            for client in (self.repeating, self.fresh):
                CHANGES[step](client)
        else:
            got = result(self.repeating, self.repeating.engine.handle(self.requests[step]))
            assert got == result(self.fresh, self.fresh.engine.handle(build_request(SENDS[step]))), step
            assert SECRET not in repr(got) or "later" not in self.repeating.engine.store.apps


@pytest.mark.parametrize("change", CHANGES)
def test_a_repeated_request_is_answered_like_a_new_one(change: str) -> None:
    """Also after the readings, the scenario, the clock, the files or the known secrets have changed."""
    pair = Pair()
    for step in (*SENDS, change, *SENDS, "all scenarios", "first readings", *SENDS):
        pair.perform(step)


@settings(max_examples=length(40, 2_000))
@given(st.lists(st.sampled_from([*SENDS, *SENDS, *CHANGES]), min_size=2, max_size=40))
def test_any_order(steps: list[str]) -> None:
    """The same for requests and changes in any order."""
    pair = Pair()
    for step in steps:
        pair.perform(step)


def test_a_repeated_request_is_parsed_once() -> None:
    """The answer to it takes none of the work that depends on its bytes alone."""
    client, request = EngineClient(), build_request({})
    client.engine.handle(request)
    parsed = request.parsed
    client.engine.handle(request)
    assert request.parsed is parsed
    assert parsed.checks is not None


def test_a_repeated_request_keeps_no_configuration() -> None:
    """The worlds of the configuration before a reload are freed, although the server remembers requests."""
    client, request = EngineClient(), build_request({})
    reload(client)
    client.engine.handle(request)
    old = weakref.ref(client.engine.config)
    reload(client)
    gc.collect()
    assert request.parsed is not None
    assert old() is None
