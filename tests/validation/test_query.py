"""The query string: each documented parameter once, decoded strictly, and nothing guessed."""

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
    """Violation and place of everything that is wrong with a query."""
    return [(one.name, one.where) for one in check_query(read_query(raw), {**DEFAULTS, **readings})]


def test_the_five_parameters_in_any_order_are_right() -> None:
    """Order says nothing, and so does an empty piece."""
    assert names(ALL) == []
    assert names("&".join(reversed(ALL.split("&")))) == []
    assert names(f"&{ALL}&&") == []


@pytest.mark.parametrize("name", PARAMETERS)
def test_each_parameter_is_needed_and_needed_once(name: str) -> None:
    """Missing or doubled, it is told with its name."""
    without = "&".join(piece for piece in ALL.split("&") if not piece.startswith(f"{name}="))
    assert names(without) == [("missing_parameter", f"query:{name}")]
    assert names(f"{ALL}&{name}=9") == [("repeated_parameter", f"query:{name}")]
    assert names(f"{ALL}&{name}") == [("repeated_parameter", f"query:{name}")]
    assert read_query(f"{ALL}&{name}=9").values[name] != "9"


@pytest.mark.parametrize("value", ["%ff", "%c3", "%ed%a0%80", "%", "%4", "%zz", "a%", "é", "%c0%af", "\x80"])
def test_what_is_no_percent_encoded_utf_8_has_no_value(value: str) -> None:
    """It is undecodable, not replaced by something else."""
    query = read_query(ALL.replace("identifier=2", f"identifier={value}"))
    assert "identifier" not in query.values
    assert names(ALL.replace("identifier=2", f"identifier={value}")) == [
        ("undecodable_parameter", "query:identifier")
    ]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("a+b", "a b"),
        ("a%2Bb", "a+b"),
        ("%E4%BD%A0", "你"),
        ("a=b", "a=b"),
        ("%00", "\0"),
        ("%26", "&"),
        ("", ""),
    ],
)
def test_values_are_decoded_as_forms_are(raw: str, value: str) -> None:
    """A plus is a blank, the first = divides, percent escapes are bytes of UTF-8."""
    assert read_query(f"seq={raw}").values == {"seq": value}


def test_bytes_of_utf_8_that_were_not_escaped_are_read() -> None:
    """They arrive as Latin-1 characters and mean what they say."""
    assert read_query("identifier=" + "管理".encode().decode("latin-1")).values == {"identifier": "管理"}


def test_an_escaped_name_is_the_name() -> None:
    """%61ppkey is appkey, also for counting."""
    assert names(ALL.replace("appkey", "%61ppkey")) == []
    assert names(f"{ALL}&%61ppkey=7") == [("repeated_parameter", "query:appkey")]


@pytest.mark.parametrize(
    ("given", "meant"),
    [("AppKey", "appkey"), ("check_sum", "checksum"), ("cur_time", "curtime"), ("identifer", "identifier")],
)
def test_a_misspelt_parameter_is_told_with_the_one_that_was_meant(given: str, meant: str) -> None:
    """As long as that one is missing."""
    found = check_query(read_query(ALL.replace(meant, given)), DEFAULTS)
    assert [one.name for one in found] == ["missing_parameter", "unknown_parameter"]
    assert f"did you mean {meant}?" in found[1].text.en
    assert found[0].text.en == f"query parameter {meant} is missing (you sent {given})"
    assert found[0].text.zh.endswith(f"（发送的是 {given}）")


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


@pytest.mark.parametrize(("call", "raw", "name"), ELSEWHERE, ids=[str(row[1:]) for row in ELSEWHERE])
def test_a_signature_that_is_somewhere_else_is_found(call: Request, raw: str, name: str) -> None:
    """In the headers, the body or the path, or escaped as a whole; nothing is claimed of a query that lacks it only."""
    found = [one for one in check_query(read_query(raw), DEFAULTS, call) if one.name == "missing_parameter"]
    assert found
    assert {one.diagnosis for one in found} == {name}
    assert all(("add it to the URL" in one.text.en) == (name == "") for one in found)


def test_a_lenient_server_tolerates_unknown_parameters_only() -> None:
    """What is signed must be right in any case."""
    readings = {**DEFAULTS, "strictness": "lenient"}
    assert [one.tolerated for one in check_query(read_query(f"{ALL}&x=1"), readings)] == [True]
    assert [one.tolerated for one in check_query(read_query(f"{ALL}&seq=1"), readings)] == [False]


def test_a_flood_is_told_in_part_and_hides_no_documented_parameter() -> None:
    """Twenty unknown names are told, and every documented one that is wrong."""
    flood = "&".join(f"p{number}" for number in range(5_000))
    found = names(f"{flood}&{ALL}&checksum=1")
    assert found[0] == ("repeated_parameter", "query:checksum")
    assert len(found) == MAX_UNKNOWN + 1


@given(st.dictionaries(st.sampled_from(PARAMETERS), st.text(st.characters(exclude_categories=["Cs"]))))
def test_what_a_client_encodes_is_what_is_read(values: dict[str, str]) -> None:
    """Any text survives percent-encoding."""
    raw = "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items())
    assert read_query(raw).values == values


@given(st.text(st.characters(max_codepoint=255)))
def test_any_query_is_read(raw: str) -> None:
    """Nothing raises, and nothing that was undecodable has a value."""
    query = read_query(raw)
    assert (
        not set(query.broken)
        & {name for name, count in query.counts.items() if count == 1}
        & query.values.keys()
    )
    assert query.values.keys() <= query.counts.keys()
