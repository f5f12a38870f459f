"""The checksum of a signed request (§1.1.2): made, compared, and put into a query string."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

Formula = Literal["v2", "v1"]
_SHAPE = re.compile(r"[0-9a-f]{40}", re.ASCII)
_NUMBERS = itertools.count(1)
_DRAWN, _COUNTED = 10, 6
"""Digits of a seq after its curtime: drawn anew for each, and counted."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An app's credentials; its repr shows no secret."""

    appkey: str
    appsecret: str = field(repr=False)
    restapikey: str = field(repr=False)
    secrets: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """What nobody may be told."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "secrets", (self.appsecret, self.restapikey))


def checksum(keys: Credentials, curtime: str, formula: Formula = "v2") -> str:
    """sha1(appsecret + restapikey + curtime) in lower-case hex, over the raw text of curtime; v1 leaves the restapikey out."""
    middle = keys.restapikey if formula == "v2" else ""
    # a lone surrogate is passed on: the error that refuses it would carry the secrets
    text = (keys.appsecret + middle + curtime).encode(errors="surrogatepass")
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


def checksum_matches(
    given: str, keys: Credentials, curtime: str, formulas: Iterable[Formula] = ("v2",)
) -> bool:
    """Whether `given` is the checksum by one of the formulas, in time that does not depend on where it differs."""
    if not _SHAPE.fullmatch(given):
        return False
    found = [hmac.compare_digest(given.encode(), checksum(keys, curtime, one).encode()) for one in formulas]
    return any(found)


def new_seq(curtime: str) -> str:
    """A seq that no other request of this or of another process has (§1.1.2): digits, of the same length always."""
    # The count keeps a process's own apart; what is drawn, those of a process that began alike or was forked.
    drawn, counted = secrets.randbelow(10**_DRAWN), next(_NUMBERS) % 10**_COUNTED
    return f"{curtime}{drawn:0{_DRAWN}}{counted:0{_COUNTED}}"


def sign(
    keys: Credentials,
    now: float,
    *,
    identifier: str = "admin",
    seq: str | None = None,
    formula: Formula = "v2",
) -> str:
    """A signed query string in the document's order (§1.1.1); `now` in seconds, a seq of its own unless one is given."""
    curtime = str(int(now))
    values = {
        "appkey": keys.appkey,
        "identifier": identifier,
        "curtime": curtime,
        "checksum": checksum(keys, curtime, formula),
        "seq": new_seq(curtime) if seq is None else seq,
    }
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in values.items())
