"""Diagnosis with odd keys: short, in any script, equal to each other or to what else is sent.

A mistake that was not made may only be claimed if it gives the very same digest with these keys.
"""

from __future__ import annotations

import base64
import hmac
import random
import re
import string
from collections.abc import Callable
from dataclasses import replace

import pytest
from test_diagnosis import diagnosis_of
from wrong_signers import KINDS, Client, hexed, new_client, sha1

SCRIPTS = (
    string.digits, string.ascii_lowercase, string.ascii_uppercase, "0123456789abcdef", string.ascii_letters + string.digits + "+/",
    "密钥测试", "éàüñ", " +%&;#-_.~", "😀𝄞", "абв",
)  # fmt: skip


def random_key(rng: random.Random, max_length: int = 44) -> str:
    """A key in one script."""
    letters = rng.choice(SCRIPTS)
    return "".join(rng.choice(letters) for _ in range(rng.randrange(1, max_length)))


ODD: dict[str, Callable[[Client, random.Random], Client]] = {
    "any script": lambda c, rng: replace(c, s=random_key(rng), r=random_key(rng)),
    "very short": lambda c, rng: replace(c, s=random_key(rng, 4), r=random_key(rng, 4)),
    "digits": lambda c, rng: replace(c, s=str(rng.randrange(10**9)), r=str(rng.randrange(10**6))),
    "both keys the same": lambda c, rng: replace(c, r=c.s),
    "restapikey is the appkey": lambda c, rng: replace(c, r=c.k),
    "restapikey begins the secret": lambda c, rng: replace(c, s=c.r + random_key(rng)),
    "no restapikey": lambda c, rng: replace(c, r=""),
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
def test_a_claim_about_odd_keys_is_true(odd: Callable[[Client, random.Random], Client]) -> None:
    """Each kind of wrong checksum: the diagnosis is the mistake that was made, or one that gives the same digest."""
    rng = random.Random(11)
    explained = 0
    for _ in range(4):
        client = odd(new_client(rng), rng)
        made: dict[str, set[frozenset[str]]] = {}
        for _, names, sign in KINDS:
            if (wrong := signed(sign, client)) is not None:
                made.setdefault(wrong, set()).add(frozenset(names))
        for wrong, mistakes in made.items():
            diagnosis = diagnosis_of(client, wrong)
            if wrong == client.right:
                assert diagnosis is None
                continue
            assert diagnosis is not None
            explained += "unexplained" not in diagnosis.names
            if "unexplained" not in diagnosis.names and frozenset(diagnosis.names) not in mistakes:
                computed = digest_of(diagnosis.text.en, client)
                assert is_written_as(wrong, computed), (diagnosis, mistakes, client)
    assert explained > 200


def signed(sign: Callable[[Client], str | None], client: Client) -> str | None:
    """What the client sends; None if it cannot sign with these keys."""
    try:
        return sign(client)
    except ValueError:
        return None


def digest_of(text: str, client: Client) -> str:
    """Compute the digest, in hex, of the expression in a diagnosis."""
    found = re.search(r"((?:hmac_)?(?:sha1|md5|sha256)\(.*?\)): ", text)
    assert found, text
    expression = re.sub(r"\(curtime([+-]\d+)\)", lambda part: repr(str(client.n + int(part[1]))), found[1])
    expression = expression.replace("milliseconds(curtime)", repr(f"{client.n}000"))
    expression = re.sub(r"(appsecret|restapikey)\['[^']*'\]", r"other_\1", expression)
    expression = re.sub(r"(\w+) without =", r"unpadded(\1)", expression)
    expression = re.sub(r"(\w+) with \+ as space", r"\1.replace('+', ' ')", expression)
    expression = expression.replace("BOM+", "'\ufeff'+")
    expression = expression[: end_of_call(expression)]
    functions = {name: lambda text, name=name: hexed(name, text) for name in ("sha1", "md5", "sha256")}
    macs = {
        f"hmac_{name}": lambda key, text, name=name: hmac.new(key.encode(), text.encode(), name).hexdigest()
        for name in ("sha1", "md5", "sha256")
    }
    values = {
        "appsecret": client.s,
        "restapikey": client.r,
        "curtime": client.t,
        "appkey": client.k,
        "other_appsecret": client.other_s,
        "other_restapikey": client.other_r,
        "upper": str.upper,
        "lower": str.lower,
        "unpadded": lambda text: text.rstrip("="),
    }
    return str(eval(expression, {"__builtins__": {}}, {**functions, **macs, **values}))


def end_of_call(text: str) -> int:
    """The index after the bracket that closes the first one."""
    depth = 0
    for at, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == ")" and not depth:
            return at + 1
    raise AssertionError(text)


def is_written_as(checksum: str, digest: str) -> bool:
    """Whether a checksum is this digest (hex), written in one of the usual ways."""
    raw = bytes.fromhex(digest)
    written = {digest, digest.upper(), raw.hex("-"), base64.b64encode(raw).decode(), digest.lstrip("0")}
    return checksum.strip() in written


def test_the_helpers_compute_the_digest_of_a_claim() -> None:
    """The helpers of this file distinguish a right claim from a wrong one."""
    client = new_client(random.Random(1))
    claim = "matches upper(sha1(appsecret+(curtime-1))): upper-case hex; …"
    right = sha1(f"{client.s}{client.n - 1}")
    assert digest_of(claim, client) == right
    assert is_written_as(right.upper(), right)
    assert not is_written_as(client.right, right)
