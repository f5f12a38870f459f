"""The checksum of a signed request (§1.1.2): computing it, verifying it, and signing a query string with it."""

from __future__ import annotations

import functools
import hashlib
import hmac
import itertools
import secrets
from collections.abc import Iterable
from typing import Literal
from urllib.parse import quote

from mockserver.contract.apps import Credentials

Formula = Literal["v2", "v1"]
_COUNTER = itertools.count(1)
_RANDOM_DIGITS, _COUNTER_DIGITS = 10, 6


def checksum(credentials: Credentials, curtime: str, formula: Formula = "v2") -> str:
    """Return sha1(appsecret + restapikey + curtime) in lower-case hex; formula v1 omits the restapikey."""
    return _hash(credentials.appsecret, credentials.restapikey if formula == "v2" else "", curtime)


@functools.lru_cache(maxsize=256)
def _hash(*parts: str) -> str:
    # Encode lone surrogates, too, because the message of an encoding error would contain the secrets.
    return hashlib.sha1("".join(parts).encode(errors="surrogatepass"), usedforsecurity=False).hexdigest()


def checksum_matches(
    received: str, credentials: Credentials, curtime: str, formulas: Iterable[Formula] = ("v2",)
) -> bool:
    """Whether `received` is the checksum by one of the formulas; compares in constant time."""
    if not received.isascii():
        return False  # `compare_digest` compares only ASCII.
    # Try all formulas, so that the time does not depend on the keys.
    matches = False
    for formula in formulas:
        matches |= hmac.compare_digest(received, checksum(credentials, curtime, formula))
    return matches


def new_seq(curtime: str) -> str:
    """Return a seq of fixed length that no other request of this or another process has (§1.1.2)."""
    # The counter distinguishes the requests of one process, the random part those of forked processes.
    random, count = secrets.randbelow(10**_RANDOM_DIGITS), next(_COUNTER) % 10**_COUNTER_DIGITS
    return f"{curtime}{random:0{_RANDOM_DIGITS}}{count:0{_COUNTER_DIGITS}}"


def sign(
    credentials: Credentials, now: float, *, identifier: str = "admin", seq: str | None = None, formula: Formula = "v2"
) -> str:
    """Return a signed query string in the document's order (§1.1.1); `now` is in seconds, the default seq is new."""
    curtime = str(int(now))
    values = {
        "appkey": credentials.appkey,
        "identifier": identifier,
        "curtime": curtime,
        "checksum": checksum(credentials, curtime, formula),
        "seq": new_seq(curtime) if seq is None else seq,
    }
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items())
