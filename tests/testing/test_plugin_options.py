"""The plugin's options: a running server, reports in five formats, and what fails a run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from helpers.pytest_suites import Run, run, write
from helpers.server_process import serving

MIXED = """
    import os
    from helper import call

    def test_right(mockserver):
        assert call(mockserver, {"RoomId": "987654321"})["ErrorCode"] == 0

    def test_wrong(mockserver):
        assert call(mockserver, {"RoomId": "987654321", "Extra": "<b>"})["ErrorCode"] == 1205

    def test_without():
        pass
"""
SPREAD = """
    import os
    import pytest
    from helper import call

    @pytest.mark.parametrize("number", range(6))
    def test_each(mockserver, number):
        body = {"RoomId": f"room-{number}"} if number else {"RoomId": "987654321", "Extra": 1}
        call(mockserver, body)
        mockserver.assert_called("query_room_info", times=1)
        with open(os.environ["PYTEST_XDIST_WORKER"], "w"):
            pass
"""
STRICT, REPORT = "--mockserver-fail-on-violations", "--mockserver-report"


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A suite with a valid request and an invalid one."""
    write(tmp_path, {"test_mixed.py": MIXED})
    return tmp_path


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    """The URL of a server with an admin token."""
    with serving("--admin-token", "canary-token-7") as server:
        yield server.url


def test_violations_fail_the_run_only_with_the_option(mixed: Path) -> None:
    """The exit code is 1 with it and 0 without; the section is printed both times."""
    plain, strict = run(mixed), run(mixed, STRICT)
    assert [(done.code, done.outcomes) for done in (plain, strict)] == [(0, {"passed": 3}), (1, {"passed": 3})]
    for done in (plain, strict):
        assert "Contract report: 2 requests (apps: 2): 1 accepted, 1 refused" in done.section
        assert "1 × unknown_field body:/Extra" in done.section
    assert "failed: 1 violation of the contract" in strict.section
    assert "failed" not in plain.section
    note = "Violations do not fail this run; use --mockserver-fail-on-violations to make them fail it."
    assert (note in plain.section, note in strict.section) == (True, False)
    assert "FAILED" not in plain.output
    assert "= short test summary info =" in strict.output
    loud = run(mixed, STRICT, "-v")
    assert "=\nFAILED mockserver - 1 violation of the contract\n" in loud.output
    assert "\nFAILED mockserver - 1 violation of the contract\n3 passed" in strict.output


def check_report(form: str, path: Path) -> None:
    """Check the content of a report file in its format."""
    text = path.read_text(encoding="utf-8")
    if form == "json":
        report = json.loads(text)
        assert (report["requests"], report["accepted"], report["apps"]) == (2, 1, 2)
        assert [each["name"] for each in report["violations"]] == ["unknown_field"]
    elif form == "xml":
        report = ElementTree.fromstring(text.encode())
        assert any("unknown_field body:/Extra" in (each.text or "") for each in report.iter("system-out"))
        assert report.get("failures") == "0"
    elif form == "HTML":
        assert text.lstrip().lower().startswith("<!doctype html>")
        # Browsers may break a long name at its underscores.
        assert "unknown_field" in text.replace("<wbr>", "")
    elif form == "md":
        assert text.startswith("## Contract report\n\n2 requests ")
    else:
        assert text.startswith("Contract report: 2 requests")


@pytest.mark.parametrize("form", ["json", "xml", "HTML", "md", "txt"])
def test_a_report_has_the_format_of_its_suffix(mixed: Path, guarded: str, form: str) -> None:
    """It is written to the folder of the call, and named in the section."""
    name = f"report.{form}"
    done = run(mixed, f"{REPORT}={name}", "--mockserver-url", guarded, MOCKSERVER_ADMIN_TOKEN="canary-token-7")
    assert (done.code, done.outcomes) == (0, {"passed": 3}), done.output
    assert f"report written to {name}" in done.section
    check_report(form, mixed / name)
    assert "canary-token-7" not in done.output + (mixed / name).read_text(encoding="utf-8")


def test_a_server_with_a_token_needs_it(mixed: Path, guarded: str) -> None:
    """Without it, or with another, each test errs in one line."""
    assert run(mixed, "--mockserver-url", guarded, "--mockserver-token", "canary-token-7", STRICT).code == 1
    for options in ([], ["--mockserver-token", "another"]):
        done = run(mixed, "--mockserver-url", guarded + "/", *options)
        assert (done.code, done.outcomes) == (1, {"passed": 1, "error": 2}), done.output
        assert "--mockserver-url: " in done.output
        assert "the server requires its admin token: set MOCKSERVER_ADMIN_TOKEN" in done.output
        assert "mockserver/client.py" not in done.output
        assert done.section == ""


def test_a_report_covers_only_the_requests_of_its_run(mixed: Path) -> None:
    """On a shared server a second run does not see the first; no app is left behind."""
    with serving() as server:
        first = run(mixed, STRICT, "--mockserver-url", server.url)
        second = run(mixed, STRICT, "--mockserver-url", server.url, "-k", "right", f"{REPORT}=second.json")
        assert (first.code, second.code) == (1, 0), second.output
        assert json.loads((mixed / "second.json").read_text())["requests"] == 1


STRANGERS = """
    import pytest
    from helper import call

    def test_an_unknown_appkey(mockserver):
        assert call(mockserver, {"RoomId": "987654321"}, mockserver.sign().replace("appkey=9", "appkey=x"))["ErrorCode"] == 1102

    def test_none(mockserver):
        call(mockserver, {"RoomId": "987654321"}, "seq=1")
"""


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "2"]], ids=["alone", "xdist"])
def test_unregistered_requests_fail_a_strict_run(tmp_path: Path, workers: list[str]) -> None:
    """On the run's own server, and on a running one those since the run began."""
    write(tmp_path, {"test_strangers.py": STRANGERS})
    own = run(tmp_path, STRICT, *workers)
    with serving() as server:
        first = run(tmp_path, STRICT, *workers, "--mockserver-url", server.url, f"{REPORT}=first.json")
        second = run(tmp_path, STRICT, "--mockserver-url", server.url, "-k", "none", f"{REPORT}=second.json")
    for done in (own, first):
        assert (done.code, done.outcomes) == (1, {"passed": 2}), done.output
        assert "1 × unknown_appkey query:appkey" in done.section
        assert "2 of them named no registered app" in done.section
    note = "requests named no registered app since the run began; the report includes them, regardless of the sender"
    assert f"2 {note}" in first.section
    assert note not in own.section
    reports = [json.loads((tmp_path / name).read_text()) for name in ("first.json", "second.json")]
    assert [(report["requests"], report["unnamed"], report["apps"]) for report in reports] == [(2, 2, 0), (1, 1, 0)]
    assert second.code == 1


def test_a_server_that_disappears_fails_the_test_that_uses_it(tmp_path: Path) -> None:
    """At the line of the test, with one line instead of the report."""
    test = """
        import os
        import signal
        import time
        import pytest

        def test_it(mockserver):
            os.kill(int(os.environ["SERVER"]), signal.SIGKILL)
            for _ in range(1000):
                mockserver.requests
    """
    write(tmp_path, {"test_it.py": test})
    with serving() as server:
        done = run(tmp_path, "--mockserver-url", server.url, f"{REPORT}=report.json", SERVER=str(server.process.pid))
    assert (done.code, done.outcomes) == (1, {"failed": 1, "error": 1}), done.output
    assert done.output.count("is it running there?") >= 3
    assert "INTERNALERROR" not in done.output
    assert done.section.startswith("no report: ")
    assert not (tmp_path / "report.json").exists()


@pytest.mark.parametrize("options", [[STRICT], [f"{REPORT}=report.json"]], ids=["strict", "report"])
def test_a_run_without_a_request_fails_under_any_criterion(mixed: Path, options: list[str]) -> None:
    """A run that only collects does not fail and writes nothing."""
    done = run(mixed, "-k", "without", *options)
    assert (done.code, done.outcomes) == (1, {"passed": 1})
    assert "failed: no request received: nothing was tested" in done.section
    (mixed / "report.json").unlink(missing_ok=True)
    looked = run(mixed, "--collect-only", *options)
    assert (looked.code, looked.section) == (0, "")
    assert not (mixed / "report.json").exists()
    assert run(mixed, "-k", "without").section == ""


def run_on_two_workers(folder: Path, *options: str) -> Run:
    """Run the suite on two workers that both get tests."""
    write(folder, {"test_spread.py": SPREAD})
    done = run(folder, "-p", "xdist", "-n", "2", *options)
    assert {"gw0", "gw1"} <= {path.name for path in folder.iterdir()}, done.output
    return done


def test_workers_of_xdist_make_one_report(tmp_path: Path) -> None:
    """The entries of all workers are merged, checked and written once."""
    done = run_on_two_workers(tmp_path, STRICT, f"{REPORT}=report.json")
    assert (done.code, done.outcomes) == (1, {"passed": 6}), done.output
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["requests"], report["apps"]) == (6, 6)
    assert [each["name"] for each in report["violations"]] == ["unknown_field"]
    assert done.output.count("Contract report: 6 requests") == 1


def test_request_ids_of_a_merged_report_are_unique(tmp_path: Path) -> None:
    """The worker's name precedes the number."""
    test = """
        import os
        import pytest
        from helper import call

        @pytest.mark.parametrize("number", range(6))
        def test_each(mockserver, number):
            call(mockserver, {"RoomId": "987654321", f"Extra{number}": 1})
            with open(os.environ["PYTEST_XDIST_WORKER"], "w"):
                pass
    """
    write(tmp_path, {"test_each.py": test})
    run(tmp_path, "-p", "xdist", "-n", "2", f"{REPORT}=report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    ids = [each for group in report["violations"] for each in group["requests"]]
    assert len(ids) == len(set(ids)) == 6
    assert {each.partition("-")[0] for each in ids} == {"gw0", "gw1"}
    tests = {test for group in report["violations"] for test in group["tests"]}
    assert tests == {f"test_each.py::test_each[{number}]" for number in range(6)}


def test_workers_of_xdist_share_a_running_server(tmp_path: Path, guarded: str) -> None:
    """The controller requests the report on the apps of all workers."""
    done = run_on_two_workers(tmp_path, "--mockserver-url", guarded, "--mockserver-token", "canary-token-7")
    assert (done.code, done.outcomes) == (0, {"passed": 6}), done.output
    assert "Contract report: 6 requests (apps: 6)" in done.section
