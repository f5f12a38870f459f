"""`mockserver report`: four formats, on a terminal or in a file, and exit codes for CI."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from helpers.shell import run

from mockserver import MockServer
from mockserver.cli import cli
from mockserver.core.errors import ConfigurationError
from mockserver.testing.admin_client import AdminClient
from mockserver.testing.app import MockApp

TOKEN = "canary-token"
Report = Callable[..., Result]


def send(mock: MockApp, body: str) -> None:
    """Send one signed call, whatever its answer."""
    url = mock.signed_url("query_room_info")
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        answer.read()


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    """A server that requires a token."""
    with MockServer(admin_token=TOKEN) as made:
        yield made


@pytest.fixture(scope="module")
def apps(server: MockServer) -> dict[str, str]:
    """The appkeys of a good client, a bad one, and one that never called."""
    admin = AdminClient(server.url, TOKEN)
    made = {name: MockApp.fresh(admin) for name in ("good", "bad", "silent")}
    send(made["good"], '{"RoomId": "987654321"}')
    send(made["bad"], '{"RoomId": "987654321", "<b>": 1}')
    return {name: app.appkey for name, app in made.items()}


@pytest.fixture
def report(server: MockServer, apps: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Report:
    """Run the command on that server; `about` names the apps."""
    monkeypatch.setenv("MOCKSERVER_URL", server.url)
    monkeypatch.setenv("MOCKSERVER_ADMIN_TOKEN", TOKEN)

    def runs(*options: str, about: str = "") -> Result:
        chosen = [word for name in about.split() for word in ("--appkey", apps[name])]
        return CliRunner().invoke(cli, ["report", *chosen, *options])

    return runs


def test_the_formats(report: Report) -> None:
    """Text, JSON, JUnit XML and a self-contained page, each about all apps unless some are named."""
    text = report()
    assert (text.exit_code, text.stderr) == (0, "")
    assert text.stdout.startswith("Contract report: 2 requests (apps: 2): 1 accepted, 1 refused\n")
    report_json = json.loads(report("--format", "json").stdout)
    assert (report_json["requests"], report_json["complaints"], report_json["violations"][0]["name"]) == (
        2,
        [],
        "unknown_field",
    )
    root = ElementTree.fromstring(report("--format", "junit").stdout.encode())
    assert (root.tag, root.get("failures")) == ("testsuites", "0")
    strict = report("--format", "junit", "--fail-on", "violations").stdout
    assert ElementTree.fromstring(strict.encode()).get("failures") == "2"
    page = report("--format", "html").stdout
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert ("<b>" in page, "src=" in page, "http://" in page) == (False, False, False)
    assert json.loads(report("--format", "json", about="good").stdout)["requests"] == 1
    assert json.loads(report("--format", "json", about="good bad").stdout)["requests"] == 2


def test_violations_fail_on_request(report: Report) -> None:
    """`--fail-on violations`: 1 with the reason on stderr, 0 for clients that keep to the contract."""
    failed = report("--fail-on", "violations")
    assert (failed.exit_code, failed.stderr) == (1, "1 violation of the contract\n")
    assert report("--fail-on", "violations", about="good").exit_code == 0
    assert report(about="bad").exit_code == 0


def test_evicted_requests_fail_like_violations() -> None:
    """A journal that was too small fails where violations do, and nowhere else."""
    with MockServer(journal_size=1) as small:
        mock = MockApp.fresh(AdminClient(small.url))
        for body in ("{}", '{"RoomId": "987654321"}'):
            send(mock, body)
        failed = CliRunner().invoke(cli, ["report", "--url", small.url, "--fail-on", "violations"])
        assert (failed.exit_code, failed.stderr) == (
            1,
            "1 older request left the journal unchecked; enlarge the journal\n",
        )
        assert CliRunner().invoke(cli, ["report", "--url", small.url]).exit_code == 0


def test_coverage_has_a_minimum(report: Report) -> None:
    """`--min-coverage N` fails below N percent and prints both numbers; N itself is enough."""
    percent = json.loads(report("--format", "json").stdout)["coverage"]["percent"]
    assert 0 < percent < 20
    assert report("--min-coverage", str(percent)).exit_code == 0
    short = report("--min-coverage", "20", "--fail-on", "violations")
    assert short.exit_code == 1
    assert short.stderr == f"1 violation of the contract\ncoverage is {percent:g} %, required 20 %\n"


def test_the_formats_contain_the_reason_of_a_failure(report: Report) -> None:
    """A JUnit run with a complaint has a failed case for it, a JSON report its text."""
    options = ("--min-coverage", "99", "--format")
    report_json = json.loads(report(*options, "json", about="good").stdout)
    assert len(report_json["complaints"]) == 1
    root = ElementTree.fromstring(report(*options, "junit", about="good").stdout.encode())
    assert [failure.get("type") for failure in root.iter("failure")] == ["run"]


def test_an_empty_journal_fails(report: Report) -> None:
    """In every format and without any option."""
    for options in ((), ("--format", "json"), ("--min-coverage", "0")):
        silent = report(*options, about="silent")
        assert silent.exit_code == 1
        assert silent.stderr.startswith("no request received: nothing was tested")
    with MockServer() as idle:
        assert report("--url", idle.url).exit_code == 1


def test_the_report_is_written_to_a_file(report: Report, tmp_path: Path) -> None:
    """`--output FILE` writes what would have been printed, and prints nothing; the exit code is the same."""
    path = tmp_path / "报告.xml"
    done = report("--format", "junit", "--output", str(path), "--fail-on", "violations")
    assert (done.exit_code, done.stdout) == (1, "")
    assert path.read_text(encoding="utf-8") == report("--format", "junit", "--fail-on", "violations").stdout
    for wrong in (tmp_path, tmp_path / "missing" / "report.xml"):
        refused = report("--output", str(wrong))
        assert isinstance(refused.exception, ConfigurationError)
        assert f"--output: {wrong} cannot be written: " in str(refused.exception)


def test_wrong_options_are_wrong_usage(report: Report) -> None:
    """Unknown formats, numbers and criteria give exit code 2."""
    for wrong in (
        ["--format", "pdf"],
        ["--fail-on", "warnings"],
        ["--min-coverage", "101"],
        ["--min-coverage", "-1"],
        ["--min-coverage", "nan"],
        ["--output", ""],
        ["--nonsense"],
    ):
        done = report(*wrong)
        assert done.exit_code == 2 or isinstance(done.exception, ConfigurationError), wrong


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_an_unusable_server_is_wrong_configuration(lang: str) -> None:
    """No server, a wrong token, an invalid URL: one line on stderr, exit code 2."""
    with MockServer() as gone:
        url = gone.url
    with MockServer(admin_token=TOKEN) as guarded:
        for words in (["--url", url], ["--url", "127.0.0.1"], ["--url", guarded.url, "--admin-token", "another"]):
            done = run("report", *words, MOCKSERVER_LANG=lang)
            assert (done.returncode, done.stdout) == (2, ""), done.stderr
            assert len(done.stderr.splitlines()) == 1, done.stderr
            assert done.stderr.startswith(words[1])
            assert TOKEN not in done.stderr
            if words[1] != guarded.url:
                assert any("一" <= letter <= "鿿" for letter in done.stderr) is (lang == "zh")


def test_the_secrets_are_in_no_format(report: Report, server: MockServer) -> None:
    """Neither the token nor the keys of any app."""
    config = server.engine.config.apps.values()
    secrets = [secret for app in config for secret in app.credentials.secrets] + [TOKEN]
    for form in ("text", "json", "junit", "html", "markdown"):
        shown = report("--format", form).output
        assert not [secret for secret in secrets if secret in shown]
