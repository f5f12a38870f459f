"""Scenario files and their responses: extends, readings, when, sequence, times, patches, templates."""

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
    """Return a function that loads scenario texts by name."""

    def make(**texts: str) -> Config:
        return user_config(tmp_path, {f"scenarios/{name}.yaml": text for name, text in texts.items()})

    return make


def errors(config: Config, scenario: str, *bodies: Any, **more: Any) -> list[str]:
    """Return the error names of successive calls of query_room_info."""
    client = EngineClient(scenario, config=config)
    return [NAME[client.ask("query_room_info", body, **more)["ErrorCode"]] for body in bodies]


def rooms(*names: str) -> list[dict[str, str]]:
    """Request bodies for these rooms."""
    return [{"RoomId": name} for name in names]


def test_own_rules_come_before_inherited_ones(scenarios) -> None:
    """The rules of a scenario are tried first, then those of its parent, then those of the grandparent."""
    config = scenarios(
        a="title: a\nanswers: [{on: query_room_info, reply: {error: rate_limited}}]",
        b='title: b\nextends: a\nanswers: [{on: query_room_info, when: {body: {RoomId: "1"}}, reply: {error: server_busy}}]',
        c='title: c\nextends: b\nanswers: [{on: query_room_info, when: {body: {RoomId: "2"}}, reply: {error: room_not_found}}]',
    )
    assert errors(config, "c", *rooms("1", "2", "3")) == ["server_busy", "room_not_found", "rate_limited"]
    assert errors(config, "b", *rooms("1", "2")) == ["server_busy", "rate_limited"]


def test_readings_are_inherited(scenarios) -> None:
    """A reading overrides the parent's; the other readings of the parent are kept."""
    config = scenarios(
        a="title: a\nreadings: {unknown_room: empty, seq: optional, tick_seconds: 3600}",
        b="title: b\nextends: a\nreadings: {seq: unique}",
    )
    chosen = config.readings["b"]
    assert (chosen["unknown_room"], chosen["seq"], chosen["tick_seconds"]) == ("empty", "unique", 3600)
    assert config.readings["a"]["seq"] == "optional"


def test_a_scenario_without_a_world_is_empty(scenarios) -> None:
    """Without a world and a parent every room is unknown."""
    assert errors(scenarios(a="title: a"), "a", *rooms("123456789")) == ["room_not_found"]


def test_a_users_scenario_replaces_the_shipped_one(scenarios) -> None:
    """A user's document.yaml replaces ours of that name."""
    config = scenarios(document="title: mine\nanswers: [{on: '*', reply: {error: rate_limited}}]")
    assert errors(config, "document", *rooms("1")) == ["rate_limited"]
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
        ('{RoomId: "1", BeginTime: {absent: true}}', ["1"], ["2"]),
        ("{RoomId: {absent: true}}", [], ["1", "absent"]),
    ],
)
def test_when_matches_the_body(scenarios, when: str, hits: list[str], misses: list[str]) -> None:
    """Conditions are equality, a regular expression or a schema, which a missing field never meets; or that it is missing."""
    config = scenarios(
        a=f"title: a\nanswers: [{{on: query_room_info, when: {{body: {when}}}, reply: {{error: server_busy}}}}]"
    )
    assert errors(config, "a", *rooms(*hits)) == ["server_busy"] * len(hits)
    assert errors(config, "a", *rooms(*misses)) == ["room_not_found"] * len(misses)


def test_when_matches_the_query(scenarios) -> None:
    """Query parameters are matched like the body, and all conditions must hold."""
    config = scenarios(
        a='title: a\nanswers: [{on: "*", when: {query: {identifier: bob, seq: {matches: "^9"}}, body: {RoomId: "1"}},'
        " reply: {error: server_busy}}]"
    )
    assert errors(config, "a", *rooms("1"), query={"identifier": "bob", "seq": "91"}) == ["server_busy"]
    assert errors(config, "a", *rooms("1"), query={"identifier": "bob", "seq": "19"}) == ["room_not_found"]
    assert errors(config, "a", *rooms("2"), query={"identifier": "bob", "seq": "91"}) == ["room_not_found"]
    assert errors(config, "a", *rooms("1"), query={"identifier": "Bob", "seq": "91"}) == ["room_not_found"]


def test_numbers_are_compared_with_their_type(scenarios) -> None:
    """CountBy "1" matches 1 only if a lenient server converts it."""
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
    """A rule with a list of operations answers those only."""
    config = scenarios(
        a="title: a\nextends: document\nanswers: [{on: [count_qos_by_day, query_room_info], reply: {error: server_busy}}]"
    )
    client = EngineClient("a", config=config)
    codes = {operation: client.ask(operation)["ErrorCode"] for operation in SAMPLES}
    assert {name for name, code in codes.items() if code == 1402} == {"count_qos_by_day", "query_room_info"}


def test_a_sequence_is_returned_in_order_and_its_last_reply_repeats(scenarios) -> None:
    """The nth matching call gets the nth reply; calls that do not match are not counted."""
    config = scenarios(
        a="title: a\nanswers: [{on: query_room_info, when: {body: {RoomId: '1'}},"
        " sequence: [{error: server_busy}, {error: rate_limited}, {world: true}]}]"
    )
    assert errors(config, "a", *rooms("1", "2", "1", "2", "1", "1")) == [
        *("server_busy", "room_not_found", "rate_limited", "room_not_found", "room_not_found", "room_not_found")
    ]


def test_times_limits_a_rule(scenarios) -> None:
    """After `times` matches the next rule answers."""
    config = scenarios(
        a="title: a\nanswers: [{on: query_room_info, times: 2, reply: {error: server_busy}},"
        " {on: query_room_info, times: 3, sequence: [{error: rate_limited}, {world: true}]}, {on: '*', reply: {error: server_busy}}]"
    )
    assert errors(config, "a", *rooms("1", "1", "1", "1", "1", "1")) == [
        *("server_busy", "server_busy", "rate_limited", "room_not_found", "room_not_found", "server_busy")
    ]


def test_counts_belong_to_an_app(scenarios) -> None:
    """Calls of another app do not advance a sequence."""
    config = scenarios(a="title: a\nanswers: [{on: '*', sequence: [{error: server_busy}, {error: rate_limited}]}]")
    client = EngineClient("a", config=config)
    other = {"query": {"appkey": "987654321"}, "sign": "other_app"}
    codes = [client.ask("query_room_info", **more)["ErrorCode"] for more in ({}, other, {}, other)]
    assert codes == [1402, 1402, 1401, 1401]


def test_a_refused_request_is_not_counted(scenarios) -> None:
    """Only requests that pass validation advance a sequence."""
    config = scenarios(a="title: a\nanswers: [{on: '*', sequence: [{error: server_busy}, {error: rate_limited}]}]")
    client = EngineClient("a", config=config)
    client.send({"text": ""})
    assert client.ask("query_room_info")["ErrorCode"] == 1402


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
    """All examples of RFC 7396, appendix A; the target is not modified."""
    target, patch, result = (json.loads(part) for part in row.split(" | "))
    before = json.dumps(target)
    assert merge_patch(target, patch) == result
    assert json.dumps(target) == before


def test_a_patch_keeps_the_key_order(scenarios) -> None:
    """Patched fields keep their position, after the envelope."""
    config = scenarios(
        a="title: a\nextends: default\nanswers: [{on: query_room_info, reply: {patch: {CreateTime: '1575961800', Users: []}}}]"
    )
    answer = EngineClient("a", config=config).ask("query_room_info")
    assert list(answer) == list(ROOM)
    assert (answer["CreateTime"], answer["Users"]) == ("1575961800", [])
    assert answer["DestroyTime"] == EngineClient("default", config=config).ask("query_room_info")["DestroyTime"]


def test_a_patch_of_an_unknown_room_is_not_found(scenarios) -> None:
    """Without a response to patch, the error is returned."""
    config = scenarios(a="title: a\nanswers: [{on: query_room_info, reply: {patch: {Users: []}}}]")
    assert errors(config, "a", *rooms("1")) == ["room_not_found"]


def test_a_patch_must_match_the_schema(scenarios) -> None:
    """A missing field or wrong type gives internal_error with file and line, unless `unchecked` is set."""
    text = "title: a\nextends: document\nanswers:\n  - {{on: query_room_info, times: 1, reply: {{{0}}}}}\n"
    for patch in ("{CreateTime: null}", "{Users: {}}", "{Status: MAYBE}", "{ErrorCode: 5}"):
        config = scenarios(a=text.format(f"patch: {patch}"))
        answer = EngineClient("a", config=config).ask("query_room_info")
        assert answer["ErrorCode"] == 1500, patch
        assert "scenarios/a.yaml:4: the answer violates the response schema" in answer["ErrorInfo"]
    config = scenarios(a=text.format("patch: {CreateTime: null, Extra: 1}, unchecked: true"))
    answer = EngineClient("a", config=config).ask("query_room_info")
    assert "CreateTime" not in answer
    assert answer["Extra"] == 1


def test_a_body_gets_an_envelope_unless_it_has_one(scenarios) -> None:
    """A body without envelope is a success; a body with one is sent as written."""
    config = scenarios(
        a="title: a\nanswers:\n"
        "  - {on: query_all_instance_by_time, reply: {body: {UsersList: []}}}\n"
        "  - {on: count_qos_by_day, reply: {body: {Status: FAIL, ErrorCode: 77, ErrorInfo: '自定义'}}}\n"
    )
    client = EngineClient("a", config=config)
    assert client.send({"operation": "query_all_instance_by_time"}).body == (
        b'{"Status":"OK","ErrorCode":0,"ErrorInfo":"","UsersList":[]}'
    )
    assert client.ask("count_qos_by_day") == {"Status": "FAIL", "ErrorCode": 77, "ErrorInfo": "自定义"}


def test_templates_see_the_request_and_keep_types(scenarios) -> None:
    """Templates use the request and now, and numbers stay numbers."""
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
    assert (record["RoomId"], record["CreateTime"]) == ("query_instance_all_records_by_time-1001", "1575999940")
    assert record["RoomRecords"][0]["AudioDuration"] == 42
    assert record["RoomRecords"][0]["LeaveTime"] == "1576000000"


def test_a_float_is_not_an_integer(scenarios) -> None:
    """30.0 violates an integer field; |int converts it."""
    text = "title: a\nextends: document\nanswers: [{on: query_room_info, reply: {patch: {Users: [{UserId: a,"
    text += " FirstEnterTime: '1575963100', LastLeaveTime: '1575963200', AudioDuration: '%s', VideoDuration: 0}]}}}]"
    broken = EngineClient("a", config=scenarios(a=text % "{{ 60 / 2 }}")).ask("query_room_info")
    assert (broken["ErrorCode"], "AudioDuration" in broken["ErrorInfo"]) == (1500, True)
    reply = EngineClient("a", config=scenarios(a=text % "{{ (60 / 2)|int }}")).send({})
    assert b'"AudioDuration":30,' in reply.body


def test_fake_values_depend_on_the_request_only(scenarios) -> None:
    """`fake` draws the same values for the same rule and request."""
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
    other = EngineClient("a", config=config).ask(operation, {"BeginTime": "1575962151", "EndTime": "1575962850"})
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
def test_documented_and_unchecked_fields_are_accepted(scenarios, rule: str) -> None:
    """`when` accepts fields of any operation, `patch` those of every matching operation, `unchecked` all."""
    assert len(scenarios(a=f"title: a\nanswers: [{rule}]").scenarios["a"].rules) == 1


def test_a_rule_sees_documented_fields_only(scenarios) -> None:
    """A lenient reading removes undocumented fields before rules and templates see the body."""
    rule = "{on: query_room_info, when: {body: {RoomId: {schema: {}}}}, reply: {error: server_busy, info: '{{ request.body | length }}'}}"
    config = scenarios(a=f"title: a\nreadings: {{strictness: lenient}}\nanswers: [{rule}]")
    answer = EngineClient("a", config=config).ask("query_room_info", {"RoomId": "1", "Extra": 1})
    assert (answer["ErrorCode"], answer["ErrorInfo"]) == (1402, "1")


def test_an_open_schema_accepts_every_field(tmp_path: Path) -> None:
    """With a user's schema that allows other fields, `when` accepts any field."""
    schema = json.loads(Folders().schema("query_room_info.request.json").read_text(encoding="utf-8"))
    del schema["additionalProperties"]
    rule = "{on: query_room_info, when: {body: {RoomID: a}}, reply: {error: server_busy}}"
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "query_room_info.request.json").write_text(json.dumps(schema))
    config = user_config(tmp_path, {"scenarios/a.yaml": f"title: a\nanswers: [{rule}]"})
    assert "a" in config.scenarios
