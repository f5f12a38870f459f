"""`learn` decides every reading that a backend's data allow, and writes a folder that makes the mock behave like it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from helpers.engine_client import EngineClient, shipped_config
from helpers.length import length
from live.local_target import Time, examine_backend, examine_engine, local_target
from live.second_backend import APP, NAMES, Backend
from live.test_verify import errors_of, random_habits, random_readings

from mockserver.cli.check import check_folder
from mockserver.cli.record import _known_readings
from mockserver.contract.readings import READINGS
from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import Folders
from mockserver.engine.config import Config, load_config
from mockserver.live.learn import FILES, SCENARIO, check_output, learned_files, quoted, write_folder
from mockserver.live.target import Target, TargetError
from mockserver.live.verify import Result, examine

UNDECIDABLE = {
    "fill": {"omit"},
    "unknown_room_times": {"empty", "zero"},
    "room_without_calls": {"outside", "unknown"},
    "user_without_calls": {"known", "unknown"},
}
"""What some data leave open: with cumulative volumes, a first tick that is never empty; no room is an empty one; no room
is without calls for a while; an unknown user has an empty list."""


def write(folder: Path, result: Result, target: Target, data: Any = "none") -> Config:
    """Write what was learned and return the configuration that a server would read."""
    config = shipped_config()
    write_folder(folder, learned_files(result, target, config.catalogue, config.schemas, data).files)
    loaded, problems = check_folder(folder)
    assert problems == []
    assert loaded is not None
    return loaded


def values(result: Result) -> dict[str, Any]:
    """Return the decided readings."""
    return {name: observed.value for name, observed in result.readings.items() if observed.value is not None}


@pytest.mark.parametrize("seed", range(1_000, 1_000 + length(3, 200)))
def test_every_combination_of_readings_is_found_and_served(seed: int, tmp_path: Path) -> None:
    """The mock server made from the backend has its readings, error codes and texts."""
    readings, codes = random_readings(seed)
    backend, result, target = examine_backend(
        readings, codes=codes, seed=seed, thorough=True, habits=random_habits(seed)
    )
    assert result.requests <= 300
    assert errors_of(result) == []
    found = values(result)
    missing = {name for name in backend.readings if name not in found}
    assert all(backend.readings[name] in UNDECIDABLE.get(name, ()) for name in missing), missing
    assert {name: found[name] for name in backend.readings if name in found} == {
        name: value for name, value in backend.readings.items() if name in found
    }
    config = write(tmp_path / "out", result, target)
    assert {name: config.readings[SCENARIO][name] for name in found} == found
    for name in NAMES:
        row = config.catalogue[name]
        if row.source == "observed":
            assert (row.code, row.text.en) == (codes[name], f"failed: {name.replace('_', ' ')}")
    twin = examine_engine(config, SCENARIO, thorough=True)
    assert errors_of(twin) == []
    assert {name: value for name, value in values(twin).items() if name in found} == {
        name: value for name, value in found.items() if name in values(twin)
    }
    seen = {error.name: (error.code, error.info) for error in result.errors if error.code is not None}
    again = {error.name: (error.code, error.info) for error in twin.errors if error.code is not None}
    assert again == {name: value for name, value in seen.items() if name in again}
    assert len(again) >= len(seen) - 1


@pytest.mark.parametrize(("value", "time"), [("empty", ""), ("zero", "0")])
def test_an_unknown_room_is_empty_as_the_target_shows_it(value: str, time: str, tmp_path: Path) -> None:
    """For any id, not only for the one that was requested from the target."""
    _, result, target = examine_backend({"unknown_room": "empty", "unknown_room_times": value}, thorough=True)
    mock = EngineClient(SCENARIO, {"signing": "off"}, config=write(tmp_path / "out", result, target))
    answer = mock.ask("query_room_info", {"RoomId": "never-asked"})
    assert {name: answer[name] for name in ("CreateTime", "DestroyTime", "Users")} == {
        "CreateTime": time,
        "DestroyTime": time,
        "Users": [],
    }


@pytest.mark.parametrize(
    ("seconds", "habits"), [(60, ()), (300, ()), (300, ("clock_behind",)), (701, ("clock_behind",))]
)
def test_checksums_of_an_earlier_examination_do_not_matter(seconds: int, habits: tuple[str, ...]) -> None:
    """With checksum_reuse=once, a curtime may be refused because it was used before, and not for its age."""
    time, config = Time(), shipped_config()
    readings = {"checksum_reuse": "once", "freshness_seconds": seconds, "window": "enter"}
    backend = Backend(readings, clock=time, habits=frozenset(habits))
    for _ in range(3):
        target = local_target(backend.handle, time, max_requests=300)
        result = examine(target, config.schemas, config.catalogue, thorough=True)
        assert errors_of(result) == []
        assert values(result)["freshness_seconds"] == seconds
        assert (values(result)["seq"], values(result)["checksum_reuse"]) == ("required", "once")


def test_a_clock_that_only_future_curtimes_suit_ends_the_examination() -> None:
    """Without a Date header, each answer would be that the checksum has expired."""
    time, config = Time(), shipped_config()
    backend = Backend({"checksum_reuse": "once", "freshness_seconds": 60}, clock=lambda: time() + 90)
    for name in ("checksum_reused", "checksum_mismatch"):
        backend.codes[name] = backend.codes["checksum_expired"]
    target = local_target(backend.handle, time, max_requests=300)
    with pytest.raises(TargetError) as caught:
        examine(target, config.schemas, config.catalogue, thorough=True)
    assert "this machine's clock" in caught.value.show("en")


def test_all_curtimes_within_a_short_limit_may_be_used_up() -> None:
    """An examination right after another waits until a curtime is unused."""
    time, config = Time(), shipped_config()
    backend = Backend(
        {"checksum_reuse": "once", "freshness_seconds": 60}, clock=time, habits=frozenset({"clock_behind"})
    )
    for _ in range(3):
        target = local_target(backend.handle, time, max_requests=300)
        result = examine(target, config.schemas, config.catalogue, thorough=True)
        assert errors_of(result) == []
        assert values(result).get("freshness_seconds", 60) == 60


def test_a_recorded_twin_has_the_calls_that_were_seen(tmp_path: Path) -> None:
    """`--data recorded` answers 2.x from the sessions, and 3.x of the day with what the target said."""
    backend, result, target = examine_backend({"window": "enter"}, habits=("backslashes",), thorough=True)
    assert (
        learned_files(result, target, shipped_config().catalogue, shipped_config().schemas, "recorded").left_out == []
    )
    config = write(tmp_path / "out", result, target, "recorded")
    assert "calls were in progress when they were last seen, " in (tmp_path / "out/learned.md").read_text()
    twin = examine_engine(config, SCENARIO, day=result.log.day)
    assert errors_of(twin) == []
    seen = {session.key for session in result.log.settled()}
    assert {key for key in twin.log.sessions if key in seen} == {
        session.key
        for session in result.log.settled()
        if any(session.key in each.sessions for each in twin.log.listings)
    }
    assert result.day is not None
    assert twin.day is not None
    for count, reply in result.day.trends.items():
        assert twin.day.trends[count].value == reply.value


def test_a_recorded_twin_does_not_answer_by_a_rule_that_is_not_the_target_s(tmp_path: Path) -> None:
    """If a room's time range selects by a rule other than `window`, the answer is `not_recorded`; else it is known."""
    for habits, undecided in (((), False), (("present_rooms",), True)):
        _, result, target = examine_backend({"window": "contained"}, habits=habits, thorough=True)
        write(tmp_path / str(undecided), result, target, "recorded")
        scenario = (tmp_path / str(undecided) / f"scenarios/{SCENARIO}.yaml").read_text("utf-8")
        assert ('undecided: {"room_window": ["room", "stays"]}' in scenario) == undecided


@pytest.mark.parametrize("data", ["none", "recorded"])
def test_no_secret_reaches_a_file(data: Any, tmp_path: Path) -> None:
    """No file contains keys, checksums, seqs or the identifier, even if answers of the target do."""
    backend, result, target = examine_backend(defects=("leaks", "secret_ids"), thorough=True)
    write(tmp_path / "out", result, target, data)
    written = "".join(path.read_text("utf-8") for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert [secret for secret in (*APP.values(), *backend.seen) if secret in written] == []
    assert "***" in written


def test_the_page_says_what_decided_each_reading(tmp_path: Path) -> None:
    """Confirmed or undecided, with the requests and the date; the scenario sets only confirmed readings."""
    _, result, target = examine_backend({"trend": "cumulative"}, thorough=True, max_requests=60)
    write(tmp_path / "out", result, target)
    page, scenario = (
        (tmp_path / "out" / name).read_text("utf-8") for name in ("learned.md", f"scenarios/{SCENARIO}.yaml")
    )
    assert "### seq: confirmed, **required**" in page
    assert "### trend: undecided" in page
    assert "the limit of requests was reached" in page
    assert "2026-10-26" in page
    assert page.count("curl -sS ") > 10
    known = {name for name, observed in result.readings.items() if observed.value is not None}
    assert {name for name in READINGS if f"\n  {name}: " in scenario} == known
    assert {name for name in READINGS if f"\n  # {name}: " in scenario} == READINGS.keys() - known
    assert '# undecided, this is the default: the limit of requests was reached\n  # trend: "tick"' in scenario
    assert _known_readings(load_config(Folders(tmp_path / "out"), now=lambda: 0), SCENARIO) == known


def test_a_run_that_decides_nothing_leaves_a_valid_scenario(tmp_path: Path) -> None:
    """For example because of a low limit of requests."""
    _, result, target = examine_backend(thorough=True, max_requests=1)
    write(tmp_path / "out", result, target)
    assert "\nreadings: {}\n" in (tmp_path / "out" / f"scenarios/{SCENARIO}.yaml").read_text("utf-8")


def test_a_text_with_details_is_learned_without_them() -> None:
    """A twin answers every mistake of one kind with the same text, which must not name the field of another one."""
    config = shipped_config()
    result = examine_engine(config, "document", thorough=True)
    infos = {each.name: each.info for each in result.errors}
    for name in ("missing_field", "missing_parameter", "invalid_field", "invalid_time_range", "room_not_found"):
        assert infos[name] == config.catalogue[name].text.en


def details_of(method: str, path: str, query: str, headers: Mapping[str, str]) -> dict[str, str]:
    """What a backend may add to the text of each error."""
    given = dict(parse_qsl(query, keep_blank_values=True))
    names = ("appkey", "identifier", "curtime", "checksum", "seq")
    return {
        "unknown_command": path,
        "method_not_allowed": method,
        "unsupported_content_type": headers.get("Content-Type", ""),
        "missing_parameter": next((name for name in names if name not in given), ""),
        "unknown_appkey": given.get("appkey", ""),
        "identifier_not_allowed": given.get("identifier", ""),
        "invalid_curtime": given.get("curtime", ""),
        "checksum_expired": given.get("curtime", ""),
        "invalid_parameter": "seq",
        "missing_field": "need BeginTime, EndTime",
        "unknown_field": "Unknown",
    }


def test_no_detail_of_a_request_stays_in_a_text() -> None:
    """Also if only one request provokes the error; what a text says about every field stays."""
    backend = Backend({"seq": "unique", "identifier": "admin"}, clock=(time := Time()))
    names = {code: name for name, code in backend.codes.items()}

    def handle(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        status, text = backend.handle(method, path, query, headers, body)[:2]
        said = json.loads(text)
        detail = details_of(method, path, query, headers).get(names.get(said["ErrorCode"], ""))
        said["ErrorInfo"] += f": {detail}" if detail else ""
        return status, json.dumps(said).encode()

    config = shipped_config()
    result = examine(local_target(handle, time), config.schemas, config.catalogue, thorough=True)
    infos = {each.name: each.info for each in result.errors if each.code is not None}
    expected = {name: f"failed: {name.replace('_', ' ')}" for name in infos}
    assert infos == expected | {"missing_field": "failed: missing field: need BeginTime, EndTime"}
    assert len(infos) > 15


def test_what_the_twin_answers_otherwise_is_listed(tmp_path: Path) -> None:
    """A backend may ignore more parameters, and may not tell a parameter without a value from a missing one."""
    backend = Backend({}, clock=(time := Time()))

    def handle(method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> tuple[Any, ...]:
        given = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[1] and pair[0] != "extra"]
        return backend.handle(method, path, urlencode(given), headers, body)

    config, target = shipped_config(), local_target(handle, time)
    result = examine(target, config.schemas, config.catalogue, thorough=True)
    write(tmp_path / "out", result, target)
    rows = {
        line.split("`")[1]: line for line in (tmp_path / "out/learned.md").read_text().splitlines() if "| `" in line
    }
    assert "one more parameter: accepted" in rows["invalid_parameter"]
    missing = backend.codes["missing_parameter"]
    for name, parameter in (
        ("unknown_appkey", "appkey"),
        ("invalid_curtime", "curtime"),
        ("checksum_mismatch", "checksum"),
    ):
        assert f"no value for {parameter}: {missing}" in rows[name]


def test_the_evidence_makes_the_same_signature() -> None:
    """The command has the options of `mockserver sign` for a formula, a time and a value that is left empty."""
    result = examine_engine(shipped_config(), "document", thorough=True)
    requests = [request for observed in result.readings.values() for request in observed.requests]
    requests += [each.request for each in result.errors]
    for options in ("--formula v1", "--now now-301s", "--identifier ''"):
        assert any(f"$(mockserver sign {options})" in request for request in requests), options


def catalogue_after(codes: Mapping[str, int], tmp_path: Path) -> Config:
    """Return the configuration learned from a backend with these error numbers."""
    _, result, target = examine_backend(codes=codes, thorough=True)
    return write(tmp_path / "out", result, target)


def test_shared_and_colliding_numbers_are_kept_apart(tmp_path: Path) -> None:
    """Observed errors may share a number; an assumed one that collides with an observed one is moved."""
    shared = dict.fromkeys(("missing_parameter", "missing_field", "invalid_field"), 400)
    config = catalogue_after({**shared, "empty_body": 1500, "unknown_appkey": 1401}, tmp_path)
    rows = config.catalogue
    assert {rows[name].code for name in shared} == {400}
    assert (rows["empty_body"].code, rows["unknown_appkey"].code) == (1500, 1401)
    assert (rows["internal_error"].source, rows["internal_error"].code) == ("assumed", 9001)
    assert (rows["rate_limited"].source, rows["rate_limited"].code) == ("assumed", 9000)
    assert rows.name_of(400) == "missing_parameter"


@pytest.mark.parametrize(("code", "rows"), [(777, {"checksum_reused": 777}), (50_009, {})])
def test_a_used_checksum_may_have_a_number_of_its_own(code: int, rows: dict[str, int], tmp_path: Path) -> None:
    """The twin has a row for it only then, and answers with it."""
    _, result, target = examine_backend(
        {"checksum_reuse": "once"}, codes={"checksum_reused": code, "checksum_expired": 50_009}, thorough=True
    )
    config = write(tmp_path / "out", result, target)
    assert {name: row.code for name, row in config.catalogue.items() if name == "checksum_reused"} == rows
    mock = EngineClient(SCENARIO, config=config)
    answers = [mock.ask("query_room_info", {"RoomId": "1"})["ErrorCode"] for _ in range(2)]
    assert answers == [config.catalogue["room_not_found"].code, code]


@pytest.mark.parametrize("trend", ["tick", "cumulative"])
@pytest.mark.parametrize("fill", ["omit", "zero"])
def test_ticks_are_omitted_one_by_one_or_for_all_counts(fill: str, trend: str, tmp_path: Path) -> None:
    """A backend that lists a volume of 0 in a tick with other volumes can omit the ticks without any."""
    _, result, target = examine_backend({"fill": fill, "trend": trend}, habits=("whole_ticks",), thorough=True)
    assert errors_of(result) == []
    assert result.readings["fill"].value == fill
    assert result.verdict("ticks") == "holds"
    assert write(tmp_path / "out", result, target).readings[SCENARIO]["fill"] == fill


@pytest.mark.parametrize("fill", ["omit", "zero"])
def test_a_volume_of_zero_in_a_tick_with_calls_is_no_evidence(fill: str) -> None:
    """If all ticks of the day have calls, other days decide."""
    readings = {"tick_seconds": 3_600, "fill": fill}
    _, result, _ = examine_backend(readings, habits=("whole_ticks", "long_call"), thorough=True, day="20261024")
    assert result.day is not None
    assert [len(result.day.volumes(count)) for count in (2, 3)] == [24, 24]
    assert 0 in dict(result.day.volumes(2)).values()
    assert 0 not in dict(result.day.volumes(3)).values()
    assert errors_of(result) == []
    assert result.readings["fill"].value == fill


def test_answers_that_fit_no_choice_are_new_behaviour() -> None:
    """They are undecided, with the evidence, and a warning."""
    _, result, _ = examine_backend({"strictness": "lenient", "fussy": True}, thorough=True)
    observed = result.readings["strictness"]
    assert (observed.value, observed.new) == (None, True)
    assert observed.evidence.en.startswith("new behaviour: accepted: integers for stamps")
    assert ("strictness", "warning") in {(name, finding.severity) for name, finding in result.findings()}


def test_a_limit_for_old_curtimes_alone_is_new_behaviour() -> None:
    """It is no clock that is wrong by minutes, unless the Date header says so."""
    _, result, _ = examine_backend({"freshness_seconds": 300}, habits=("no_future",), max_requests=60)
    observed = result.readings["freshness_seconds"]
    assert (observed.value, observed.new) == (None, True)
    assert "curtimes from -300 s to +2 s were accepted" in observed.evidence.en


@pytest.mark.parametrize("readings", [{}, {"today": "empty"}, {"ongoing": "exclude"}])
@pytest.mark.parametrize("ahead", [200, -1_200, 5_000])
def test_a_clock_that_is_wrong_by_minutes_is_found_in_the_data(ahead: int, readings: dict[str, str]) -> None:
    """Without a Date header, calls and ticks show the target's time."""
    time, config = Time(), shipped_config()
    backend = Backend({"freshness_seconds": 7_200, **readings}, clock=lambda: time() + ahead)
    result = examine(local_target(backend.handle, time, max_requests=300), config.schemas, config.catalogue)
    assert errors_of(result) == []
    observed = result.readings["freshness_seconds"]
    assert (observed.value, observed.new) == (7_200, False)
    assert values(result)["today"] == backend.readings["today"]
    assert values(result)["ongoing"] == backend.readings["ongoing"]


def test_a_folder_with_files_is_kept_without_force(tmp_path: Path) -> None:
    """With it, other files stay, and those of the same name are replaced."""
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"is not empty; .*--force"):
        check_output(tmp_path, force=False)
    check_output(tmp_path, force=True)
    check_output(tmp_path / "new", force=False)
    _, result, target = examine_backend(max_requests=30)
    write(tmp_path, result, target)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == sorted(
        ("notes.txt", *FILES)
    )


def test_files_that_are_not_valid_are_not_written(tmp_path: Path) -> None:
    """They are checked before anything is moved."""
    with pytest.raises(ConfigurationError):
        write_folder(tmp_path / "out", {"errors.yaml": "errors: []\n"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ['a "quoted" \\ text', "# no: comment", "表情 🎧", "\x7f\x85\u2028\u200b", "yes", ""])
def test_texts_survive_yaml(text: str, tmp_path: Path) -> None:
    """Whatever an id or a message contains."""
    from mockserver.core.yaml_reader import parse_yaml

    assert parse_yaml(f"- {quoted(text)}\n- {quoted(json.dumps(text))}\n", "x").value == [text, json.dumps(text)]


@pytest.mark.parametrize("limit", [7, 45, 90, 20, 60][: length(3, 5)])
@pytest.mark.parametrize("gap", [0, 30, 5][: length(2, 3)])
@pytest.mark.parametrize("habit", ["", "clock_behind"])
def test_a_limit_within_which_curtimes_were_used_is_never_guessed(limit: int, gap: int, habit: str) -> None:
    """Used curtimes have the error of old ones; without calls, `verify` ends so soon that it has used most of them."""
    time, config = Time(), shipped_config()
    readings = {"checksum_reuse": "once", "freshness_seconds": limit}
    backend = Backend(readings, clock=time, habits=frozenset({habit}))
    backend.log = []
    for _ in range(3):
        target = local_target(backend.handle, time, max_requests=300)
        result = examine(target, config.schemas, config.catalogue, thorough=True)
        assert result.readings["freshness_seconds"].value in (None, limit)
        time.pause(gap)


@pytest.mark.parametrize("window", ["overlap", "enter", "leave", "contained"])
def test_calls_of_a_few_seconds_decide_the_window(window: str) -> None:
    """They can be cut at their begin and end, though not inside."""
    time = Time()
    backend = Backend({"window": window}, clock=time)
    backend.log = [
        {**each, "leave": each["enter"] + 1 + number % 3, "audio": 0, "video": 0}
        for number, each in enumerate(backend.log)
    ]
    config = shipped_config()
    result = examine(local_target(backend.handle, time, max_requests=300), config.schemas, config.catalogue)
    assert result.readings["window"].value == window


def test_ticks_that_fit_shorter_intervals_are_undecided() -> None:
    """Short calls that all begin in the first half of an interval."""
    time = Time()
    backend = Backend({"tick_seconds": 300, "fill": "omit"}, clock=time)
    day = (int(time()) + 8 * 3_600) // 86_400 * 86_400 - 8 * 3_600 - 86_400
    calls = [day + 600 * number + 20 for number in (10, 31, 55, 90)]
    backend.log = [
        {**each, "room": f"r{enter}", "create": enter, "enter": enter, "leave": enter + 9, "audio": 0, "video": 0}
        for each, enter in zip(backend.log, calls, strict=False)
    ]
    config = shipped_config()
    result = examine(local_target(backend.handle, time, max_requests=300), config.schemas, config.catalogue)
    assert result.readings["tick_seconds"].value is None


@pytest.mark.parametrize("tick", ["day_start", "run_time"])
def test_a_backend_with_calls_only_today_shows_its_ticks(tick: str) -> None:
    """By a finished day without calls, and by the distribution of today."""
    time = Time()
    readings = {"tick_seconds": 300, "labels": "on", "count_by_zero": "labelled", "distribution_tick": tick}
    backend = Backend(readings, clock=time)
    today = (int(time()) + 8 * 3_600) // 86_400 * 86_400 - 8 * 3_600
    backend.log = [each for each in backend.log if each["create"] >= today]
    config = shipped_config()
    result = examine(local_target(backend.handle, time, max_requests=300), config.schemas, config.catalogue)
    found = {name: result.readings[name].value for name in ("tick_seconds", "labels", "count_by_zero", "fill")}
    assert found == {"tick_seconds": 300, "labels": "on", "count_by_zero": "labelled", "fill": "zero"}
    assert result.readings["distribution_tick"].value == ("day_start" if tick == "day_start" else None)
    assert [finding for _, finding in result.findings() if finding.severity == "error"] == []


def test_ticks_without_users_that_another_volume_keeps_are_no_evidence_of_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    """The target omits only ticks without any volume, and each day begins with a call."""
    time, config = Time(), shipped_config()
    backend = Backend({"count_by_zero": "error", "tick_seconds": 60}, clock=time)
    midnight = (int(time()) + 8 * 3_600) // 86_400 * 86_400 - 8 * 3_600
    call = {**backend.log[0], "user": "night", "audio": 900, "video": 900}
    backend.log = [
        {**call, "room": f"night-{begin}", "create": begin, "enter": begin, "leave": begin + 1_200}
        for begin in range(midnight - 4 * 86_400 - 600, midnight, 86_400)
    ]
    volumes = backend.volume

    def cumulative(count: int, *span: Any) -> list[int]:
        found = volumes(count, *span)
        return found if count == 3 else [sum(found[: number + 1]) for number in range(len(found))]

    monkeypatch.setattr(backend, "volume", cumulative)
    monkeypatch.setitem(backend.readings, "fill", "omit")
    backend.habits = frozenset({"whole_ticks"})
    target = local_target(backend.handle, time, max_requests=300)
    result = examine(target, config.schemas, config.catalogue, thorough=True)
    assert (result.readings["trend"].value, result.readings["fill"].value) == ("cumulative", None)


def test_a_volume_of_zero_after_the_only_tick_with_calls_shows_the_trend() -> None:
    """A cumulative volume would stay the same."""
    time, config = Time(), shipped_config()
    backend = Backend({"trend": "tick", "fill": "zero", "tick_seconds": 3_600}, clock=time)
    begin = (int(time()) + 8 * 3_600) // 86_400 * 86_400 - 17 * 3_600
    call = {**backend.log[0], "user": "u", "room": "r", "create": begin, "enter": begin, "leave": begin + 60}
    backend.log = [{**call, "audio": 60, "video": 60}]
    target = local_target(backend.handle, time, max_requests=300)
    result = examine(target, config.schemas, config.catalogue, thorough=True)
    assert result.readings["trend"].value == "tick"


@pytest.mark.parametrize("fill", ["omit", "zero"])
def test_cumulative_ticks_without_calls_are_not_taken_for_empty_ones(fill: str) -> None:
    """After the first call of the day their volumes are those of the ticks before."""
    time, config = Time(), shipped_config()
    backend = Backend({"fill": fill, "trend": "cumulative", "tick_seconds": 60}, clock=time)
    start = (int(time()) + 8 * 3_600) // 86_400 * 86_400 - 8 * 3_600 - 86_400
    backend.log = [each for each in backend.log if each["create"] > start + 10_000]
    target = local_target(backend.handle, time, max_requests=300)
    result = examine(target, config.schemas, config.catalogue, thorough=True)
    assert result.readings["fill"].value == fill
    assert errors_of(result) == []
