"""The configuration: the shipped files are valid, and a user's files replace them."""

from __future__ import annotations

import dataclasses

import pytest
from helpers.engine_client import EngineClient, shipped_config, user_config
from helpers.request_builder import NOW, SAMPLES

from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import READINGS
from mockserver.contract.violations import NEEDED_ERRORS, OWN_ERRORS, VIOLATIONS
from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import Folders
from mockserver.engine.config import load_apps_only, load_config


def test_every_scenario_has_a_world_and_all_readings() -> None:
    """No request can meet an incomplete scenario."""
    config = shipped_config()
    for name, scenario in config.scenarios.items():
        assert not scenario.world.at("", NOW).has_user("")
        assert config.readings[name].keys() == READINGS.keys()


@pytest.mark.parametrize(
    "name", sorted(name for name, scenario in shipped_config().scenarios.items() if not scenario.faults)
)
def test_a_shipped_scenario_without_faults_answers_within_the_contract(name: str) -> None:
    """The answer to each sample body meets the operation's schema or the envelope's."""
    working = EngineClient(name)
    for operation in OPERATIONS:
        answer = working.ask(operation)
        mismatches = working.engine.config.schemas.answer(operation, answer).mismatches(answer)
        assert (mismatches, answer["ErrorCode"] == 1500) == ([], False), answer


def test_every_needed_error_has_a_row() -> None:
    """Every error of a violation is in the catalogue."""
    assert shipped_config().catalogue.keys() >= NEEDED_ERRORS
    assert {row.error for row in VIOLATIONS.values()} <= NEEDED_ERRORS
    assert not OWN_ERRORS.keys() & NEEDED_ERRORS


def test_the_document_scenario_answers_the_samples_exactly() -> None:
    """Values and key order of all six answers are the document's."""
    working = EngineClient("document")
    for operation, sample in SAMPLES.items():
        answer = working.ask(operation)
        assert answer == sample["answer"]
        assert str(answer) == str(sample["answer"])


def test_a_users_error_codes_are_answered(tmp_path) -> None:
    """Another errors.yaml changes the codes; the names stay."""
    text = Folders().fixture("errors.yaml").read_text(encoding="utf-8").replace("code: 1301", "code: 40400")
    config = user_config(tmp_path, {"errors.yaml": text})
    assert EngineClient(config=config).ask("query_room_info", {"RoomId": "nobody"})["ErrorCode"] == 40_400


def test_a_users_apps_replace_the_shipped_ones(tmp_path) -> None:
    """The shipped keys are not valid on a server with its own apps."""
    text = "apps:\n  - {appkey: mine, appsecret: s, restapikey: r, identifiers: [root]}"
    config = user_config(tmp_path, {"apps.yaml": text})
    assert list(config.apps) == ["mine"]
    assert list(load_apps_only(Folders(tmp_path))) == ["mine"]
    assert EngineClient(config=config).ask("query_room_info")["ErrorCode"] == 1102


def test_a_users_schema_replaces_the_shipped_one(tmp_path) -> None:
    """A stricter request schema refuses what the shipped one accepts."""
    name = "query_room_info.request.json"
    text = Folders().schema(name).read_text(encoding="utf-8").replace('"maxLength": 256', '"maxLength": 4', 1)
    config = user_config(tmp_path, {f"schemas/{name}": text})
    working = EngineClient(config=config)
    assert working.ask("query_room_info")["ErrorCode"] == 1202
    assert working.violations[0].where == "body:/RoomId"


def test_secrets_are_in_no_repr() -> None:
    """The repr of a configuration or an app shows no key."""
    config = shipped_config()
    for app in config.apps.values():
        shown = repr(app) + repr(dataclasses.replace(app))
        assert app.credentials.appsecret not in shown
        assert app.credentials.restapikey not in shown


def test_the_readings_of_a_run_win(tmp_path) -> None:
    """Over those of every scenario."""
    folders = Folders()
    config = load_config(folders, reading_overrides={"seq": "unique"}, now=lambda: NOW)
    assert {config.readings[name]["seq"] for name in config.scenarios} == {"unique"}


def test_an_invalid_world_is_reported_once(tmp_path) -> None:
    """Scenarios that extend a broken one do not repeat its problem."""
    bad = "title: a\nworld: {source: recorded, rooms: [{RoomId: r, stays: [{UserId: u, enter: noon}]}]}"
    with pytest.raises(ConfigurationError) as caught:
        user_config(tmp_path, {"scenarios/a.yaml": bad, "scenarios/b.yaml": "title: b\nextends: a"})
    (problem,) = caught.value.problems
    assert problem.place.endswith("a.yaml")
    assert (problem.line, problem.column is not None) == (2, True)
