"""Settings become an engine, or an error that names the option."""

from __future__ import annotations

import gc
import json
import weakref
from pathlib import Path
from typing import Any

import pytest
from helpers.request_builder import NOW, build_request, query_string, request_body

from mockserver.core.errors import ConfigurationError
from mockserver.core.settings import SETTINGS, from_environment
from mockserver.engine import build
from mockserver.engine.build import make_clock, make_engine, parse_readings, resolve_settings
from mockserver.server.app import create_app


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"scenaro": "x"}, "did you mean scenario?"),
        ({"scenario": "defualt"}, "did you mean default?"),
        ({"scenario": "zzzzzz"}, "known: "),
        ({"port": "eighty"}, "not a whole number"),
        ({"lang": "fr"}, "en, zh"),
        ({"strictness": "very"}, "strict, lenient"),
        ({"answer_headers": "maybe"}, "neither on nor off"),
        ({"now": "noon"}, "is not a time"),
        ({"now": "2019-12-10T10:00:00"}, "no time zone"),
        ({"reading": ["window"]}, "NAME=VALUE"),
        ({"reading": ["windo=enter"]}, "unknown reading 'windo'"),
        ({"reading": ["window=entre"]}, "overlap, enter"),
        ({"reading": ["tick_seconds=7"]}, "10…3600"),
        ({"fixtures": "/nowhere/at/all"}, "no such folder"),
    ],
    ids=str,
)
def test_an_invalid_setting_is_reported_with_its_option(settings: dict[str, Any], says: str) -> None:
    """ConfigurationError names the option or path and what would be valid, in both languages."""
    with pytest.raises(ConfigurationError) as caught:
        make_engine(**settings)
    (problem,) = caught.value.problems
    assert says in problem.text.en
    assert problem.text.zh
    assert problem.place.startswith(("--", "/nowhere"))


def test_settings_are_converted_and_completed_by_defaults() -> None:
    """Texts of the environment become numbers and switches; None means unset."""
    chosen = resolve_settings({"port": "0", "answer_headers": "off", "scenario": None, "seed": "7"})
    assert (chosen["port"], chosen["answer_headers"], chosen["scenario"], chosen["seed"]) == (0, False, "default", 7)
    assert chosen.keys() == SETTINGS.keys()


def test_the_environment_is_read_by_name(monkeypatch) -> None:
    """MOCKSERVER_NAME is read if it is not empty; other variables are ignored."""
    assert from_environment({"MOCKSERVER_PORT": "1", "MOCKSERVER_LANG": "", "MOCKSERVER_X": "2", "PORT": "3"}) == {
        "port": "1"
    }


@pytest.mark.parametrize(
    "given", ["window=enter,seq=unique", "window=enter seq=unique", ["window=enter", "seq = unique"]]
)
def test_readings_are_parsed_from_text_or_list(given: Any) -> None:
    """The environment has one text, the command line a list; --strictness sets one reading."""
    assert parse_readings(given, "lenient") == {"window": "enter", "seq": "unique", "strictness": "lenient"}


def test_readings_of_the_run_win_over_the_scenarios(tmp_path) -> None:
    """--reading overrides the scenario's readings."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text("title: a\nreadings: {seq: optional, window: enter}")
    engine = make_engine(fixtures=str(tmp_path), scenario="a", reading=["seq=unique"])
    readings = engine.config.readings["a"]
    assert (readings["seq"], readings["window"]) == ("unique", "enter")


def test_now_freezes_the_clock() -> None:
    """Without --now the machine's clock runs."""
    assert make_clock(str(NOW)).now() == NOW
    assert make_clock("2019-12-10T07:17:00Z").second() == 1_575_962_220
    assert make_clock(None).now() > NOW


def test_the_same_seed_and_clock_give_the_same_bytes() -> None:
    """Two engines with one seed answer alike; another seed gives another answer."""
    send = {"operation": "query_all_instance_by_time", "body": {"BeginTime": "1575990000", "EndTime": "1575990060"}}
    first, again, other = (make_engine(now=str(NOW), seed=seed).handle(build_request(send)).body for seed in (5, 5, 6))
    assert first == again
    assert json.loads(first)["UsersList"]
    assert first != other


def test_create_app_reads_the_environment_and_arguments_win(monkeypatch) -> None:
    """`flask --app mockserver run` is configured by variables."""
    monkeypatch.setenv("MOCKSERVER_SCENARIO", "outage")
    monkeypatch.setenv("MOCKSERVER_NOW", str(NOW))
    url = f"/v2/video/query_room_info?{query_string({})}"
    codes = [
        create_app(**settings)
        .test_client()
        .post(url, data=request_body({}), content_type="application/json")
        .json["ErrorCode"]
        for settings in ({}, {"scenario": "document"})
    ]
    assert codes == [1402, 0]


def test_the_garbage_collector_rests_while_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its walks through what is loaded would stop all requests; afterwards it works as before, also after a failure."""
    seen: list[bool] = []
    read = build.load_config

    def watched(*arguments: Any, **named: Any) -> Any:
        seen.append(gc.isenabled())
        return read(*arguments, **named)

    monkeypatch.setattr(build, "load_config", watched)
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text("title: a\nextends: document\n", encoding="utf-8")
    engine = build.make_engine(fixtures=str(tmp_path))
    (tmp_path / "errors.yaml").write_text("[]", encoding="utf-8")
    with pytest.raises(ConfigurationError):
        engine.reload()
    assert set(seen) == {False}
    assert gc.isenabled()


def test_a_reload_leaves_nothing_to_the_garbage_collector() -> None:
    """The old configuration is freed without it, and in a server with a frozen heap the new one is frozen, too."""
    engine = make_engine(scenario="document")
    gc.collect()
    gc.disable()
    try:
        gc.freeze()
        old = weakref.ref(engine.config)
        engine.reload()
        assert old() is None
        assert gc.is_tracked(engine.config)
        assert all(tracked is not engine.config for tracked in gc.get_objects())
    finally:
        gc.unfreeze()
        gc.enable()
