"""Every independent mistake of a file is reported at once, those of its form together with those of its meaning."""

from __future__ import annotations

import re
from pathlib import Path
from unittest import mock

import pytest
from helpers.engine_client import user_config
from helpers.shell import run

from mockserver.core.documents import Document
from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import Folders

MISTAKES = """\
title: Mine
titel_zh: x                   # 2:1 did you mean title_zh?
extends: defualt              # 3:10 did you mean default?
error_info: detaild           # 4:13 did you mean detailed?
readings:
  windo: enter                # 6:3 unknown reading 'windo'
  ongoing: zeor               # 7:12 cannot be 'zeor'
world:
  source: recorded
  rooms:
    - RoomId: "1"
      stays:
        - {UserId: a, enter: now-2h, leave: now-3h, vidoe: 3}          # 13:45 after enter; 13:53 did you mean video?
        - {UserId: 77, enter: now-2h}                                  # 14:20 quote it, "77"
        - {UserId: b, enter: noon, leave: soon, audio: 3}              # 15:29 'noon' is not a time; 15:42 'soon' is not a time
        - {UserId: c, enter: now-1h, audio_loss: 200}                  # 16:50 at most 100
        - {UserId: d, enter: now-1h, leave: now, audio: 9999}          # 17:55 at most 3600 s
answers:
  - {on: query_room_inf, reply: {error: room_not_fund}}                # 19:10 query_room_info; 19:41 room_not_found
  - {on: query_room_info, when: {body: {RoomIdd: x, UserId: {match: x}}}, reply: {error: room_not_fund, dealy: 3}} # 20:41 did you mean RoomId?; 20:63 did you mean matches?; 20:90 room_not_found; 20:105 unknown key 'dealy'
  - {on: 2.2, sequence: [{error: 1402}, {patch: {Userz: []}}, {delay: 3}], times: 0} # 21:10 section number; 21:34 server_busy; 21:64 use a fault; 21:83 at least 1
  - {reply: {error: nope}}                                             # 22:5 missing on; 22:21 unknown error 'nope'
  - {on: query_room_info, reply: {patch: {RoomId: "{{ nothing }}", Users: "{{ also }}"}}} # 23:51 no nothing; 23:75 no also
  - {on: count_qos_by_day, when: {body: {QueryDate: {matches: "("}, X: {matches: "["}}}, reply: {world: true}} # 24:53 missing ); 24:69 no request field 'X'; 24:72 unterminated
  - {on: query_room_info, name: a, reply: {body: {RoomId: 3}}}         # 25:50 missing CreateTime; 25:59 quote it, "3"
  - {on: query_room_info, name: a, reply: {}}                          # 26:33 another name; 26:43 exactly one of
faults:
  - {fault: latenzy, fixed_ms: 3}                                      # 28:13 did you mean latency?
  - {fault: latency, fixd_ms: 3, probability: 3, on: [query_rom], times: x} # 29:5 exactly one of fixed_ms; 29:22 fixed_ms; 29:47 at most 1; 29:54 query_room_info; 29:74 not a whole number
  - {fault: error, name: nope, tims: 3, when: {body: {RoomId: {matches: "("}}}} # 30:26 unknown error 'nope'; 30:32 did you mean times?; 30:63 missing )
  - {fault: http_status, status: 200, body: htm, retry_after: 1.0}     # 31:34 at most 599; 31:45 did you mean html?; 31:63 not a whole number
"""


def problems_of(folder: Path, text: str, name: str = "scenarios/mine.yaml") -> list:
    """Return the problems of a user's file."""
    with pytest.raises(ConfigurationError) as caught:
        user_config(folder, {name: text})
    return list(caught.value.problems)


def test_every_mistake_of_a_scenario_is_reported_at_once(tmp_path: Path) -> None:
    """Each comment of the file lists the mistakes of its line: what is expected there, and nothing else."""
    expected = [
        note.strip() for line in MISTAKES.splitlines() if "# " in line for note in line.rpartition("# ")[2].split(";")
    ]
    found = problems_of(tmp_path, MISTAKES)
    lines = {(problem.line, problem.text.en) for problem in found}
    assert len(lines) == len(found)
    missing = [
        note
        for note in expected
        if not any(line == int(note.partition(":")[0]) and note.partition(" ")[2] in text for line, text in lines)
    ]
    assert missing == []
    # A reply without a kind is also reported where a fault was meant.
    assert len(found) == len(expected) + 1, [problem.show() for problem in found]
    assert [problem.line for problem in found] == sorted(problem.line or 0 for problem in found)


@pytest.mark.parametrize(
    ("world", "wrong"),
    [
        ("{source: rec, rooms: [{RoomId: 77, stays: [{UserId: '', enter: x, leave: y}]}]}", "rec 77 '' x y"),
        (
            "{rooms: [{RoomId: a, stays: [{UserId: 1, enter: 0, leave: now}]}, {RoomId: a, CreateTime: z}]}",
            "world 1 0 a z",
        ),
        ("{source: recorded, rooms: [{RoomID: a, stays: [{Userid: b, entr: x, leave: y}]}]}", "RoomID Userid entr"),
        (
            "{source: recorded, rooms: [{RoomID: a, stays: [{Userid: b, enter: x}, {enter: z}]}]}",
            "RoomID Userid x {enter z",
        ),
        ("{source: random, seed: x, users: -1}", "random x -1"),
        ("{source: '', sed: 1}", "'' sed"),
    ],
)
def test_a_wrong_source_or_id_hides_nothing(tmp_path: Path, world: str, wrong: str) -> None:
    """The rest of the world is checked as the one that it looks like, and that of a room under its wrong id."""
    lines = ["title: Mine", "world:", f" {world}"]
    found = [lines[problem.line - 1][problem.column - 1 :] for problem in problems_of(tmp_path, "\n".join(lines))]
    assert [re.match(r"[-'{\w]+", text)[0] for text in found] == wrong.split()


def test_many_wrong_ids_are_corrected_in_one_copy(tmp_path: Path) -> None:
    """A copy of the file for each of thousands would take minutes."""
    rooms = [f"{{RoomId: {number}, CreateTime: now}}" for number in range(50)]
    text = f"title: Mine\nworld: {{source: recorded, rooms: [{', '.join(rooms)}]}}"
    with mock.patch.object(Document, "with_values", autospec=True, side_effect=Document.with_values) as with_values:
        assert len(problems_of(tmp_path, text)) == 50
    assert with_values.call_count == 1


def test_a_schema_of_ones_own_may_have_other_ids(tmp_path: Path) -> None:
    """A schema whose ids are numbers is applied."""
    schema = Folders().schema("scenario.json").read_text("utf-8")
    (tmp_path / "schemas").mkdir()
    start = schema.index('"RoomId": {')
    changed = schema[:start] + schema[start:].replace('"type": "string"', '"type": "integer"', 1)
    (tmp_path / "schemas" / "scenario.json").write_text(changed, "utf-8")
    text = "title: Mine\nworld: {source: recorded, rooms: [{RoomId: x, stays: []}, {stays: []}]}"
    found = [problem.text.en for problem in problems_of(tmp_path, text) if Path(problem.place).name == "mine.yaml"]
    assert found[0] == "'x' is not a whole number"
    assert "missing RoomId; add it" in found


def test_the_mistakes_of_a_scenario_come_before_those_of_its_file_of_sessions(tmp_path: Path) -> None:
    """Each file in its own order."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "s.csv").write_text("RoomId,UserId,enter\n,a,1\n")
    text = "title: Mine\nworld: {source: recorded, sessions: s.csv}\nanswers: [{reply: {error: nope}}]"
    found = [(Path(problem.place).name, problem.line) for problem in problems_of(tmp_path, text)]
    assert found == [("mine.yaml", 3), ("mine.yaml", 3), ("s.csv", 2), ("s.csv", 2)]


def test_the_mistakes_of_all_kinds_of_files_are_reported_at_once(tmp_path: Path) -> None:
    """apps.yaml, retries.yaml and two scenarios, one of them not even YAML; and both kinds of mistakes in each file."""
    app = "{appkey: k, appsecret: s, restapikey: r, identifiers: [i]}"
    with pytest.raises(ConfigurationError) as caught:
        user_config(
            tmp_path,
            {
                "apps.yaml": f"apps:\n  - {app}\n  - {app}\n  - {{appkey: 3}}\n",
                "retries.yaml": "rules:\n  - {error: nope, next: wait, en: a, zh: 甲}\n  - {error: server_busy}\n",
                "scenarios/a.yaml": "title: [",
                "scenarios/b.yaml": "title: b\nextends: a\nanswer: []",
            },
        )
    found = [(Path(problem.place).name, problem.line) for problem in caught.value.problems]
    assert sorted(found) == [
        *[("a.yaml", 2), ("apps.yaml", 3), ("apps.yaml", 4), ("apps.yaml", 4), ("b.yaml", 3)],
        *[("retries.yaml", 2), ("retries.yaml", 3)],
    ]


def test_an_error_row_that_is_wrong_is_not_called_missing(tmp_path: Path) -> None:
    """And a duplicate is found beside it."""
    row = "{name: server_busy, code: CODE, source: document, section: '1.6', status: 200, en: a, zh: 甲}"
    text = f"errors:\n  - {row.replace('CODE', 'x')}\n  - {row.replace('CODE', '7')}\n  - {row.replace('CODE', '7')}"
    found = problems_of(tmp_path, text, "errors.yaml")
    assert [(problem.line, problem.text.en.split(";")[0]) for problem in found] == [
        (2, "'x' is not a whole number"),
        (4, "duplicate error 'server_busy'"),
        (4, "code 7 is already used by 'server_busy'"),
    ]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("title：Mine", ["1:1"]),
        ("title: Mine\nanswers：\n  - on: query_room_info\n    reply：{error: server_busy}", ["2:8", "4:10"]),
        ("title: Mine\nanswers: [{on：query_room_info, reply: {world: true}}]", ["2:12"]),
        ("title: Mine\n“extends”: default", ["2:1"]),
        ('title: Mine\n"extends"：default', ["2:10"]),
        ("title: Mine\nextends: “default”", ["2:10"]),
        ("title: Mine\nreadings: {window: “enter”}", ["2:20"]),
        ("title: Mine\nanswers:\n  - {on: “query_room_info”, reply: {error: “server_busy”}}", ["3:10", "3:44"]),
        ("title: Mine\nanswers:\n  - {on: [query_room_info，count_qos_by_day], reply: {world: true}}", ["3:11"]),
        ("title: Mine\nworld: {source: “generated”}", ["2:17"]),
        ("title: Mine\nworld: {source: generated, seed: “1”}", ["2:34"]),
        ("title: Mine\nanswers:\n  - {on: ｛query_room_info｝, reply: {world: true}}", ["3:10"]),
        (
            'title: Mine\nworld: {source: recorded, rooms: [{RoomId: "1", stays: [{UserId: u, enter: today 10：00}]}]}',
            ["2:"],
        ),
        ("title: Mine\nfaults: [{fault: “latency”, fixed_ms: 1}]", ["2:18"]),
        ("title: Mine\nfaults: [{fault：latency}]", ["2:"]),
        ("title: Mine\nreadings: {window：enter}", ["2:"]),
        ("title: Mine\nworld: {source：generated}", ["2:"]),
        ("title: Mine\nfaults: [{fault: latency, fixed_ms: “1”}]", ["2:37"]),
        ("title: Mine\n　extends: default", ["2:"]),
    ],
)
def test_a_full_width_character_is_named(tmp_path: Path, text: str, places: list[str]) -> None:
    """Where YAML or a name cannot have it, with the character to write instead, in both languages."""
    found = [problem for problem in problems_of(tmp_path, text) if "instead of the full-width" in problem.text.en]
    assert len(found) == len(places), found
    for problem, place in zip(found, places, strict=True):
        assert f":{place}" in problem.show()
        assert "全角" in problem.text.zh


@pytest.mark.parametrize(
    ("name", "text", "count"),
    [
        (
            "scenarios/mine.yaml",
            "title: “Mine”\nanswers:\n  - {on: '*', when: {body: {RoomId: “1”}, query: {seq: ‘1’}}, reply: {world: true}}",
            2,
        ),
        (
            "scenarios/mine.yaml",
            "title: x\nanswers:\n  - {on: '*', when: {body: {RoomId: {matches: “1”}}}, reply: {error: server_busy, info: “gone”}}",
            1,
        ),
        (
            "scenarios/mine.yaml",
            "title: x\nworld: {source: recorded, rooms: [{RoomId: “1”, stays: [{UserId: “u”, enter: now-1h, city: “深圳市”}]}]}",
            3,
        ),
        ("apps.yaml", "apps: [{appkey: “k”, appsecret: “s”, restapikey: r, identifiers: [“i”], name: “My app”}]", 3),
    ],
)
def test_a_quoted_id_that_can_never_match_is_reported(tmp_path: Path, name: str, text: str, count: int) -> None:
    """Full-width quotes would be part of an id; in a text for people they are fine."""
    found = problems_of(tmp_path, text, name)
    assert len(found) == count, found
    for problem in found:
        assert "full-width" in problem.text.en
        assert text.splitlines()[problem.line - 1][problem.column - 1] in "“‘"


def test_full_width_characters_in_texts_are_fine(tmp_path: Path) -> None:
    """Titles, descriptions and ErrorInfo may have any of them, also beside a syntax error elsewhere."""
    text = "title: “早高峰”：一，二\ndescription: |\n  注意：「甲」\nanswers: [{on: '*', reply: {error: server_busy, info: “忙”}}]"
    assert "mine" in user_config(tmp_path, {"scenarios/mine.yaml": text}).scenarios
    (problem,) = problems_of(tmp_path, text + "\nfaults: [")
    assert "full-width" not in problem.text.en


def test_a_full_width_character_in_a_schema_file_is_named(tmp_path: Path) -> None:
    """The JSON reader gives the same hint."""
    for text in ("{“$id”: 1}", '{"$id"：1}', '{"$id": 1，"type": 2}', '{"$id": “1”}'):
        (problem,) = problems_of(tmp_path, text, "schemas/query.json")
        assert "instead of the full-width" in problem.text.en


def test_a_warning_names_sessions_in_the_future(tmp_path: Path) -> None:
    """`check` prints it and exits with 0; the moments are shown as written and as resolved."""
    stays = "{UserId: a, enter: now+2h}, {UserId: b, enter: now-1h}, {UserId: c, enter: now+1h}"
    text = f'title: Mine\nworld: {{source: recorded, rooms: [{{RoomId: "1", stays: [{stays}]}}]}}'
    config = user_config(tmp_path, {"scenarios/mine.yaml": text})
    (warning,) = config.warnings
    assert warning.show().startswith(f"{tmp_path}/scenarios/mine.yaml:2:")
    assert "2 stays in the future" in warning.text.en
    assert "(the first from now+1h (20" in warning.text.en
    done = run("check", str(tmp_path))
    assert (done.returncode, done.stdout[-17:]) == (0, f"{done.stdout[-17:]}")
    assert "fine" in done.stdout
    assert "warning: 2 stays in the future" in done.stderr
    done = run("check", str(tmp_path / "scenarios" / "mine.yaml"), "--lang", "zh")
    assert (done.returncode, "2 条 stays 在未来" in done.stderr) == (0, True)


def test_a_session_that_ends_before_it_begins_shows_both_moments(tmp_path: Path) -> None:
    """As written and as resolved, so that `today 10:00` at night explains itself."""
    text = "title: x\nworld: {source: recorded, rooms: [{RoomId: r, stays: [{UserId: u, enter: today 23:59:59, leave: today 00:00:01}]}]}"
    (problem,) = problems_of(tmp_path, text)
    assert "leave is today 00:00:01 (20" in problem.text.en
    assert "T00:00:01+08:00) and enter is today 23:59:59 (20" in problem.text.en
