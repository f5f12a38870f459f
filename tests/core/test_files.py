"""Files are read by strict rules, mistakes have a place and advice in two languages, names find files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mockserver.core.documents import Document
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.folders import Folders
from mockserver.core.json_reader import parse_json, read_json
from mockserver.core.snapshots import take_snapshot
from mockserver.core.text import Text
from mockserver.core.yaml_reader import parse_yaml, read_yaml


def refusal(parse: Any, source: str | bytes) -> Problem:
    """The one problem that `source` is refused for."""
    with pytest.raises(ConfigurationError) as caught:
        parse(source, "some.file")
    (problem,) = caught.value.problems
    assert problem.place == "some.file"
    return problem


def outcome(parse: Any, source: str | bytes) -> tuple[Any, tuple[Problem, ...]]:
    """The value of `source`, or the problems it is refused for."""
    try:
        return parse(source, "some.file").value, ()
    except ConfigurationError as error:
        return None, error.problems


# --- YAML values ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("2019-12-10", "2019-12-10"),
        ("2019-12-10T15:17:00+08:00", "2019-12-10T15:17:00+08:00"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("0123", 123),
        ("01012345670", 1012345670),
        ("20191210", 20191210),
        ("0o17", 15),
        ("0x1F", 31),
        ("-0x1F", "-0x1F"),
        ("+7", 7),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("１２", "１２"),
        ("=", "="),
        ("true", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("~", None),
        ("'~'", "~"),
        ("null", None),
        ('"123"', "123"),
        ("!!str 123", "123"),
        ("! 123", "123"),
        ("!!int 7", 7),
        ("!!float 7", 7.0),
        ("|\n  7\n", "7\n"),
        ("[a, {b: }]", ["a", {"b": None}]),
        ("{at: 2019-12-10T15:17:00+08:00}", {"at": "2019-12-10T15:17:00+08:00"}),
    ],
)
def test_a_plain_word_means_what_yaml_1_2_says(text: str, value: object) -> None:
    """No words for truth but true and false, no dates, no base 60, no octal by a leading zero."""
    read = parse_yaml(text, "some.file").value
    assert (read, type(read)) == (value, type(value))


def test_an_alias_repeats_a_value_but_shares_nothing() -> None:
    """An alias stands for a copy: changing one place could never change another."""
    value = parse_yaml("a: &x {r: [1]}\nb: *x\n", "some.file").value
    assert value == {"a": {"r": [1]}, "b": {"r": [1]}}
    assert value["a"]["r"] is not value["b"]["r"]


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
)

REFUSED_YAML: list[tuple[str | bytes, int, int, str]] = [
    ("a: 1\nb: 2\na: 3\n", 3, 1, "twice (first on line 1)"),
    ("a: {b: 1, 'b': 2}", 1, 11, "twice"),
    ("a: &x 1\n<<: {b: 1}\n", 2, 1, "merge key"),
    ("!!python/object/apply:os.system ['echo']", 1, 1, "tag"),
    ("a: !!python/name:os.system ''", 1, 4, "tag"),
    ("a: !mine {b: 1}", 1, 4, "tag"),
    ("!!set {a}", 1, 1, "tag"),
    ("!!timestamp 2019-12-10", 1, 1, "tag"),
    ("!!binary aGk=", 1, 1, "tag"),
    ("a: !!int seven", 1, 4, "no int"),
    ("a: !!bool 1", 1, 4, "no bool"),
    ("a: 1\n---\nb: 2\n", 2, 1, "second document"),
    ("1: a", 1, 1, "put it in quotes"),
    ("true: a", 1, 1, "put it in quotes"),
    ("a:\n  ~: b", 2, 3, "put it in quotes"),
    ("? [a]\n: b", 1, 3, "put it in quotes"),
    ("x: &k a\n*k : b", 2, 1, "put it in quotes"),
    ("a: .nan", 1, 4, "quote it if it is text"),
    ("a: -.INF", 1, 4, "quote it if it is text"),
    ("a: 1e400", 1, 4, "too large"),
    ("a: " + "9" * 33, 1, 4, "over 32 characters"),
    ("[" * 65, 1, 65, "deeper than 64"),
    ("[" * 200_000, 1, 65, "deeper than 64"),
    ("- " * 70, 1, 129, "deeper than 64"),
    ("".join(" " * n + "a:\n" for n in range(70)), 65, 65, "deeper than 64"),
    ("{a: " * 70 + "}" * 70, 1, 257, "deeper than 64"),
    (BOMB, 6, 14, "over 200000 values"),
    ("a: &a [*a]", 1, 8, "no finished anchor"),
    ("a: *b", 1, 4, "no finished anchor"),
    (b"a: 1\nb: \xff", 2, 4, "UTF-8"),
    ("a: 1".encode("utf-16"), 1, 1, "UTF-8"),
    (b"a: \xc0\xaf", 1, 4, "UTF-8"),
    ("\ufeffa: 1", 1, 1, "BOM"),
    ("a: \x00", 1, 4, "U+0000"),
    ("a: 'x\x1b'", 1, 6, "U+001B"),
    ("a: \ud800", 1, 4, "U+D800"),
    ('a: "\\ud800"', 1, 7, "broken YAML"),
    ("a:\n\tb: 1", 2, 1, "indent with spaces"),
    ("a: @b", 1, 4, "put it in quotes"),
    ("a: b: c", 1, 5, "quote text with ': '"),
    ("a: 'open\nb: 1\n", 1, 4, "quotes"),
    ("a: [1, 2\nb: 3", 2, 2, "brackets"),
    ("", 1, 1, "empty"),
    ("# only a comment\n", 1, 1, "empty"),
    ("x" * (4 * 1024 * 1024 + 1), 1, 1, "larger than"),
]


@pytest.mark.parametrize(
    ("source", "line", "column", "words"), REFUSED_YAML, ids=lambda value: repr(value)[:40]
)
def test_refused_yaml_is_told_with_place_and_advice(
    source: str | bytes, line: int, column: int, words: str
) -> None:
    """Each mistake names line and column, and says in both languages what it is."""
    problem = refusal(parse_yaml, source)
    assert (problem.line, problem.column) == (line, column)
    assert words in problem.text.en
    assert any("\u4e00" <= char <= "\u9fff" for char in problem.text.zh)


def test_depth_counts_through_aliases() -> None:
    """Forty levels inside forty levels are eighty, however they are written."""
    deep = "a: &x " + "[" * 40 + "]" * 40 + "\nb: "
    assert parse_yaml(deep + "*x", "some.file").value["b"] is not None
    assert "deeper than 64" in refusal(parse_yaml, deep + "[" * 40 + "*x" + "]" * 40).text.en


TEXTS = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200),
    st.lists(
        st.sampled_from(
            ["a", "b: ", "- ", "\n", "  ", "\t", "{", "}", "[", "]", ", ", "&x ", "*x", "!!int ", "'", '"']
            + ["é", "|\n", ">\n", "#", "---\n", "...\n", "? ", "%YAML 1.1\n", "<<: ", "~", "1", ".nan", "\\"]
        ),
        max_size=40,
    ).map("".join),
)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(TEXTS)
@example(b"\xef\xbb\xbf")
@example("%TAG ! tag:x,2000:\n--- !y z")
@example("\x85a: \u2028b")
def test_whatever_the_bytes_yaml_is_read_or_refused(source: str | bytes) -> None:
    """The reader gives a value of JSON's kinds, or one ConfigurationError with a place."""
    value, problems = outcome(parse_yaml, source)
    assert all(one.line and one.column for one in problems)
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufeff\ufffe\uffff")
)
LEAVES = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.floats(-1e9, 1e9) | WORDS
JSON_VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON_VALUES, st.sampled_from([None, 2]))
def test_what_json_writes_both_readers_read_back(value: Any, indent: int | None) -> None:
    """The JSON reader gives back what `json` wrote, the YAML reader what PyYAML wrote with core tags."""
    assert parse_json(json.dumps(value, indent=indent), "some.file").value == value
    assert parse_json(json.dumps(value, indent=indent, ensure_ascii=False), "some.file").value == value
    assert (
        parse_yaml(yaml.safe_dump(value, default_style='"', allow_unicode=False), "some.file").value == value
    )


# --- JSON ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "line", "column", "words"),
    [
        ('{\n "a": 1,\n "a": 2}', 3, 2, "twice (first on line 2)"),
        ('{"a": 1,}', 1, 9, "a key in double quotes"),
        ("[1, ]", 1, 5, "a JSON value is due"),
        ("[1 2]", 1, 4, "a comma or ]"),
        ('{"a": 1 "b": 2}', 1, 9, "a comma or }"),
        ("{a: 1}", 1, 2, "a key in double quotes"),
        ("{'a': 1}", 1, 2, "a key in double quotes"),
        ('{"a" 1}', 1, 6, "a colon"),
        ('{"a": NaN}', 1, 7, "a JSON value is due"),
        ("[-Infinity]", 1, 2, "a JSON value is due"),
        ("[01]", 1, 2, "a JSON value is due"),
        ("[1.]", 1, 2, "a JSON value is due"),
        ("[+1]", 1, 2, "a JSON value is due"),
        ("[0x10]", 1, 2, "a JSON value is due"),
        ("[1e400]", 1, 2, "too large"),
        ("[" + "9" * 5000 + "]", 1, 2, "over 32 characters"),
        ('["\\ud800"]', 1, 2, "surrogate"),
        ('["a\tb"]', 1, 4, "broken string"),
        ('["\\x"]', 1, 3, "broken string"),
        ('["open', 1, 2, "broken string"),
        ("[" * 100_000, 1, 65, "deeper than 64"),
        ('{"a":' * 70, 1, 321, "deeper than 64"),
        ("[] x", 1, 4, "after the end"),
        ("// no\n{}", 1, 1, "a JSON value is due"),
        ("", 1, 1, "a JSON value is due"),
        ("\ufeff{}", 1, 1, "BOM"),
        (b'{"a":\n "\xff"}', 2, 3, "UTF-8"),
        ("[True]", 1, 2, "a JSON value is due"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_refused_json_is_told_with_place_and_advice(
    source: str | bytes, line: int, column: int, words: str
) -> None:
    """Whatever is not RFC 8259, or doubles a key, names its line and column."""
    problem = refusal(parse_json, source)
    assert (problem.line, problem.column) == (line, column)
    assert words in problem.text.en


@settings(max_examples=600, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text('{}[]",:0123456789.eE+-truefalsn\\u \n', max_size=60)))
def test_whatever_the_bytes_json_is_read_as_the_standard_library_reads_it_or_refused(
    source: str | bytes,
) -> None:
    """Our JSON reader accepts nothing that `json` refuses, and agrees on the value."""
    value, problems = outcome(parse_json, source)
    assert all(one.line and one.column for one in problems)
    assert problems or json.loads(source) == value


# --- places --------------------------------------------------------------------------------------

SAMPLE = """\
title: x
world:
  rooms:
    - RoomId: "77"
      stays: [{UserId: aaa, enter: 5}]
    -
      RoomId: 8
"""


@pytest.mark.parametrize(
    ("pointer", "value", "key"),
    [
        ((), (1, 1), (1, 1)),
        (("title",), (1, 8), (1, 1)),
        (("world",), (2, 1), (2, 1)),
        (("world", "rooms", 0), (4, 7), (4, 7)),
        (("world", "rooms", 0, "RoomId"), (4, 15), (4, 7)),
        (("world", "rooms", 0, "stays", 0, "enter"), (5, 36), (5, 29)),
        (("world", "rooms", 1, "RoomId"), (7, 15), (7, 7)),
        (("world", "rooms", 1, "missing"), (7, 7), (7, 7)),
        (("title", "deeper", 3), (1, 8), (1, 8)),
        (("nowhere",), (1, 1), (1, 1)),
    ],
)
def test_a_pointer_finds_its_line_and_column(
    pointer: tuple[str | int, ...], value: tuple[int, int], key: tuple[int, int]
) -> None:
    """A pointer is told by its value, by its key on request, else by its nearest ancestor."""
    document = parse_yaml(SAMPLE, "s.yaml")
    assert (document.locate(pointer), document.locate(pointer, key=True)) == (value, key)


def test_yaml_and_json_tell_the_same_places() -> None:
    """The same text read as JSON and as YAML has every value at the same line and column."""
    text = '{"a": [1,\n  {"b": "é😀", "c": null}],\n "d": {}}'
    as_json, as_yaml = parse_json(text, "x"), parse_yaml(text, "x")
    assert as_json.value == as_yaml.value
    for pointer in [(), ("a",), ("a", 0), ("a", 1), ("a", 1, "b"), ("a", 1, "c"), ("d",)]:
        assert as_json.locate(pointer) == as_yaml.locate(pointer)
        assert as_json.locate(pointer, key=True) == as_yaml.locate(pointer, key=True)


def test_a_place_inside_an_alias_is_where_the_text_stands() -> None:
    """What is wrong in a repeated value is told at the anchor, where it can be mended."""
    document = parse_yaml("a: &x {r: 1}\nb: *x\n", "s.yaml")
    assert document.locate(("b", "r")) == (1, 11)


def test_a_scalar_is_known_as_it_was_written() -> None:
    """The advice to quote a number can show its leading zeros."""
    document = parse_yaml("a: 01012345670\nb: {c: 'x'}\n", "s.yaml")
    assert document.value["a"] == 1012345670
    assert document.written(("a",)) == "01012345670"
    assert (document.written(("b", "c")), document.written(("b",)), document.written(("z",))) == (
        "x",
        None,
        None,
    )


def test_a_document_makes_problems_that_editors_link() -> None:
    """file:line:column: text."""
    document: Document = parse_yaml(SAMPLE, "s.yaml")
    problem = document.problem(("world", "rooms", 1, "RoomId"), Text("quote it", "请加引号"))
    assert problem.show() == "s.yaml:7:15: quote it"
    assert problem.show("zh") == "s.yaml:7:15: 请加引号"


# --- folders -------------------------------------------------------------------------------------


def write(folder: Path, **files: str) -> Path:
    """A folder with these files; `__` in a name stands for a slash."""
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_without_a_folder_of_the_users_the_shipped_files_are_found() -> None:
    """Both fixtures, every scenario and every schema are there, and every one can be read."""
    folders = Folders()
    assert {
        "default",
        "document",
        "empty",
        "outage",
        "recovering",
        "recorded-day",
    } <= folders.scenarios().keys()
    assert "query_room_info.request.json" in folders.schemas()
    files = [folders.fixture("apps.yaml"), folders.fixture("errors.yaml"), folders.fixture("retries.yaml")]
    files += [*folders.scenarios().values(), *folders.schemas().values()]
    for path in files:
        assert (read_json if path.suffix == ".json" else read_yaml)(path).value
    assert set(take_snapshot(None).contents) == set(map(str, files))


def test_the_users_files_stand_in_for_the_shipped_ones(tmp_path: Path) -> None:
    """A file of the user's hides the shipped one of its name and no other."""
    write(tmp_path, **{"apps.yaml": "apps: []", "scenarios__default.yaml": "title: mine",
                       "scenarios__my-own.yaml": "title: mine", "schemas__query.json": "{}"})  # fmt: skip
    mine, shipped = Folders(tmp_path), Folders()
    assert mine.fixture("apps.yaml") == tmp_path / "apps.yaml"
    assert mine.fixture("errors.yaml") == shipped.fixture("errors.yaml")
    assert mine.schema("query.json") == tmp_path / "schemas" / "query.json"
    assert mine.schema("envelope.json") == shipped.schema("envelope.json")
    assert mine.scenarios() == shipped.scenarios() | {
        "default": tmp_path / "scenarios" / "default.yaml",
        "my-own": tmp_path / "scenarios" / "my-own.yaml",
    }
    assert list(mine.scenarios()) == sorted(mine.scenarios())
    seen = {Path(name) for name in take_snapshot(tmp_path).contents}
    assert {path for path in seen if path.is_relative_to(tmp_path)} == {
        path for path in tmp_path.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize(
    "name", ["../apps.yaml", "/etc/passwd", "a/b.yaml", "..", "", ".hidden", "a\n", "é.yaml", "x" * 65]
)
def test_a_name_that_could_leave_the_folder_is_refused(name: str, tmp_path: Path) -> None:
    """Names are letters, digits, dot, dash and underscore: nothing that a path could hide in."""
    write(tmp_path / "in", **{"apps.yaml": "apps: []"})
    folders = Folders(tmp_path / "in")
    for find in (folders.fixture, folders.schema):
        with pytest.raises(ConfigurationError, match="no file name"):
            find(name)


def test_a_file_that_is_nowhere_is_told_with_the_users_path(tmp_path: Path) -> None:
    """The message names the place where the user could put it."""
    write(tmp_path, **{"apps.yaml": "apps: []"})
    with pytest.raises(ConfigurationError, match="there is no such file") as caught:
        Folders(tmp_path).fixture("nothing.yaml")
    assert caught.value.problems[0].place == str(tmp_path / "nothing.yaml")


@pytest.mark.parametrize("target", ["outside.yaml", "/etc/passwd"])
def test_a_link_that_leads_out_of_the_folder_is_refused(target: str, tmp_path: Path) -> None:
    """A scenario that is really a file elsewhere is not opened."""
    write(
        tmp_path,
        **{"outside.yaml": "title: x", "in__apps.yaml": "apps: []", "in__scenarios__a.yaml": "title: a"},
    )
    inside = tmp_path / "in"
    (inside / "scenarios" / "b.yaml").symlink_to(
        Path(target) if target.startswith("/") else tmp_path / target
    )
    with pytest.raises(ConfigurationError, match="leads out of"):
        Folders(inside)


def test_links_inside_the_folder_are_followed(tmp_path: Path) -> None:
    """The way container platforms mount files, links into a sibling folder, works."""
    write(tmp_path, **{"..data__apps.yaml": "apps: []"})
    (tmp_path / "apps.yaml").symlink_to(Path("..data") / "apps.yaml")
    assert Folders(tmp_path).fixture("apps.yaml") == tmp_path / "apps.yaml"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("scenarios__my.yml", "the ending is .yaml"),
        ("scenarios__my own.yaml", "rename it"),
        ("scenarios__é.yaml", "rename it"),
        (f"scenarios__{'x' * 65}.yaml", "rename it"),
        ("schemas__-x.json", "rename it"),
    ],
)
def test_a_file_whose_name_cannot_be_used_is_told_and_not_passed_over(
    name: str, words: str, tmp_path: Path
) -> None:
    """A scenario that would silently be missing stops the start."""
    with pytest.raises(ConfigurationError, match=words):
        Folders(write(tmp_path, **{"apps.yaml": "apps: []", name: "{}"}))


@pytest.mark.parametrize("name", [".my.yaml.swp", "my.yaml~", ".#my.yaml", "notes.txt"])
def test_what_editors_leave_behind_is_no_scenario(name: str, tmp_path: Path) -> None:
    """Backup and swap files are passed over."""
    write(tmp_path, **{"scenarios__my.yaml": "title: x", "scenarios__" + name: "\x00"})
    assert Folders(tmp_path).scenarios().keys() == Folders().scenarios().keys() | {"my"}


def test_a_folder_that_is_missing_or_useless_is_refused(tmp_path: Path) -> None:
    """A mistyped --fixtures never falls back to the shipped files in silence."""
    file = write(tmp_path, **{"a.txt": "x"}) / "a.txt"
    for folder, words in (
        (tmp_path / "gone", "no such folder"),
        (file, "no such folder"),
        (tmp_path, "nothing to use"),
    ):
        with pytest.raises(ConfigurationError, match=words) as caught:
            Folders(folder)
        assert caught.value.problems[0].place == str(folder)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """A folder in a file's place, a file that is gone: a problem with the path, no traceback."""
    for path in (tmp_path, tmp_path / "gone.yaml", Path("a\0b")):
        with pytest.raises(ConfigurationError, match="cannot be read") as caught:
            read_yaml(path)
        assert caught.value.problems[0].place == str(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_in_the_folder_does_not_hang_the_start(tmp_path: Path) -> None:
    """Only regular files are files."""
    write(tmp_path, **{"apps.yaml": "apps: []", "scenarios__a.yaml": "title: a"})
    os.mkfifo(tmp_path / "scenarios" / "pipe.yaml")
    assert "pipe" not in Folders(tmp_path).scenarios()
