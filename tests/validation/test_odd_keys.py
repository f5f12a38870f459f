"""Clients with odd keys: short, in any script, equal to each other or to what else is sent. No mistake is claimed of them
that they did not make, unless it gives the very same bytes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
import re
import string
from collections.abc import Callable
from dataclasses import replace

import pytest
from test_diagnosis import KINDS, doctor
from wrong_signers import Client, hexed, new_client, sha1

SCRIPTS = (
    string.digits, string.ascii_lowercase, string.ascii_uppercase, "0123456789abcdef", string.ascii_letters + string.digits + "+/",
    "密钥测试", "éàüñ", " +%&;#-_.~", "😀𝄞", "абв",
)  # fmt: skip


def word(rng: random.Random, most: int = 44) -> str:
    """Letters of one script."""
    letters = rng.choice(SCRIPTS)
    return "".join(rng.choice(letters) for _ in range(rng.randrange(1, most)))


ODD: dict[str, Callable[[Client, random.Random], Client]] = {
    "any script": lambda c, rng: replace(c, s=word(rng), r=word(rng)),
    "very short": lambda c, rng: replace(c, s=word(rng, 4), r=word(rng, 4)),
    "digits": lambda c, rng: replace(c, s=str(rng.randrange(10**9)), r=str(rng.randrange(10**6))),
    "both keys the same": lambda c, rng: replace(c, r=c.s),
    "restapikey is the appkey": lambda c, rng: replace(c, r=c.k),
    "restapikey begins the secret": lambda c, rng: replace(c, s=c.r + word(rng)),
    "no restapikey": lambda c, rng: replace(c, r=""),
    "restapikey is the identifier": lambda c, rng: replace(c, r=c.identifier),
    "restapikey is the seq": lambda c, rng: replace(c, r=c.seq),
    "secret is the appkey": lambda c, rng: replace(c, s=c.k),
    "secret is the curtime": lambda c, rng: replace(c, s=c.t),
    "secret is a word for nothing": lambda c, rng: replace(c, s="undefined"),
    "keys are digests": lambda c, rng: replace(c, s=hexed("md5", c.k), r=sha1(c.k)),
    "lower case": lambda c, rng: replace(c, s=c.s.lower(), r=c.r.lower()),
    "upper case": lambda c, rng: replace(c, s=c.s.upper(), r=c.r.upper()),
    "blanks around": lambda c, rng: replace(c, s=f" {c.s}\n", r=f"\t{c.r} "),
    "another app with the same secret": lambda c, rng: replace(c, other_s=c.s),
    "another app with the same keys": lambda c, rng: replace(c, other_s=c.s, other_r=c.r),
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_what_is_claimed_of_odd_keys_is_so(odd: Callable[[Client, random.Random], Client]) -> None:
    """Each kind of wrong checksum: a claim is the mistake that was made, or one that makes the same of these keys."""
    rng = random.Random(11)
    told = 0
    for _ in range(4):
        client = odd(new_client(rng), rng)
        made: dict[str, set[frozenset[str]]] = {}
        for _, names, sign in KINDS:
            if (wrong := signed(sign, client)) is not None:
                made.setdefault(wrong, set()).add(frozenset(names))
        for wrong, true in made.items():
            said = doctor(client, wrong)
            if wrong == client.right:
                assert said is None
                continue
            assert said is not None
            told += said.explained
            if said.explained and frozenset(said.names) not in true:
                assert same(wrong, digest_of(said.text.en, client)), (said, true, client)
    assert told > 500


def signed(sign: Callable[[Client], str | None], client: Client) -> str | None:
    """What the client sends; nothing when these keys cannot be used so."""
    try:
        return sign(client)
    except ValueError:
        return None


def digest_of(text: str, client: Client) -> str:
    """The digest, in hex, of the expression in a diagnosis, worked out anew."""
    found = re.search(r"((?:hmac_)?(?:sha1|md5|sha224|sha256|sha384|sha512)\(.*?\)): ", text)
    assert found, text
    expression = re.sub(r"\(curtime([+-]\d+)\)", lambda one: repr(str(client.n + int(one[1]))), found[1])
    expression = expression.replace("(curtime*1000)", repr(f"{client.n}000"))
    expression = re.sub(r"(appsecret|restapikey)\['[^']*'\]", r"other_\1", expression)
    expression = re.sub(r"(\w+) without its (first|last) character", r"\2(\1)", expression)
    expression = re.sub(r"(\w+) without (=|\+|-)", r"without(\1, '\2')", expression)
    expression = re.sub(r"(\w+) up to (\S)", r"upto(\1, '\2')", expression).replace("BOM+", "'\ufeff'+")
    expression = expression[: matching(expression)]
    known = {
        **{name: lambda text, name=name: hexed(name, text) for name in ("sha1", "md5", "sha224", "sha256", "sha384", "sha512")},
        **{f"hmac_{name}": lambda key, text, name=name: hmac.new(key.encode(), text.encode(), name).hexdigest() for name in ("sha1", "md5", "sha256")},
        "appsecret": client.s, "restapikey": client.r, "curtime": client.t, "appkey": client.k, "seq": client.seq,
        "identifier": client.identifier, "other_appsecret": client.other_s, "other_restapikey": client.other_r,
        "body": client.body.decode(), "upper": str.upper, "lower": str.lower, "trim": str.strip,
        "without": lambda text, sign: text.replace(sign, "") if sign != "=" else text.rstrip("="),
        "first": lambda text: text[1:], "last": lambda text: text[:-1],
        "upto": lambda text, sign: text.partition(sign)[0].rstrip(),
    }  # fmt: skip
    return str(eval(expression, {"__builtins__": {}}, known))


def matching(text: str) -> int:
    """The place after the bracket that closes the first one."""
    depth = 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == ")" and not depth:
            return at + 1
    raise AssertionError(text)


def same(given: str, digits: str) -> bool:
    """Whether a digest was written as `given`, in one of the usual ways."""
    raw = bytes.fromhex(digits)
    size, numbers = len(raw), [str(byte) for byte in raw]
    number = int(digits, 16) - 256**size
    written = {
        digits, digits.upper(), raw.hex("-"), base64.b64encode(raw).decode(), raw.decode("latin-1"), ",".join(numbers),
        f"-{-number:x}", digits.lstrip("0"), f'"{digits}"',
    }  # fmt: skip
    return given in written or (len(given) >= 12 and digits.startswith(given))


def test_the_digests_of_claims_are_worked_out() -> None:
    """The arithmetic of this file itself: it tells a right claim from a wrong one."""
    client = new_client(random.Random(1))
    claim = "matches upper(sha1(appsecret+(curtime-1))): upper-case hex; …"
    right = hashlib.sha1(f"{client.s}{client.n - 1}".encode()).hexdigest()
    assert digest_of(claim, client) == right
    assert same(right.upper(), right)
    assert not same(client.right, right)
