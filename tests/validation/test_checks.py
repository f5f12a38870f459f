"""The values of the signed query, by properties: any moment, any formula, any text."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.signer import APPKEY, APPSECRET, OTHER, RESTAPIKEY, SECRETS, checksum
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.contract.apps import App
from mockserver.contract.checksum import Credentials
from mockserver.contract.readings import DEFAULTS
from mockserver.contract.violations import Violation
from mockserver.core.http import Request
from mockserver.validation.signature import SigningContext, check_signature

APP = App(Credentials(APPKEY, APPSECRET, RESTAPIKEY), ("admin", "root"))
NOW = 1_576_000_000
CALL = Request("POST", "/v2/video/count_qos_by_day")


class Memory:
    """What was sent before, as the store keeps it."""

    def __init__(self) -> None:
        self.seqs: set[str] = set()
        self.checksums: set[str] = set()
        self.signed: dict[str, str] = {}

    def claim_seq(self, seq: str) -> bool:
        """Whether it is new."""
        new = seq not in self.seqs
        self.seqs.add(seq)
        return new

    def claim_checksum(self, checksum: str) -> bool:
        """Whether it is new."""
        new = checksum not in self.checksums
        self.checksums.add(checksum)
        return new

    def remember_signed(self, checksum: str, curtime: str) -> None:
        """Keep a right one."""
        self.signed[checksum] = curtime

    def signed_for(self, checksum: str) -> str | None:
        """What it was right for."""
        return self.signed.get(checksum)


def check(
    text: str,
    how: str = "v2",
    /,
    now: float = NOW,
    memory: Memory | None = None,
    sound: bool = True,
    readings: dict[str, Any] | None = None,
    **given: str,
) -> list[Violation]:
    """The violations of a query signed over `text` as its curtime; parameters by name."""
    query = {"appkey": APPKEY, "identifier": "admin", "curtime": text, "checksum": checksum(text, how)}
    query |= {"seq": "1", **given}
    context = SigningContext(now, APP, ({OTHER[0]: App(Credentials(*OTHER), ())},), memory)
    return check_signature(query, CALL, {**DEFAULTS, **(readings or {})}, context, accepted=sound)


def names(*args: Any, **given: Any) -> list[str]:
    """Their names."""
    return [one.name for one in check(*args, **given)]


@given(st.integers(1_000_000_000, 9_999_999_999), st.floats(0, 0.999))
def test_a_right_signature_is_right_at_any_moment(second: int, fraction: float) -> None:
    """Whatever the clock says, a request signed at this very second is taken."""
    assert names(str(second), now=second + fraction) == []


@given(st.integers(-100_000, 100_000), st.integers(0, 86_400), st.floats(0, 0.999))
def test_freshness_is_a_closed_interval_around_now(off: int, limit: int, fraction: float) -> None:
    """A checksum is good from `limit` seconds before to `limit` seconds after the server's second, edges included."""
    found = names(str(NOW + off), now=NOW + fraction, readings={"freshness_seconds": limit})
    assert found == ([] if abs(off) <= limit else ["checksum_expired"])


def test_a_fraction_counts_for_freshness() -> None:
    """300.5 s are more than 300, and the side is told."""
    (_, late) = check(
        f"{NOW - 300}.0", now=NOW + 0.9, readings={"curtime": "fraction", "freshness_seconds": 299}
    )
    assert "behind" in late.text.en
    assert names(f"{NOW + 300}.5", readings={"curtime": "fraction"}) == [
        "curtime_fraction",
        "checksum_expired",
    ]
    assert names(f"{NOW + 299}.5", readings={"curtime": "fraction"}) == ["curtime_fraction"]


@pytest.mark.parametrize("reading", ["integer", "fraction"])
@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "0",
            "157600000",
            "15760000000",
            "1576000000000",
            "1576000000 ",
            " 1576000000",
            "1576000000\n",
        ),
        *(
            "+1576000000",
            "-1576000000",
            "1_576_000_00",
            "1576000000.",
            ".5",
            "1576000000,5",
            "1576000000.5.5",
            "1.576e9",
        ),
        *(
            "0x5df00000",
            "１５７６０００００００",
            "١٥٧٦٠٠٠٠٠٠",
            "nan",
            "inf",
            "1576000000.1234567890123",
            "undefined",
            "1576000000\0",
        ),
    ],
)
def test_a_curtime_in_another_form_is_refused(text: str, reading: str) -> None:
    """Whatever Python would take for a number, the document's ten digits are what is taken (§1.1.2)."""
    assert names(text, readings={"curtime": reading}) == ["curtime_format"]


@pytest.mark.parametrize(
    ("how", "reading", "right"),
    [
        *(("v2", "v2", True), ("v1", "v2", False), ("v2", "v1", False)),
        *(("v1", "v1", True), ("v2", "either", True), ("v1", "either", True), ("md5", "either", False)),
        *(("upper", "v2", False), ("other_app", "either", False), ("late", "v2", False)),
    ],
)
def test_the_formula_is_that_of_the_reading(how: str, reading: str, right: bool) -> None:
    """Two formulas are known; each is taken where the reading says so."""
    assert names(str(NOW), how, readings={"signing": reading}) == ([] if right else ["checksum_mismatch"])


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=60))
def test_no_other_text_is_a_checksum_and_none_is_told(given: str) -> None:
    """Any text is refused or right; what is told holds neither the right checksum nor a secret."""
    right = checksum(str(NOW))
    found = check(str(NOW), checksum=given)
    assert [one.name for one in found] == ([] if given == right else ["checksum_mismatch"])
    for one in found:
        for secret in (*SECRETS, right):
            assert secret not in " ".join([*one.text, one.expected, one.got])


def test_a_right_checksum_with_something_around_it_is_wrong() -> None:
    """Not a blank, not a line break, not a letter in another case."""
    right = checksum(str(NOW))
    for wrong in (f" {right}", f"{right}\n", right.upper(), right[:-1], f"{right}0", f"0x{right}"):
        assert names(str(NOW), checksum=wrong) == ["checksum_mismatch"]


def test_identifiers_are_those_of_the_app() -> None:
    """Under identifier=admin only listed ones, letter by letter."""
    for name, wrong in [("admin", False), ("root", False), ("Admin", True), ("admin ", True), ("bob", True)]:
        assert names(str(NOW), identifier=name) == []
        found = names(str(NOW), identifier=name, readings={"identifier": "admin"})
        assert found == (["identifier_not_allowed"] if wrong else [])


def test_nothing_is_remembered_of_a_request_that_was_refused_before() -> None:
    """A seq or checksum is used up only by a request in which nothing was wrong up to it."""
    memory = Memory()
    once: dict[str, Any] = {"memory": memory, "readings": {"checksum_reuse": "once", "seq": "unique"}}
    check(str(NOW), sound=False, **once)
    check(str(NOW - 400), **once)
    check(str(NOW), "v1", **once)
    assert (memory.seqs, memory.checksums) == (set(), set())
    assert names(str(NOW), **once) == []
    assert names(str(NOW), **once) == ["checksum_reused"]
    assert names(str(NOW + 1), **once) == ["seq_repeated"]


def test_a_tolerated_fraction_hides_no_repetition() -> None:
    """Under curtime=fraction the memory works as it does for whole seconds."""
    readings = {"checksum_reuse": "once", "seq": "unique", "curtime": "fraction"}
    once: dict[str, Any] = {"memory": Memory(), "readings": readings}
    assert names(f"{NOW}.5", **once) == ["curtime_fraction"]
    assert names(f"{NOW}.5", **once) == ["curtime_fraction", "checksum_reused"]
    assert names(f"{NOW}.6", **once) == ["curtime_fraction", "seq_repeated"]


def test_by_default_nothing_is_used_up() -> None:
    """checksum_reuse=allowed and seq=required take the same request again and again."""
    memory = Memory()
    assert names(str(NOW), memory=memory) == names(str(NOW), memory=memory) == []
    assert (memory.seqs, memory.checksums) == (set(), set())


@pytest.mark.parametrize("late", [5, 299, 301, 4_000, 90_000])
def test_a_checksum_that_is_sent_again_with_another_curtime_is_called_stale(late: int) -> None:
    """However long ago it was right: the app's right checksums are known again."""
    memory = Memory()
    assert check(str(NOW), memory=memory) == []
    (one,) = check(str(NOW + late), now=NOW + late, memory=memory, checksum=checksum(str(NOW)))
    assert (one.name, one.diagnosis) == ("checksum_mismatch", "stale_checksum")
    assert f"sha1(appsecret+restapikey+(curtime-{late}))" in one.text.en


def test_a_right_checksum_of_old_keys_is_not_called_stale() -> None:
    """What is remembered is held against the keys of now."""
    memory = Memory()
    given = checksum(str(NOW), "v1")
    memory.remember_signed(given, str(NOW))
    (one,) = check(str(NOW + 4_000), now=NOW + 4_000, memory=memory, checksum=given)
    assert one.diagnosis == "unexplained"
    memory.remember_signed(given, f"{NOW}.5")
    (one,) = check(str(NOW + 4_000), now=NOW + 4_000, memory=memory, checksum=given)
    assert one.diagnosis == "unexplained"


def test_a_stale_fraction_is_told_without_a_difference() -> None:
    """Its curtime was no whole second."""
    memory = Memory()
    memory.remember_signed(checksum(f"{NOW}.5"), f"{NOW}.5")
    (one,) = check(str(NOW + 4_000), now=NOW + 4_000, memory=memory, checksum=checksum(f"{NOW}.5"))
    assert one.diagnosis == "stale_checksum"
    assert "(appsecret+restapikey+earlier curtime)" in one.text.en


def test_a_fraction_is_told_by_its_name() -> None:
    """The violation carries the diagnosis, tolerated or not."""
    for reading in ("integer", "fraction"):
        (one,) = check(f"{NOW}.5", readings={"curtime": reading})
        assert (one.name, one.diagnosis) == ("curtime_fraction", "curtime_fraction")


@pytest.mark.parametrize(
    "sent",
    [
        APPSECRET,
        (APPSECRET + RESTAPIKEY + str(NOW)).encode().hex() + "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        (APPSECRET + RESTAPIKEY).encode().hex().upper(),
    ],
)
def test_no_beginning_of_a_key_is_told(sent: str) -> None:
    """Six characters of a wrong checksum are shown, but none of a key, in hex or not."""
    (one,) = check(str(NOW), checksum=sent)
    assert one.got == "***"
    assert one.diagnosis == "unhashed"
    assert sent[:6] not in " ".join(one.text)
