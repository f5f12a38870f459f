"""All eighteen invariants as a client sees them: signed requests to the engine and over HTTP."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any

import pytest
from helpers.length import length
from helpers.signer import sha1
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from invariants import check_all

from mockserver import MockServer
from mockserver.contract.envelope import FIELDS
from mockserver.core.clock import DAY_SECONDS, start_of_day
from mockserver.core.http import Request
from mockserver.engine.build import make_engine

CHOICES = {
    "ongoing": ["now", "zero", "empty", "exclude"],
    "window": ["overlap", "enter", "leave", "contained"],
    "tick_seconds": ["60", "600", "3600"],
    "trend": ["tick"],
    "fill": ["zero", "omit"],
    "room_window": ["stays"],
}


def signed(appkey: str, appsecret: str, restapikey: str, now: int) -> str:
    """Return a signed query string, built without the code under test."""
    checksum = sha1(f"{appsecret}{restapikey}{now}")
    return f"appkey={appkey}&identifier=admin&curtime={now}&checksum={checksum}&seq=1"


def fields_of(answer: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the fields after the envelope, or None for an unknown room or user."""
    if answer["Status"] == "FAIL":
        assert answer["ErrorCode"] in (1301, 1302), answer
        return None
    return {name: value for name, value in answer.items() if name not in FIELDS}


def yyyymmdd(second: int) -> tuple[str, int]:
    """Return the UTC+8 day of a second as `yyyymmdd`, and its first second."""
    import datetime

    east = datetime.timezone(datetime.timedelta(hours=8))
    return datetime.datetime.fromtimestamp(second, east).strftime("%Y%m%d"), start_of_day(second)


@settings(max_examples=length(2, 10), deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    seed=st.integers(0, 2**32),
    now=st.integers(1_556_000_000, 1_750_000_000),
    readings=st.fixed_dictionaries({name: st.sampled_from(words) for name, words in CHOICES.items()}),
    scenario=st.sampled_from(["default", "degraded-network"]),
)
def test_responses_of_the_engine_agree(seed: int, now: int, readings: dict[str, str], scenario: str) -> None:
    """The invariants hold for any seed, clock, readings and scenario."""
    given_readings = [f"{name}={value}" for name, value in readings.items()]
    engine = make_engine(scenario=scenario, seed=seed, now=str(now), reading=given_readings, journal_size=10)
    resolved = engine.config.readings[scenario]
    keys = next(iter(engine.config.apps.values())).credentials
    signed_query = signed(keys.appkey, keys.appsecret, keys.restapikey, now)
    headers = {"content-type": "application/json"}

    def query(operation: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        call = Request("POST", f"/v2/video/{operation}", signed_query, headers, json.dumps(body).encode())
        return fields_of(json.loads(engine.handle(call).body))

    date, start = yyyymmdd(now - DAY_SECONDS // 2)
    check_all(query, now, resolved, [(now - 900, now + 60)], date, start)


@pytest.mark.parametrize("seed", [1, 20191210])
def test_responses_over_a_socket_agree(seed: int) -> None:
    """The invariants hold over a real socket with an independent signer."""
    now = 1_576_000_000
    with MockServer(now=str(now), seed=seed, journal_size=10) as mock:
        app = mock.app()
        signed_query = signed(app.appkey, app.appsecret, app.restapikey, now)
        connection = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=20)

        def query(operation: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
            connection.request(
                "POST", f"/v2/video/{operation}?{signed_query}", json.dumps(body), {"Content-Type": "application/json"}
            )
            return fields_of(json.loads(connection.getresponse().read()))

        readings = mock.engine.config.readings["default"]
        date, start = yyyymmdd(now)
        check_all(query, now, readings, [(1_575_962_150, 1_575_962_850)], date, start)
        connection.close()
