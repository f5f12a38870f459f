"""Contract coverage: which outcomes, fields and values of the documented operations the clients have used.

The denominator of an operation: `success`, `empty`, and every error that is specific to it and whose retry rule says
`counts`; every optional field, present and omitted; every value of an enumerated field. Errors that count and that
every operation can return, such as `checksum_expired`, count once for all operations, since a client handles them in
one place. Errors that only a client's mistake causes are listed if they occurred, but not required. Readings and
faults are chosen by the mock server and not part of the denominator: they are listed per operation and in total.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mockserver.contract.catalogue import OK
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import READINGS
from mockserver.engine.config import Config
from mockserver.engine.journal_entry import JournalEntry
from mockserver.faults.registry import KINDS
from mockserver.reporting.retries import group

SUCCESS, EMPTY, FAULT = "success", "empty", "fault"
GIVEN, LEFT_OUT = "given", "left_out"


class Cell(NamedTuple):
    """One outcome, field value, reading or fault, and how often it occurred."""

    name: str
    times: int
    counts: bool = True  # Whether it belongs to the denominator.
    value: str = ""  # The value of a field or a reading.


class Share(NamedTuple):
    """How much of a denominator is covered."""

    covered: int
    total: int

    @property
    def percent(self) -> float:
        """The percentage with one decimal: 0 only if nothing is covered, 100 only if everything is."""
        if self.covered in (0, self.total):
            return 100.0 if self.covered else 0.0
        return min(max(round(100 * self.covered / self.total, 1), 0.1), 99.9)


@dataclass(frozen=True, slots=True)
class OperationCoverage:
    """The coverage of one operation."""

    operation: str
    section: str
    requests: int
    outcomes: tuple[Cell, ...]  # The last is `fault`, if faults damaged responses.
    fields: tuple[Cell, ...]
    readings: tuple[Cell, ...] = ()  # The readings in force.
    faults: tuple[Cell, ...] = ()  # The fault kinds that fired.

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The cells of the denominator."""
        return tuple(cell for cell in (*self.outcomes, *self.fields) if cell.counts)


@dataclass(frozen=True, slots=True)
class Coverage:
    """The coverage of the whole contract."""

    operations: tuple[OperationCoverage, ...]
    shared: tuple[Cell, ...]  # The errors that every operation can return, each counted once.
    readings: tuple[Cell, ...]  # Every choice of every reading; numeric readings with the values in force only.
    faults: tuple[Cell, ...]
    unknown: int  # Requests to unknown paths.

    @property
    def whole(self) -> Share:
        """The share of the whole denominator."""
        cells = [cell for part in self.operations for cell in part.cells] + [*self.shared]
        return Share(sum(cell.times > 0 for cell in cells), len(cells))

    @property
    def operations_and_fields(self) -> Share:
        """The share that correct requests alone can cover: an accepted request to each operation, and its fields."""
        covered = [
            any(cell.times for cell in part.outcomes if cell.name in (SUCCESS, EMPTY)) for part in self.operations
        ]
        covered += [cell.times > 0 for part in self.operations for cell in part.fields if cell.counts]
        return Share(sum(covered), len(covered))


def cover(entries: Iterable[JournalEntry], config: Config) -> Coverage:
    """Return the coverage of the contract of `config` by `entries`."""
    entries = list(entries)
    by_operation = {part[0].operation: part for part in group(entries, lambda entry: entry.operation)}
    faults, rules = _count_faults(entries), config.rules
    required = set.intersection(*(_required(name, config) for name in OPERATIONS))
    counting = [error for error in config.catalogue if error in rules and rules[error].counts]
    shared = [error for error in counting if required.issuperset(rules[error].fields)]
    outcomes = Counter(outcome_of(entry) for entry in entries if entry.operation in OPERATIONS)
    return Coverage(
        operations=tuple(_operation(name, by_operation.get(name, ()), config, shared) for name in OPERATIONS),
        shared=tuple(Cell(error, outcomes[error]) for error in shared),
        readings=tuple(_reading_cells(_count_readings(entries))),
        faults=tuple(Cell(kind, faults[kind], False) for kind in dict.fromkeys((*KINDS, *sorted(faults)))),
        unknown=sum(entry.operation not in OPERATIONS for entry in entries),
    )


def outcome_of(entry: JournalEntry) -> str:
    """Return `success`, `empty`, the error's name, or `fault` if a fault damaged the response."""
    if entry.spoiled:
        return FAULT
    return entry.error or (EMPTY if entry.empty else SUCCESS)


def _required(operation: str, config: Config) -> set[str]:
    return set(config.schemas.request(operation).schema.get("required", ()))


def _operation(name: str, entries: Sequence[JournalEntry], config: Config, shared: Sequence[str]) -> OperationCoverage:
    counts = Counter(outcome_of(entry) for entry in entries)
    # A valid request covers its fields, whatever the response is (it may be `room_not_found`).
    valid = [entry for entry in entries if all(violation.tolerated for violation in entry.violations)]
    return OperationCoverage(
        operation=name,
        section=OPERATIONS[name].section,
        requests=len(entries),
        outcomes=tuple(_outcomes(name, counts, config, shared)),
        fields=tuple(_fields(valid, config.schemas.request(name).schema)),
        readings=tuple(cell for cell in _reading_cells(_count_readings(entries)) if cell.times),
        faults=tuple(Cell(kind, times, False) for kind, times in sorted(_count_faults(entries).items())),
    )


def _outcomes(name: str, counts: Counter[str], config: Config, shared: Sequence[str]) -> Iterator[Cell]:
    yield Cell(SUCCESS, counts[SUCCESS])
    yield Cell(EMPTY, counts[EMPTY])
    for error in config.catalogue:
        rule = config.rules.get(error)
        possible = rule is None or _required(name, config).issuperset(rule.fields)
        if error != OK and (possible or counts[error]):
            yield Cell(error, counts[error], bool(rule and rule.counts and possible and error not in shared))
    if counts[FAULT]:
        yield Cell(FAULT, counts[FAULT], False)


def _fields(entries: Sequence[JournalEntry], schema: Any) -> Iterator[Cell]:
    required = schema.get("required", ())
    for field, subschema in schema["properties"].items():
        values = [entry.fields.get(field) for entry in entries]
        if field not in required:
            given = sum(value not in (None, "") for value in values)
            yield Cell(field, given, value=GIVEN)
            yield Cell(field, len(values) - given, value=LEFT_OUT)
        for choice in subschema.get("enum", ()):
            times = sum(type(value) is type(choice) and value == choice for value in values)
            yield Cell(field, times, value=str(choice))


def _count_readings(entries: Sequence[JournalEntry]) -> Counter[tuple[str, str]]:
    counts: Counter[tuple[str, str]] = Counter()
    # Entries of one scenario share their readings: count them by object.
    shared = Counter(id(entry.readings) for entry in entries)
    for number, readings in {id(entry.readings): entry.readings for entry in entries}.items():
        for name, value in readings.items():
            counts[name, str(value)] += shared[number]
    return counts


def _count_faults(entries: Iterable[JournalEntry]) -> Counter[str]:
    return Counter(fault for entry in entries for fault in set(entry.faults))


def _reading_cells(counts: Counter[tuple[str, str]]) -> Iterator[Cell]:
    for name, reading in READINGS.items():
        occurred = sorted(value for each, value in counts if each == name)
        for value in dict.fromkeys((*reading.names, *occurred)):
            yield Cell(name, counts[name, value], False, value)
