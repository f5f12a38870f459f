"""Each file in tests/cases is one request: what is sent, under which settings, and the expected answer."""

from __future__ import annotations

import dataclasses
import json
import re
import socket
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from helpers.engine_client import EngineClient, shipped_config, user_config
from helpers.request_builder import NOW, query_string, request_bytes
from helpers.signer import SECRETS, checksum

from mockserver.contract.catalogue import Catalogue
from mockserver.contract.readings import READINGS
from mockserver.contract.violations import VIOLATIONS
from mockserver.core.text import Text
from mockserver.core.yaml_reader import read_yaml
from mockserver.engine.config import Config
from mockserver.testing.mock_server import MockServer

FOLDER = Path(__file__).parents[1] / "cases"
CASES: dict[str, dict[str, Any]] = {path.stem: read_yaml(path).value for path in sorted(FOLDER.glob("*.yaml"))}
EXPECTED = {"error", "says", "says_zh", "violations", "tolerated", "status", "answer", "where"}
ELSEWHERE = {"window", "room_window", "ongoing", "tick_seconds", "trend", "labels"} | {
    *("distribution_tick", "today", "fill", "delay_unit")
}
"""Readings that concern answers; the tests of the world exercise them."""


@cache
def config(folder: Path) -> Config:
    """Return the shipped files plus a scenario for each case with its own answers."""
    own = {name: case["answers"] for name, case in CASES.items() if "answers" in case}
    texts = {
        f"scenarios/{name}.yaml": json.dumps({"title": name, "extends": "document", "answers": answers})
        for name, answers in own.items()
    }
    return user_config(folder, texts)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> Config:
    """The configuration with the scenarios of the cases."""
    return config(tmp_path_factory.mktemp("cases"))


def bench(name: str, loaded: Config, lang: str = "en", error_info: str | None = None) -> EngineClient:
    """Return an engine client with the settings of the case."""
    case = CASES[name]
    settings = case.get("settings", {})
    scenario = name if "answers" in case else settings.get("scenario", "document")
    return EngineClient(scenario, settings.get("readings"), config=loaded, lang=lang, error_info=error_info)  # type: ignore[arg-type]


def send(bench: EngineClient, case: dict[str, Any]) -> Any:
    """Send the request of the case, as often as it says, and return the last response."""
    for before in case.get("before", ()):
        bench.send(before)
    return bench.send(case.get("send", {}))


def parse_envelope(body: bytes) -> dict[str, Any]:
    """Return the envelope of a response, after checking that it is well formed and contains no secret."""
    answer = json.loads(body)
    assert list(answer)[:3] == ["Status", "ErrorCode", "ErrorInfo"]
    if answer["ErrorCode"]:
        assert list(answer) == ["Status", "ErrorCode", "ErrorInfo"]
        assert answer["Status"] == "FAIL"
        assert answer["ErrorInfo"]
    else:
        assert (answer["Status"], answer["ErrorInfo"]) == ("OK", "")
    for secret in SECRETS:
        assert secret not in answer["ErrorInfo"]
    return answer


@pytest.mark.parametrize("name", CASES)
def test_a_case_gets_the_expected_answer(name: str, loaded: Config) -> None:
    """Error, ErrorInfo, violations in order, tolerated violations and HTTP status match the file."""
    case = CASES[name]
    expected = case["expect"]
    assert set(expected) <= EXPECTED
    working = bench(name, loaded)
    reply = send(working, case)
    answer = parse_envelope(reply.body)
    violations = working.violations
    assert working.error(reply) == expected.get("error", "ok")
    assert reply.status == expected.get("status", 200)
    for word in expected.get("says", ()):
        assert word in answer["ErrorInfo"]
    assert [each.name for each in violations] == expected.get("violations", []), violations
    assert [each.name for each in violations if each.tolerated] == expected.get("tolerated", [])
    for violation, where in expected.get("where", {}).items():
        assert [each.where for each in violations if each.name == violation] == [where]
    assert {key: answer[key] for key in expected.get("answer", {})} == expected.get("answer", {})
    headers = dict(reply.headers)
    assert headers["X-Mock-Violations"] == str(len(violations))
    assert headers.get("Allow") == ("POST" if reply.status == 405 else None)


@pytest.mark.parametrize("name", CASES)
def test_an_error_is_in_chinese_on_request_and_without_secrets(name: str, loaded: Config) -> None:
    """ErrorInfo is Chinese with lang=zh, and in neither language contains a secret or the right checksum."""
    case = CASES[name]
    right = checksum(re.findall(r"(?:^|&)curtime=([^&]*)|$", query_string(case.get("send", {})))[0])
    for lang in ("en", "zh"):
        reply = send(bench(name, loaded, lang), case)
        info = parse_envelope(reply.body)["ErrorInfo"]
        assert right not in info
        if lang == "zh" and info and "answers" not in case:
            assert re.search("[\u4e00-\u9fff]", info)
            assert "did you mean" not in info
    for word in case["expect"].get("says_zh", ()):
        assert word in info


@pytest.fixture(scope="module")
def relabelled(loaded: Config) -> Config:
    """The configuration with another text in each row of the error catalogue."""
    rows = {
        name: dataclasses.replace(row, text=Text(f"<{name}>", f"《{name}》")) for name, row in loaded.catalogue.items()
    }
    return dataclasses.replace(loaded, catalogue=Catalogue(rows))


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "error" in case["expect"]])
def test_error_info_is_the_catalogue_row_and_the_detail(name: str, lang: str, relabelled: Config) -> None:
    """Every ErrorInfo begins with the row's text; the detail follows, unless the style is `catalogue`."""
    case = CASES[name]
    error = case["expect"]["error"]
    row = relabelled.catalogue[error].text.to(lang)  # type: ignore[arg-type]
    working = bench(name, relabelled, lang)
    info = parse_envelope(send(working, case).body)["ErrorInfo"]
    refusals = [found for found in working.violations if not found.tolerated]
    if refusals:
        detail = refusals[0].text.to(lang)  # type: ignore[arg-type]
        assert info == f"{row}{'：' if lang == 'zh' else ': '}{detail}"
        shipped_row = shipped_config().catalogue[error].text.to(lang)  # type: ignore[arg-type]
        assert shipped_row.lower() not in detail.lower(), "the detail repeats the row"
    elif "info" not in json.dumps(case.get("answers", [])):
        assert info.startswith(row)
    if "info" not in json.dumps(case.get("answers", [])):
        brief = bench(name, relabelled, lang, "catalogue")
        reply = send(brief, case)
        assert parse_envelope(reply.body)["ErrorInfo"] == row
        assert [found.text for found in brief.violations] == [found.text for found in working.violations]
        if refusals:
            assert refusals[0].name in dict(reply.headers)["X-Mock-Diagnosis"]


PLAIN = [name for name, case in CASES.items() if not case.keys() & {"settings", "answers", "before"}]


@pytest.fixture(scope="module")
def server():
    """A server with the document scenario and a frozen clock."""
    with MockServer(scenario="document", now=str(NOW)) as mock:
        yield mock


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_case_gets_the_same_answer_over_a_socket(name: str, server: MockServer) -> None:
    """A client on a socket gets the answer of the engine, with HTTP 200."""
    case = CASES[name]
    host = f"127.0.0.1:{server.port}"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as wire:
        wire.sendall(request_bytes(case.get("send", {}), host))
        answer = b""
        while part := wire.recv(65_536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"application/json" in head
    expected = case["expect"]
    if case.get("send", {}).get("method") == "HEAD":
        assert body == b""
        return
    envelope = parse_envelope(body)
    assert server.engine.config.catalogue.name_of(envelope["ErrorCode"]) == expected.get("error", "ok")
    for word in expected.get("says", ()):
        assert word in envelope["ErrorInfo"]


def test_every_error_is_provoked(loaded: Config) -> None:
    """Each name of the catalogue (contract §3) is the expected answer of at least one case."""
    assert {case["expect"].get("error", "ok") for case in CASES.values()} == set(loaded.catalogue)


def test_every_violation_is_provoked() -> None:
    """Each kind of violation is recorded in at least one case."""
    assert {name for case in CASES.values() for name in case["expect"].get("violations", ())} == set(VIOLATIONS)


def test_every_choice_about_requests_is_exercised() -> None:
    """Each choice of each reading about requests is used in at least one case; numbers differ from their default."""
    used: dict[str, set[Any]] = {name: set() for name in READINGS}
    for case in CASES.values():
        for name, value in case.get("settings", {}).get("readings", {}).items():
            used[name].add(value)
    for name, reading in READINGS.items():
        if name in ELSEWHERE:
            continue
        if reading.names:
            assert used[name] | {reading.default} == set(reading.names), name
        else:
            assert used[name] - {reading.default}, name


def test_every_case_has_its_own_title() -> None:
    """The title of a failing case says what does not hold."""
    titles = [case["title"] for case in CASES.values()]
    assert len(set(titles)) == len(titles)
