"""Strict JSON parsing: valid JSON is read as Python reads it, and nothing else is read at all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.length import length
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.validation.json_body import MAX_DEPTH, MAX_REPEATED_KEYS, parse_json, parse_json_strictly

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXT, inner, max_size=5),
    max_leaves=20,
)  # fmt: skip


def reason(body: bytes) -> str:
    """Return why a body is not JSON."""
    parsed = parse_json(body)
    assert not parsed.ok
    assert parsed.value is None or parsed.violations
    return parsed.violations[-1].text.en


@settings(max_examples=200, deadline=None)
@given(JSON, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_valid_json_is_read_unchanged(value: Any, ascii_only: bool, indent: Any) -> None:
    """Any JSON value within the limits is read without a violation."""
    parsed = parse_json(json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode())
    assert (parsed.ok, parsed.violations) == (True, [])
    assert parsed.value == value


@pytest.mark.parametrize(
    ("text", "exact"),
    [('{"a":1}', True), ('{"a":1.0}', False), ('{"a":1e2}', False), ('{"a":[{"b":0.5}]}', False), ('"1.0"', True)],
)
def test_numbers_with_a_fraction_are_noticed(text: str, exact: bool) -> None:
    """`exact` is false for such numbers: the fast schema engine accepts 1.0 for 1."""
    assert parse_json(text.encode()).exact is exact


PIECES = st.sampled_from(
    [b'"a"', b'"b"', b'"\\u0061"', b":", b":", b",", b"{", b"}", b"1", b"-0", b"1.0", b"1e2", b"true", b"null", b'":"', b" ", b"\n",
     b"9" * 19, b"9" * 33, b'"\\ud800"', b'"\xe4\xb8\xad"', b"[", b"]", b"\xef\xbb\xbf", b"\x00", b"NaN", b'"\\""']
)  # fmt: skip
MEMBERS = st.lists(st.tuples(st.sampled_from(['"a"', '"b"', '"\\u0061"', '":"']), st.sampled_from(["1", '"x"', '":"', "[]", "1.5", "1" * 25])), max_size=4).map(
    lambda pairs: ("{" + " , ".join(f"{name} :{value}" for name, value in pairs) + "}").encode()
)  # fmt: skip


@settings(max_examples=length(500, 1_500), deadline=None)
@given(st.lists(PIECES, max_size=9).map(lambda parts: b"{" + b"".join(parts) + b"}") | MEMBERS | st.binary(max_size=20))
def test_the_shortcut_gives_the_same_result(body: bytes) -> None:
    """Equal values of equal types, and the same violations, with and without the shortcut for flat objects."""
    short, strict = parse_json(body), parse_json_strictly(body)
    assert short == strict
    assert repr(short.value) == repr(strict.value)


def test_the_depth_has_a_limit_and_brackets_in_strings_do_not_count() -> None:
    """64 levels are accepted, 65 are not; strings may contain any number of brackets."""
    assert parse_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH).ok
    assert "nested deeper" in reason(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1))
    assert "nested deeper" in reason(b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1))
    for string in ('"' + "[" * 500 + '"', '"' + '\\"[' * 500 + '"', '"\\\\", ' + '"' + "{" * 500 + '"'):
        assert parse_json(f"[{string}]".encode()).ok, string[:20]
    assert parse_json(b"[" + b"[]," * 500 + b"[]]").ok


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "ends too early"),
        (b'"abc', "unterminated"),
        (b'{"a":', "ends too early"),
        (b'{"a" 1}', "':'"),
        (b'{"a":1\n"b":2}', "comma is missing at the end of line 1"),
        (b"[1,\n2\n\n3]", "comma is missing at the end of line 2"),
        (b"[1,]", "comma"),
        (b'{"a":1,}', "comma"),
        (b'{"a":}', "a value is missing"),
        (b'{"a":[1}', "does not match"),
        (b'["a"}', "does not match"),
        (b"[1]]", "text after the closing bracket"),
        ("{“a”:1}".encode(), 'write " instead of the full-width “'),
        ('{"a"：1}'.encode(), "write : instead"),
        ('{"a":1，"b":2}'.encode(), "write , instead"),
        ("｛}".encode(), "write { instead"),
        (b"{'a':1}", "double quotes"),
        (b"a=1&b=2", "this is form data"),
        (b"\x7b\x00", "UTF-16"),
        (b"\x00\x00\x00\x7b", "UTF-16"),
        (b"\xff\xfe{\x00", "UTF-16"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"a":"\xb7\xbf"}', "byte 7 is not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b'"\xc0\xaf"', "not UTF-8"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udc00":1}', "surrogate"),
        (b'[{"a":["\\ud83d"]}]', "surrogate"),
        (b"NaN", "NaN"),
        (b"[-Infinity]", "-Infinity"),
        (b"1e400", "too large"),
        (b"-1e400", "too large"),
        (b"1" * 33, "33 characters"),
        (b"0." + b"1" * 31, "33 characters"),
        (b"1" * 5_000, "5000 characters"),
        (b'"a\nb"', "\\n"),
        (b"01", "data"),
        (b"+1", "value"),
        (b".5", "value"),
        (b"0x1", "data"),
        (b"/* */{}", "value"),
        (b"True", "value"),
        (b"\x0c{}", "value"),
        ("\u00a0{}".encode(), "value"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_the_reason_names_the_error(body: bytes, part: str) -> None:
    """Each error in a body has a reason that names it."""
    assert part in reason(body)


def test_lines_and_columns_count_from_one() -> None:
    """Line and column are those that an editor shows, in characters and not in bytes."""
    assert "line 3 column 3" in reason('{\n "键": "值",\n  \u3000x: 1\n}'.encode())


def test_repeated_keys_are_reported_and_the_last_value_counts() -> None:
    """Each repeated key is reported once, wherever it is, but no more than twenty in all."""
    parsed = parse_json(b'{"a":1,"b":{"c":1,"c":2,"c":3},"a":4}')
    assert parsed.ok
    assert parsed.value == {"a": 4, "b": {"c": 3}}
    assert sorted(violation.text.en for violation in parsed.violations) == [
        "key a is given twice; keep one",
        "key c is given twice; keep one",
    ]
    many = parse_json(("[" + ",".join(['{"a":1,"a":1}'] * 500) + "]").encode())
    assert (many.ok, len(many.violations)) == (True, MAX_REPEATED_KEYS)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()[:-1]))
def test_any_bytes_are_read_or_explained(body: bytes) -> None:
    """No bytes raise an exception; what is not read has exactly one reason, in both languages."""
    parsed = parse_json(body)
    if parsed.ok:
        assert json.loads(body) == parsed.value
    else:
        (malformed,) = (found for found in parsed.violations if found.name == "malformed_json")
        assert malformed.text.en
        assert malformed.text.zh
        malformed.text.en.encode()
