"""Coverage of the contract: what of the documented interface the clients have met.

The denominator, for each operation: `success`, `empty`, every error whose rule says `counts` and which the
operation can tell; every optional field given and left out; every value of an enumerated field. Errors that
only a mistake of the client can cause are told when they came, and are not asked for. Readings and kinds of
faults are the mock's own choice: they are told beside it, for each operation and for all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from mockserver.contract.catalogue import OK, Catalogue
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import READINGS, Choices
from mockserver.contract.retry_rules import RetryRules
from mockserver.contract.schemas import Schemas
from mockserver.engine.journal_entry import JournalEntry

SUCCESS, EMPTY, FAULT = "success", "empty", "fault"
GIVEN, LEFT_OUT = "given", "left_out"


class ReportInputs(NamedTuple):
    """What a report is held against."""

    schemas: Schemas
    catalogue: Catalogue
    rules: RetryRules
    kinds: Sequence[str] = ()
    """Names of the fault kinds there are."""


class Cell(NamedTuple):
    """One thing that clients can meet, and how often they did."""

    name: str
    times: int
    counts: bool = True
    """It belongs to the denominator."""
    value: str = ""
    """Of a field or a reading."""


@dataclass(frozen=True, slots=True)
class OperationCoverage:
    """One operation's part."""

    operation: str
    section: str
    requests: int
    outcomes: tuple[Cell, ...]
    """The last is `fault`, where one took an answer's place."""
    fields: tuple[Cell, ...]
    readings: tuple[Cell, ...] = ()
    """Those that were in force."""
    faults: tuple[Cell, ...] = ()
    """Kinds that struck."""

    @property
    def cells(self) -> tuple[Cell, ...]:
        """What counts."""
        return tuple(cell for cell in (*self.outcomes, *self.fields) if cell.counts)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was met of all that can be met."""

    operations: tuple[OperationCoverage, ...]
    readings: tuple[Cell, ...]
    """Every choice of every reading; numbers only as they were in force."""
    faults: tuple[Cell, ...]
    unknown: int
    """Requests that name no operation."""

    @property
    def of(self) -> int:
        """The denominator."""
        return sum(len(one.cells) for one in self.operations)

    @property
    def met(self) -> int:
        """How much of the denominator was met."""
        return sum(cell.times > 0 for one in self.operations for cell in one.cells)

    @property
    def percent(self) -> float:
        """With one decimal, rounded down: 100 is all of it."""
        return self.met * 1000 // self.of / 10 if self.of else 0.0


def cover(entries: Iterable[JournalEntry], inputs: ReportInputs) -> Coverage:
    """The coverage by `entries`."""
    by_operation: dict[str, list[JournalEntry]] = defaultdict(list)
    for entry in entries:
        by_operation[entry.operation].append(entry)
    every = [entry for own in by_operation.values() for entry in own]
    readings, faults = _readings_met(every), _faults_met(every)
    known = [name for name in OPERATIONS if name in by_operation]
    unknown = sum(map(len, by_operation.values())) - sum(len(by_operation[name]) for name in known)
    return Coverage(
        operations=tuple(_operation(name, by_operation.get(name, ()), inputs) for name in OPERATIONS),
        readings=tuple(_readings(readings)),
        faults=tuple(
            Cell(kind, faults[kind], False) for kind in dict.fromkeys((*inputs.kinds, *sorted(faults)))
        ),
        unknown=unknown,
    )


def outcome_of(entry: JournalEntry) -> str:
    """`success`, `empty`, the error that was told, or `fault` when one took the answer's place."""
    if entry.spoiled:
        return FAULT
    return entry.error or (EMPTY if entry.empty else SUCCESS)


def _operation(name: str, entries: Sequence[JournalEntry], inputs: ReportInputs) -> OperationCoverage:
    schema = inputs.schemas.request(name).schema
    met = Counter(outcome_of(entry) for entry in entries)
    # A request in good form counts whatever was answered: a missing room takes nothing from its fields.
    sound = [entry for entry in entries if all(one.tolerated for one in entry.violations)]
    return OperationCoverage(
        operation=name,
        section=OPERATIONS[name].section,
        requests=len(entries),
        outcomes=tuple(_outcomes(met, set(schema.get("required", ())), inputs)),
        fields=tuple(_fields(sound, schema)),
        readings=tuple(cell for cell in _readings(_readings_met(entries)) if cell.times),
        faults=tuple(Cell(kind, times, False) for kind, times in sorted(_faults_met(entries).items())),
    )


def _outcomes(met: Counter[str], required: set[str], inputs: ReportInputs) -> Iterator[Cell]:
    yield Cell(SUCCESS, met[SUCCESS])
    yield Cell(EMPTY, met[EMPTY])
    for error in inputs.catalogue:
        rule = inputs.rules.get(error)
        can_be_told = rule is None or required.issuperset(rule.fields)
        if error != OK and (can_be_told or met[error]):
            yield Cell(error, met[error], bool(rule and rule.counts and can_be_told))
    if met[FAULT]:
        yield Cell(FAULT, met[FAULT], False)


def _fields(entries: Sequence[JournalEntry], schema: Any) -> Iterator[Cell]:
    required = schema.get("required", ())
    for field, described in schema["properties"].items():
        values = [entry.fields.get(field) for entry in entries]
        if field not in required:
            given = sum(value not in (None, "") for value in values)
            yield Cell(field, given, value=GIVEN)
            yield Cell(field, len(values) - given, value=LEFT_OUT)
        for choice in described.get("enum", ()):
            times = sum(type(value) is type(choice) and value == choice for value in values)
            yield Cell(field, times, value=str(choice))


def _readings_met(entries: Sequence[JournalEntry]) -> Counter[tuple[str, str]]:
    met: Counter[tuple[str, str]] = Counter()
    # The entries of one scenario share their readings.
    shared = Counter(id(entry.readings) for entry in entries)
    for number, readings in {id(entry.readings): entry.readings for entry in entries}.items():
        for name, value in readings.items():
            met[name, str(value)] += shared[number]
    return met


def _faults_met(entries: Iterable[JournalEntry]) -> Counter[str]:
    met: Counter[str] = Counter()
    for entry in entries:
        if entry.faults:
            met.update(set(entry.faults))
    return met


def _readings(met: Counter[tuple[str, str]]) -> Iterator[Cell]:
    for name, reading in READINGS.items():
        choices = reading.values.words if isinstance(reading.values, Choices) else ()
        seen = sorted(value for known, value in met if known == name)
        for value in dict.fromkeys((*choices, *seen)):
            yield Cell(name, met[name, value], False, value)
