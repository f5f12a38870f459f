"""The YAML and JSON readers are strict, and every error has a position and advice in two languages."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.length import length
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mockserver.core.documents import MAX_CACHED, Document
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.json_reader import parse_json
from mockserver.core.text import Text
from mockserver.core.yaml_reader import parse_yaml, read_yaml


def error_of(parse: Any, source: str | bytes) -> Problem:
    """Return the single problem that the parser raises for `source`."""
    with pytest.raises(ConfigurationError) as caught:
        parse(source, "some.file")
    (problem,) = caught.value.problems
    assert problem.place == "some.file"
    return problem


def parse_or_problems(parse: Any, source: str | bytes) -> tuple[Any, tuple[Problem, ...]]:
    """Return the value of `source`, or None and the problems."""
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
def test_plain_scalars_follow_the_yaml_1_2_core_schema(text: str, value: object) -> None:
    """Only true and false are booleans; there are no dates, no base 60, and no octal by a leading zero."""
    parsed = parse_yaml(text, "some.file").value
    assert (parsed, type(parsed)) == (value, type(value))


def test_an_alias_copies_its_value() -> None:
    """The values of anchor and alias are equal, but not the same object."""
    value = parse_yaml("a: &x {r: [1]}\nb: *x\n", "some.file").value
    assert value == {"a": {"r": [1]}, "b": {"r": [1]}}
    assert value["a"]["r"] is not value["b"]["r"]


BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
)

INVALID_YAML: list[tuple[str | bytes, int, int, str]] = [
    ("a: 1\nb: 2\na: 3\n", 3, 1, "duplicate key 'a' (first on line 1)"),
    ("a: {b: 1, 'b': 2}", 1, 11, "duplicate key"),
    ("a: &x 1\n<<: {b: 1}\n", 2, 1, "merge key"),
    ("!!python/object/apply:os.system ['echo']", 1, 1, "tag"),
    ("a: !!python/name:os.system ''", 1, 4, "tag"),
    ("a: !mine {b: 1}", 1, 4, "tag"),
    ("!!set {a}", 1, 1, "tag"),
    ("!!timestamp 2019-12-10", 1, 1, "tag"),
    ("!!binary aGk=", 1, 1, "tag"),
    ("a: !!int seven", 1, 4, "not of type int"),
    ("a: !!bool 1", 1, 4, "not of type bool"),
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
    ("a: &a [*a]", 1, 8, "no complete anchor"),
    ("a: *b", 1, 4, "no complete anchor"),
    (b"a: 1\nb: \xff", 2, 4, "UTF-8"),
    ("a: 1".encode("utf-16"), 1, 1, "UTF-8"),
    (b"a: \xc0\xaf", 1, 4, "UTF-8"),
    ("\ufeffa: 1", 1, 1, "BOM"),
    ("a: \x00", 1, 4, "U+0000"),
    ("a: 'x\x1b'", 1, 6, "U+001B"),
    ("a: \ud800", 1, 4, "U+D800"),
    ('a: "\\ud800"', 1, 7, "invalid YAML"),
    ("a:\n\tb: 1", 2, 1, "indent with spaces"),
    ("a: @b", 1, 4, "put it in quotes"),
    ("a: b: c", 1, 5, "quote text with ': '"),
    ("a: 'open\nb: 1\n", 1, 4, "quotes"),
    ("a: [1, 2\nb: 3", 2, 2, "brackets"),
    ("", 1, 1, "empty"),
    ("# only a comment\n", 1, 1, "empty"),
    ("x" * (4 * 1024 * 1024 + 1), 1, 1, "larger than"),
]


@pytest.mark.parametrize(("source", "line", "column", "message"), INVALID_YAML, ids=lambda value: repr(value)[:40])
def test_invalid_yaml_is_reported_with_its_position(source: str | bytes, line: int, column: int, message: str) -> None:
    """Each error has line and column, and a message in both languages."""
    problem = error_of(parse_yaml, source)
    assert (problem.line, problem.column) == (line, column)
    assert message in problem.text.en
    assert any("\u4e00" <= char <= "\u9fff" for char in problem.text.zh)


def test_the_depth_limit_includes_aliases() -> None:
    """Forty levels inside forty levels exceed the limit, written out or as an alias."""
    deep = "a: &x " + "[" * 40 + "]" * 40 + "\nb: "
    assert parse_yaml(deep + "*x", "some.file").value["b"] is not None
    assert "deeper than 64" in error_of(parse_yaml, deep + "[" * 40 + "*x" + "]" * 40).text.en


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


@settings(max_examples=length(500, 1_500), deadline=None)
@given(TEXTS)
@example(b"\xef\xbb\xbf")
@example("%TAG ! tag:x,2000:\n--- !y z")
@example("\x85a: \u2028b")
def test_any_input_is_parsed_as_yaml_or_reported(source: str | bytes) -> None:
    """The result is a value that JSON can express, or a ConfigurationError with a position."""
    value, problems = parse_or_problems(parse_yaml, source)
    assert all(problem.line and problem.column for problem in problems)
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


STRINGS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufeff\ufffe\uffff")
)
SCALARS = st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.floats(-1e9, 1e9) | STRINGS
JSON_VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STRINGS, inner, max_size=4), max_leaves=12
)


@settings(max_examples=length(100, 300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON_VALUES, st.sampled_from([None, 2]))
def test_both_readers_parse_what_json_and_pyyaml_write(value: Any, indent: int | None) -> None:
    """The JSON reader parses the output of `json`, the YAML reader that of PyYAML."""
    assert parse_json(json.dumps(value, indent=indent), "some.file").value == value
    assert parse_json(json.dumps(value, indent=indent, ensure_ascii=False), "some.file").value == value
    assert parse_yaml(yaml.safe_dump(value, default_style='"', allow_unicode=False), "some.file").value == value


# --- JSON ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "line", "column", "message"),
    [
        ('{\n "a": 1,\n "a": 2}', 3, 2, "duplicate key 'a' (first on line 2)"),
        ("[1 2]", 1, 4, "comma"),
        ('{"a": 1 "b": 2}', 1, 9, "comma"),
        ("{a: 1}", 1, 2, "double quotes"),
        ("{'a': 1}", 1, 2, "double quotes"),
        ('{"a" 1}', 1, 6, "':' delimiter"),
        ('{"a": NaN}', 1, 7, "NaN is not JSON"),
        ("[-Infinity]", 1, 2, "-Infinity is not JSON"),
        ("[01]", 1, 3, "delimiter"),
        ("[1.]", 1, 3, "delimiter"),
        ("[+1]", 1, 2, "expecting value"),
        ("[0x10]", 1, 3, "delimiter"),
        ("[1e400]", 1, 2, "too large"),
        ("[" + "9" * 5000 + "]", 1, 2, "over 32 characters"),
        ('["\\ud800"]', 1, 2, "surrogate"),
        ('["a\tb"]', 1, 4, "invalid control character"),
        ('["\\x"]', 1, 3, "invalid \\escape"),
        ('["open', 1, 2, "unterminated string"),
        ("[" * 100_000, 1, 65, "deeper than 64"),
        ('{"a":' * 70 + "1" + "}" * 70, 1, 321, "deeper than 64"),
        ("[] x", 1, 4, "after the closing bracket"),
        ("// no\n{}", 1, 1, "expecting value"),
        ("", 1, 1, "too early"),
        ("\ufeff{}", 1, 1, "BOM"),
        (b'{"a":\n "\xff"}', 2, 3, "UTF-8"),
        ("[True]", 1, 2, "expecting value"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_invalid_json_is_reported_with_its_position(source: str | bytes, line: int, column: int, message: str) -> None:
    """Anything outside RFC 8259, and a duplicate key, is reported with line and column."""
    problem = error_of(parse_json, source)
    assert (problem.line, problem.column) == (line, column)
    assert message in problem.text.en


@pytest.mark.parametrize("source", ['{"a": 1,}', "[1, ]"])
def test_a_comma_before_a_closing_bracket_is_reported(source: str) -> None:
    """At the comma or at the bracket, depending on the version of Python."""
    problem = error_of(parse_json, source)
    assert (problem.line, problem.column) in ((1, source.index(",") + 1), (1, len(source)))
    assert "comma" in problem.text.en


@settings(max_examples=length(200, 600), deadline=None)
@given(st.one_of(st.binary(max_size=60), st.text('{}[]",:0123456789.eE+-truefalsn\\u \n', max_size=60)))
def test_any_input_is_parsed_as_by_the_json_module_or_reported(source: str | bytes) -> None:
    """The JSON reader accepts nothing that `json` rejects, and returns the same value."""
    value, problems = parse_or_problems(parse_json, source)
    assert all(problem.line and problem.column for problem in problems)
    assert problems or json.loads(source) == value


# --- positions --------------------------------------------------------------------------------------

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
def test_a_pointer_has_a_line_and_column(
    pointer: tuple[str | int, ...], value: tuple[int, int], key: tuple[int, int]
) -> None:
    """The position is that of the value, of the key on request, or of the nearest ancestor that exists."""
    document = parse_yaml(SAMPLE, "s.yaml")
    assert (document.locate(pointer), document.locate(pointer, key=True)) == (value, key)


def test_yaml_and_json_record_the_same_positions() -> None:
    """The same text read as JSON and as YAML has every value at the same line and column."""
    text = '{"a": [1,\n  {"b": "é😀", "c": null}],\n "d": {}}'
    as_json, as_yaml = parse_json(text, "x"), parse_yaml(text, "x")
    assert as_json.value == as_yaml.value
    for pointer in [(), ("a",), ("a", 0), ("a", 1), ("a", 1, "b"), ("a", 1, "c"), ("d",)]:
        assert as_json.locate(pointer) == as_yaml.locate(pointer)
        assert as_json.locate(pointer, key=True) == as_yaml.locate(pointer, key=True)


def test_a_value_of_an_alias_is_located_at_its_anchor() -> None:
    """An error in an alias points to the anchor, where it can be fixed."""
    document = parse_yaml("a: &x {r: 1}\nb: *x\n", "s.yaml")
    assert document.locate(("b", "r")) == (1, 11)


def test_a_document_keeps_scalars_as_written() -> None:
    """So that the advice to quote a number can show its leading zeros."""
    document = parse_yaml("a: 01012345670\nb: {c: 'x'}\n", "s.yaml")
    assert document.value["a"] == 1012345670
    assert document.scalar_at(("a",)) == "01012345670"
    assert [document.scalar_at(at) for at in (("b", "c"), ("b",), ("z",))] == ["x", None, None]


def test_a_document_reports_problems_with_their_position() -> None:
    """file:line:column: text."""
    document: Document = parse_yaml(SAMPLE, "s.yaml")
    problem = document.problem(("world", "rooms", 1, "RoomId"), Text("quote it", "请加引号"))
    assert problem.show() == "s.yaml:7:15: quote it"
    assert problem.show("zh") == "s.yaml:7:15: 请加引号"


def test_threads_may_read_more_files_than_are_cached(tmp_path: Path) -> None:
    """Several servers that start at once in one process."""
    paths = [tmp_path / f"{number}.yaml" for number in range(MAX_CACHED + 8)]
    for number, path in enumerate(paths):
        path.write_text(f"a: {number}\n")
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            for values in threads.map(lambda _: [read_yaml(path).value["a"] for path in paths], range(40)):
                assert values == list(range(len(paths)))
    finally:
        sys.setswitchinterval(interval)
