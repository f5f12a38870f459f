"""The signature doctor: why a checksum or a curtime is wrong, without ever telling a secret or the right answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mockserver.contract.stamps import is_seconds, why_no_stamp
from mockserver.messages import Text
from mockserver.signing.checksum import Formula, Keys, matches


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was done wrong: a stable name and what to tell the developer."""

    name: str
    text: Text


def diagnose(
    given: str,
    curtime: str,
    keys: Keys,
    *,
    others: Sequence[Keys] = (),
    now: float,
    body: bytes = b"",
    formulas: Iterable[Formula] = ("v2",),
) -> Diagnosis | None:
    """The mistake that explains a wrong checksum, or None."""
    if matches(given.lower(), keys, curtime, formulas):
        return Diagnosis(
            "uppercase_hex",
            Text("the digits are right but upper case; send lower case", "数值正确但为大写；请用小写"),
        )
    if "v1" not in formulas and matches(given, keys, curtime, ("v1",)):
        return Diagnosis(
            "v1_formula",
            Text(
                "matches sha1(appsecret+curtime): the v1 formula; v2 needs the restapikey in the middle",
                "与 sha1(appsecret+curtime) 一致：这是 v1 公式；v2 中间须有 restapikey",
            ),
        )
    return None


def diagnose_curtime(text: str, now: float) -> Diagnosis | None:
    """What is wrong with a curtime, or None for a good one."""
    if not is_seconds(text):
        return Diagnosis("curtime_form", why_no_stamp(text))
    return None
