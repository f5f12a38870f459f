"""HAR files: a server's journal as one, and captured answers checked against the contract."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers.engine_client import shipped_config

from mockserver.cli import cli
from mockserver.core.errors import ConfigurationError
from mockserver.live.har import check_har, har_of_journal, read_har
from mockserver.testing.mock_server import MockServer


@pytest.fixture(scope="module")
def journal() -> Any:
    """The HAR of a server that answered one request well and one with a failure, printed by the command."""
    runner = CliRunner()
    with MockServer(scenario="recorded-day") as mock:
        for room in ("R001", "nowhere"):
            called = runner.invoke(cli, ["call", "query_room_info", f"RoomId={room}", "--url", mock.url])
            assert called.exit_code == (room == "nowhere")
        har = runner.invoke(cli, ["export", "har", "--url", mock.url])
        assert har.exit_code == 0, har.output
        return json.loads(har.stdout)


def written(path: Path, har: Any) -> Path:
    path.write_text(json.dumps(har), encoding="utf-8-sig")
    return path


def test_a_journal_becomes_a_har_without_signatures(journal: Any) -> None:
    """Version, requests and answers conform to the specification; the requests cannot be sent again."""
    log = journal["log"]
    assert (log["version"], [entry["response"]["status"] for entry in log["entries"]]) == ("1.2", [200, 200])
    request = log["entries"][0]["request"]
    query = {pair["name"]: pair["value"] for pair in request["queryString"]}
    assert {query[name] for name in ("checksum", "seq", "identifier")} == {"***"}
    assert request["url"].endswith("&checksum=***&seq=***")
    assert json.loads(request["postData"]["text"]) == {"RoomId": "R001"}
    assert {"cache", "timings", "time", "startedDateTime"} <= log["entries"][0].keys()


def test_captured_answers_are_checked(journal: Any, tmp_path: Path) -> None:
    """The answers of a journal are valid; one of another shape is a finding with its request, without secrets."""
    schemas = shipped_config().schemas
    result = check_har(written(tmp_path / "a.har", journal), schemas)
    assert (result.requests, result.asked["query_room_info"], list(result.findings())) == (2, 2, [])
    assert not result.fails("warning")
    entry = journal["log"]["entries"][0]
    answer = json.loads(entry["response"]["content"]["text"])
    answer["Users"][0]["AudioDuration"] = "c" * 40
    body = base64.b64encode(json.dumps(answer).encode()).decode()
    content = {"size": len(body), "mimeType": "application/json", "encoding": "base64", "text": body}
    url = f"https://api.example/v2/video/query_room_info?checksum={'c' * 40}&appkey=some-appkey"
    wrong = {
        **entry,
        "request": {**entry["request"], "url": url},
        "response": {**entry["response"], "content": content},
    }
    others = [{**entry, "request": {**entry["request"], "url": "https://example/index.html"}}, {}, {"request": 1}]
    result = check_har(written(tmp_path / "b.har", {"log": {"entries": [wrong, *others]}}), schemas)
    ((operation, finding),) = result.findings()
    assert (result.requests, operation, finding.severity) == (1, "query_room_info", "error")
    assert finding.request == "mockserver call query_room_info RoomId=R001"
    assert "c" * 40 not in finding.text.en + finding.text.zh


def test_nothing_to_check_is_a_failure(tmp_path: Path) -> None:
    """A file without answers fails."""
    result = check_har(written(tmp_path / "empty.har", {"log": {"entries": []}}), shipped_config().schemas)
    assert result.fails("error")


@pytest.mark.parametrize("content", ["", "[]", "{", '{"log": {"entries": 1}}'])
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    """One line says what is expected."""
    path = tmp_path / "x.har"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match="not a HAR file: expected JSON with"):
        read_har(path)


def test_verify_takes_a_har_instead_of_a_target(journal: Any, tmp_path: Path) -> None:
    """Exit code 0 for correct answers, 2 with neither a HAR nor a target."""
    runner, path = CliRunner(), written(tmp_path / "a.har", journal)
    checked = runner.invoke(cli, ["verify", "--har", str(path)])
    assert (checked.exit_code, "captured_answers" in checked.stdout) == (0, True)
    assert runner.invoke(cli, ["verify"]).exit_code == 2


def test_long_answers_that_the_journal_cut_are_marked(tmp_path: Path) -> None:
    """A check cannot judge them, and says so."""
    request = {
        "method": "POST",
        "path": "/v2/video/query_room_info",
        "query": {},
        "headers": {},
        "body": "{}",
        "body_length": 2,
    }
    entry = {
        "id": "1",
        "operation": "x",
        "error": "",
        "time": "t",
        "seconds": 0,
        "delivery_seconds": 0,
        "request": request,
    }
    har = har_of_journal([{**entry, "answer": {"status": 200, "body": "{", "body_length": 9}}], "http://mock")
    assert har["log"]["entries"][0]["response"]["content"]["comment"] == "cut by the journal"
    result = check_har(written(tmp_path / "a.har", har), shipped_config().schemas)
    assert [(finding.severity, finding.kind) for finding in result.operations["query_room_info"]] == [
        ("info", "incomplete")
    ]
    assert result.nothing_checked
