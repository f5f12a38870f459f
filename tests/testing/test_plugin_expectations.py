"""Tests that expect violations: an expected one fails nothing; an unexpected or missing one does."""

from __future__ import annotations

import json
from pathlib import Path

from helpers.pytest_suites import run, write

STRICT, REPORT = "--mockserver-fail-on-violations", "--mockserver-report"
EXPECTED = """
    import pytest
    from helper import call

    WRONG = {"RoomId": "987654321", "Extra": 1}

    @pytest.mark.mockserver(expect_violations=["unknown_field"])
    def test_by_a_marker(mockserver):
        assert call(mockserver, WRONG)["ErrorCode"] == 1205
        mockserver.assert_no_violations()

    def test_by_a_call(mockserver):
        mockserver.expect_violation("unknown_field", "repeated_after_final")
        call(mockserver, WRONG)
        call(mockserver, WRONG)

    @pytest.mark.mockserver(expect_violations=["unknown_field"])
    class TestMarkersAddUp:
        @pytest.mark.mockserver(expect_violations=("seq_reused",), scenario="document")
        def test_each_of_them_is_expected(self, mockserver):
            assert mockserver.expected_violations == ("unknown_field", "seq_reused")
            call(mockserver, WRONG, mockserver.sign(seq="1"))
            call(mockserver, {"RoomId": "987654321"}, mockserver.sign(seq="1"))

    @pytest.mark.mockserver(expect_violations=["too_soon"])
    def test_a_mistake_in_error_handling(mockserver):
        mockserver.inject("error", name="server_busy", times=1)
        call(mockserver, {"RoomId": "987654321"})
        call(mockserver, {"RoomId": "987654321"})

    @pytest.mark.mockserver(expect_violations=["unknown_field"])
    def test_skipped():
        import pytest
        pytest.skip("no request was sent")
"""
UNMET = """
    import pytest
    from helper import call

    RIGHT = {"RoomId": "987654321"}

    @pytest.mark.mockserver(expect_violations=["seq_reused"])
    def test_that_does_not_come(mockserver):
        call(mockserver, {**RIGHT, "Extra": 1})

    @pytest.mark.mockserver(expect_violations=["unknown_field"])
    def test_that_asks_nothing(mockserver):
        pass

    @pytest.mark.mockserver(expect_violations=["unknown_field"])
    def test_that_fails_for_another_reason(mockserver):
        assert call(mockserver, RIGHT)["ErrorCode"] == 1205, "the reason"

    @pytest.mark.xfail(strict=True)
    @pytest.mark.mockserver(expect_violations=["unknown_field"])
    def test_that_may_fail(mockserver):
        call(mockserver, RIGHT)

    @pytest.mark.mockserver(expect_violations=["unknown_feild"])
    def test_misspelt(mockserver):
        pass

    @pytest.mark.mockserver(expect_violations="unknown_field")
    def test_no_list(mockserver):
        pass

    def test_misspelt_in_a_call(mockserver):
        mockserver.expect_violation("seq_resued")
"""
NAMED = """
    from helper import call

    def test_wrong(mockserver):
        call(mockserver, {"RoomId": "987654321", "Extra": 1})

    class TestMore:
        def test_impatient(self, mockserver):
            mockserver.inject("error", name="server_busy", times=1)
            call(mockserver, {"RoomId": "987654321"})
            call(mockserver, {"RoomId": "987654321"})
"""


def test_an_expected_violation_fails_neither_the_test_nor_the_run(tmp_path: Path) -> None:
    """By marker or call, on class or function: shown as expected, and the strict run passes."""
    write(tmp_path, {"test_expected.py": EXPECTED})
    done = run(tmp_path, STRICT, f"{REPORT}=report.json")
    assert (done.code, done.outcomes) == (0, {"passed": 4}), done.output
    assert done.section.count(", expected]") + done.section.count("[expected]") == 3
    assert "the client retried within 1 s" not in done.section
    assert "\nno problems found\n" in done.section
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["violations"]
    assert all(each["excused"] for each in report["violations"])


def test_an_unexpected_violation_fails_the_run(tmp_path: Path) -> None:
    """The expectation of one test does not excuse another test."""
    other = """
        from helper import call

        def test_other(mockserver):
            call(mockserver, {"RoomId": "987654321", "Extra": 1})
    """
    write(tmp_path, {"test_expected.py": EXPECTED, "test_other.py": other})
    done = run(tmp_path, STRICT)
    assert (done.code, done.outcomes) == (1, {"passed": 5})
    assert "failed: 1 violation of the contract" in done.section
    assert "      in test_other.py::test_other\n" in done.section


def test_an_expected_violation_that_does_not_occur_fails_its_test(tmp_path: Path) -> None:
    """The test itself fails, other failures take precedence, and unknown names are refused."""
    write(tmp_path, {"test_unmet.py": UNMET})
    done = run(tmp_path, "-rfEx")
    assert done.code == 1
    assert done.outcomes == {"failed": 4, "error": 2}, done.output
    assert "XFAIL test_unmet.py::test_that_may_fail" in done.output
    assert "expected seq_reused, which did not occur in this test; found: unknown_field" in done.output
    assert "expected unknown_field, which did not occur in this test; found: no violation" in done.output
    assert "the reason" in done.output
    assert "unknown violation 'unknown_feild'; did you mean unknown_field?" in done.output
    assert "unknown violation 'seq_resued'; did you mean seq_reused?" in done.output
    assert "not expect_violations='unknown_field'" in done.output
    assert "mockserver/" not in done.output


def test_the_summary_names_the_test_behind_each_problem(tmp_path: Path) -> None:
    """For violations and error handling, in the section and in the file."""
    write(tmp_path, {"tests/test_named.py": NAMED})
    done = run(tmp_path, STRICT, f"{REPORT}=report.json", PYTHONPATH=".")
    assert (done.code, done.outcomes) == (1, {"passed": 2}), done.output
    lines = done.section.splitlines()
    (wrong,) = [number for number, line in enumerate(lines) if "× unknown_field body:" in line]
    assert lines[wrong + 2] == "      in tests/test_named.py::test_wrong"
    assert "      in tests/test_named.py::TestMore::test_impatient" in lines
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["violations"][0]["tests"] == ["tests/test_named.py::test_wrong"]
