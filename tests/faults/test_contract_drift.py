"""contract_drift leaves the schema exactly where it claims to, and says what it did."""

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
    """The answer after one drift and what was said of it; None when there was nothing to do."""
    kind = fault({"fault": "contract_drift", "how": how, **({"path": path} if path is not None else {})}).kind
    done = kind.apply(response(answer, operation), context(operation), draw(number))
    return (json.loads(done[0].body), done[1]) if done else None


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("how", LEAVING)
def test_a_drift_leaves_the_schema(how, operation):
    """Every way that claims to leave the contract does so for every operation and draw."""
    validator = CONFIG.schemas.response(operation)
    assert validator.accepts(SAMPLES[operation])
    for number in range(1, 80):
        answer, note = drifted(how, operation=operation, number=number)
        assert not validator.accepts(answer), note
        assert validator.mismatches(answer), note


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("how", STAYING)
def test_a_list_drift_stays_inside_the_schema_and_is_another_answer(how, operation):
    """Emptied, doubled, shuffled and huge lists are valid, which is what makes them nasty."""
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
def test_a_refusal_can_drift_too(how):
    """The bare envelope of a failure drifts against the envelope's schema."""
    kind = fault(f"contract_drift;how={how}").kind
    for number in range(1, 20):
        got, _ = kind.apply(failure_response(), context(), draw(number))
        assert not CONFIG.schemas["envelope.json"].accepts(json.loads(got.body))


@pytest.mark.parametrize("how", STAYING)
def test_a_refusal_has_no_list_to_drift(how):
    """Without a list there is nothing to do, and nothing is said to have been done."""
    assert fault(f"contract_drift;how={how}").kind.apply(failure_response(), context(), draw()) is None


@pytest.mark.parametrize("how", DRIFTS)
def test_the_same_draw_gives_the_same_drift(how):
    """Seed, fault and number decide all of it; other numbers reach other places."""
    first = [drifted(how, number=number) for number in range(1, 40)]
    assert first == [drifted(how, number=number) for number in range(1, 40)]
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
def test_a_path_says_where(how, path, note):
    """With a path the change is made there and is told in one line."""
    answer, said = drifted(how, path=path)
    assert said == note
    assert answer != SAMPLES[OPERATION]


def test_only_what_is_told_has_changed():
    """Apart from the one member, a renamed field leaves the answer, its order included, as it was."""
    answer, note = drifted("rename_field", path="/UsersList/0/AudioDuration")
    assert note in (
        f"renamed /UsersList/0/AudioDuration to {name}" for name in ("audioDuration", "audio_duration")
    )
    name = note.rpartition(" ")[2]
    before = copy.deepcopy(SAMPLES[OPERATION])
    row = before["UsersList"][0]
    before["UsersList"][0] = {name if key == "AudioDuration" else key: row[key] for key in row}
    assert json.dumps(answer) == json.dumps(before)


def test_a_star_is_any_step():
    """`/UsersList/*/RoomId` reaches the field in every row, and nothing else."""
    notes = {drifted("drop_field", path="/UsersList/*/RoomId", number=number)[1] for number in range(1, 40)}
    assert notes == {"dropped /UsersList/0/RoomId", "dropped /UsersList/1/RoomId"}


@pytest.mark.parametrize("path", ["/NoSuchField", "/UsersList/9/RoomId", "/UsersList/0", ""])
def test_a_path_to_nothing_changes_nothing(path):
    """Where the path leads to no field, the answer is left alone."""
    assert drifted("drop_field", path=path) is None


def test_an_empty_list_cannot_be_emptied_or_blown_up():
    """An answer without rows has no row to double, shuffle or repeat."""
    empty = {**SAMPLES[OPERATION], "UsersList": []}
    assert [drifted(how, empty) for how in STAYING] == [None] * len(STAYING)


def test_a_huge_list_is_bounded():
    """Long rows make fewer of them: no answer grows over some sixteen million characters."""
    long = {**SAMPLES[OPERATION]["UsersList"][0], "RoomId": "x" * 256, "UserId": "y" * 256}
    answer, _ = drifted("huge_list", {**SAMPLES[OPERATION], "UsersList": [long] * 2})
    assert len(answer["UsersList"]) == HUGE_ROWS
    assert len(json.dumps(answer)) < 16_000_000
