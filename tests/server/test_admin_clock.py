"""The admin resource `clock`."""

from __future__ import annotations

import pytest
from admin_assertions import assert_error
from helpers.http_client import Client

EXPIRED, BUSY = 1104, 1402


def test_the_clock_is_frozen_shifted_advanced_and_reset(app) -> None:
    """Each field has its effect, and the machine's time is returned too."""
    assert app.send("PUT", "clock", {"now": 1_576_000_000})["now"] == 1_576_000_000
    assert app.send("PUT", "clock", {"advance_seconds": 1.5})["now"] == 1_576_000_001.5
    assert app.send("PUT", "clock", {"advance_seconds": -1.5})["now"] == 1_576_000_000
    result = app.send("PUT", "clock", {"now": "2019-12-10T15:30:00+08:00"})
    assert (result["now"], result["frozen"]) == (1_575_963_000, True)
    result = app.send("DELETE", "clock")
    assert (result["frozen"], result["offset_seconds"]) == (False, 0)
    result = app.send("PUT", "clock", {"offset_seconds": -3600})
    assert result["now"] == pytest.approx(result["machine"] - 3600, abs=1)
    result = app.send("PUT", "clock", {"offset_seconds": 60})
    assert result["now"] == pytest.approx(result["machine"] + 60, abs=1)


@pytest.mark.parametrize(
    "body",
    [{}, {"now": 1, "offset_seconds": 1}, {"nwo": 1}, {"now": None}, {"now": True}, {"now": "yesterday"},
     {"now": "2019-12-10T15:30:00"}, {"now": -1}, {"now": 0}, {"now": 10**10}, {"now": 10**400}, {"now": 1e300},
     {"now": "now-999999999d"}, {"now": "2300-01-01T00:00:00Z"}, {"offset_seconds": 1e300}, {"offset_seconds": -2e9},
     {"offset_seconds": 10**400}, {"advance_seconds": 1e10}, {"advance_seconds": "1"}, {"advance_seconds": 10**400}],
)  # fmt: skip
def test_a_time_outside_ten_digits_is_rejected(app, body: dict) -> None:
    """422, and the clock does not change: curtime has ten digits."""
    assert_error(app.admin("PUT", "clock", body), 422)
    result = app.get("clock")
    assert result["now"] == pytest.approx(result["machine"], abs=1)
    assert app.code() == 0


def test_repeated_advances_stay_in_range(app) -> None:
    """The sum of advances is limited, too."""
    while (response := app.admin("PUT", "clock", {"advance_seconds": 3e9})).status == 200:
        pass
    assert_error(response, 422)
    assert app.get("clock")["now"] < 10**10
    assert app.code() == EXPIRED


def test_the_clock_applies_to_everything(app) -> None:
    """After `advance 301 s` a signature has expired, faults have ended, and the world's current time is later."""
    app.send("PUT", "scenario", {"name": "default"})
    app.send("PUT", "clock", {"now": 1_576_000_000})
    today = {"QueryDate": "20191211"}
    app.send("POST", "faults", {"fault": "error", "name": "server_busy", "ttl_seconds": 301, "on": "query_room_info"})
    body = {"RoomId": "123456789"}
    assert app.code("query_room_info", body, at=1_576_000_000) == BUSY
    ticks = [row["TickTime"] for row in app.call("count_qos_by_day", today, at=1_576_000_000).json["QosData"]]
    app.send("PUT", "clock", {"advance_seconds": 300})
    assert app.code("query_room_info", body, at=1_576_000_000) == BUSY
    app.send("PUT", "clock", {"advance_seconds": 1})
    assert app.code("query_room_info", body, at=1_576_000_000) == EXPIRED
    assert app.code("query_room_info", body, at=1_576_000_301) != BUSY
    assert app.get("faults")["faults"][0]["ended"] is True
    later = [row["TickTime"] for row in app.call("count_qos_by_day", today, at=1_576_000_301).json["QosData"]]
    assert later[: len(ticks) - 1] == ticks[:-1] or later[: len(ticks)] == ticks
    assert max(map(int, later)) > max(map(int, ticks))
    assert [entry["at"] for entry in app.get("requests")["requests"]] == [1_576_000_000] * 2 + [1_576_000_300] + [1_576_000_301] * 3  # fmt: skip


def test_the_clock_of_one_app_does_not_affect_another(wire, app) -> None:
    """The server's clock moves every app whose own clock is not frozen."""
    app.send("PUT", "clock", {"advance_seconds": 301})
    with Client.fresh(wire.port) as other:
        assert (app.code(), other.code()) == (EXPIRED, 0)
        app.send("DELETE", "clock")
        wire.send("PUT", "clock", {"advance_seconds": 301})
        assert (app.code(), other.code()) == (EXPIRED, EXPIRED)
        app.skew = 301
        assert app.code() == 0
