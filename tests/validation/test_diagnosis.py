"""Signature diagnosis: each kind of wrong checksum gets its name, and none gets a name that is not its own."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_curtime import CURTIMES
from wrong_signers import KINDS, RANDOM_DIGESTS, URLS, Client, hexed, mac, new_client, sha1

from mockserver.contract.apps import Credentials
from mockserver.validation.diagnosis import Diagnosis, diagnose
from mockserver.validation.mistakes import MISTAKES
from mockserver.validation.signature_candidates import templates, transformed_digests

CLIENTS = 5_000 // len(KINDS) + 1
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def diagnosis_of(client: Client, checksum: str, **options: object) -> Diagnosis | None:
    """Return the diagnosis of a client's checksum; two other apps are registered, one of them the client's."""
    others = [Credentials("1", "x" * 40, "y"), Credentials(client.other_k, client.other_s, client.other_r)]
    keys = Credentials(client.k, client.s, client.r)
    return diagnose(checksum, client.t, keys, **{"other_keys": others, **options})  # type: ignore[arg-type]


def is_silent(client: Client, diagnosis: Diagnosis) -> bool:
    """Whether a diagnosis contains no secret and no digest."""
    shown = repr(diagnosis) + diagnosis.name
    secrets = (client.s, client.r, client.other_s, client.other_r, client.right)
    return not any(secret in shown for secret in secrets) and not re.search(r"[0-9a-fA-F]{12}", shown)


@pytest.mark.parametrize(("names", "sign"), [kind[1:] for kind in KINDS], ids=[kind[0] for kind in KINDS])
def test_each_kind_of_mistake_is_named_exactly(names, sign):
    """5,000 wrong signatures by random clients: exactly the names of their mistakes, and no secret in any text."""
    rng, done = random.Random(f"{names}"), 0
    while done < CLIENTS:
        client = new_client(rng)
        wrong = sign(client)
        if wrong is None or wrong == wrong.lower() and "uppercase_hex" in names:
            continue
        diagnosis = diagnosis_of(client, wrong)
        assert diagnosis is not None, client
        assert set(diagnosis.names) == set(names), (diagnosis.names, client)
        assert "unexplained" not in diagnosis.names
        assert is_silent(client, diagnosis)
        done += 1


@pytest.mark.parametrize(("names", "sent", "sign"), [row[1:] for row in URLS], ids=[row[0] for row in URLS])
def test_a_hashed_curtime_that_differs_from_the_urls_is_named(names, sent, sign):
    """Another unit, or a fraction that was cut off, is recognized by what was hashed."""
    rng = random.Random(7)
    for _ in range(30):
        client = new_client(rng, sent(1575968312 + rng.randrange(10**6)))
        diagnosis = diagnosis_of(client, sign(client))
        assert diagnosis is not None
        assert set(diagnosis.names) == set(names), client
        assert is_silent(client, diagnosis)


def test_the_deep_search_finds_what_a_request_has_no_time_for():
    """`deep` tries all milliseconds around curtime, a day of stale seconds, all apps and more pairs of mistakes."""
    client = new_client(random.Random(1))
    crowd = [Credentials(str(n), f"secret {n}", f"rest {n}") for n in range(200)]
    for names, wrong in (
        (("curtime_hashed_in_milliseconds",), sha1(f"{client.s}{client.r}{client.n}347")),
        (("curtime_hashed_in_milliseconds", "md5"), hexed("md5", f"{client.s}{client.r}{client.n}347")),
        (("v1_formula", "curtime_hashed_in_milliseconds"), sha1(f"{client.s}{client.n + 1}999")),
        (("stale_checksum",), sha1(f"{client.s}{client.r}{client.n - 80_000}")),
        (("other_app",), sha1(f"secret 199rest 199{client.t}")),
        (("other_app", "curtime_off_by_one"), sha1(f"secret 199rest 199{client.n + 1}")),
        (("key_newline", "curtime_off_by_one"), sha1(f"{client.s}\n{client.r}{client.n - 1}")),
        (("separator", "curtime_off_by_two"), sha1(f"{client.s}&{client.r}&{client.n + 2}")),
    ):
        quick = diagnosis_of(client, wrong, other_keys=crowd)
        deep = diagnosis_of(client, wrong, other_keys=crowd, deep=True)
        assert quick is not None
        assert "unexplained" in quick.names
        assert "mockserver explain" in quick.text.en
        assert "mockserver explain" in quick.text.zh
        assert deep is not None
        assert deep.names == names


@given(texts, texts, texts, texts)
def test_a_right_checksum_is_never_diagnosed(appkey: str, secret: str, rest: str, curtime: str):
    """The right checksum has no diagnosis, for any keys and curtime and under each allowed formula."""
    keys = Credentials(appkey, secret, rest)
    new, old = sha1(secret + rest + curtime), sha1(secret + curtime)
    assert diagnose(new, curtime, keys) is None
    assert diagnose(old, curtime, keys, formulas=("v1",)) is None
    assert diagnose(old, curtime, keys, formulas=("v2", "v1")) is None
    assert diagnose(old, curtime, keys, formulas=("v2",)) is not None


@settings(deadline=None)
@given(texts, texts, st.integers(10**9, 2 * 10**9))
def test_mistakes_are_found_under_any_keys(secret: str, rest: str, second: int):
    """Keys in any script, and with + / = or spaces in them, are diagnosed alike."""
    curtime, keys = str(second), Credentials("app", secret, rest)
    cases = {
        ("v1_formula",): sha1(secret + curtime),
        ("md5",): hexed("md5", secret + rest + curtime),
        ("curtime_off_by_one",): sha1(f"{secret}{rest}{second - 1}"),
        ("utf16",): sha1((secret + rest + curtime).encode("utf-16-le")),
        ("message_newline",): sha1(secret + rest + curtime + "\n"),
        ("hmac",): mac(secret, rest + curtime),
    }
    for names, wrong in cases.items():
        diagnosis = diagnose(wrong, curtime, keys)
        assert diagnosis is not None
        assert diagnosis.names == names


def test_an_app_that_signs_v1_is_told_about_v2():
    """Under the v1 reading the v2 formula is the mistake, and the advice names two parts."""
    client = new_client(random.Random(2))
    diagnosis = diagnosis_of(client, client.right, formulas=("v1",))
    assert diagnosis is not None
    assert diagnosis.names == ("v2_formula",)
    diagnosis = diagnosis_of(client, sha1(client.t + client.s), formulas=("v1",))
    assert diagnosis is not None
    assert diagnosis.names == ("wrong_order",)
    assert "appsecret + curtime" in diagnosis.text.en
    assert "restapikey" not in diagnosis.text.en


@pytest.mark.parametrize(("size", "write", "facts"), RANDOM_DIGESTS)
def test_a_checksum_of_something_unknown_is_called_unexplained(size, write, facts):
    """Random digests in any form: no known mistake is claimed, only facts about their shape."""
    rng = random.Random(size)
    for _ in range(100):
        client = new_client(rng)
        checksum = write(rng.randbytes(size))
        diagnosis = diagnosis_of(client, checksum)
        assert diagnosis is not None
        assert "unexplained" in diagnosis.names
        assert [name for name in diagnosis.names if name != "unexplained"] == list(facts), checksum


def test_a_deep_search_claims_nothing_of_a_random_digest():
    """However many texts are tried, only an exact match counts."""
    rng = random.Random(12)
    client = new_client(rng)
    diagnosis = diagnosis_of(client, rng.randbytes(20).hex(), deep=True)
    assert diagnosis is not None
    assert diagnosis.names == ("unexplained",)


@pytest.mark.parametrize(
    ("checksum", "name"), [("", "checksum_empty"), ("  ", "checksum_empty"), ("123456789abcdefg", "checksum_sample")]
)
def test_a_placeholder_is_the_whole_explanation(checksum: str, name: str):
    """An empty checksum and the document's sample are named alone."""
    diagnosis = diagnosis_of(new_client(random.Random(3)), checksum)
    assert diagnosis is not None
    assert diagnosis.names == (name,)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=120), st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_hostile_text_gets_an_answer_without_the_secret(checksum: str, curtime: str, secret: str, rest: str):
    """Any text anywhere, lone surrogates too: a diagnosis, never an exception, which could carry a secret."""
    canary = "canary+" + secret
    diagnosis = diagnose(checksum, curtime, Credentials("k", canary, rest))
    assert diagnosis is not None
    assert "canary+" not in repr(diagnosis)


def test_an_unexplained_checksum_costs_less_than_a_thousand_hashes():
    """Also with a thousand other apps."""
    client = new_client(random.Random(5))
    keys = Credentials(client.k, client.s, client.r)
    others = [Credentials(str(n), f"s{n}", f"r{n}") for n in range(1_000)]
    likely, every = templates(keys)
    transformed = sum(1 for _ in transformed_digests(keys, client.t, "sha1"))
    assert 500 < len(every) + 8 * len(likely) + 16 * 4 + transformed + 306 < 1_000
    for number in range(20):
        diagnosis = diagnosis_of(client, sha1(str(number)), other_keys=others)
        assert diagnosis is not None
        assert "unexplained" in diagnosis.names


@pytest.mark.parametrize("name", MISTAKES)
def test_every_mistake_has_texts_in_both_languages(name: str):
    """Problem and advice exist in English and in Chinese."""
    for text in MISTAKES[name].values():
        assert text.en.isascii()
        assert re.search(r"[\u4e00-\u9fff]", text.zh) or text.zh == "{reason}"


def test_the_text_names_the_expression_the_mistake_and_the_advice():
    """The sentences that people quote."""
    client = new_client(random.Random(6))
    diagnosis = diagnosis_of(client, sha1(client.s + client.t))
    assert diagnosis is not None
    assert diagnosis.text.en == "matches sha1(appsecret+curtime): the v1 formula; v2 needs the restapikey in the middle"
    assert diagnosis.text.zh == "与 sha1(appsecret+curtime) 相符：用了 v1 公式；v2 须在中间加入 restapikey"
    diagnosis = diagnosis_of(client, sha1(f"{client.s}{client.r}{client.n - 37}"))
    assert diagnosis is not None
    assert diagnosis.text.en.startswith("matches sha1(appsecret+restapikey+(curtime-37)): ")
    diagnosis = diagnosis_of(client, sha1(client.other_s + client.other_r + client.t))
    assert diagnosis is not None
    assert f"appsecret['{client.other_k}']" in diagnosis.text.en
    diagnosis = diagnosis_of(client, sha1(f"{client.s}{client.r}{client.n - 28800}"))
    assert diagnosis is not None
    assert diagnosis.text.en.endswith("one of the two is local time; use UTC seconds in both")
    assert diagnosis.text.zh.endswith("其中一处用了本地时间（东八区）；两处都应使用 UTC 秒数")


def test_every_row_of_the_table_is_reached_by_a_test():
    """No mistake is listed that nothing diagnoses."""
    reached = {name for _, names, *_ in (*KINDS, *URLS) for name in names}
    reached |= {name for _, _, names in RANDOM_DIGESTS for name in names}
    reached |= {name for _, names in CURTIMES for name in names}
    elsewhere = {"v2_formula", "unexplained", "checksum_empty", "checksum_sample"}
    in_test_query = {"signature_in_headers", "signature_in_body"}
    in_test_curtime = {"process_time_replaced"}
    assert set(MISTAKES) - reached == elsewhere | in_test_query | in_test_curtime
