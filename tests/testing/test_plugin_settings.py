"""The settings of the session's server: options, the environment and `pytest.ini`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.pytest_suites import STRICT as INI
from helpers.pytest_suites import run, write
from helpers.server_process import serving

from mockserver.core.folders import Folders

MINE = """
    title: Mine
    title_zh: 自有
    description: My own.
    description_zh: 自有场景。
    extends: default
    answers:
      - on: query_room_info
        sequence: [{error: server_busy}, {world: true}]
"""
ASKS = """
    import os
    import pytest
    from helper import call

    @pytest.mark.parametrize("number", range(4))
    def test_it(mockserver, number):
        mockserver.use("mine")
        assert call(mockserver, {"RoomId": "987654321"})["ErrorInfo"].startswith("服务器")
        call(mockserver, {"RoomId": "987654321"})
        with open(os.environ.get("PYTEST_XDIST_WORKER", "alone"), "w"):
            pass
"""
BEHAVES = """
    import json
    import urllib.request
    from helper import call

    def test_it(mockserver, mockserver_admin):
        assert mockserver_admin.get("scenario", appkey=mockserver.appkey) == {"name": "empty"}
        assert mockserver_admin.get("clock", appkey=mockserver.appkey)["now"] == 1575963000
        rows = {row["name"]: row["value"] for row in mockserver_admin.get("readings", appkey=mockserver.appkey)["readings"]}
        assert (rows["unknown_room"], rows["strictness"]) == ("empty", "lenient")
        assert [each["fault"] for each in mockserver_admin.get("faults", appkey=mockserver.appkey)["faults"]] == ["latency"]
        request = urllib.request.Request(mockserver.signed_url("query_room_info"), b'{"RoomId": "1"}', {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            assert not [name for name in answer.headers if name.startswith("X-Mock")]
            assert json.loads(answer.read())["Users"] == []
        mockserver.assert_called(times=1)
"""
OTHERS = {
    "MOCKSERVER_SCENARIO": "empty",
    "MOCKSERVER_NOW": "1575963000",
    "MOCKSERVER_SEED": "7",
    "MOCKSERVER_READING": "unknown_room=empty",
    "MOCKSERVER_STRICTNESS": "lenient",
    "MOCKSERVER_FAULT": "latency;fixed_ms=1",
    "MOCKSERVER_ANSWER_HEADERS": "off",
    "MOCKSERVER_JOURNAL_SIZE": "5",
}
ELSEWHERE = {
    "MOCKSERVER_HOST": "0.0.0.0",
    "MOCKSERVER_PORT": "1",
    "MOCKSERVER_READY_FILE": "/nowhere/ready.json",
    "MOCKSERVER_RELOAD": "yes",
    "MOCKSERVER_TLS_KEY": "key.pem",
    "MOCKSERVER_LOG_FORMAT": "json",
}
"""Where a server listens and who may ask it is no business of a test run."""


def write_own_files(folder: Path) -> None:
    """Write a suite with a folder `mine`: a scenario and a retry rule that no shipped file has."""
    rules = Folders().fixture("retries.yaml").read_text(encoding="utf-8")
    waits = rules.replace("seconds: 1\n", "seconds: 77\n").replace("seconds: 1,", "seconds: 77,")
    waits = waits.replace("seconds: 1}", "seconds: 77}")
    assert waits != rules
    write(folder, {"test_asks.py": ASKS, "mine/scenarios/mine.yaml": MINE, "mine/retries.yaml": waits})


@pytest.mark.parametrize(
    ("way", "workers"),
    [("option", []), ("environment", []), ("ini", []), ("ini", ["-p", "xdist", "-n", "1"])],
    ids=["option", "environment", "ini", "ini-xdist"],
)
def test_the_users_files_and_language_are_used(tmp_path: Path, way: str, workers: list[str]) -> None:
    """For the answers, ErrorInfo, the report and the retry rules."""
    write_own_files(tmp_path)
    options, environ = list(workers), {}
    if way == "option":
        options += ["--mockserver-fixtures=mine", "--mockserver-lang=zh"]
        environ = {"MOCKSERVER_FIXTURES": "nowhere", "MOCKSERVER_LANG": "en"}
    elif way == "environment":
        environ = {"MOCKSERVER_FIXTURES": "mine", "MOCKSERVER_LANG": "zh"}
    else:
        ini = INI + "mockserver_fixtures = mine\nmockserver_lang = zh\n"
        write(tmp_path, {"pytest.ini": ini})
    done = run(tmp_path, *options, "--mockserver-report=report.json", "--mockserver-report=report.txt", **environ)
    assert (done.code, done.outcomes) == (0, {"passed": 4}), done.output
    assert "    ! server_busy 之后，客户端 4 次未等满 77 秒就重试 [too_soon] (" in done.section
    assert "违规不影响本次结果；如需判为失败，请加 --mockserver-fail-on-violations" in done.section
    assert "报告已写入 report.json\n报告已写入 report.txt\n" in done.section
    assert json.loads((tmp_path / "report.json").read_text())["requests"] == 8
    assert (tmp_path / "report.txt").read_text(encoding="utf-8").startswith("契约测试报告")


def test_settings_from_the_environment_are_used(tmp_path: Path) -> None:
    """Those on answers, as in `serve`; those on the address are ignored."""
    write(tmp_path, {"test_it.py": BEHAVES})
    done = run(tmp_path, **OTHERS, **ELSEWHERE)
    assert (done.code, done.outcomes) == (0, {"passed": 1}), done.output


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"MOCKSERVER_FIXTURES": "nowhere"}, "there is no such folder"),
        ({"MOCKSERVER_LANG": "fr"}, "'fr' is none of en, zh"),
        ({"MOCKSERVER_SCENARIO": "emtpy", "MOCKSERVER_LANG": "zh"}, "是否为 empty"),
    ],
)
def test_an_invalid_setting_is_an_error_of_one_line(tmp_path: Path, environ: dict[str, str], text: str) -> None:
    """At each test that uses the server, without a traceback."""
    write(tmp_path, {"test_it.py": "def test_it(mockserver):\n    pass\n"})
    done = run(tmp_path, **environ)
    assert (done.code, done.outcomes) == (1, {"error": 1}), done.output
    assert text in done.output
    assert "Traceback" not in done.output
    assert "mockserver/" not in done.output


WRONG = """
    from helper import call

    def test_it(mockserver):
        call(mockserver, {"RoomId": "987654321", "Extra": 1})
"""


def test_the_verbosity_controls_how_much_is_printed(tmp_path: Path) -> None:
    """All with -v; with -qq only the result, in a line that names the plugin."""
    write(tmp_path, {"test_it.py": WRONG})
    brief, whole, curt = run(tmp_path), run(tmp_path, "-vv"), run(tmp_path, "-q", "--mockserver-report=r.txt")
    note = "Violations do not fail this run; use --mockserver-fail-on-violations to make them fail it."
    assert "\nCoverage: " in brief.section
    assert "§2.2 query_room_info: 1 request" in whole.section
    assert "§2.2 query_room_info" not in brief.section
    assert len(brief.section.splitlines()) < 15
    assert curt.section == ""
    assert f"mockserver: {note}\n" in curt.output
    assert curt.output.count("mockserver") == 2
    assert "§2.2 query_room_info: 1 request" in (tmp_path / "r.txt").read_text(encoding="utf-8")
    for report in (brief.section, whole.section):
        assert f"\n\n{note}\n" in report
        assert "1 × unknown_field body:/Extra" in report


def test_too_little_coverage_fails_the_run(tmp_path: Path) -> None:
    """The short summary says so; without a request the coverage is too low."""
    right = WRONG.replace(', "Extra": 1', "")
    write(tmp_path, {"test_it.py": right, "test_other.py": "def test_nothing():\n    pass\n"})
    little, enough = (run(tmp_path, f"--mockserver-min-coverage={each}") for each in ("50", "0.5"))
    nothing = run(tmp_path, "--mockserver-min-coverage=0", "test_other.py")
    assert (little.code, enough.code, nothing.code) == (1, 0, 1)
    assert little.outcomes == {"passed": 2}
    assert " %, required 50 %\n2 passed" in little.output
    assert "FAILED mockserver - coverage is " in little.output
    assert "FAILED mockserver - no request received: nothing was tested" in nothing.output


def test_a_missing_expected_violation_is_shown_once(tmp_path: Path) -> None:
    """Without the exception behind it, in the same summary as other failures."""
    test = """
        import pytest
        from helper import call

        @pytest.mark.mockserver(expect_violations=["seq_reused"])
        def test_it(mockserver):
            call(mockserver, {"RoomId": "987654321", "Extra": 1})
    """
    write(tmp_path, {"test_it.py": test})
    done = run(tmp_path, "--mockserver-fail-on-violations")
    assert (done.code, done.outcomes) == (1, {"failed": 1})
    before = done.output.partition("= mockserver =")[0]
    assert before.count("expected seq_reused, which did not occur in this test") == 1
    assert "During handling" not in done.output
    assert done.output.count("short test summary info") == 1
    assert "\nFAILED mockserver - 1 violation of the contract\n1 failed" in done.output


def test_an_https_server_is_used_with_its_ca(tmp_path: Path) -> None:
    """From the option or the environment; without it the certificate is not trusted."""
    write(tmp_path, {"test_it.py": "def test_it(mockserver):\n    mockserver.use('empty')\n"})
    with serving("--tls") as server:
        ca = server.line.rpartition("CA file ")[2].strip().rstrip(")")
        given = run(tmp_path, "--mockserver-url", server.url, "--mockserver-ca", ca)
        there = run(tmp_path, "--mockserver-url", server.url, MOCKSERVER_CA=ca)
        without = run(tmp_path, "--mockserver-url", server.url)
    assert (given.code, there.code, without.code) == (0, 0, 1), given.output
    assert "its certificate is not trusted" in without.output


def test_host_and_port_are_accepted_as_url(tmp_path: Path) -> None:
    """As in the commands."""
    write(tmp_path, {"test_it.py": WRONG})
    with serving() as server:
        done = run(tmp_path, "--mockserver-url", server.url.removeprefix("http://"))
    assert (done.code, done.outcomes) == (0, {"passed": 1}), done.output
    assert "use --mockserver-fail-on-violations to make them fail it." in done.section
