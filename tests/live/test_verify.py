"""`verify` passes every correct backend with any readings and error codes, and reports the defects of others."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

import pytest
from helpers.engine_client import shipped_config
from helpers.length import FULL, length
from live.local_target import CREDENTIALS, Time, examine_backend, examine_engine, local_target
from live.second_backend import APP, CHOICES, HABITS, NAMES, Backend

from mockserver.contract.apps import Credentials
from mockserver.contract.catalogue import OK
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import READINGS
from mockserver.core.clock import parse_day
from mockserver.core.text import Text
from mockserver.live.render import FORMATS, View
from mockserver.live.target import TargetCredentials, TargetError
from mockserver.live.verify import Focus, Result, examine, result_json

RECORDS, ROOM, ALL, TREND, DISTRIBUTION, QUALITY = OPERATIONS
UNDECIDABLE = {"fill"}
"""Readings that some of the random data do not decide: a cumulative day without an empty first tick."""


def random_readings(seed: int) -> tuple[dict[str, Any], dict[str, int]]:
    """Return readings and error numbers."""
    draw = random.Random(seed)
    readings = {name: draw.choice(values) for name, values in CHOICES.items()}
    return readings, dict(zip(NAMES, draw.sample(range(1, 90_000), len(NAMES)), strict=True))


def random_habits(seed: int) -> tuple[str, ...]:
    """Return some of the habits of a backend."""
    draw = random.Random(seed)
    return tuple(habit for habit in HABITS if draw.random() < 0.5)


def errors_of(result: Result) -> list[str]:
    """Return the names of the findings of severity error."""
    return sorted({name for name, finding in result.findings() if finding.severity == "error"})


@pytest.mark.parametrize("seed", range(length(6, 150)))
def test_any_readings_and_error_numbers_are_sound(seed: int) -> None:
    """Readings are reported, but are not findings; no reading is reported with a wrong value."""
    readings, codes = random_readings(seed)
    expected = {"http_status": readings["http_status"]}
    backend, result, _ = examine_backend(
        readings, codes=codes, seed=seed, expected=expected, habits=random_habits(seed)
    )
    assert errors_of(result) == []
    assert not result.fails("error")
    assert result.requests <= 200
    for name, observed in result.readings.items():
        assert observed.value in (None, backend.readings.get(name, "ms")), name
    for error in result.errors:
        assert error.code in (None, codes.get(error.name)), error


@pytest.mark.parametrize("limit", [1, 3, 7, 31])
@pytest.mark.parametrize("window", ["enter", "leave", "contained"])
def test_a_call_of_days_is_no_finding(window: str, limit: int) -> None:
    """Even if it is not listed for the examined day or the days beside it, or is longer than any range."""
    readings = {"window": window, "max_range_days": limit, "tick_seconds": 3_600}
    _, result, _ = examine_backend(readings, habits=("long_call",))
    assert errors_of(result) == []
    assert result.verdict("duration_sums") == "holds"
    _, result, _ = examine_backend(readings, habits=("long_call",), defects=("trend_1",))
    assert "duration_sums" in errors_of(result)


@pytest.mark.parametrize("trend", ["tick", "cumulative"])
def test_a_missing_call_is_not_taken_for_one_longer_than_any_range(trend: str) -> None:
    """Statistics of a day without calls at its start show that it took place on that day."""
    readings = {"window": "contained", "max_range_days": 1, "trend": trend}
    _, result, _ = examine_backend(readings, defects=("rows_of_list",), day="20261025")
    assert "tick_volumes" in errors_of(result)


DEFECTS = {
    "rows_of_list": "room_totals",
    "rows_of_user": "records_match_list",
    "durations": "records_match_list",
    "rows_twice": "windows",
    "half_open": "windows",
    "rows_at_times": "windows",
    "all_ticks_late": "ticks",
    "users_of_room": "room_totals",
    "users_twice": "room_totals",
    "users_in_range": "room_totals",
    "create_of_room": "room_times",
    "trend_1": "duration_sums",
    "trend_2": "room_sums",
    "trend_3": "peak",
    "trend_4": "pair_sums",
    "spread_city": "room_sums",
    "spread_network": "room_sums",
    "peaks": "peak",
    "ticks": "ticks",
    "late_ticks": "ticks",
    "shifted_tick": "ticks",
    "one_tick": "tick_volumes",
    "all_counts": "count_by_zero_rows",
    "quality_ticks": "quality_ticks",
    "rates": "quality",
    "reversed_times": "session_times",
    "long_audio": "durations",
    "outside_window": "windows",
    "other_user": "ids",
    "types": ALL,
    "floats": ALL,
    "stamps": TREND,
    "extra_field": ROOM,
    "key_order": DISTRIBUTION,
    "row_order": RECORDS,
    "status": ROOM,
    "bare_failure": ALL,
    "duplicate_key": QUALITY,
    "unsigned": ALL,
    "future_leave": "session_times",
    "future_ticks": TREND,
    "spread_tick": "ticks",
    "spread_utc": "ticks",
    "some_names": DISTRIBUTION,
    "future_trend": TREND,
    "future_spread": DISTRIBUTION,
    "future_quality": QUALITY,
}


@pytest.mark.parametrize(("defect", "about"), DEFECTS.items())
def test_each_defect_is_an_error_with_its_request(defect: str, about: str) -> None:
    """Each defect is an error of the expected check, with evidence and a request that shows it; exit code 1."""
    _, result, _ = examine_backend(defects=(defect,))
    found = [finding for name, finding in result.findings() if name == about and finding.severity == "error"]
    assert found, list(result.findings())
    assert result.fails("error")
    assert all(finding.request.startswith("curl -sS ") for finding in found)
    shape = result_json(result, "en")
    assert shape["ok"] is False
    if about in OPERATIONS:
        assert next(each for each in shape["operations"] if each["name"] == about)["ok"] is False
    else:
        assert next(each for each in shape["invariants"] if each["name"] == about)["verdict"] == "violated"


@pytest.mark.parametrize("window", ["overlap", "contained"])
@pytest.mark.parametrize("defect", ["endless_rooms", "late_destroy", "early_rooms"])
def test_the_times_of_a_room_are_those_of_its_users(window: str, defect: str) -> None:
    """2.2 lists calls in progress, too, so that nobody else can have created the room or be in it."""
    time = Time()
    backend = Backend({"ongoing": "zero", "window": window}, clock=time, defects=frozenset({defect}))
    for each in backend.log:
        each["create"] -= 60 * (defect == "early_rooms")
    config = shipped_config()
    result = examine(local_target(backend.handle, time, max_requests=200), config.schemas, config.catalogue)
    assert "room_times" in errors_of(result)


@pytest.mark.parametrize("readings", [{"ongoing": "exclude"}, {"ongoing": "exclude", "trend": "cumulative"}])
def test_a_call_of_many_hours_that_is_still_in_progress_is_not_missing(readings: dict[str, str]) -> None:
    """Statistics of yesterday count it, and 2.3 does not list it yet. A wrong volume is still found."""
    _, result, _ = examine_backend(readings, habits=("endless_call",), day="20261025")
    assert errors_of(result) == []
    assert result.verdict("duration_sums") == "holds"
    _, result, _ = examine_backend(readings, habits=("endless_call",), defects=("trend_1",), day="20261025")
    assert "duration_sums" in errors_of(result)


@pytest.mark.parametrize(
    ("defect", "about"),
    [
        ("unstable", "repeatable"),
        ("two_places", "disjoint_sessions"),
        ("small_countries", "nested_distribution"),
        ("any_method", ALL),
        ("any_appkey", ALL),
    ],
)
def test_a_doubtful_answer_is_a_warning(defect: str, about: str) -> None:
    """It passes unless warnings fail."""
    _, result, _ = examine_backend(defects=(defect,))
    assert (about, "warning") in {(name, finding.severity) for name, finding in result.findings()}
    assert (result.fails("error"), result.fails("warning")) == (False, True)


@pytest.mark.parametrize("readings", [{"trend": "cumulative"}, {"trend": "cumulative", "tick_seconds": 3_600}])
def test_one_wrong_tick_of_a_cumulative_day_is_found(readings: Mapping[str, Any]) -> None:
    """Even if the series never goes down and ends at the total of 3.2; the reading is still decided correctly."""
    _, result, _ = examine_backend(readings, defects=("one_tick",))
    assert errors_of(result) == ["tick_volumes"]
    assert result.readings["trend"].value == "cumulative"


@pytest.mark.parametrize("trend", ["tick", "cumulative"])
def test_a_wrong_total_is_found_without_records(trend: str) -> None:
    """If 2.3 refuses the whole day, 3.1 and 3.2 are compared with each other, and decide the reading."""
    _, result, _ = examine_backend({"trend": trend, "max_range_days": 0.5}, defects=("trend_1",), day="20261025")
    assert {"duration_sums"} == set(errors_of(result)) & set(result.invariants)
    assert result.readings["trend"].value == trend


@pytest.mark.parametrize("window", ["enter", "leave", "contained"])
def test_calls_across_midnight_are_found_by_ranges_of_one_day(window: str) -> None:
    """A target may refuse longer ranges; the sums are still compared with the records."""
    _, result, _ = examine_backend({"window": window, "max_range_days": 1})
    assert errors_of(result) == []
    assert result.verdict("quality_ticks") == "holds"
    assert result.day is not None
    assert result.day.sessions


@pytest.mark.parametrize("seconds", [1, 2, 4])
def test_a_call_that_ends_during_the_examination_is_not_missing(seconds: int) -> None:
    """With ongoing=exclude it is in no listing that was requested before, and in later answers about its room."""
    time, config = Time(), shipped_config()
    backend = Backend({"ongoing": "exclude"}, clock=time)
    now = int(time())
    template = {**backend.log[0], "user": "late", "room": "late-room", "create": now - 900, "audio": 1, "video": 1}
    spans = ((now - 900, now - 300), (now - 290, now + seconds))
    backend.log += [{**template, "enter": enter, "leave": leave} for enter, leave in spans]
    target = local_target(backend.handle, time, max_requests=200)
    assert errors_of(examine(target, config.schemas, config.catalogue, focus=Focus(room="late-room"))) == []


def test_every_invariant_has_a_defect() -> None:
    """None of them holds whatever the target does."""
    _, result, _ = examine_backend()
    assert {*DEFECTS.values(), "repeatable", "disjoint_sessions", "nested_distribution"} >= set(result.invariants)
    assert {name: result.verdict(name) for name in result.invariants} == dict.fromkeys(result.invariants, "holds")


def test_failures_with_other_statuses_contradict_the_document_unless_expected() -> None:
    """§1.3 says HTTP 200; `--reading http_status=rest` accepts the contrary."""
    _, result, _ = examine_backend({"http_status": "rest"})
    assert {"http_status", ALL} <= set(errors_of(result))
    _, result, _ = examine_backend({"http_status": "rest"}, expected={"http_status": "rest"})
    assert errors_of(result) == []


def test_an_expected_reading_is_judged() -> None:
    """A nightly run fails when a backend changes."""
    _, result, _ = examine_backend({"window": "enter"}, expected={"window": "overlap", "seq": "required"})
    assert errors_of(result) == ["window"]


def test_nothing_checked_fails() -> None:
    """A backend without calls proves nothing."""
    _, result, _ = examine_backend(defects=("no_calls",))
    assert result.nothing_checked
    assert result.fails("error")
    assert "nothing could be checked; choose a day" in FORMATS["text"](View(result, "en", "error"))
    _, result, _ = examine_backend(max_requests=5)
    assert "nothing could be checked; the limit of requests" in FORMATS["text"](View(result, "en", "error"))


def test_the_limit_of_requests_leaves_the_rest_undecided() -> None:
    """Readings without a request are undecided, never confirmed."""
    backend, result, _ = examine_backend(max_requests=40)
    assert (backend.asked, result.requests) == (40, 40)
    assert result.readings["today"].value is None
    assert "limit of requests" in result.readings["today"].evidence.en


def test_a_reading_without_evidence_does_not_blame_the_limit() -> None:
    """No answer is large enough to decide max_rows."""
    _, result, _ = examine_backend()
    assert result.stopped is None
    assert result.readings["max_rows"].evidence.en == "no answer of this run decides it"


SHIPPED = {"default": None, "recorded-day": "20191210", "edge": "20191210", "document": None}
LARGE = {"degraded-network": None, "live-calls": None, "busy-day": None}
NOON = parse_day("20191212") + 43_200.25


@pytest.mark.parametrize(("scenario", "day"), {**SHIPPED, **(LARGE if FULL else {})}.items())
def test_our_own_sound_scenarios_pass(scenario: str, day: str | None) -> None:
    """They claim to be consistent. `document` is, but for its samples, which answer the bodies of the document only."""
    result = examine_engine(shipped_config(), scenario, now=NOON, day=day)
    assert errors_of(result) == []
    assert not result.fails("error")


def refused_by(handle: Any) -> TargetError:
    """Return the error of examining a backend that cannot be used."""
    target, config = local_target(handle, Time()), shipped_config()
    with pytest.raises(TargetError) as caught:
        examine(target, config.schemas, config.catalogue)
    return caught.value


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        ((200, b"<html>Welcome</html>"), "other_api", "this is not the API"),
        ((404, b'{"error": "not found"}'), "other_api", "HTTP 404"),
        ((429, b""), "rate_limited", "limits the rate"),
        (
            (200, b'{"Status": "FAIL", "ErrorCode": 7, "ErrorInfo": "too many requests"}'),
            "rate_limited",
            "lower --rate",
        ),
        ((200, b'{"Status": "ok", "ErrorCode": 7, "ErrorInfo": ""}'), "refused", "refuses the credentials: 7"),
        (
            (200, b'{"Status": "FAIL", "ErrorCode": 7, "ErrorInfo": "no such app"}'),
            "refused",
            "refuses the credentials: 7 no such app",
        ),
    ],
)
def test_a_target_that_cannot_be_asked_is_one_line(answer: tuple[int, bytes], kind: str, said: str) -> None:
    """The line contains the reason."""
    error = refused_by(lambda *request: answer)
    assert error.kind == kind
    assert said in str(error)
    assert len(str(error).splitlines()) == len(error.show("zh").splitlines()) == 1


@pytest.mark.parametrize("name", ["checksum_mismatch", "checksum_expired"])
def test_used_curtimes_are_not_taken_for_wrong_credentials(name: str) -> None:
    """An earlier examination may have used each of a short limit; the error may be that of a wrong checksum."""
    time, config = Time(), shipped_config()
    backend = Backend({"checksum_reuse": "once", "freshness_seconds": 60}, clock=time)
    backend.codes["checksum_reused"] = backend.codes[name]
    for curtime in range(int(time()) - 60, int(time()) + 70):
        keys = f"{APP['appsecret']}{APP['restapikey']}{curtime}"
        backend.checksums.add(hashlib.sha1(keys.encode()).hexdigest())
    target = local_target(backend.handle, time, max_requests=200)
    assert errors_of(examine(target, config.schemas, config.catalogue)) == []


def test_an_unknown_appkey_is_reported_without_waiting_for_unused_curtimes() -> None:
    """Unlike a wrong checksum, it is refused before the age of the curtime is checked."""
    time, config = Time(), shipped_config()
    keys = Credentials("no-such-app", APP["appsecret"], APP["restapikey"])
    target = local_target(Backend({}, clock=time).handle, time, TargetCredentials(keys))
    with pytest.raises(TargetError):
        examine(target, config.schemas, config.catalogue)
    assert time() < Time()() + 5


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (TargetError.of("unreachable", "target", Text("no connection", "无法连接")), "unreachable"),
        ((502, b"<html>Bad Gateway</html>"), "other_api"),
        ((200, b'{"Status": "FAIL", "ErrorCode": 77777, "ErrorInfo": "E77777"}'), "rate_limited"),
        ((200, b'{"Status": "FAIL", "ErrorCode": 77777, "ErrorInfo": "quota exceeded"}'), "rate_limited"),
    ],
)
@pytest.mark.parametrize("number", [20, 60, 130])
def test_a_target_that_fails_in_the_middle_ends_the_examination(answer: Any, kind: str, number: int) -> None:
    """It goes down, or limits the rate with a number and a text of its own: nothing else it says is evidence."""
    time, config = Time(), shipped_config()
    backend = Backend({}, clock=time)

    def handle(*request: Any) -> tuple[int, bytes]:
        if backend.asked < number:
            return backend.handle(*request)
        if isinstance(answer, TargetError):
            raise answer
        return answer

    target = local_target(handle, time)
    with pytest.raises(TargetError) as caught:
        examine(target, config.schemas, config.catalogue)
    assert caught.value.kind == kind
    assert len(str(caught.value).splitlines()) == 1
    assert target.requests < number + 30


def test_an_error_text_about_too_much_is_not_taken_for_a_limit_of_the_rate() -> None:
    """Other requests are still accepted."""
    time, config = Time(), shipped_config()
    backend = Backend({"max_range_days": 7}, clock=time)

    def handle(*request: Any) -> tuple[int, bytes]:
        status, body = backend.handle(*request)
        return status, body.replace(b"failed: range too large", b"too many days")

    target = local_target(handle, time, max_requests=300)
    result = examine(target, config.schemas, config.catalogue, thorough=True)
    assert errors_of(result) == []
    assert result.readings["max_range_days"].value == 7


def test_the_json_has_the_documented_shape() -> None:
    """Every operation, invariant, error and reading is listed."""
    _, result, _ = examine_backend({"window": "leave"})
    shape = json.loads(FORMATS["json"](View(result, "en", "error")))
    assert {"target", "at", "requests", "ok", "operations", "invariants", "errors", "readings"} <= set(shape)
    assert [each["name"] for each in shape["operations"]] == list(OPERATIONS)
    assert [each["name"] for each in shape["errors"]] == [name for name in shipped_config().catalogue if name != OK]
    assert [each["name"] for each in shape["readings"]] == list(READINGS)
    assert {each["verdict"] for each in shape["invariants"]} == {"holds"}
    window = next(each for each in shape["readings"] if each["name"] == "window")
    assert (window["value"], window["verdict"]) == ("leave", "confirmed")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_format_shows_what_is_wrong(lang: Any) -> None:
    """Each format has the findings; markup in texts of the target has no effect."""
    _, result, _ = examine_backend(defects=("trend_1", "markup"))
    view = View(result, lang, "error")
    rendered = {name: render(view) for name, render in FORMATS.items()}
    for text in rendered.values():
        assert "duration_sums" in text.replace("&#95;", "_")
    assert "<script>" not in rendered["html"] + rendered["markdown"]
    assert "&lt;script&gt;" in rendered["html"]
    suites = ElementTree.fromstring(rendered["junit"])
    failed = [case.get("name") for case in suites.iter("testcase") if case.find("failure") is not None]
    assert failed == ["duration_sums", "tick_volumes"]


def test_errors_of_one_number_are_listed_briefly() -> None:
    """Each names only some of the others."""
    _, result, _ = examine_backend(codes=dict.fromkeys(NAMES, 7))
    lines = FORMATS["text"](View(result, "en", "error")).splitlines()
    line = next(line for line in lines if line.startswith("  empty_body"))
    assert "observed; as unknown_command, method_not_allowed, malformed_json and 15 others " in line
    assert "等 18 种" in FORMATS["text"](View(result, "zh", "error"))


def test_no_secret_is_in_any_format() -> None:
    """Keys, checksums, seqs and the identifier in errors of the target are masked."""
    backend, result, target = examine_backend(defects=("leaks", "durations", "secret_ids"))
    rendered = "".join(render(View(result, lang, "info")) for render in FORMATS.values() for lang in ("en", "zh"))
    secrets = [*APP.values(), *backend.seen]
    assert len(backend.seen) > 100
    assert [secret for secret in secrets if secret in rendered] == []
    assert "***" in rendered
    assert target.credentials == CREDENTIALS


def test_a_target_that_does_not_check_signatures_may_be_expected() -> None:
    """`--reading signing=off` says so."""
    _, result, _ = examine_backend(defects=("unsigned",), expected={"signing": "off"})
    assert not result.fails("warning"), list(result.findings())
