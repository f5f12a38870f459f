"""ErrorInfo: composed in one place of the catalogue row and the detail, as chosen by option or scenario."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from helpers.engine_client import EngineClient, shipped_config, user_config
from helpers.request_builder import NOW, build_request

from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import Folders
from mockserver.core.text import Text
from mockserver.engine.build import make_engine
from mockserver.testing.mock_server import MockServer

MISSING = {"operation": "query_room_info", "body": {}}


def info(bench: EngineClient, send: dict[str, Any]) -> str:
    """The ErrorInfo of the answer."""
    return json.loads(bench.send(send).body)["ErrorInfo"]


def test_the_detail_follows_the_text_of_the_row() -> None:
    """English uses a colon and a blank, Chinese a full-width colon; without a detail the text stands alone."""
    row = shipped_config().catalogue["room_not_found"]
    assert row.error_info("RoomId 7", "en") == "room not found: RoomId 7"
    assert row.error_info("RoomId 7", "zh") == "房间不存在：RoomId 7"
    assert row.error_info("", "en") == "room not found"
    assert row.error_info("RoomId 7", "en", "catalogue") == "room not found"


def test_editing_a_row_of_errors_yaml_changes_its_error_info(tmp_path: Path) -> None:
    """A user's text replaces the shipped one, for violations and for rooms that do not exist alike."""
    text = Folders().fixture("errors.yaml").read_text(encoding="utf-8")
    for old, new in (("required field missing", "E-1201 parameter absent"), ("room not found", "E-1301")):
        assert text.count(f'"{old}"') == 1
        text = text.replace(old, new)
    config = user_config(tmp_path, {"errors.yaml": text})
    assert info(EngineClient(config=config), MISSING).startswith("E-1201 parameter absent: RoomId is missing")
    assert info(EngineClient(config=config), {"body": {"RoomId": "nobody"}}) == "E-1301: RoomId nobody"
    assert info(EngineClient(config=config, error_info="catalogue"), MISSING) == "E-1201 parameter absent"


SCENARIOS = {
    "scenarios/brief.yaml": "title: Brief\nextends: document\nerror_info: catalogue\n",
    "scenarios/child.yaml": "title: Child\nextends: brief\n",
    "scenarios/chatty.yaml": "title: Chatty\nextends: brief\nerror_info: detailed\n",
}


@pytest.mark.parametrize(
    ("scenario", "option", "detailed"),
    [
        ("document", None, True),
        ("brief", None, False),
        ("child", None, False),
        ("chatty", None, True),
        ("brief", "detailed", True),
        ("chatty", "catalogue", False),
        ("document", "catalogue", False),
    ],
)
def test_the_option_wins_over_the_scenario(tmp_path: Path, scenario: str, option: str | None, detailed: bool) -> None:
    """`extends` inherits the style; an explicit option of the run wins."""
    for name, text in SCENARIOS.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    engine = make_engine(scenario=scenario, fixtures=str(tmp_path), error_info=option, now=str(NOW))
    answer = json.loads(engine.handle(build_request({"body": {"RoomId": "nobody"}})).body)
    assert answer["ErrorInfo"] == ("room not found: RoomId nobody" if detailed else "room not found")


def test_the_style_can_be_chosen_for_one_request(tmp_path: Path) -> None:
    """A scenario chosen by a header brings its style."""
    bench = EngineClient(config=user_config(tmp_path, SCENARIOS))
    assert info(bench, {**MISSING, "headers": {"x-mock-scenario": "brief"}}) == "required field missing"
    assert info(bench, MISSING).startswith("required field missing: RoomId is missing")


def test_an_unknown_style_is_refused(tmp_path: Path) -> None:
    """As an option and as a key of a scenario."""
    with pytest.raises(ConfigurationError, match="detailed, catalogue"):
        make_engine(error_info="short")
    with pytest.raises(ConfigurationError, match="'short' is not one of detailed, catalogue"):
        user_config(tmp_path, {"scenarios/a.yaml": "title: a\nerror_info: short\n"})


@pytest.mark.parametrize("style", [None, "catalogue"])
def test_an_explicit_info_replaces_all_of_it(tmp_path: Path, style: Any) -> None:
    """The `info` of a fault or a reply is sent as it is, under both styles."""
    scenario = "title: a\nextends: document\nanswers:\n  - {on: '*', reply: {error: server_busy, info: Back soon}}\n"
    bench = EngineClient("a", config=user_config(tmp_path, {"scenarios/a.yaml": scenario}), error_info=style)
    assert info(bench, {}) == "Back soon"
    fault = {"headers": {"x-mock-fault": "error;name=room_not_found;info=Gone"}}
    assert info(EngineClient(error_info=style), fault) == "Gone"


@pytest.mark.parametrize("style", [None, "catalogue"])
def test_diagnosis_journal_and_log_keep_the_detail(style: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Only ErrorInfo gets shorter: a developer still sees what was wrong."""
    bench = EngineClient(error_info=style)
    for send, detail in ((MISSING, "RoomId is missing"), ({"body": {"RoomId": "nobody"}}, "RoomId nobody")):
        with caplog.at_level("WARNING", "mockserver.requests"):
            response = bench.send(send)
        assert detail in dict(response.headers)["X-Mock-Diagnosis"]
        [entry] = bench.journal.select().entries
        assert detail in (entry.violations[0].text.en if entry.violations else entry.detail)
        assert detail in caplog.messages[-1]


@pytest.mark.parametrize(("lang", "separator"), [("en", ": "), ("zh", "：")])
@pytest.mark.parametrize("style", ["detailed", "catalogue"])
def test_what_the_transport_refuses_is_composed_alike(lang: Any, separator: str, style: Any) -> None:
    """Bytes that are not valid HTTP get the row's text of `invalid_parameter`, in the server's language."""
    with MockServer(lang=lang, error_info=style) as mock:
        with socket.create_connection(("127.0.0.1", mock.port), timeout=10) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\n\r\n")
            received = b""
            while part := connection.recv(65_536):
                received += part
        row = mock.engine.config.catalogue["invalid_parameter"].text.to(lang)
    error_info = json.loads(received.partition(b"\r\n\r\n")[2])["ErrorInfo"]
    if style == "catalogue":
        assert error_info == row
    else:
        assert error_info.startswith(row + separator)
        assert len(error_info) > len(row + separator)


@pytest.mark.parametrize(("lang", "style", "expected"), [
    ("en", "detailed", "internal server error: it broke"), ("en", "catalogue", "internal server error"),
    ("zh", "detailed", "服务器内部错误：出错了"), ("zh", "catalogue", "服务器内部错误"),
])  # fmt: skip
def test_failures_outside_of_the_pipeline_are_composed_alike(lang: Any, style: Any, expected: str) -> None:
    """`Engine.error_body` is what the HTTP layers answer with when no request reached the pipeline."""
    body = EngineClient(lang=lang, error_info=style).engine.error_body("internal_error", Text("it broke", "出错了"))
    assert json.loads(body) == {"Status": "FAIL", "ErrorCode": 1500, "ErrorInfo": expected}
