"""The reading `signing: off`, for tools that cannot sign: the app of a request, where to set it, and faults."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.engine_client import EngineClient, user_config
from helpers.request_builder import NOW
from helpers.signer import APPKEY, OTHER

from mockserver.engine.build import make_engine

UNSIGNED = {"raw_query": ""}
MISSING, MISMATCH = 1101, 1105


def code(bench: EngineClient, **send: Any) -> int:
    """The ErrorCode of the answer to a request without a query, unless `send` has one."""
    return json.loads(bench.send({**UNSIGNED, **send}).body)["ErrorCode"]


def test_a_request_without_an_appkey_is_the_first_apps() -> None:
    """It has that app's scenario, readings, faults and journal."""
    bench = EngineClient(readings={"signing": "off"})
    state = bench.engine.store.app(APPKEY)
    assert code(bench) == 0
    assert bench.journal.select().entries[-1].appkey == APPKEY
    state.set_readings({"unknown_room": "empty"})
    assert code(bench, body={"RoomId": "nobody"}) == 0
    state.use_scenario("outage")
    assert code(bench) == 1402
    bench.engine.store.app(OTHER[0]).use_scenario("empty")
    assert code(bench, raw_query=f"appkey={OTHER[0]}") == 1301


def test_the_default_stays_v2() -> None:
    """Without the reading, no request is accepted without a signature."""
    bench = EngineClient()
    assert code(bench) == MISSING
    bench.engine.store.app(APPKEY).set_readings({"signing": "off"})
    # No app is named, and off is chosen for one app only.
    assert code(bench) == MISSING
    assert code(bench, raw_query=f"appkey={APPKEY}") == 0
    assert code(bench, raw_query=f"appkey={OTHER[0]}") == MISSING
    bench.engine.store.set_readings({"signing": "off"})
    assert code(bench) == 0
    bench.engine.store.app(APPKEY).set_readings({"signing": "either"})
    assert code(bench) == MISSING


def test_a_scenario_may_choose_it(tmp_path) -> None:
    """In YAML, where a plain `off` might be a boolean, and for a single request."""
    config = user_config(
        tmp_path, {"scenarios/open.yaml": "title: Open\nextends: document\nreadings: {signing: off}\n"}
    )
    assert code(EngineClient("open", config=config)) == 0
    bench = EngineClient("document", config=config)
    assert code(bench, headers={"x-mock-scenario": "open"}) == 0
    assert code(bench) == MISSING


@pytest.mark.parametrize("settings", [{"signing": "off"}, {"reading": ["signing=off"]}, {"reading": "signing=off"}])
def test_the_option_is_short_for_the_reading(settings: dict[str, Any]) -> None:
    """And wins over --reading."""
    assert make_engine(**settings).config.readings["default"]["signing"] == "off"
    assert make_engine(reading="signing=v1", **{"signing": "off"}).config.readings["default"]["signing"] == "off"


@pytest.mark.parametrize(
    ("send", "found"),
    [
        ({"raw_query": None}, MISMATCH),
        ({}, 0),
        ({"raw_query": f"appkey={APPKEY}&checksum=1&curtime={NOW}&seq=1&identifier=a"}, 0),
    ],
    ids=["signed", "unsigned", "wrongly signed"],
)
def test_checksum_faults_act_on_signed_requests(send: dict[str, Any], found: int) -> None:
    """A client that signs can be tested beside a tool that does not; the fault is no violation of the client."""
    bench = EngineClient(readings={"signing": "off"})
    send = {name: value for name, value in {**UNSIGNED, **send}.items() if value is not None}
    bench.send({**send, "headers": {"x-mock-fault": "secret_rotated"}})
    entry = bench.journal.select().entries[-1]
    assert json.loads(entry.answer)["ErrorCode"] == found
    assert bool(entry.violations) is not bool(found)
    assert all(violation.tolerated for violation in entry.violations)
