"""contract_drift violates the schema exactly where it claims to, and its note says what it changed."""

from __future__ import annotations

import copy
import json

import pytest
from fault_helpers import CONFIG, OPERATION, SAMPLES, context, draw, failure_response, fault, response

from mockserver.contract.operations import OPERATIONS
from mockserver.faults.kinds.contract_drift import DRIFTS, HUGE_ROWS

LEAVING = [name for name, drift in DRIFTS.items() if drift.violates_schema]
STAYING = [name for name, drift in DRIFTS.items() if not drift.violates_schema]


def drifted(how, answer=None, operation=OPERATION, number=1, path=None):
    """The document after one drift and its note; None when there was nothing to change."""
    kind = fault({"fault": "contract_drift", "how": how, **({"path": path} if path is not None else {})}).kind
    done = kind.apply(response(answer, operation), context(operation), draw(number))
    return (json.loads(done[0].body), done[1]) if done else None


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("how", LEAVING)
def test_a_field_drift_violates_the_schema(how, operation):
    """Every drift that claims to violate the schema does so for every operation and draw."""
    validator = CONFIG.schemas.response(operation)
    assert validator.accepts(SAMPLES[operation])
    for number in range(1, 80):
        answer, note = drifted(how, operation=operation, number=number)
        assert not validator.accepts(answer), note
        assert validator.mismatches(answer), note


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("how", STAYING)
def test_a_list_drift_meets_the_schema_but_changes_the_document(how, operation):
    """Emptied, repeated, shuffled and huge lists are valid, but are not the original document."""
    validator = CONFIG.schemas.response(operation)
    base = SAMPLES[operation]
    for number in range(1, 8):
        done = drifted(how, operation=operation, number=number)
        if done is None:
            assert how == "shuffle_rows"
            continue
        assert validator.accepts(done[0]), done[1]
        assert done[0] != base, done[1]


@pytest.mark.parametrize("how", LEAVING)
def test_a_failure_envelope_can_drift(how):
    """The envelope of a failure drifts away from the schema of the envelope."""
    kind = fault(f"contract_drift;how={how}").kind
    for number in range(1, 20):
        got, _ = kind.apply(failure_response(), context(), draw(number))
        assert not CONFIG.schemas["envelope.json"].accepts(json.loads(got.body))


@pytest.mark.parametrize("how", STAYING)
def test_a_failure_envelope_has_no_list_to_drift(how):
    """Without a list there is nothing to change, and there is no note."""
    assert fault(f"contract_drift;how={how}").kind.apply(failure_response(), context(), draw()) is None


@pytest.mark.parametrize("how", DRIFTS)
def test_the_same_draw_gives_the_same_drift(how):
    """Seed, fault and number decide everything; other numbers reach other fields."""
    numbers = range(1, 4 if how == "huge_list" else 40)
    first = [drifted(how, number=number) for number in numbers]
    assert first == [drifted(how, number=number) for number in numbers]
    if how in LEAVING:
        assert len({note for _, note in first}) >= 5


@pytest.mark.parametrize(
    ("how", "path", "note"),
    [
        ("drop_field", "/UsersList/1/RoomId", "dropped /UsersList/1/RoomId"),
        ("null_field", "/Status", "made /Status null"),
        ("wrong_type", "/UsersList/0/EnterTime", "made /UsersList/0/EnterTime an integer, not a string"),
        ("wrong_type", "/UsersList", "made /UsersList an object, not a list"),
        ("number_as_string", "/UsersList/0/AudioDuration", "made /UsersList/0/AudioDuration a string"),
        ("empty_list", "/UsersList", "removed all 2 rows of /UsersList"),
        ("huge_list", "/UsersList", f"repeated rows of /UsersList up to {HUGE_ROWS}"),
        ("shuffle_rows", "/UsersList", "shuffled 2 rows of /UsersList"),
    ],
)
def test_a_path_selects_the_field(how, path, note):
    """With a path the change is made there, and the note names it."""
    answer, actual_note = drifted(how, path=path)
    assert actual_note == note
    assert answer != SAMPLES[OPERATION]


def test_nothing_else_is_changed():
    """Apart from the renamed member the document, including its order, stays the same."""
    answer, note = drifted("rename_field", path="/UsersList/0/AudioDuration")
    assert note in (f"renamed /UsersList/0/AudioDuration to {name}" for name in ("audioDuration", "audio_duration"))
    name = note.rpartition(" ")[2]
    before = copy.deepcopy(SAMPLES[OPERATION])
    row = before["UsersList"][0]
    before["UsersList"][0] = {name if key == "AudioDuration" else key: row[key] for key in row}
    assert json.dumps(answer) == json.dumps(before)


def test_a_star_matches_any_step():
    """`/UsersList/*/RoomId` reaches the field in every row, and nothing else."""
    notes = {drifted("drop_field", path="/UsersList/*/RoomId", number=number)[1] for number in range(1, 40)}
    assert notes == {"dropped /UsersList/0/RoomId", "dropped /UsersList/1/RoomId"}


@pytest.mark.parametrize("path", ["/NoSuchField", "/UsersList/9/RoomId", "/UsersList/0", ""])
def test_a_path_to_nothing_changes_nothing(path):
    """A path that leads to no field changes nothing."""
    assert drifted("drop_field", path=path) is None


def test_an_empty_list_cannot_drift():
    """A response without rows has nothing to remove, repeat or shuffle."""
    empty = {**SAMPLES[OPERATION], "UsersList": []}
    assert [drifted(how, empty) for how in STAYING] == [None] * len(STAYING)


def test_a_huge_list_is_bounded():
    """With long rows there are fewer of them: no response exceeds about sixteen million characters."""
    long = {**SAMPLES[OPERATION]["UsersList"][0], "RoomId": "x" * 256, "UserId": "y" * 256}
    answer, _ = drifted("huge_list", {**SAMPLES[OPERATION], "UsersList": [long] * 2})
    assert len(answer["UsersList"]) == HUGE_ROWS
    assert len(json.dumps(answer)) < 16_000_000
