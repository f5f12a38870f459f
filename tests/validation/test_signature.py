"""Checks of the signed query's values: any moment, any formula, any text."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.signer import APPKEY, APPSECRET, OTHER, RESTAPIKEY, SECRETS, checksum
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.contract.apps import App, Credentials
from mockserver.contract.readings import DEFAULTS
from mockserver.contract.violations import Violation
from mockserver.core.http import Request
from mockserver.validation.signature import SigningContext, check_signature

APP = App(Credentials(APPKEY, APPSECRET, RESTAPIKEY), ("admin", "root"))
NOW = 1_576_000_000
REQUEST = Request("POST", "/v2/video/count_qos_by_day")


class Memory:
    """What was sent before, as the state of an app keeps it."""

    def __init__(self) -> None:
        self.seqs: set[str] = set()
        self.checksums: set[str] = set()
        self.signed: dict[str, str] = {}

    def claim_seq(self, seq: str) -> bool:
        """Return whether it was new."""
        new = seq not in self.seqs
        self.seqs.add(seq)
        return new

    def claim_checksum(self, checksum: str) -> bool:
        """Return whether it was new."""
        new = checksum not in self.checksums
        self.checksums.add(checksum)
        return new

    def remember_signed(self, checksum: str, curtime: str) -> None:
        """Remember a right checksum."""
        self.signed[checksum] = curtime

    def signed_for(self, checksum: str) -> str | None:
        """Return the curtime that it was right for."""
        return self.signed.get(checksum)


def violations_of(
    curtime: str,
    formula: str = "v2",
    /,
    now: float = NOW,
    memory: Memory | None = None,
    accepted: bool = True,
    readings: dict[str, Any] | None = None,
    **given: str,
) -> list[Violation]:
    """Return the violations of a signed query; keyword arguments replace its parameters."""
    query = {"appkey": APPKEY, "identifier": "admin", "curtime": curtime, "checksum": checksum(curtime, formula)}
    query |= {"seq": "1", **given}
    context = SigningContext(now, APP, ({OTHER[0]: App(Credentials(*OTHER), ())},), memory)
    return check_signature(query, REQUEST, {**DEFAULTS, **(readings or {})}, context, accepted=accepted)


def names(*args: Any, **given: Any) -> list[str]:
    """Return the names of the violations."""
    return [found.name for found in violations_of(*args, **given)]


@given(st.integers(1_000_000_000, 9_999_999_999), st.floats(0, 0.999))
def test_a_right_signature_is_accepted_at_any_moment(second: int, fraction: float) -> None:
    """Whatever the clock says, a request signed in the current second is accepted."""
    assert names(str(second), now=second + fraction) == []


@given(st.integers(-100_000, 100_000), st.integers(0, 86_400), st.floats(0, 0.999))
def test_freshness_is_a_closed_interval_around_now(offset: int, limit: int, fraction: float) -> None:
    """A checksum is valid from `limit` seconds before to `limit` seconds after the server's second, edges included."""
    found = names(str(NOW + offset), now=NOW + fraction, readings={"freshness_seconds": limit})
    assert found == ([] if abs(offset) <= limit else ["checksum_expired"])


def test_a_fraction_counts_for_freshness() -> None:
    """300.5 s are more than 300, and the text says which side is behind."""
    (_, late) = violations_of(
        f"{NOW - 300}.0", now=NOW + 0.9, readings={"curtime": "fraction", "freshness_seconds": 299}
    )
    assert "behind" in late.text.en
    assert names(f"{NOW + 300}.5", readings={"curtime": "fraction"}) == ["curtime_fraction", "checksum_expired"]
    assert names(f"{NOW + 299}.5", readings={"curtime": "fraction"}) == ["curtime_fraction"]


@pytest.mark.parametrize("reading", ["integer", "fraction"])
@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "0", "157600000", "15760000000", "1576000000000", "1576000000 ", " 1576000000", "1576000000\n"),
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
    """Only the ten digits of the document are accepted, not everything that Python reads as a number (§1.1.2)."""
    assert names(text, readings={"curtime": reading}) == ["curtime_format"]


@pytest.mark.parametrize(
    ("how", "reading", "right"),
    [
        *(("v2", "v2", True), ("v1", "v2", False), ("v2", "v1", False)),
        *(("v1", "v1", True), ("v2", "either", True), ("v1", "either", True), ("md5", "either", False)),
        *(("upper", "v2", False), ("other_app", "either", False), ("late", "v2", False)),
    ],
)
def test_the_reading_decides_which_formula_is_accepted(how: str, reading: str, right: bool) -> None:
    """The v1 and the v2 formula are each accepted where the reading `signing` says so."""
    assert names(str(NOW), how, readings={"signing": reading}) == ([] if right else ["checksum_mismatch"])


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=60))
def test_any_other_checksum_is_refused_without_showing_the_right_one(given: str) -> None:
    """Any text is refused or right; the violation contains neither the right checksum nor a secret."""
    right = checksum(str(NOW))
    violations = violations_of(str(NOW), checksum=given)
    assert [violation.name for violation in violations] == ([] if given == right else ["checksum_mismatch"])
    for violation in violations:
        for secret in (*SECRETS, right):
            assert secret not in " ".join([*violation.text, violation.expected, violation.got])


def test_a_right_checksum_with_something_around_it_is_wrong() -> None:
    """No space, no line break, no letter in another case is accepted."""
    right = checksum(str(NOW))
    for wrong in (f" {right}", f"{right}\n", right.upper(), right[:-1], f"{right}0", f"0x{right}"):
        assert names(str(NOW), checksum=wrong) == ["checksum_mismatch"]


def test_identifiers_are_those_of_the_app() -> None:
    """Under identifier=admin only the listed identifiers are accepted, case-sensitively."""
    for name, wrong in [("admin", False), ("root", False), ("Admin", True), ("admin ", True), ("bob", True)]:
        assert names(str(NOW), identifier=name) == []
        found = names(str(NOW), identifier=name, readings={"identifier": "admin"})
        assert found == (["identifier_not_allowed"] if wrong else [])


def test_a_refused_request_uses_nothing_up() -> None:
    """A seq or checksum is marked as used only by a request without violations up to it."""
    memory = Memory()
    once: dict[str, Any] = {"memory": memory, "readings": {"checksum_reuse": "once", "seq": "unique"}}
    violations_of(str(NOW), accepted=False, **once)
    violations_of(str(NOW - 400), **once)
    violations_of(str(NOW), "v1", **once)
    assert (memory.seqs, memory.checksums) == (set(), set())
    assert names(str(NOW), **once) == []
    assert names(str(NOW), **once) == ["checksum_reused"]
    assert names(str(NOW + 1), **once) == ["seq_repeated"]


def test_a_tolerated_fraction_does_not_hide_a_repetition() -> None:
    """Under curtime=fraction repetitions are found as they are for whole seconds."""
    readings = {"checksum_reuse": "once", "seq": "unique", "curtime": "fraction"}
    once: dict[str, Any] = {"memory": Memory(), "readings": readings}
    assert names(f"{NOW}.5", **once) == ["curtime_fraction"]
    assert names(f"{NOW}.5", **once) == ["curtime_fraction", "checksum_reused"]
    assert names(f"{NOW}.6", **once) == ["curtime_fraction", "seq_repeated"]


def test_by_default_nothing_is_used_up() -> None:
    """checksum_reuse=allowed and seq=required accept the same request again and again."""
    memory = Memory()
    assert names(str(NOW), memory=memory) == names(str(NOW), memory=memory) == []
    assert (memory.seqs, memory.checksums) == (set(), set())


@pytest.mark.parametrize("late", [5, 299, 301, 4_000, 90_000])
def test_a_checksum_that_is_sent_again_with_another_curtime_is_called_stale(late: int) -> None:
    """However long ago it was right: the app's right checksums are remembered."""
    memory = Memory()
    assert violations_of(str(NOW), memory=memory) == []
    (violation,) = violations_of(str(NOW + late), now=NOW + late, memory=memory, checksum=checksum(str(NOW)))
    assert (violation.name, violation.diagnosis) == ("checksum_mismatch", "stale_checksum")
    assert f"sha1(appsecret+restapikey+(curtime-{late}))" in violation.text.en


def test_a_right_checksum_of_old_keys_is_not_called_stale() -> None:
    """Remembered checksums are verified with the current keys."""
    memory = Memory()
    given = checksum(str(NOW), "v1")
    memory.remember_signed(given, str(NOW))
    (violation,) = violations_of(str(NOW + 4_000), now=NOW + 4_000, memory=memory, checksum=given)
    assert violation.diagnosis == "unexplained"
    memory.remember_signed(given, f"{NOW}.5")
    (violation,) = violations_of(str(NOW + 4_000), now=NOW + 4_000, memory=memory, checksum=given)
    assert violation.diagnosis == "unexplained"


def test_a_stale_fraction_is_reported_without_a_difference() -> None:
    """Its curtime was not a whole second."""
    memory = Memory()
    memory.remember_signed(checksum(f"{NOW}.5"), f"{NOW}.5")
    (violation,) = violations_of(str(NOW + 4_000), now=NOW + 4_000, memory=memory, checksum=checksum(f"{NOW}.5"))
    assert violation.diagnosis == "stale_checksum"
    assert "(appsecret+restapikey+earlier curtime)" in violation.text.en


def test_a_fraction_has_its_own_diagnosis() -> None:
    """The violation carries the diagnosis, tolerated or not."""
    for reading in ("integer", "fraction"):
        (violation,) = violations_of(f"{NOW}.5", readings={"curtime": reading})
        assert (violation.name, violation.diagnosis) == ("curtime_fraction", "curtime_fraction")


@pytest.mark.parametrize(
    "sent",
    [
        APPSECRET,
        (APPSECRET + RESTAPIKEY + str(NOW)).encode().hex() + "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        (APPSECRET + RESTAPIKEY).encode().hex().upper(),
    ],
)
def test_no_part_of_a_key_is_shown(sent: str) -> None:
    """The first six characters of a wrong checksum are shown, but none of a key, in hex or not."""
    (violation,) = violations_of(str(NOW), checksum=sent)
    assert violation.got == "***"
    assert violation.diagnosis == "unhashed"
    assert sent[:6] not in " ".join(violation.text)
