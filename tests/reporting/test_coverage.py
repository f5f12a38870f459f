"""Coverage counts which parts of the contract the clients used."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.journal_entries import entry, wrong
from helpers.reports import catalogue, config, rules
from hypothesis import given
from hypothesis import strategies as st

from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import DEFAULTS, READINGS
from mockserver.engine.journal_entry import JournalEntry
from mockserver.faults.registry import KINDS
from mockserver.reporting.coverage import Coverage, Share, cover
from mockserver.reporting.json_shapes import coverage_json

VOLUME = "count_business_total_volume_by_day"


def covered(*entries: JournalEntry) -> Coverage:
    """Return the coverage by some entries."""
    return cover(entries, config())


def outcomes(coverage: Coverage, operation: str = "query_room_info") -> dict[str, tuple[int, bool]]:
    """Return how often each outcome occurred and whether it counts."""
    [part] = [part for part in coverage.operations if part.operation == operation]
    return {cell.name: (cell.times, cell.counts) for cell in part.outcomes}


def fields(coverage: Coverage, operation: str = "query_room_info") -> dict[tuple[str, str], int]:
    """Return how often each value of each field occurred."""
    [part] = [part for part in coverage.operations if part.operation == operation]
    return {(cell.name, cell.value): cell.times for cell in part.fields}


def test_the_denominator_is_what_a_correct_client_can_cover() -> None:
    """Success, empty, the errors that count where they are possible, optional fields, enumerated values."""
    nothing = covered()
    assert (nothing.whole.covered, nothing.whole.percent, nothing.unknown) == (0, 0.0, 0)
    shared = [error for error, rule in rules().items() if rule.counts and not rule.fields]
    assert {cell.name for cell in nothing.shared} == set(shared) >= {"checksum_expired", "unknown_appkey"}
    for name, more in {
        "query_instance_all_records_by_time": {"user_not_found", "range_too_large"},
        "query_room_info": {"room_not_found"},
        "query_all_instance_by_time": {"range_too_large"},
        "count_qos_by_day": set(),
    }.items():
        assert {part for part, (_, counts) in outcomes(nothing, name).items() if counts} == {
            *("success", "empty"),
            *more,
        }
    assert list(fields(nothing)) == [
        ("BeginTime", "given"), ("BeginTime", "left_out"), ("EndTime", "given"), ("EndTime", "left_out"),
    ]  # fmt: skip
    assert list(fields(nothing, VOLUME)) == [("CountBy", str(number)) for number in range(5)]
    own = len(OPERATIONS) * 2 + 4 + (4 + 5 + 4)
    assert nothing.whole.total == own + len(shared)


def test_an_error_of_every_operation_counts_once() -> None:
    """Whichever operation returned it; the others list it, and it is no part of their denominators."""
    before = covered(entry())
    once = covered(entry(), entry(error="checksum_expired"))
    twice = covered(
        entry(), entry(error="checksum_expired"), entry(operation=VOLUME, error="checksum_expired", fields={})
    )
    assert (once.whole.covered - before.whole.covered, twice.whole.covered - once.whole.covered) == (1, 0)
    assert {cell.name: cell.times for cell in twice.shared}["checksum_expired"] == 2
    assert outcomes(twice)["checksum_expired"] == (1, False)
    elsewhere = covered(entry(), entry(operation="", error="unknown_command"))
    assert elsewhere.whole.covered == before.whole.covered


def test_correct_requests_alone_cover_operations_and_fields() -> None:
    """An empty answer will do; errors add nothing."""
    nothing = covered().operations_and_fields
    assert (nothing.covered, nothing.percent) == (0, 0.0)
    entries = [entry(operation=name, fields={}, empty=True) for name in OPERATIONS]
    for part in covered().operations:
        for cell in part.fields:
            value: Any = {"given": "1", "left_out": ""}.get(cell.value)
            entries.append(
                entry(operation=part.operation, fields={cell.name: int(cell.value) if value is None else value})
            )
    whole = covered(*entries)
    assert whole.operations_and_fields.percent == 100.0
    assert whole.operations_and_fields.total == nothing.total == len(OPERATIONS) + 13
    assert covered(*entries, entry(error="server_busy")).operations_and_fields == whole.operations_and_fields
    assert covered(entry(error="room_not_found", fields={"RoomId": "1"})).operations_and_fields.covered == 2


def test_each_outcome_is_counted() -> None:
    """A response that a fault damaged counts as `fault` and is not required."""
    coverage = covered(
        entry(),
        entry(empty=True),
        entry(error="room_not_found"),
        entry(spoiled=True, faults=("connection_reset",)),
        entry(spoiled=True, error="server_busy", faults=("truncated_body",)),
        entry(operation="", error="unknown_command"),
    )
    counts = outcomes(coverage)
    assert (counts["success"], counts["empty"], counts["room_not_found"]) == ((1, True), (1, True), (1, True))
    assert counts["fault"] == (2, False)
    assert sum(times for times, _ in counts.values()) == 5
    assert (coverage.unknown, sum(part.requests for part in coverage.operations)) == (1, 5)


def test_an_error_caused_by_a_client_mistake_adds_nothing() -> None:
    """`malformed_json` is listed but does not raise the percentage."""
    coverage = covered(entry(error="malformed_json", violations=(wrong("malformed_json"),)))
    assert outcomes(coverage)["malformed_json"] == (1, False)
    assert coverage.whole.covered == 0


def test_fields_count_in_valid_requests_only() -> None:
    """An empty string is left out; a refused request covers nothing; a tolerated violation does no harm."""
    assert fields(covered(entry(fields={"RoomId": "1", "BeginTime": "", "EndTime": "1575962850"}))) == {
        ("BeginTime", "given"): 0, ("BeginTime", "left_out"): 1,
        ("EndTime", "given"): 1, ("EndTime", "left_out"): 0,
    }  # fmt: skip
    refused: dict[str, Any] = {"violations": (wrong(),), "error": "unknown_field"}
    assert sum(fields(covered(entry(**refused))).values()) == 0
    assert sum(fields(covered(entry(violations=(wrong(tolerated=True),)))).values()) == 2
    assert sum(fields(covered(entry(error="room_not_found"))).values()) == 2


def test_values_are_compared_with_their_type() -> None:
    """1 is a value of CountBy; "1", True and 1.0 are not."""
    entries = [entry(operation=VOLUME, fields={"CountBy": value}) for value in (1, 4, "1", True, 1.0)]
    assert list(fields(covered(*entries), VOLUME).values()) == [0, 1, 0, 0, 1]


def test_readings_and_faults_are_listed_outside_the_denominator() -> None:
    """Every choice of every reading and every fault kind."""
    other = {**DEFAULTS, "ongoing": "zero", "freshness_seconds": 60}
    coverage = covered(entry(faults=("latency", "latency")), entry(readings=other, faults=("homemade",)))
    assert [(cell.name, cell.times) for cell in coverage.faults] == [
        *((kind, int(kind == "latency")) for kind in KINDS),
        ("homemade", 1),
    ]
    counts = {(cell.name, cell.value): cell.times for cell in coverage.readings}
    assert counts["ongoing", "now"] == counts["ongoing", "zero"] == 1
    assert counts["ongoing", "empty"] == 0
    assert (counts["freshness_seconds", "300"], counts["freshness_seconds", "60"]) == (1, 1)
    assert {name for name, _ in counts} == READINGS.keys()
    assert not any(cell.counts for cell in (*coverage.readings, *coverage.faults))
    other_operation = entry(operation="count_qos_by_day", faults=("latency",), readings=other)
    by_name = {part.operation: part for part in covered(entry(), entry(), other_operation).operations}
    calls, quiet = by_name["count_qos_by_day"], by_name["query_room_info"]
    assert [(cell.name, cell.times, cell.counts) for cell in calls.faults] == [("latency", 1, False)]
    assert quiet.faults == ()
    assert {(cell.name, cell.value): cell.times for cell in quiet.readings}["signing", "v2"] == 2
    assert {cell.name: cell.value for cell in calls.readings} == {k: str(v) for k, v in other.items()}


@given(st.lists(st.tuples(st.sampled_from(list(OPERATIONS)), st.sampled_from(["", *catalogue()])), max_size=15))
def test_coverage_only_grows(calls: list[tuple[str, str]]) -> None:
    """More requests never cover less, and 100 % means everything."""
    entries = [entry(operation=operation, error=error, fields={}) for operation, error in calls]
    before, after = covered(*entries[:-1]), covered(*entries)
    assert before.whole.covered <= after.whole.covered <= after.whole.total == before.whole.total
    assert (after.whole.percent == 100) == (after.whole.covered == after.whole.total)


@pytest.mark.parametrize(
    ("covered", "total", "percent"),
    [(0, 0, 0.0), (0, 3, 0.0), (1, 9_999, 0.1), (1, 3, 33.3), (2, 3, 66.7), (9_998, 9_999, 99.9), (3, 3, 100.0)],
)
def test_percentages_are_rounded(covered: int, total: int, percent: float) -> None:
    """To the nearest, but a part is never shown as nothing or everything."""
    assert Share(covered, total).percent == percent


def test_a_hundred_percent_can_be_reached() -> None:
    """With a request for every cell of the denominator."""
    entries = []
    for part in covered().operations:
        for cell in part.outcomes:
            error = "" if cell.name in ("success", "empty") else cell.name
            entries.append(entry(operation=part.operation, error=error, empty=cell.name == "empty", fields={}))
        for cell in part.fields:
            value: Any = {"given": "1", "left_out": ""}.get(cell.value)
            value = int(cell.value) if value is None else value
            entries.append(entry(operation=part.operation, fields={cell.name: value}))
    entries += [entry(error=cell.name) for cell in covered().shared]
    coverage = covered(*entries)
    assert (coverage.whole.percent, coverage.whole.covered) == (100.0, coverage.whole.total)


def test_the_shape_of_the_json_is_stable() -> None:
    """The keys are the same with and without requests."""
    for coverage in (covered(), covered(entry())):
        shape = coverage_json(coverage)
        assert list(shape) == [
            "percent",
            "met",
            "of",
            "unknown",
            "operations",
            "readings",
            "faults",
            "shared",
            "operations_and_fields",
        ]
        assert [part["operation"] for part in shape["operations"]] == list(OPERATIONS)
        for part in shape["operations"]:
            assert list(part) == [
                "operation", "section", "requests", "outcomes", "fields", "readings", "faults",
            ]  # fmt: skip
            assert all(list(cell) == ["name", "times", "counts"] for cell in part["outcomes"])
            assert all(list(cell) == ["name", "times", "counts", "value"] for cell in part["fields"])
