"""Wrong use: the message helps, points at the test's line, and shows no frame of the plugin."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
from helpers.pytest_suites import Run, run, write

WRONG = """
    import pytest

    def test_unknown_scenario(mockserver):
        mockserver.use("bussy-day")

    def test_unknown_fault(mockserver):
        mockserver.inject("latencyy", fixed_ms=1)

    def test_unknown_field_of_a_fault(mockserver):
        mockserver.inject("latency", fixed=1)

    def test_bad_moment(mockserver):
        mockserver.freeze("yesterday")

    def test_unknown_error(mockserver):
        mockserver.answer("query_room_info", error="room_missing")

    def test_unknown_operation(mockserver):
        mockserver.assert_called("query_rom_info")

    def test_unknown_reading(mockserver):
        mockserver.set_readings(windows="enter")

    def test_nobody_called(mockserver):
        mockserver.assert_no_violations()

    def test_not_called(mockserver):
        mockserver.assert_called("query_room_info", times=2)

    @pytest.mark.mockserver("document")
    def test_marker_with_a_bare_word(mockserver):
        pass

    @pytest.mark.mockserver(scenaro="document")
    def test_marker_misspelt(mockserver):
        pass

    @pytest.mark.mockserver(readings="window=enter")
    def test_marker_with_text_for_readings(mockserver):
        pass

    @pytest.mark.mockserver(scenario="documents")
    def test_marker_with_an_unknown_scenario(mockserver):
        pass

    @pytest.mark.mockserver(readings={"window": "enters"})
    def test_marker_with_a_bad_reading(mockserver):
        pass
"""
MESSAGES = {
    "test_unknown_scenario": "unknown scenario 'bussy-day'; did you mean busy-day?",
    "test_unknown_fault": "latency",
    "test_unknown_field_of_a_fault": "fixed",
    "test_bad_moment": "yesterday",
    "test_unknown_error": "room_missing",
    "test_unknown_operation": "unknown operation 'query_rom_info'; did you mean query_room_info?",
    "test_unknown_reading": "window",
    "test_nobody_called": "no request received: nothing was tested; does the client use this server's URL and this app's keys?",
    "test_not_called": "expected 2 requests to query_room_info, found 0 of 0 in the journal",
    "test_marker_with_a_bare_word": "takes scenario=NAME, readings={NAME: VALUE} and expect_violations=[NAME], not 'document'",
    "test_marker_misspelt": "takes scenario=NAME, readings={NAME: VALUE} and expect_violations=[NAME], not scenaro",
    "test_marker_with_text_for_readings": "takes scenario=NAME, readings={NAME: VALUE} and expect_violations=[NAME], not readings='window=enter'",
    "test_marker_with_an_unknown_scenario": "@pytest.mark.mockserver: unknown scenario 'documents'; did you mean document?",
    "test_marker_with_a_bad_reading": "@pytest.mark.mockserver: ",
}
ONE = """
    def test_one(mockserver):
        mockserver.use("document")

    def test_two(mockserver):
        mockserver.use("document")
"""


def shown_failures(done: Run) -> dict[str, str]:
    """Return what is shown for each test that did not pass."""
    before = re.split(r"^=+ (?:mockserver|short test summary)", done.output, flags=re.MULTILINE)[0]
    parts = re.split(r"^_+ (?:ERROR at \w+ of )?(\w+) _+$", before, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_wrong_use_is_shown_at_the_line_of_the_test(tmp_path: Path) -> None:
    """With what would be right, and without frames of the package."""
    write(tmp_path, {"test_wrong.py": WRONG})
    done = run(tmp_path)
    shown = shown_failures(done)
    assert shown.keys() == MESSAGES.keys()
    for name, text in MESSAGES.items():
        assert text in shown[name], shown[name]
        assert "mockserver/" not in shown[name], shown[name]
        assert "During handling" not in shown[name]
    assert done.outcomes == {"failed": 9, "error": 5}
    assert (done.code, done.section.strip()) == (1, "no request received")


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://127.0.0.1:{port}", "is it running there?"),
        ("127.0.0.1:{port}", "is it running there?"),
        ("somewhere", "not the URL of a mock server; expected http://HOST:PORT"),
        ("http://127.0.0.1:port", "not the URL of a mock server; expected http://HOST:PORT"),
        ("http://127.0.0.1:8080/__admin", "not the URL of a mock server; expected http://HOST:PORT"),
    ],
    ids=["nobody there", "no scheme", "a word", "no port", "a path"],
)
def test_a_url_without_a_server(tmp_path: Path, url: str, text: str) -> None:
    """Each test errs in one line, and the run ends without an internal error."""
    write(tmp_path, {"test_one.py": ONE})
    done = run(tmp_path, "--mockserver-url", url.format(port=free_port()), "--mockserver-report=report.txt")
    assert (done.code, done.outcomes) == (1, {"error": 2}), done.output
    assert all(text in shown and len(shown.strip().splitlines()) == 1 for shown in shown_failures(done).values()), (
        done.output
    )
    assert done.section.startswith("no report: ")
    assert "INTERNALERROR" not in done.output


@pytest.mark.parametrize(
    ("report", "text"),
    [
        ("missing/report.json", "there is no folder"),
        ("tests", "is a folder"),
        ("pytest.ini/x.html", "there is no folder"),
        ("r.pdf", "r.pdf must end in one of .json, .xml, .html, .md, .txt"),
    ],
)
def test_a_report_that_cannot_be_written_is_a_usage_error(tmp_path: Path, report: str, text: str) -> None:
    """Before any test runs."""
    write(tmp_path, {"test_one.py": ONE, "tests/empty.txt": ""})
    done = run(tmp_path, f"--mockserver-report={report}")
    assert (done.code, done.outcomes) == (4, {})
    assert "--mockserver-report: " in done.output
    assert text in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--mockserver-url=127.0.0.1:8080", "--mockserver-fixtures=mine"], "cannot be used with --mockserver-url"),
        (["--mockserver-min-coverage=101"], "'101' is not a number from 0 to 100"),
        (["--mockserver-lang=fr"], "--mockserver-lang: invalid choice: 'fr'"),
    ],
)
def test_invalid_options_are_a_usage_error(tmp_path: Path, options: list[str], text: str) -> None:
    """In one line, with exit code 4."""
    write(tmp_path, {"test_one.py": ONE})
    done = run(tmp_path, *options)
    assert (done.code, done.outcomes) == (4, {}), done.output
    assert text in done.output
    assert "Traceback" not in done.output
