"""The options of the plugin: a server that runs already, reports in four forms, and what fails a run."""

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
    from helper import ask

    def test_right(mockserver):
        assert ask(mockserver, {"RoomId": "987654321"})["ErrorCode"] == 0

    def test_wrong(mockserver):
        assert ask(mockserver, {"RoomId": "987654321", "Extra": "<b>"})["ErrorCode"] == 1205

    def test_without():
        pass
"""
SPREAD = """
    import os
    import pytest
    from helper import ask

    @pytest.mark.parametrize("number", range(6))
    def test_each(mockserver, number):
        body = {"RoomId": f"room-{number}"} if number else {"RoomId": "987654321", "Extra": 1}
        ask(mockserver, body)
        mockserver.assert_called("query_room_info", times=1)
        with open(os.environ["PYTEST_XDIST_WORKER"], "w"):
            pass
"""
STRICT, REPORT = "--mockserver-fail-on-violations", "--mockserver-report"


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A suite with a request that is right and one that is not."""
    write(tmp_path, {"test_mixed.py": MIXED})
    return tmp_path


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    """The URL of a server that asks for a token."""
    with serving("--admin-token", "canary-token-7") as one:
        yield one.url


def test_violations_are_told_and_fail_the_run_only_when_asked(mixed: Path) -> None:
    """All tests pass: without the option the exit code is 0, with it 1; the section is there both times."""
    plain, strict = run(mixed), run(mixed, STRICT)
    assert [(one.code, one.outcomes) for one in (plain, strict)] == [(0, {"passed": 3}), (1, {"passed": 3})]
    for one in (plain, strict):
        assert "Contract report: 2 requests (apps: 2): 1 accepted, 1 refused" in one.section
        assert "1 × unknown_field body:/Extra" in one.section
    assert "failed: 1 violation of the contract" in strict.section
    assert "failed" not in plain.section
    word = "Violations do not fail this run; --mockserver-fail-on-violations makes them."
    assert (word in plain.section, word in strict.section) == (True, False)
    assert "FAILED" not in plain.output
    assert "= short test summary info =" in strict.output
    loud = run(mixed, STRICT, "-v")
    assert "=\nFAILED mockserver - 1 violation of the contract\n" in loud.output
    assert "\nFAILED mockserver - 1 violation of the contract\n3 passed" in strict.output


def checked(form: str, path: Path) -> None:
    """A report file holds what happened, in the form of its suffix."""
    text = path.read_text(encoding="utf-8")
    if form == "json":
        report = json.loads(text)
        assert (report["requests"], report["accepted"], report["apps"]) == (2, 1, 2)
        assert [one["name"] for one in report["violations"]] == ["unknown_field"]
    elif form == "xml":
        told = ElementTree.fromstring(text.encode())
        assert any("unknown_field body:/Extra" in (one.text or "") for one in told.iter("system-out"))
        assert told.get("failures") == "0"
    elif form == "HTML":
        assert text.lstrip().lower().startswith("<!doctype html>")
        assert "unknown_field" in text
    else:
        assert text.startswith("Contract report: 2 requests")


@pytest.mark.parametrize("form", ["json", "xml", "HTML", "txt"])
def test_a_report_takes_the_form_of_its_suffix(mixed: Path, guarded: str, form: str) -> None:
    """Written where the run was started, by the server that was seen, and named in the section."""
    name = f"told.{form}"
    done = run(
        mixed, f"{REPORT}={name}", "--mockserver-url", guarded, MOCKSERVER_ADMIN_TOKEN="canary-token-7"
    )
    assert (done.code, done.outcomes) == (0, {"passed": 3}), done.output
    assert f"report written to {name}" in done.section
    checked(form, mixed / name)
    assert "canary-token-7" not in done.output + (mixed / name).read_text(encoding="utf-8")


def test_a_server_that_wants_a_token_says_so(mixed: Path, guarded: str) -> None:
    """With `--mockserver-token` everything works; without it, or with another, each test errs in one line."""
    assert run(mixed, "--mockserver-url", guarded, "--mockserver-token", "canary-token-7", STRICT).code == 1
    for options in ([], ["--mockserver-token", "another"]):
        done = run(mixed, "--mockserver-url", guarded + "/", *options)
        assert (done.code, done.outcomes) == (1, {"passed": 1, "error": 2}), done.output
        assert "--mockserver-url: " in done.output
        assert "send Authorization: Bearer TOKEN" in done.output
        assert "mockserver/client.py" not in done.output
        assert done.section == ""


def test_only_the_runs_own_requests_are_reported(mixed: Path) -> None:
    """On a server that others use, too, a second run knows nothing of the first; the fixture leaves no app there."""
    with serving() as one:
        first = run(mixed, STRICT, "--mockserver-url", one.url)
        second = run(mixed, STRICT, "--mockserver-url", one.url, "-k", "right", f"{REPORT}=second.json")
        assert (first.code, second.code) == (1, 0), second.output
        assert json.loads((mixed / "second.json").read_text())["requests"] == 1


STRANGERS = """
    import pytest
    from helper import ask

    def test_an_unknown_appkey(mockserver):
        assert ask(mockserver, {"RoomId": "987654321"}, mockserver.sign().replace("appkey=9", "appkey=x"))["ErrorCode"] == 1102

    def test_none(mockserver):
        ask(mockserver, {"RoomId": "987654321"}, "seq=1")
"""


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "2"]], ids=["alone", "xdist"])
def test_requests_of_no_registered_app_fail_a_strict_run(tmp_path: Path, workers: list[str]) -> None:
    """On the run's own server, and on one that runs already: there only those since the run began, and it says so."""
    write(tmp_path, {"test_strangers.py": STRANGERS})
    own = run(tmp_path, STRICT, *workers)
    with serving() as one:
        first = run(tmp_path, STRICT, *workers, "--mockserver-url", one.url, f"{REPORT}=first.json")
        second = run(tmp_path, STRICT, "--mockserver-url", one.url, "-k", "none", f"{REPORT}=second.json")
    for done in (own, first):
        assert (done.code, done.outcomes) == (1, {"passed": 2}), done.output
        assert "1 × unknown_appkey query:appkey" in done.section
        assert "2 of them named no registered app" in done.section
    word = "requests named no registered app since the run began; the report includes them, whoever sent them"
    assert f"2 {word}" in first.section
    assert word not in own.section
    told = [json.loads((tmp_path / name).read_text()) for name in ("first.json", "second.json")]
    assert [(one["requests"], one["unnamed"], one["apps"]) for one in told] == [(2, 2, 0), (1, 1, 0)]
    assert second.code == 1


def test_a_server_that_goes_away_is_told(tmp_path: Path) -> None:
    """The test that loses it fails at its own line; the report is missed in one line, and nothing else breaks."""
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
    with serving() as one:
        done = run(tmp_path, "--mockserver-url", one.url, f"{REPORT}=told.json", SERVER=str(one.process.pid))
    assert (done.code, done.outcomes) == (1, {"failed": 1, "error": 1}), done.output
    assert done.output.count("is it running there?") >= 3
    assert "INTERNALERROR" not in done.output
    assert done.section.startswith("there is no report: ")
    assert not (tmp_path / "told.json").exists()


@pytest.mark.parametrize("options", [[STRICT], [f"{REPORT}=told.json"]], ids=["strict", "report"])
def test_a_run_without_a_request_fails_when_it_is_judged(mixed: Path, options: list[str]) -> None:
    """Nothing tested is no success; a run that only collects is not judged and writes nothing."""
    done = run(mixed, "-k", "without", *options)
    assert (done.code, done.outcomes) == (1, {"passed": 1})
    assert "failed: no request received: nothing was tested" in done.section
    (mixed / "told.json").unlink(missing_ok=True)
    looked = run(mixed, "--collect-only", *options)
    assert (looked.code, looked.section) == (0, "")
    assert not (mixed / "told.json").exists()
    assert run(mixed, "-k", "without").section == ""


def spread(folder: Path, *options: str) -> Run:
    """A run over two workers, each of which had a part of the tests."""
    write(folder, {"test_spread.py": SPREAD})
    done = run(folder, "-p", "xdist", "-n", "2", *options)
    assert {"gw0", "gw1"} <= {path.name for path in folder.iterdir()}, done.output
    return done


def test_workers_of_xdist_make_one_report(tmp_path: Path) -> None:
    """What each worker's server saw is joined, judged and written once."""
    done = spread(tmp_path, STRICT, f"{REPORT}=told.json")
    assert (done.code, done.outcomes) == (1, {"passed": 6}), done.output
    report = json.loads((tmp_path / "told.json").read_text())
    assert (report["requests"], report["apps"]) == (6, 6)
    assert [one["name"] for one in report["violations"]] == ["unknown_field"]
    assert done.output.count("Contract report: 6 requests") == 1


def test_no_two_requests_of_a_joined_report_have_one_id(tmp_path: Path) -> None:
    """Each worker's server counts from one; its name before the number tells them apart."""
    test = """
        import os
        import pytest
        from helper import ask

        @pytest.mark.parametrize("number", range(6))
        def test_each(mockserver, number):
            ask(mockserver, {"RoomId": "987654321", f"Extra{number}": 1})
            with open(os.environ["PYTEST_XDIST_WORKER"], "w"):
                pass
    """
    write(tmp_path, {"test_each.py": test})
    run(tmp_path, "-p", "xdist", "-n", "2", f"{REPORT}=told.json")
    told = json.loads((tmp_path / "told.json").read_text())
    ids = [one for group in told["violations"] for one in group["requests"]]
    assert len(ids) == len(set(ids)) == 6
    assert {one.partition("-")[0] for one in ids} == {"gw0", "gw1"}
    tests = {test for group in told["violations"] for test in group["tests"]}
    assert tests == {f"test_each.py::test_each[{number}]" for number in range(6)}


def test_workers_of_xdist_share_a_server_that_runs_already(tmp_path: Path, guarded: str) -> None:
    """The controller asks that server about the apps of all workers."""
    done = spread(tmp_path, "--mockserver-url", guarded, "--mockserver-token", "canary-token-7")
    assert (done.code, done.outcomes) == (0, {"passed": 6}), done.output
    assert "Contract report: 6 requests (apps: 6)" in done.section
