"""What a scenario says is what is answered: extends, readings, when, sequence, times, patches, templates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.engine_client import EngineClient, user_config
from helpers.request_builder import SAMPLES

from mockserver.core.folders import Folders
from mockserver.engine.config import Config
from mockserver.scenarios.model import merge_patch

ROOM = SAMPLES["query_room_info"]["answer"]
NAME = {0: "ok", 1301: "room_not_found", 1402: "server_busy", 1401: "rate_limited", 1500: "internal_error"}


@pytest.fixture
def scenarios(tmp_path: Path):
    """Makes a library of scenario texts by name."""

    def make(**texts: str) -> Config:
        return user_config(tmp_path, {f"scenarios/{name}.yaml": text for name, text in texts.items()})

    return make


def story(config: Config, scenario: str, *bodies: Any, **more: Any) -> list[str]:
    """The error names of calls of query_room_info, one after the other."""
    working = EngineClient(scenario, config=config)
    return [NAME[working.ask("query_room_info", body, **more)["ErrorCode"]] for body in bodies]


def rooms(*names: str) -> list[dict[str, str]]:
    """Bodies that ask for rooms."""
    return [{"RoomId": name} for name in names]


def test_own_answers_come_before_those_extended(scenarios) -> None:
    """The rules of a scenario are asked first, then its parent's, then the grandparent's."""
    config = scenarios(
        a="title: a\nanswers: [{on: query_room_info, reply: {error: rate_limited}}]",
        b='title: b\nextends: a\nanswers: [{on: query_room_info, when: {body: {RoomId: "1"}}, reply: {error: server_busy}}]',
        c='title: c\nextends: b\nanswers: [{on: query_room_info, when: {body: {RoomId: "2"}}, reply: {error: room_not_found}}]',
    )
    assert story(config, "c", *rooms("1", "2", "3")) == ["server_busy", "room_not_found", "rate_limited"]
    assert story(config, "b", *rooms("1", "2")) == ["server_busy", "rate_limited"]


def test_readings_are_inherited_one_by_one(scenarios) -> None:
    """A scenario's reading wins over its parent's; the parent's others hold."""
    config = scenarios(
        a="title: a\nreadings: {unknown_room: empty, seq: optional, tick_seconds: 3600}",
        b="title: b\nextends: a\nreadings: {seq: unique}",
    )
    chosen = config.readings("b")
    assert (chosen["unknown_room"], chosen["seq"], chosen["tick_seconds"]) == ("empty", "unique", 3600)
    assert config.readings("a")["seq"] == "optional"


def test_a_scenario_without_a_world_has_nobody_in_it(scenarios) -> None:
    """No world and no parent: every room is unknown."""
    assert story(scenarios(a="title: a"), "a", *rooms("123456789")) == ["room_not_found"]


def test_a_files_own_scenario_stands_in_for_the_shipped_one(scenarios) -> None:
    """A user's document.yaml replaces ours of that name."""
    config = scenarios(document="title: mine\nanswers: [{on: '*', reply: {error: rate_limited}}]")
    assert story(config, "document", *rooms("1")) == ["rate_limited"]
    assert config.scenarios["document"].title.en == "mine"


@pytest.mark.parametrize(
    ("when", "hits", "misses"),
    [
        ('{RoomId: "1"}', ["1"], ["11", "2"]),
        ('{RoomId: {matches: "^vip-"}}', ["vip-1"], ["a-vip-1", "VIP-1"]),
        ('{RoomId: {matches: "^[0-9]+$"}}', ["12"], ["12a", "a"]),
        ('{RoomId: {matches: "ip"}}', ["vip", "ipso"], ["pi"]),
        ('{RoomId: {schema: {enum: ["a", "b"]}}}', ["a", "b"], ["c"]),
        ("{RoomId: {schema: {maxLength: 2}}}", ["ab"], ["abc"]),
        ('{RoomId: {schema: {pattern: "^a$"}}}', ["a"], ["a\n"]),
        ('{BeginTime: ""}', [], ["1"]),
    ],
)
def test_when_asks_the_body(scenarios, when: str, hits: list[str], misses: list[str]) -> None:
    """Equality, a regular expression, a schema; a field that is not there meets nothing."""
    config = scenarios(
        a=f"title: a\nanswers: [{{on: query_room_info, when: {{body: {when}}}, reply: {{error: server_busy}}}}]"
    )
    assert story(config, "a", *rooms(*hits)) == ["server_busy"] * len(hits)
    assert story(config, "a", *rooms(*misses)) == ["room_not_found"] * len(misses)


def test_when_asks_the_query(scenarios) -> None:
    """Identifier and seq choose, as the body does; all conditions must hold."""
    config = scenarios(
        a='title: a\nanswers: [{on: "*", when: {query: {identifier: bob, seq: {matches: "^9"}}, body: {RoomId: "1"}},'
        " reply: {error: server_busy}}]"
    )
    assert story(config, "a", *rooms("1"), query={"identifier": "bob", "seq": "91"}) == ["server_busy"]
    assert story(config, "a", *rooms("1"), query={"identifier": "bob", "seq": "19"}) == ["room_not_found"]
    assert story(config, "a", *rooms("2"), query={"identifier": "bob", "seq": "91"}) == ["room_not_found"]
    assert story(config, "a", *rooms("1"), query={"identifier": "Bob", "seq": "91"}) == ["room_not_found"]


def test_numbers_are_compared_with_their_type(scenarios) -> None:
    """CountBy 1 is not true, and 2 is not "2" except where a lenient server reads it so."""
    config = scenarios(
        a="title: a\nextends: document\nanswers: [{on: count_business_total_volume_by_day,"
        " when: {body: {CountBy: 1}}, reply: {error: server_busy}}]"
    )
    day = "count_business_total_volume_by_day"
    strict = EngineClient("a", config=config)
    assert strict.ask(day, {"QueryDate": "20191210", "CountBy": 1})["ErrorCode"] == 1402
    assert strict.ask(day, {"QueryDate": "20191210", "CountBy": 2})["ErrorCode"] == 0
    lenient = EngineClient("a", {"strictness": "lenient"}, config=config)
    assert lenient.ask(day, {"QueryDate": "20191210", "CountBy": "1"})["ErrorCode"] == 1402


def test_on_names_operations(scenarios) -> None:
    """One, a list, or all of them."""
    config = scenarios(
        a="title: a\nextends: document\nanswers: [{on: [count_qos_by_day, query_room_info], reply: {error: server_busy}}]"
    )
    working = EngineClient("a", config=config)
    codes = {operation: working.ask(operation)["ErrorCode"] for operation in SAMPLES}
    assert {name for name, code in codes.items() if code == 1402} == {"count_qos_by_day", "query_room_info"}


def test_a_sequence_is_told_in_order_and_its_last_repeats(scenarios) -> None:
    """The nth matching call gets the nth reply; calls that do not match count nothing."""
    config = scenarios(
        a="title: a\nanswers: [{on: query_room_info, when: {body: {RoomId: '1'}},"
        " sequence: [{error: server_busy}, {error: rate_limited}, {world: true}]}]"
    )
    assert story(config, "a", *rooms("1", "2", "1", "2", "1", "1")) == [
        *(
            "server_busy",
            "room_not_found",
            "rate_limited",
            "room_not_found",
            "room_not_found",
            "room_not_found",
        )
    ]


def test_times_uses_a_rule_up(scenarios) -> None:
    """After so many calls the next rule answers."""
    config = scenarios(
        a="title: a\nanswers: [{on: query_room_info, times: 2, reply: {error: server_busy}},"
        " {on: query_room_info, times: 3, sequence: [{error: rate_limited}, {world: true}]}, {on: '*', reply: {error: server_busy}}]"
    )
    assert story(config, "a", *rooms("1", "1", "1", "1", "1", "1")) == [
        *("server_busy", "server_busy", "rate_limited", "room_not_found", "room_not_found", "server_busy")
    ]


def test_counts_belong_to_an_app(scenarios) -> None:
    """Another app's calls do not move a sequence on."""
    config = scenarios(
        a="title: a\nanswers: [{on: '*', sequence: [{error: server_busy}, {error: rate_limited}]}]"
    )
    working = EngineClient("a", config=config)
    other = {"query": {"appkey": "987654321"}, "sign": "other_app"}
    told = [working.ask("query_room_info", **more)["ErrorCode"] for more in ({}, other, {}, other)]
    assert told == [1402, 1402, 1401, 1401]


def test_a_refused_request_moves_nothing_on(scenarios) -> None:
    """Only requests that pass the checks count."""
    config = scenarios(
        a="title: a\nanswers: [{on: '*', sequence: [{error: server_busy}, {error: rate_limited}]}]"
    )
    working = EngineClient("a", config=config)
    working.send({"text": ""})
    assert working.ask("query_room_info")["ErrorCode"] == 1402


RFC_7396 = """
{"a":"b"} | {"a":"c"} | {"a":"c"}
{"a":"b"} | {"b":"c"} | {"a":"b","b":"c"}
{"a":"b"} | {"a":null} | {}
{"a":"b","b":"c"} | {"a":null} | {"b":"c"}
{"a":["b"]} | {"a":"c"} | {"a":"c"}
{"a":"c"} | {"a":["b"]} | {"a":["b"]}
{"a":{"b":"c"}} | {"a":{"b":"d","c":null}} | {"a":{"b":"d"}}
{"a":[{"b":"c"}]} | {"a":[1]} | {"a":[1]}
["a","b"] | ["c","d"] | ["c","d"]
{"a":"b"} | ["c"] | ["c"]
{"a":"foo"} | null | null
{"a":"foo"} | "bar" | "bar"
{"e":null} | {"a":1} | {"e":null,"a":1}
[1,2] | {"a":"b","c":null} | {"a":"b"}
{} | {"a":{"bb":{"ccc":null}}} | {"a":{"bb":{}}}
"""


@pytest.mark.parametrize("row", RFC_7396.strip().splitlines())
def test_a_patch_is_a_merge_patch(row: str) -> None:
    """Every row of RFC 7396, appendix A; the target is left as it was."""
    target, patch, result = (json.loads(part) for part in row.split(" | "))
    before = json.dumps(target)
    assert merge_patch(target, patch) == result
    assert json.dumps(target) == before


def test_a_patch_changes_the_worlds_answer_in_its_place(scenarios) -> None:
    """Patched fields keep their place among the keys, envelope first."""
    config = scenarios(
        a="title: a\nextends: default\nanswers: [{on: query_room_info, reply: {patch: {CreateTime: '1575961800', Users: []}}}]"
    )
    answer = EngineClient("a", config=config).ask("query_room_info")
    assert list(answer) == list(ROOM)
    assert (answer["CreateTime"], answer["Users"]) == ("1575961800", [])
    assert (
        answer["DestroyTime"] == EngineClient("default", config=config).ask("query_room_info")["DestroyTime"]
    )


def test_a_patch_of_nobodys_room_is_not_found(scenarios) -> None:
    """There is no world's answer to patch."""
    config = scenarios(a="title: a\nanswers: [{on: query_room_info, reply: {patch: {Users: []}}}]")
    assert story(config, "a", *rooms("1")) == ["room_not_found"]


def test_a_patch_cannot_leave_the_contract(scenarios) -> None:
    """A removed field or a wrong type is internal_error and names file and line, unless it is unchecked."""
    text = "title: a\nextends: document\nanswers:\n  - {{on: query_room_info, times: 1, reply: {{{0}}}}}\n"
    for patch in ("{CreateTime: null}", "{Users: {}}", "{Status: MAYBE}", "{ErrorCode: 5}"):
        config = scenarios(a=text.format(f"patch: {patch}"))
        answer = EngineClient("a", config=config).ask("query_room_info")
        assert answer["ErrorCode"] == 1500, patch
        assert "scenarios/a.yaml:4 made an answer outside the contract" in answer["ErrorInfo"]
    config = scenarios(a=text.format("patch: {CreateTime: null, Extra: 1}, unchecked: true"))
    answer = EngineClient("a", config=config).ask("query_room_info")
    assert "CreateTime" not in answer
    assert answer["Extra"] == 1


def test_a_body_brings_the_envelope_or_gets_one(scenarios) -> None:
    """Fields alone are a success; a whole failure is sent as it is written."""
    config = scenarios(
        a="title: a\nanswers:\n"
        "  - {on: query_all_instance_by_time, reply: {body: {UsersList: []}}}\n"
        "  - {on: count_qos_by_day, reply: {body: {Status: FAIL, ErrorCode: 77, ErrorInfo: '自定义'}}}\n"
    )
    working = EngineClient("a", config=config)
    assert working.send({"operation": "query_all_instance_by_time"}).body == (
        b'{"Status":"OK","ErrorCode":0,"ErrorInfo":"","UsersList":[]}'
    )
    assert working.ask("count_qos_by_day") == {"Status": "FAIL", "ErrorCode": 77, "ErrorInfo": "自定义"}


def test_templates_see_the_request_and_keep_types(scenarios) -> None:
    """Values of the request, the second of now, and numbers that stay numbers."""
    config = scenarios(
        a="title: a\nanswers:\n"
        "  - on: query_instance_all_records_by_time\n"
        "    reply:\n"
        "      body:\n"
        "        UserId: '{{ request.body.UserId }}'\n"
        "        UserRecords:\n"
        "          - RoomId: '{{ request.operation }}-{{ request.query.seq }}'\n"
        "            CreateTime: '{{ (now - 60)|string }}'\n"
        "            RoomRecords: [{EnterTime: '{{ request.body.BeginTime }}', AudioDuration: '{{ 6 * 7 }}',"
        " VideoDuration: 0, LeaveTime: '{{ now ~ \"\" }}'}]\n"
    )
    answer = EngineClient("a", config=config).ask("query_instance_all_records_by_time")
    assert answer["UserId"] == "123456789"
    record = answer["UserRecords"][0]
    assert (record["RoomId"], record["CreateTime"]) == (
        "query_instance_all_records_by_time-1001",
        "1575999940",
    )
    assert record["RoomRecords"][0]["AudioDuration"] == 42
    assert record["RoomRecords"][0]["LeaveTime"] == "1576000000"


def test_a_number_with_a_fraction_is_no_integer(scenarios) -> None:
    """30.0 is not sent where the contract has an integer; |int makes it one."""
    text = "title: a\nextends: document\nanswers: [{on: query_room_info, reply: {patch: {Users: [{UserId: a,"
    text += " FirstEnterTime: '1575963100', LastLeaveTime: '1575963200', AudioDuration: '%s', VideoDuration: 0}]}}}]"
    broken = EngineClient("a", config=scenarios(a=text % "{{ 60 / 2 }}")).ask("query_room_info")
    assert (broken["ErrorCode"], "AudioDuration" in broken["ErrorInfo"]) == (1500, True)
    reply = EngineClient("a", config=scenarios(a=text % "{{ (60 / 2)|int }}")).send({})
    assert b'"AudioDuration":30,' in reply.body


def test_fake_gives_the_same_for_the_same_request(scenarios) -> None:
    """What `fake` draws depends on the rule and the request only."""
    config = scenarios(
        a="title: a\nextends: default\nanswers: [{on: query_all_instance_by_time, reply: {patch: {UsersList: [{"
        "UserId: '{{ fake.user_id() }}', RoomId: '{{ fake.room_id() }}', CreateTime: '1575961850', EnterTime: '1575961850',"
        " LeaveTime: '1575961950', AudioDuration: '{{ fake.audio_seconds() }}', VideoDuration: 0}]}}}]"
    )
    operation = "query_all_instance_by_time"
    first, again = (EngineClient("a", config=config).ask(operation) for _ in range(2))
    assert first["ErrorCode"] == 0, first
    assert first == again
    assert isinstance(first["UsersList"][0]["AudioDuration"], int)
    other = EngineClient("a", config=config).ask(
        operation, {"BeginTime": "1575962151", "EndTime": "1575962850"}
    )
    assert other["UsersList"] != first["UsersList"]


@pytest.mark.parametrize(
    "rule",
    [
        "{on: '*', when: {body: {RoomId: a}}, reply: {patch: {Users: []}}}",
        "{on: '*', when: {body: {CountBy: 1, QueryDate: {matches: '^2'}}}, reply: {world: true}}",
        "{on: '*', reply: {patch: {ErrorInfo: a}}}",
        "{on: query_room_info, reply: {unchecked: true, patch: {Userz: []}}}",
    ],
)
def test_fields_that_an_operation_knows_or_that_are_meant_are_taken(scenarios, rule: str) -> None:
    """A field of any operation to match; one of every operation that can match to patch; `unchecked` for any other."""
    assert len(scenarios(a=f"title: a\nanswers: [{rule}]").scenarios["a"].rules) == 1


def test_a_rule_sees_documented_fields_alone(scenarios) -> None:
    """A lenient reading takes an undocumented field out before the rules are asked, so none could name it."""
    rule = "{on: query_room_info, when: {body: {RoomId: {schema: {}}}}, reply: {error: server_busy, info: '{{ request.body | length }}'}}"
    config = scenarios(a=f"title: a\nreadings: {{strictness: lenient}}\nanswers: [{rule}]")
    answer = EngineClient("a", config=config).ask("query_room_info", {"RoomId": "1", "Extra": 1})
    assert (answer["ErrorCode"], answer["ErrorInfo"]) == (1402, "1")


def test_an_open_schema_knows_every_field(tmp_path: Path) -> None:
    """A user's schema that takes more fields than it names is taken at its word."""
    schema = json.loads(Folders().schema("query_room_info.request.json").read_text(encoding="utf-8"))
    del schema["additionalProperties"]
    rule = "{on: query_room_info, when: {body: {RoomID: a}}, reply: {error: server_busy}}"
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "query_room_info.request.json").write_text(json.dumps(schema))
    config = user_config(tmp_path, {"scenarios/a.yaml": f"title: a\nanswers: [{rule}]"})
    assert "a" in config.scenarios
