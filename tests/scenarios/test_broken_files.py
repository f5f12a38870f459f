"""A broken file stops the start; the error names file, line, column and the correction, in English and Chinese."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.engine_client import user_config

from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import Folders

ON = "title: x\nanswers:\n  - on: query_room_info\n    "
CATALOGUE = Folders().fixture("errors.yaml").read_text(encoding="utf-8")
SCHEMA = Folders().schema("query_room_info.request.json").read_text(encoding="utf-8")
BROKEN_SCENARIOS = {
    "an empty file": ("", "1:1", "empty"),
    "a list": ("[]", "1:1", "a mapping"),
    "no title": ("description: x", "1:1", "missing title"),
    "an unquoted number": ("title: 0077", "1:8", 'quote it, "0077"'),
    "an empty value": ("title:", "1:7", "there is no value"),
    "a tab": ("title: x\nanswers:\n\t- on: x", "3:1", "indent with spaces"),
    "an open bracket": ("title: [x", "2:1", "brackets"),
    "a key twice": ("title: x\ntitle: y", "2:1", "keep one"),
    "an unknown key": ("title: x\nanswer: []", "2:1", "did you mean answers?"),
    "an unknown parent": ("title: x\nextends: defualt", "2:10", "did you mean default?"),
    "itself as a parent": ("title: x\nextends: broken", "2:10", "broken → broken"),
    "an unknown reading": ("title: x\nreadings: {windo: enter}", "2:19", "unknown reading 'windo'"),
    "a reading's value": ("title: x\nreadings: {window: entre}", "2:20", "choose overlap, enter"),
    "a reading's number": ("title: x\nreadings: {tick_seconds: 7}", "2:26", "10…3600"),
    "an unknown operation": ("title: x\nanswers:\n  - {on: query_room_inf, reply: {world: true}}", "3:10", "did you mean query_room_info?"),
    "an unknown error": (f"{ON}reply: {{error: room_not_fond}}", "4:20", "did you mean room_not_found?"),
    "ok as an error": (f"{ON}reply: {{error: ok}}", "4:20", "world: true"),
    "two kinds of reply": (f"{ON}reply: {{error: server_busy, world: true}}", "4:12", "exactly one of"),
    "no reply": ("title: x\nanswers:\n  - {on: '*'}", "3:5", "exactly one of reply, sequence"),
    "an empty sequence": (f"{ON}sequence: []", "4:15", "at least 1"),
    "no times": (f"{ON}times: 0\n    reply: {{world: true}}", "4:12", "at least 1"),
    "a regular expression": (f"{ON}when: {{body: {{RoomId: {{matches: '('}}}}}}\n    reply: {{world: true}}", "4:27", "unterminated"),
    "a schema's type": (f"{ON}when: {{body: {{RoomId: {{schema: {{type: strin}}}}}}}}\n    reply: {{world: true}}", "4:27", "'strin'"),
    "a schema's format": (f"{ON}when: {{body: {{RoomId: {{schema: {{format: date}}}}}}}}\n    reply: {{world: true}}", "4:27", "use a pattern"),
    "a schema elsewhere": (f"{ON}when: {{body: {{RoomId: {{schema: {{$ref: 'file:///etc/passwd'}}}}}}}}\n    reply: {{world: true}}", "4:27", "file:///etc/passwd"),
    "unquoted digits": (f"{ON}when: {{body: {{RoomId: 0077}}}}\n    reply: {{world: true}}", "4:27", 'quote it, "0077"'),
    "quoted digits": (f"{ON}when: {{body: {{CountBy: '2'}}}}\n    reply: {{world: true}}", "4:28", "a whole number"),
    "an answer's type": (f"{ON}reply: {{body: {{RoomId: 0077}}}}", "4:28", 'quote it, "0077"'),
    "an answer's key": (f"{ON}reply: {{body: {{RoomId: a, CreateTime: '1575961850', DestroyTime: '1575961850', Users: [], Userz: 1}}}}", "4:95", "did you mean Users?"),
    "an answer's field": (f"{ON}reply: {{body: {{RoomId: a}}}}", "4:19", "missing CreateTime, DestroyTime, Users"),
    "an answer's whole float": (f"{ON}reply: {{body: {{Status: FAIL, ErrorCode: 7.0, ErrorInfo: a}}}}", "4:45", "a whole number"),
    "a field to match": (f"{ON}when: {{body: {{RoomID: a}}}}\n    reply: {{error: server_busy}}", "4:19", "query_room_info has no request field 'RoomID'; did you mean RoomId?"),
    "a field of another operation": (f"{ON}when: {{body: {{RoomId: a, UserId: b}}}}\n    reply: {{error: server_busy}}", "4:30", "known: RoomId, BeginTime, EndTime"),
    "fields that no operation takes together": ("title: x\nanswers:\n  - on: '*'\n    when: {body: {RoomId: a, UserId: b}}\n    reply: {world: true}", "4:12", "no operation of this rule has all of the fields RoomId, UserId"),
    "a field of no operation": ("title: x\nanswers:\n  - on: '*'\n    when: {body: {Roomid: a}}\n    reply: {world: true}", "4:19", "no operation of this rule has a request field 'Roomid'; did you mean RoomId?"),
    "a field to patch": (f"{ON}reply: {{patch: {{Userz: []}}}}", "4:21", "query_room_info has no response field 'Userz'; did you mean Users?"),
    "a field to patch in a sequence": (f"{ON}sequence: [{{world: true}}, {{patch: {{Userz: '{{{{ now }}}}'}}}}]", "4:40", "did you mean Users?"),
    "a field to take away": (f"{ON}reply: {{patch: {{DestroyTim: null}}}}", "4:21", "did you mean DestroyTime?"),
    "a field to patch of one of two": ("title: x\nanswers:\n  - on: [query_room_info, count_qos_by_day]\n    reply: {patch: {Users: []}}", "4:21", "count_qos_by_day has no response field 'Users'"),
    "a template": (f"{ON}reply: {{patch: {{RoomId: '{{{{ nothing }}}}'}}}}", "4:29", "there is no nothing"),
    "a template in info": (f"{ON}reply: {{error: server_busy, info: '{{{{'}}", "4:39", "template"),
    "a number beyond JSON": (f"{ON}reply: {{unchecked: true, body: {{a: 99999999999999999999}}}}", "4:36", "64-bit"),
    "one name for two": ("title: x\nanswers:\n  - {name: a, on: '*', reply: {world: true}}\n  - {name: a, on: '*', reply: {world: true}}", "4:12", "another name"),
    "a stay backwards": ("title: x\nworld: {source: recorded, rooms: [{RoomId: r, stays: [{UserId: u, enter: 1575961850, leave: 1575961800}]}]}", "2:", "leave"),
    "a moment": ("title: x\nworld: {source: recorded, rooms: [{RoomId: r, stays: [{UserId: u, enter: noon}]}]}", "2:", "is not a time"),
}  # fmt: skip


def problems(tmp_path: Path, name: str, text: str) -> list:
    """The problems that a user's file of that name has."""
    with pytest.raises(ConfigurationError) as caught:
        user_config(tmp_path, {name: text})
    assert caught.value.problems
    for problem in caught.value.problems:
        assert problem.line, problem
        assert problem.column, problem
        assert re.search("[\u4e00-\u9fff]", problem.text.zh), problem
    assert len(set(caught.value.problems)) == len(caught.value.problems)
    return list(caught.value.problems)


@pytest.mark.parametrize(("text", "place", "message"), BROKEN_SCENARIOS.values(), ids=BROKEN_SCENARIOS)
def test_a_broken_scenario_is_reported_with_its_place(tmp_path, text: str, place: str, message: str) -> None:
    """A problem names the file, line and column, and the correction."""
    start = f"{tmp_path / 'scenarios' / 'broken.yaml'}:{place}"
    found = problems(tmp_path, "scenarios/broken.yaml", text)
    assert any(problem.show().startswith(start) and message in problem.text.en for problem in found), found


def test_all_problems_are_reported_at_once(tmp_path) -> None:
    """Two files with two mistakes each give four problems."""
    (tmp_path / "scenarios").mkdir()
    text = "title: x\nreadings: {windo: enter}\nanswers: [{on: query_room_info, reply: {error: nope}}]"
    (tmp_path / "scenarios" / "a.yaml").write_text(text)
    assert len(problems(tmp_path, "scenarios/b.yaml", text)) == 4


def test_a_cycle_is_reported_with_its_members(tmp_path) -> None:
    """If a extends b, b extends c and c extends a, the error names all three."""
    (tmp_path / "scenarios").mkdir()
    for name, parent in (("a", "b"), ("b", "c")):
        (tmp_path / "scenarios" / f"{name}.yaml").write_text(f"title: x\nextends: {parent}")
    found = problems(tmp_path, "scenarios/c.yaml", "title: x\nextends: a")
    assert any("a → b → c → a" in problem.text.en for problem in found)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("code: 0", "code: 3", "code of `ok` must be 0"),
        ("code: 1001", "code: 1002", "1002 is already used by 'unknown_command'"),
        ("name: empty_body", "name: emty_body", "missing errors: empty_body"),
        ("name: empty_body", "name: ok", "duplicate error 'ok'"),
        ("status: 404", "status: '404'", "a whole number"),
        ("source: document", "source: documents", "did you mean document?"),
        ('section: "1.6"', "section: 1.60", 'quote it, "1.60"'),
    ],
)
def test_a_broken_catalogue_is_reported_with_its_place(tmp_path, old: str, new: str, message: str) -> None:
    """Duplicate and missing codes and names are found."""
    found = problems(tmp_path, "errors.yaml", CATALOGUE.replace(old, new, 1))
    assert any(message in problem.text.en for problem in found), found
    assert all(problem.place.endswith("errors.yaml") for problem in found)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("apps: []", "1:7", "at least 1"),
        ("apps:\n  - {appkey: '1'}", "2:5", "missing appsecret, restapikey, identifiers"),
        ("apps:\n  - {appkey: 0012, appsecret: a, restapikey: b, identifiers: [c]}", "2:14", 'quote it, "0012"'),
        (
            "apps:\n  - {appkey: '1', appsecret: a, restapikey: b, identifiers: [c]}\n"
            "  - {appkey: '1', appsecret: a, restapikey: b, identifiers: [c]}",
            "3:14",
            "duplicate appkey",
        ),
        (
            "apps:\n  - {appkey: '1', appsecret: a, rest_api_key: b, identifiers: [c]}",
            "2:33",
            "did you mean restapikey",
        ),
    ],
)
def test_broken_credentials_are_reported_with_their_place(tmp_path, text: str, place: str, message: str) -> None:
    """The first problem names the file, line and column, and each mistake is reported once."""
    first = problems(tmp_path, "apps.yaml", text)[0]
    assert first.show().startswith(f"{tmp_path / 'apps.yaml'}:{place}"), first.show()
    assert message in first.text.en


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"type": "object"', '"type": "objekt"', "objekt"),
        ('"minLength": 1', '"minLength": "1"', "'1'"),
        ('"minLength": 1', '"format": "date"', "use a pattern"),
        ('"minLength": 1', '"$ref": "http://example.invalid/x.json"', "does not exist"),
        ('"minLength": 1', '"$ref": "file:///etc/passwd"', "does not exist"),
        ('"minLength": 1', '"$ref": "#/$defs/nothing"', "does not exist"),
        ('"minLength": 1', '"pattern": "("', "("),
        ("query_room_info.request.json", "something.json", "must end in /query_room_info.request.json"),
        (SCHEMA, "true", "$id"),
        (SCHEMA, "[]", "not a JSON Schema"),
        (SCHEMA, "{", "double quotes"),
    ],
    ids=lambda text: text[:40],
)
def test_a_broken_schema_is_reported_in_its_file(tmp_path, old: str, new: str, message: str) -> None:
    """A mistake in one schema is reported for that file only."""
    assert old in SCHEMA
    found = problems(tmp_path, "schemas/query_room_info.request.json", SCHEMA.replace(old, new, 1))
    assert {Path(problem.place).name for problem in found} == {"query_room_info.request.json"}
    assert any(message in problem.text.en for problem in found), found


@pytest.mark.parametrize("key", ["appsecret", "restapikey"])
@pytest.mark.parametrize(
    "value", ["'cAnArY0123456789 '", "1234567890123456", "'cAnArY" + "0" * 300 + "'", "[cAnArY0123]", "{cAnArY: 1}", "1234567890.123456", "true", "'cAnArY\u00e9'", '"cAnArY\\n"', "*cAnArY01", "!cAnArY01", "!!int cAnArY01", "&cAnArY01", "1e1234567890", "!cAnArY!x"],
)  # fmt: skip
def test_a_broken_secret_is_not_shown(tmp_path, key: str, value: str) -> None:
    """The error shows the place and the correction in both languages, but not the value."""
    row = {"appkey": "'1'", "appsecret": "made-up", "restapikey": "made-up", "identifiers": "[c]", key: value}
    text = "apps:\n  - {" + ", ".join(f"{name}: {word}" for name, word in row.items()) + "}"
    for problem in problems(tmp_path, "apps.yaml", text):
        assert problem.line == 2
        for message in (problem.show("en"), problem.show("zh")):
            assert not re.search("cAnArY|1234567890|rue", message), message
            assert re.search("value|text|int:|number|值|文本|标签|数字", message)
