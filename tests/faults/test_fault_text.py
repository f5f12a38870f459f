"""Faults in one line, as in options, headers and magic values, and the errors of invalid faults."""

from __future__ import annotations

import contextlib

import pytest
from fault_helpers import CONFIG, fault
from hypothesis import given
from hypothesis import strategies as st

from mockserver.faults.base import FaultError
from mockserver.faults.parsing import parse_fault, parse_text
from mockserver.faults.registry import KINDS


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("empty_response", {"fault": "empty_response"}),
        (" empty_response ; ", {"fault": "empty_response"}),
        ("latency;fixed_ms=800;times=1", {"fault": "latency", "fixed_ms": 800, "times": 1}),
        (
            "latency;uniform.min_ms=5;uniform.max_ms=7.5;probability=0.3",
            {"fault": "latency", "uniform": {"min_ms": 5, "max_ms": 7.5}, "probability": 0.3},
        ),
        ("hang;on=query_room_info", {"fault": "hang", "on": "query_room_info"}),
        ("hang;on=query_room_info, count_qos_by_day", {"fault": "hang", "on": ["query_room_info", "count_qos_by_day"]}),
        ("error;name=server_busy;info=404", {"fault": "error", "name": "server_busy", "info": "404"}),
        ('error;code=1402;info="a;b=\\"c\\""', {"fault": "error", "code": 1402, "info": 'a;b="c"'}),
        ("wrong_content_type;type=text/xml", {"fault": "wrong_content_type", "type": "text/xml"}),
        (
            'wrong_content_type;type="text/html; charset=gbk"',
            {"fault": "wrong_content_type", "type": "text/html; charset=gbk"},
        ),
        ('hang;when.body.RoomId="77"', {"fault": "hang", "when": {"body": {"RoomId": "77"}}}),
        ("hang;when.body.UserId.matches=^vip-", {"fault": "hang", "when": {"body": {"UserId": {"matches": "^vip-"}}}}),
        ("hang;when.body.CountBy=1", {"fault": "hang", "when": {"body": {"CountBy": 1}}}),
        ("connection_reset;when=mid_body", {"fault": "connection_reset", "when": "mid_body"}),
        ("secret_rotated;appsecret=a==", {"fault": "secret_rotated", "appsecret": "a=="}),
    ],
)
def test_a_line_is_a_mapping(line, expected):
    """Each form of a line gives the mapping that a file would contain."""
    assert parse_text(line) == expected
    parse_fault(expected, CONFIG.catalogue)


@pytest.mark.parametrize(
    ("line", "pointer", "message"),
    [
        ("", "fault", "missing fault: one of checksum_flaky"),
        (";times=1", "fault", "unknown fault"),
        ("latenzy;fixed_ms=1", "fault", "did you mean latency?"),
        ("hang;max_seconds", "", "'max_seconds' is not field=value"),
        ("hang;=1", "", "is not field=value"),
        ("hang;times=1;times=2", "times", "given twice"),
        ("latency;uniform=1;uniform.min_ms=1", "uniform", "already has a value"),
        ("latency", "", "exactly one of fixed_ms, uniform, lognormal"),
        ("latency;fixed_ms=1;uniform.min_ms=1;uniform.max_ms=2", "", "exactly one of"),
        ("latency;uniform.min_ms=9;uniform.max_ms=1", "uniform.max_ms", "swap them"),
        ("latency;uniform.min_ms=9", "uniform", "missing max_ms"),
        ("latency;uniform.min=9;uniform.max_ms=10", "uniform.min", "did you mean"),
        ("latency;fixed_ms=fast", "fixed_ms", "'fast' is not a number"),
        ("latency;fixed_ms=NaN", "fixed_ms", "'NaN' is not a number"),
        ("latency;fixed_ms=700000", "fixed_ms", "at most 600000"),
        ("hang;times=1.0", "times", "1.0 is not a whole number"),
        ("hang;times=true", "times", "True is not a whole number"),
        ("hang;probability=30", "probability", "at most 1"),
        ("hang;on=query_rom_info", "on", "did you mean query_room_info?"),
        ("hang;on=", "on", "unknown operation"),
        ("hang;id=a b", "id", "must match"),
        ("hang;when=x", "when", "a mapping with body, query"),
        ("hang;when.header.x=1", "when.header", "unknown key 'header'; known: body, query"),
        ("hang;when.body=1", "when.body", "1 is not a mapping"),
        ("hang;when.body.UserId.match=x", "when.body.UserId.match", "did you mean matches?"),
        ("hang;when.body.UserId.matches=(", "when.body.UserId", "invalid matcher: missing )"),
        ("connection_reset;when=later", "at", "not one of before, mid_body"),
        ("malformed_json;how=cutt", "how", "did you mean cut?"),
        ("error;name=server_bizy", "name", "did you mean server_busy?"),
        ("error;name=ok", "name", "ok is not an error"),
        ("error;code=3", "code", "there is no error with code 3; known codes: 1001"),
        ("error;name=server_busy;info=", "info", "must match"),
        ("http_status;status=200", "status", "at least 400, at most 599"),
    ],
)
def test_an_error_names_the_place_and_the_fix(line, pointer, message):
    """Every error names its place and what is expected, in both languages."""
    with pytest.raises(FaultError) as caught:
        fault(line)
    assert ".".join(caught.value.pointer) == pointer
    assert message in caught.value.text.en
    assert not caught.value.text.zh.isascii()


@pytest.mark.parametrize("given", [None, 3, "hang", [], {"fault": 3}, {"fault": None}, {"fault": ["hang"]}])
def test_what_is_not_a_fault_is_rejected(given):
    """Whatever JSON is posted, the result is a FaultError."""
    with pytest.raises(FaultError):
        parse_fault(given, CONFIG.catalogue)


@pytest.mark.parametrize(
    "more",
    [
        {"on": []},
        {"on": 3},
        {"on": [3]},
        {"on": None},
        {"when": None},
        {"when": {}},
        {"when": []},
        {"when": {"body": []}},
        {"when": {"body": {}}},
        {"when": {"body": {"a": []}}},
        {"when": {"body": {"a": {"matches": 3}}}},
        {"when": {"body": {"a": {"schema": {"type": "nonsense"}}}}},
        {"when": {"body": {"a": {"schema": "x"}}}},
        {"times": None},
        {3: 4},
    ],
)
def test_an_invalid_mapping_is_rejected(more):
    """Shapes that a line cannot have raise FaultError, too, and no other exception."""
    with pytest.raises(FaultError):
        parse_fault({"fault": "hang", **more}, CONFIG.catalogue)


def test_a_matcher_and_a_reset_in_mid_body_go_together():
    """`when` as a mapping selects requests; `at` then says when the reset comes."""
    parsed = fault({"fault": "connection_reset", "at": "mid_body", "when": {"body": {"RoomId": "7"}}})
    assert parsed.kind.at == "mid_body"
    assert parsed.matches("query_room_info", {"RoomId": "7"}, {})
    assert not parsed.matches("query_room_info", {"RoomId": "8"}, {})


@pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.compares_requests])
def test_a_kind_that_compares_requests_is_rejected_for_one(name):
    """A fault that could have no effect on a single request is rejected, not ignored."""
    with pytest.raises(FaultError, match="compares requests"):
        parse_fault({"fault": name, "requests": 1}, CONFIG.catalogue, once=True)


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=60))
def test_no_line_breaks_the_parser(name, rest):
    """Any text is a fault or a FaultError."""
    with contextlib.suppress(FaultError):
        assert fault(f"{name};{rest}").kind.kind == name
