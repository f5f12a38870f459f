"""Clients that sign wrongly, written out with hashlib alone: each kind of mistake, and the diagnosis it must get.

Shares no code with the package: what a client does is spelt out, so that a slip in our tables shows.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import string
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Client:
    """One client's view: its keys, and the values that it puts into the URL."""

    k: str
    s: str
    r: str
    t: str
    identifier: str
    seq: str
    body: bytes
    other_k: str
    other_s: str
    other_r: str
    rng: random.Random

    @property
    def n(self) -> int:
        return int(float(self.t))

    @property
    def right(self) -> str:
        return sha1(self.s + self.r + self.t)


def new_client(rng: random.Random, t: str | None = None) -> Client:
    def secret() -> str:
        letters = "".join(rng.choice(string.ascii_letters + string.digits) for _ in range(39))
        return letters[:9] + "+" + letters[9:20] + "/" + letters[20:] + "w=="

    def rest() -> str:
        return (
            "-".join("".join(rng.choice("abcdefABCDEF0123456789") for _ in range(4)) for _ in range(5))
            + "-aB"
        )

    return Client(
        k=str(rng.randrange(10**8, 10**9)), s=secret(), r=rest(), t=t or str(1575968312 + rng.randrange(10**6)),
        identifier=rng.choice(["admin", "operator"]), seq=str(rng.randrange(10**5, 10**6)),
        body=b'{"RoomId":"%d"}' % rng.randrange(10**9),
        other_k=str(rng.randrange(10**8, 10**9)), other_s=secret(), other_r=rest(), rng=rng,
    )  # fmt: skip


def raw(text: str | bytes, name: str = "sha1") -> bytes:
    return hashlib.new(name, text.encode() if isinstance(text, str) else text).digest()


def sha1(text: str | bytes) -> str:
    return raw(text).hex()


def hexed(name: str, text: str | bytes) -> str:
    return raw(text, name).hex()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def mac(key: str | bytes, text: str, name: str = "sha1") -> str:
    return hmac.new(key.encode() if isinstance(key, str) else key, text.encode(), name).hexdigest()


def only_if(ok: bool, given: str) -> str | None:
    """`given`, or nothing: this draw does not show the mistake, take another."""
    return given if ok else None


def java_int(data: bytes) -> str:
    return "".join(f"{byte:x}" if byte < 128 else f"ffffff{byte:x}" for byte in data)


Kind = tuple[str, tuple[str, ...], Callable[[Client], "str | None"]]
