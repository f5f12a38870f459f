"""The plugin beside others: frozen time, gevent, tests that run again, and fixtures and markers of the same name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.pytest_suites import run, write
from helpers.server_process import serving

STRICT = "--mockserver-fail-on-violations"
XDIST = ["-p", "xdist", "-n", "1"]
FROZEN = """
    import time
    import pytest
    from freezegun import freeze_time
    from helper import call
    from mockserver.contract.checksum import Credentials, sign

    def ask(mock):
        # As a client does: it signs with the time of its own process.
        query = sign(Credentials(mock.appkey, mock.appsecret, mock.restapikey), time.time())
        return call(mock, {"RoomId": "987654321"}, query)["ErrorCode"]

    @pytest.fixture
    def frozen():
        with freeze_time("2019-12-10T07:30:00"):
            yield

    @freeze_time("2019-12-10T07:30:00")
    def test_waits(mockserver):
        with pytest.raises(AssertionError, match="0 requests received within 0.05 s, expected 1"):
            mockserver.wait_for(1, timeout=0.05)
        mockserver.freeze(time.time())
        assert ask(mockserver) == 0
        mockserver.wait_for(1, timeout=20)
        mockserver.assert_no_violations()

    @freeze_time("2019-12-10T07:30:00")
    def test_in_a_decorator(mockserver):
        assert ask(mockserver) == 0

    @freeze_time("2019-12-10T07:30:00")
    def test_with_an_assertion_of_the_handle(mockserver):
        ask(mockserver)
        mockserver.assert_no_violations()

    def test_in_a_fixture(mockserver, frozen):
        assert ask(mockserver) == 0
"""
ADVICE = 'mockserver.freeze("2019-12-10T15:30:00+08:00")'


def shown_failures(output: str) -> dict[str, str]:
    """Return what is shown for each failed test."""
    parts = output.split("\n____")[1:]
    return {part.strip("_ ").split(" ")[0]: part.split("\n====")[0] for part in parts}


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_frozen_time_neither_stops_the_server_nor_hides_the_cause(tmp_path: Path, loop: str) -> None:
    """Waiting ends, and a failure names the frozen time and what to do, also once the time runs again."""
    conftest = "" if loop == "uvloop" else 'import sys\nsys.modules["uvloop"] = None\n'
    write(tmp_path, {"test_frozen.py": FROZEN, "conftest.py": conftest})
    done = run(tmp_path)
    assert (done.code, done.outcomes) == (1, {"failed": 3, "passed": 1}), done.output
    for name, shown in shown_failures(done.output).items():
        assert ADVICE in shown, name
        assert "NTP" not in shown, name
    assert "NTP" not in done.section


def test_a_server_in_another_process_is_told_apart_from_the_frozen_time(tmp_path: Path) -> None:
    """That server cannot know it; the failure does, or at least says that freezegun is loaded."""
    write(tmp_path, {"test_frozen.py": FROZEN})
    with serving() as server:
        done = run(tmp_path, "--mockserver-url", server.url)
    assert (done.code, done.outcomes) == (1, {"failed": 3, "passed": 1}), done.output
    shown = shown_failures(done.output)
    assert all(ADVICE in each for each in shown.values())
    known = "this process's time is frozen or moved, and the client signs with it"
    assert known in shown["test_in_a_fixture"]
    assert known in shown["test_with_an_assertion_of_the_handle"]
    assert "the test may have frozen or moved the time (freezegun is loaded)" in shown["test_in_a_decorator"]


GEVENT = "import gevent.monkey\n\ngevent.monkey.patch_all({})\n"
CALLS = """
    import gevent
    from helper import call

    def test_calls(mockserver):
        jobs = [gevent.spawn(call, mockserver, {"RoomId": "987654321"}) for _ in range(3)]
        assert [job.get()["ErrorCode"] for job in jobs] == [0, 0, 0]
        assert len(mockserver.wait_for(3)) == 3
"""


def test_threads_replaced_by_gevent_are_an_error_of_one_line(tmp_path: Path) -> None:
    """At once, with what to do; what the message advises works."""
    write(tmp_path, {"test_calls.py": CALLS, "conftest.py": GEVENT.format("")})
    refused = run(tmp_path, fresh=True)
    assert (refused.code, refused.outcomes) == (1, {"error": 1}), refused.output
    assert "mockserver: gevent: has replaced the threads of this process" in refused.output
    assert "Traceback" not in refused.output
    assert "thread=False, queue=False" in refused.output
    with serving() as server:
        remote = run(tmp_path, "--mockserver-url", server.url, fresh=True)
    assert (remote.code, remote.outcomes) == (0, {"passed": 1}), remote.output
    write(tmp_path, {"conftest.py": GEVENT.format("thread=False, queue=False")})
    threads = run(tmp_path, fresh=True)
    assert (threads.code, threads.outcomes) == (0, {"passed": 1}), threads.output


RERUN = """
    import os
    from pathlib import Path
    from helper import call

    RIGHT, WRONG = {"RoomId": "987654321"}, {"RoomId": "987654321", "Extra": 1}

    def attempt(name):
        path = Path(name)
        count = int(path.read_text()) if path.exists() else 0
        path.write_text(str(count + 1))
        return count

    def test_passes_at_last(mockserver):
        call(mockserver, WRONG if attempt("passes") < 2 else RIGHT)
        mockserver.assert_no_violations()

    def test_passes_but_violates(mockserver):
        count = attempt("violates")
        call(mockserver, RIGHT if count < 1 else WRONG)
        assert count == 1

    def test_once(mockserver):
        call(mockserver, RIGHT)
"""


@pytest.mark.parametrize("workers", [[], XDIST], ids=["alone", "xdist"])
def test_the_last_attempt_at_a_test_counts(tmp_path: Path, workers: list[str]) -> None:
    """A test that passed when it ran again does not fail the run, unless that attempt violates the contract."""
    write(tmp_path, {"test_rerun.py": RERUN})
    options = [*workers, "-p", "pytest_rerunfailures", "--reruns", "2", STRICT]
    passed = run(tmp_path, *options, "--mockserver-report=report.json", "-k", "at_last or once")
    assert (passed.code, passed.outcomes) == (0, {"passed": 2}), passed.output
    assert "\n2 attempts of tests that were rerun: this report includes only the last attempt\n" in passed.section
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["requests"], report["apps"], report["violations"]) == (2, 2, [])
    failed = run(tmp_path, *options, "-k", "violates")
    assert (failed.code, failed.outcomes) == (1, {"passed": 1}), failed.output
    assert "failed: 1 violation of the contract" in failed.section


def test_the_last_attempt_counts_on_a_running_server(tmp_path: Path) -> None:
    """Its journal keeps the other attempts, but the report leaves them out."""
    write(tmp_path, {"test_rerun.py": RERUN})
    with serving() as server:
        done = run(
            tmp_path, "-p", "pytest_rerunfailures", "--reruns=2", STRICT, "-k", "at_last", "--mockserver-url", server.url
        )  # fmt: skip
    assert (done.code, done.outcomes) == (0, {"passed": 1}), done.output
    assert "Contract report: 1 request (apps: 1): 1 accepted" in done.section


OTHER = """
    import pytest

    def pytest_configure(config):
        config.addinivalue_line("markers", "mockserver(port): the port of the other server")

    @pytest.fixture
    def mockserver():
        return "the other one"
"""
USES = """
    import pytest

    @pytest.mark.mockserver
    def test_it(mockserver):
        pass
"""
BUILDS = """
    import pytest

    @pytest.fixture
    def mockserver(mockserver):
        mockserver.use("empty")
        return mockserver
"""
REPLACED = "PytestConfigWarning: mockserver: the fixture 'mockserver' of {} replaces the mockserver plugin's: rename"
DECLARED = "the marker 'mockserver' is declared twice, also as 'mockserver(port): the port of the other server'"
LOOSE = "[pytest]\n"


@pytest.mark.parametrize("workers", [[], XDIST], ids=["alone", "xdist"])
def test_a_name_that_a_conftest_takes_is_reported(tmp_path: Path, workers: list[str]) -> None:
    """Fixture and marker, with the place and what to do; with warnings as errors it is an error of one line."""
    write(tmp_path, {"conftest.py": OTHER, "test_it.py": USES, "pytest.ini": LOOSE})
    done = run(tmp_path, *workers)
    assert (done.code, done.outcomes) == (0, {"passed": 1}), done.output
    assert REPLACED.format(tmp_path / "conftest.py:7") in done.output
    assert DECLARED in done.output
    strict = run(tmp_path, "-W", "error", *workers)
    assert (strict.code, strict.outcomes) == (1, {"error": 1}), strict.output
    assert REPLACED.format(tmp_path / "conftest.py:7").partition(": ")[2] in strict.output
    assert "Traceback" not in strict.output


def test_a_name_that_another_plugin_takes_is_reported(tmp_path: Path) -> None:
    """Whichever of the two is loaded first."""
    write(tmp_path, {"other.py": OTHER, "test_it.py": USES, "pytest.ini": LOOSE})
    first = run(tmp_path, "-p", "other", PYTHONPATH=".")
    assert (
        f"mockserver: the mockserver plugin's fixture 'mockserver' replaces the one of {tmp_path}/other.py:7: rename"
        in first.output
    )
    assert DECLARED in first.output
    write(tmp_path, {"conftest.py": 'pytest_plugins = ["other"]', "pytest.ini": LOOSE})
    late = run(tmp_path)
    assert REPLACED.format(tmp_path / "other.py:7") in late.output


def test_a_fixture_that_builds_on_the_plugins_is_no_conflict(tmp_path: Path) -> None:
    """Nor is a marker that the configuration file declares, nor a fixture that no test uses."""
    write(tmp_path, {
        "pytest.ini": "[pytest]\nfilterwarnings = error\nmarkers =\n    mockserver: tests with the mock server\n",
        "conftest.py": BUILDS,
        "test_it.py": USES,
        "other/conftest.py": OTHER.partition("    @pytest.fixture")[0],
        "other/test_nothing.py": "def test_nothing():\n    pass\n",
    })  # fmt: skip
    done = run(tmp_path, "test_it.py")
    assert (done.code, done.outcomes) == (0, {"passed": 1}), done.output
