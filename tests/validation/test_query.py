"""Checks of the query string: each documented parameter exactly once, strictly decoded."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.contract.readings import DEFAULTS
from mockserver.core.http import Request
from mockserver.validation.query import MAX_UNKNOWN, PARAMETERS, check_query, read_query

ALL = "appkey=1&identifier=2&curtime=3&checksum=4&seq=5"


def names(raw: str, **readings: object) -> list[tuple[str, str]]:
    """Return name and place of each violation of a query."""
    return [(found.name, found.where) for found in check_query(read_query(raw), {**DEFAULTS, **readings})]


def test_the_five_parameters_are_accepted_in_any_order() -> None:
    """Order and empty pieces do not matter."""
    assert names(ALL) == []
    assert names("&".join(reversed(ALL.split("&")))) == []
    assert names(f"&{ALL}&&") == []


@pytest.mark.parametrize("name", PARAMETERS)
def test_each_parameter_is_required_exactly_once(name: str) -> None:
    """A missing and a repeated parameter are reported by name; the first value counts."""
    without = "&".join(piece for piece in ALL.split("&") if not piece.startswith(f"{name}="))
    assert names(without) == [("missing_parameter", f"query:{name}")]
    assert names(f"{ALL}&{name}=9") == [("repeated_parameter", f"query:{name}")]
    assert names(f"{ALL}&{name}") == [("repeated_parameter", f"query:{name}")]
    assert read_query(f"{ALL}&{name}=9").values[name] != "9"


@pytest.mark.parametrize("value", ["%ff", "%c3", "%ed%a0%80", "%", "%4", "%zz", "a%", "é", "%c0%af", "\x80"])
def test_an_undecodable_parameter_has_no_value(value: str) -> None:
    """What is not percent-encoded UTF-8 is reported, not replaced by something else."""
    query = read_query(ALL.replace("identifier=2", f"identifier={value}"))
    assert "identifier" not in query.values
    assert names(ALL.replace("identifier=2", f"identifier={value}")) == [("undecodable_parameter", "query:identifier")]


@pytest.mark.parametrize(
    ("raw", "value"),
    [("a+b", "a b"), ("a%2Bb", "a+b"), ("%E4%BD%A0", "你"), ("a=b", "a=b"), ("%00", "\0"), ("%26", "&"), ("", "")],
)
def test_values_are_decoded_as_forms_are(raw: str, value: str) -> None:
    """A plus is a space, the first = separates, percent escapes are bytes of UTF-8."""
    assert read_query(f"seq={raw}").values == {"seq": value}


def test_unescaped_utf_8_is_read() -> None:
    """Bytes that were not percent-encoded arrive as Latin-1 characters and are decoded as UTF-8."""
    assert read_query("identifier=" + "管理".encode().decode("latin-1")).values == {"identifier": "管理"}


def test_an_escaped_name_equals_the_plain_one() -> None:
    """%61ppkey is appkey, also when repetitions are counted."""
    assert names(ALL.replace("appkey", "%61ppkey")) == []
    assert names(f"{ALL}&%61ppkey=7") == [("repeated_parameter", "query:appkey")]


@pytest.mark.parametrize(
    ("sent", "meant"),
    [("AppKey", "appkey"), ("check_sum", "checksum"), ("cur_time", "curtime"), ("identifer", "identifier")],
)
def test_a_misspelled_parameter_is_reported_with_the_right_name(sent: str, meant: str) -> None:
    """Both violations name the other: the missing parameter and the unknown one."""
    found = check_query(read_query(ALL.replace(meant, sent)), DEFAULTS)
    assert [violation.name for violation in found] == ["missing_parameter", "unknown_parameter"]
    assert f"did you mean {meant}?" in found[1].text.en
    assert found[0].text.en == f"query parameter {meant} is missing (you sent {sent})"
    assert found[0].text.zh.endswith(f"（发送的是 {sent}）")


HALF = "appkey=1&identifier=2&seq=5"
ELSEWHERE = (
    (Request("POST", "/x", headers={"appkey": "1", "curtime": "3", "checksum": "4", "nonce": "5"}), "seq=5", "signature_in_headers"),
    (Request("POST", "/x", headers={"x-check-sum": "4"}), HALF, "signature_in_headers"),
    (Request("POST", "/x", body=b'{"UserId": "u", "curtime": "3", "checksum":"4"}'), HALF, "signature_in_body"),
    (Request("POST", "/x", body=b"UserId=u&curtime=3&checksum=4"), HALF, "signature_in_body"),
    (Request("POST", "/x", headers={"content-type": "application/json"}, body=b'{"UserId": "checksum"}'), HALF, ""),
    (Request("POST", "/x", headers={"appkey": "1"}), HALF, ""),
    (Request("POST", "/x", headers={"checksum": "1"}), ALL.replace("seq", "nonce"), ""),
)  # fmt: skip


@pytest.mark.parametrize(("sent", "raw", "name"), ELSEWHERE, ids=[str(row[1:]) for row in ELSEWHERE])
def test_a_signature_in_headers_or_body_is_found(sent: Request, raw: str, name: str) -> None:
    """The diagnosis says where the signature is; there is none if it is only missing."""
    violations = check_query(read_query(raw), DEFAULTS, sent)
    missing = [violation for violation in violations if violation.name == "missing_parameter"]
    assert missing
    assert {violation.diagnosis for violation in missing} == {name}
    assert all(("add it to the URL" in violation.text.en) == (name == "") for violation in missing)


def test_a_lenient_server_tolerates_unknown_parameters_only() -> None:
    """Repeated parameters are refused under strictness=lenient, too."""
    readings = {**DEFAULTS, "strictness": "lenient"}
    assert [violation.tolerated for violation in check_query(read_query(f"{ALL}&x=1"), readings)] == [True]
    assert [violation.tolerated for violation in check_query(read_query(f"{ALL}&seq=1"), readings)] == [False]


def test_many_unknown_parameters_do_not_hide_a_documented_one() -> None:
    """Twenty unknown parameters are reported, and every documented one that is wrong."""
    flood = "&".join(f"p{number}" for number in range(5_000))
    found = names(f"{flood}&{ALL}&checksum=1")
    assert found[0] == ("repeated_parameter", "query:checksum")
    assert len(found) == MAX_UNKNOWN + 1


@given(st.dictionaries(st.sampled_from(PARAMETERS), st.text(st.characters(exclude_categories=["Cs"]))))
def test_encoded_values_are_read_back(values: dict[str, str]) -> None:
    """Any text survives percent-encoding."""
    raw = "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items())
    assert read_query(raw).values == values


@given(st.text(st.characters(max_codepoint=255)))
def test_any_query_can_be_read(raw: str) -> None:
    """No query raises an exception, and no undecodable parameter has a value."""
    query = read_query(raw)
    assert not set(query.broken) & {name for name, count in query.counts.items() if count == 1} & query.values.keys()
    assert query.values.keys() <= query.counts.keys()
