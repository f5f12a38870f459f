"""Coverage counts what the contract has and the clients met; its denominator is what the module says."""

from __future__ import annotations

from typing import Any

from helpers.journal_entries import entry, wrong
from helpers.reports import catalogue, inputs, rules
from hypothesis import given
from hypothesis import strategies as st

from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import DEFAULTS, READINGS
from mockserver.engine.journal_entry import JournalEntry
from mockserver.reporting.coverage import Coverage, cover
from mockserver.reporting.json_shapes import coverage_json

VOLUME = "count_business_total_volume_by_day"


def covered(*entries: JournalEntry) -> Coverage:
    """The coverage by entries."""
    return cover(entries, inputs())


def outcomes(coverage: Coverage, operation: str = "query_room_info") -> dict[str, tuple[int, bool]]:
    """Outcome → times and whether it counts."""
    [part] = [one for one in coverage.operations if one.operation == operation]
    return {cell.name: (cell.times, cell.counts) for cell in part.outcomes}


def fields(coverage: Coverage, operation: str = "query_room_info") -> dict[tuple[str, str], int]:
    """Field and value → times."""
    [part] = [one for one in coverage.operations if one.operation == operation]
    return {(cell.name, cell.value): cell.times for cell in part.fields}


def test_the_denominator_is_what_a_good_client_can_meet() -> None:
    """Success, empty, the errors that count where they can be told, optional fields, enumerated values."""
    nothing = covered()
    assert (nothing.met, nothing.percent, nothing.unknown) == (0, 0.0, 0)
    everywhere = {"success", "empty"} | {
        error for error, rule in rules().items() if rule.counts and not rule.fields
    }
    for name, more in {
        "query_instance_all_records_by_time": {"user_not_found", "range_too_large"},
        "query_room_info": {"room_not_found"},
        "query_all_instance_by_time": {"range_too_large"},
        "count_qos_by_day": set(),
    }.items():
        assert {one for one, (_, counts) in outcomes(nothing, name).items() if counts} == everywhere | more
    assert list(fields(nothing)) == [
        ("BeginTime", "given"), ("BeginTime", "left_out"), ("EndTime", "given"), ("EndTime", "left_out"),
    ]  # fmt: skip
    assert list(fields(nothing, VOLUME)) == [("CountBy", str(number)) for number in range(5)]
    assert nothing.of == len(OPERATIONS) * len(everywhere) + 4 + (4 + 5 + 4)


def test_each_outcome_is_counted_where_it_was_met() -> None:
    """Success, empty and errors; an answer that a fault spoiled is none of them, and asked of nobody."""
    met = covered(
        entry(),
        entry(empty=True),
        entry(error="room_not_found"),
        entry(spoiled=True, faults=("connection_reset",)),
        entry(spoiled=True, error="server_busy", faults=("truncated_body",)),
        entry(operation="", error="unknown_command"),
    )
    told = outcomes(met)
    assert (told["success"], told["empty"], told["room_not_found"]) == ((1, True), (1, True), (1, True))
    assert told["fault"] == (2, False)
    assert sum(times for times, _ in told.values()) == 5
    assert (met.unknown, sum(one.requests for one in met.operations)) == (1, 5)


def test_a_mistake_of_the_client_is_told_and_adds_nothing() -> None:
    """`malformed_json` is no aim: meeting it does not raise the percentage."""
    met = covered(entry(error="malformed_json", violations=(wrong("malformed_json"),)))
    assert outcomes(met)["malformed_json"] == (1, False)
    assert met.met == 0


def test_fields_count_in_sound_requests_only() -> None:
    """An empty text is left out; a refused request shows nothing; a tolerated departure does no harm."""
    assert fields(covered(entry(fields={"RoomId": "1", "BeginTime": "", "EndTime": "1575962850"}))) == {
        ("BeginTime", "given"): 0, ("BeginTime", "left_out"): 1,
        ("EndTime", "given"): 1, ("EndTime", "left_out"): 0,
    }  # fmt: skip
    refused: dict[str, Any] = {"violations": (wrong(),), "error": "unknown_field"}
    assert sum(fields(covered(entry(**refused))).values()) == 0
    assert sum(fields(covered(entry(violations=(wrong(tolerated=True),)))).values()) == 2
    assert sum(fields(covered(entry(error="room_not_found"))).values()) == 2


def test_values_are_told_apart_by_type() -> None:
    """1 is a value of CountBy; "1", True and 1.0 are not."""
    entries = [entry(operation=VOLUME, fields={"CountBy": value}) for value in (1, 4, "1", True, 1.0)]
    assert list(fields(covered(*entries), VOLUME).values()) == [0, 1, 0, 0, 1]


def test_readings_and_faults_are_told_beside() -> None:
    """Every choice of every reading and every known kind is listed; neither is in the denominator."""
    other = {**DEFAULTS, "ongoing": "zero", "freshness_seconds": 60}
    met = covered(entry(faults=("latency", "latency")), entry(readings=other, faults=("homemade",)))
    assert [(cell.name, cell.times) for cell in met.faults] == [
        ("latency", 1), ("connection_reset", 0), ("homemade", 1),
    ]  # fmt: skip
    told = {(cell.name, cell.value): cell.times for cell in met.readings}
    assert told["ongoing", "now"] == told["ongoing", "zero"] == 1
    assert told["ongoing", "empty"] == 0
    assert (told["freshness_seconds", "300"], told["freshness_seconds", "60"]) == (1, 1)
    assert {name for name, _ in told} == READINGS.keys()
    assert not any(cell.counts for cell in (*met.readings, *met.faults))
    other_operation = entry(operation="count_qos_by_day", faults=("latency",), readings=other)
    by_name = {one.operation: one for one in covered(entry(), entry(), other_operation).operations}
    asked, quiet = by_name["count_qos_by_day"], by_name["query_room_info"]
    assert [(cell.name, cell.times, cell.counts) for cell in asked.faults] == [("latency", 1, False)]
    assert quiet.faults == ()
    assert {(cell.name, cell.value): cell.times for cell in quiet.readings}["signing", "v2"] == 2
    assert {cell.name: cell.value for cell in asked.readings} == {k: str(v) for k, v in other.items()}


@given(
    st.lists(st.tuples(st.sampled_from(list(OPERATIONS)), st.sampled_from(["", *catalogue()])), max_size=15)
)
def test_coverage_only_grows_and_stays_within_its_denominator(asked: list[tuple[str, str]]) -> None:
    """More requests never cover less, and 100 % is only all."""
    entries = [entry(operation=operation, error=error, fields={}) for operation, error in asked]
    before, after = covered(*entries[:-1]), covered(*entries)
    assert before.met <= after.met <= after.of == before.of
    assert (after.percent == 100) == (after.met == after.of)


def test_everything_met_is_a_hundred_percent() -> None:
    """The denominator can be reached."""
    entries = []
    for part in covered().operations:
        for cell in part.outcomes:
            error = "" if cell.name in ("success", "empty") else cell.name
            entries.append(
                entry(operation=part.operation, error=error, empty=cell.name == "empty", fields={})
            )
        for cell in part.fields:
            value: Any = {"given": "1", "left_out": ""}.get(cell.value)
            value = int(cell.value) if value is None else value
            entries.append(entry(operation=part.operation, fields={cell.name: value}))
    met = covered(*entries)
    assert (met.percent, met.met) == (100.0, met.of)


def test_the_shape_of_the_json_is_stable() -> None:
    """The same keys with and without requests."""
    for met in (covered(), covered(entry())):
        told = coverage_json(met)
        assert list(told) == ["percent", "met", "of", "unknown", "operations", "readings", "faults"]
        assert [one["operation"] for one in told["operations"]] == list(OPERATIONS)
        for one in told["operations"]:
            assert list(one) == [
                "operation", "section", "requests", "outcomes", "fields", "readings", "faults",
            ]  # fmt: skip
            assert all(list(cell) == ["name", "times", "counts"] for cell in one["outcomes"])
            assert all(list(cell) == ["name", "times", "counts", "value"] for cell in one["fields"])
