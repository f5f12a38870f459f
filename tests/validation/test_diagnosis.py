"""The signature doctor: each kind of wrong checksum gets its diagnosis, and nothing gets one that is not its own."""

from __future__ import annotations

import hashlib
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unknown_checksums import ALONE, GARBAGE
from wrong_curtimes import CURTIMES
from wrong_digests import DIGESTS
from wrong_in_many_ways import PAIRS, URLS
from wrong_signers import Client, hexed, mac, new_client, sha1
from wrong_texts import TEXTS

from mockserver.contract.checksum import Credentials
from mockserver.validation.changes import KEY_STEPS
from mockserver.validation.diagnosis import Diagnosis, diagnose
from mockserver.validation.layers import layered
from mockserver.validation.materials import QUICK_LIMIT, Case, book_of, quick, texts
from mockserver.validation.mistakes import MISTAKES
from mockserver.validation.recipes import RARE, RECIPES

KINDS = (*TEXTS, *DIGESTS, *PAIRS)
EACH = 5_000 // len(KINDS) + 1
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def doctor(client: Client, checksum: str, **more: object) -> Diagnosis | None:
    """The diagnosis of a client's checksum, with all that a request tells."""
    known: dict[str, object] = {
        "now": 1.6e9,
        "others": [
            Credentials("1", "x" * 40, "y"),
            Credentials(client.other_k, client.other_s, client.other_r),
        ],
        "identifier": client.identifier,
        "seq": client.seq,
        "body": client.body,
    }
    if re.match(r"[0-9]{10}", client.t, re.ASCII):
        known["now"] = float(client.t[:10])
    return diagnose(checksum, client.t, Credentials(client.k, client.s, client.r), **{**known, **more})  # type: ignore[arg-type]


def silent_about(client: Client, said: Diagnosis) -> bool:
    """Whether no secret and no digest stands in anything that a diagnosis shows."""
    shown = repr(said) + said.name
    secrets = (client.s, client.r, client.other_s, client.other_r, client.right)
    return not any(secret in shown for secret in secrets) and not re.search(r"[0-9a-fA-F]{12}", shown)


@pytest.mark.parametrize(("names", "sign"), [kind[1:] for kind in KINDS], ids=[kind[0] for kind in KINDS])
def test_each_kind_of_mistake_is_named_exactly(names, sign):
    """5,000 wrong signatures by random clients: each gets the names of its mistakes, no others, and no secret is told."""
    rng, done = random.Random(f"{names}"), 0
    while done < EACH:
        client = new_client(rng)
        wrong = sign(client)
        if wrong is None:
            continue
        said = doctor(client, wrong)
        assert said is not None, client
        assert set(said.names) == set(names), (said.names, client)
        assert said.explained
        assert silent_about(client, said)
        done += 1


def test_there_are_five_thousand_signatures_of_forty_kinds():
    """The test above is as large as it says."""
    assert len(KINDS) >= 120
    assert len({names for _, names, _ in KINDS}) >= 40
    assert EACH * len(KINDS) >= 5_000


@pytest.mark.parametrize(("names", "sent", "sign"), [row[1:] for row in URLS], ids=[row[0] for row in URLS])
def test_a_hashed_curtime_that_differs_from_the_urls_is_named(names, sent, sign):
    """Another unit, a cut or rounded fraction, decoration, an old value: told from what was hashed."""
    rng = random.Random(7)
    for _ in range(30):
        second = 1575968312 + rng.randrange(10**6)
        client = new_client(rng, sent(second))
        said = doctor(client, sign(client), now=float(second))
        assert said is not None
        assert set(said.names) == set(names), client
        assert silent_about(client, said)


def test_the_deep_search_finds_what_a_request_has_no_time_for():
    """`deep` tries all milliseconds around curtime, a day of stale seconds, every other app, and pairs of mistakes."""
    client = new_client(random.Random(1))
    crowd = [Credentials(str(n), f"secret {n}", f"rest {n}") for n in range(200)]
    for names, wrong in (
        (("curtime_hashed_in_milliseconds",), sha1(f"{client.s}{client.r}{client.n}347")),
        (("curtime_hashed_in_milliseconds", "md5"), hexed("md5", f"{client.s}{client.r}{client.n}347")),
        (("v1_formula", "curtime_hashed_in_milliseconds"), sha1(f"{client.s}{client.n + 1}999")),
        (("curtime_hashed_with_fraction",), sha1(f"{client.s}{client.r}{client.n}.347")),
        (("stale_checksum",), sha1(f"{client.s}{client.r}{client.n - 80_000}")),
        (("other_app",), sha1(f"secret 199rest 199{client.t}")),
        (("wrong_order", "key_newline"), sha1(f"{client.r}\n{client.s}\n{client.t}")),
        (("key_newline", "key_upper_case"), sha1(f"{client.s}\n{client.r.upper()}{client.t}")),
        (("key_newline", "curtime_off_by_one"), sha1(f"{client.s}\n{client.r}{client.n - 1}")),
        (("wrong_order", "utf16"), sha1(f"{client.r}{client.s}{client.t}".encode("utf-16-le"))),
        (("separator", "curtime_off_by_two"), sha1(f"{client.s}&{client.r}&{client.n + 2}")),
        (("appkey_added", "separator"), sha1(f"{client.k}|{client.s}|{client.r}|{client.t}")),
        (("key_placeholder",), sha1(f"process.env.APPSECRET{client.r}{client.t}")),
        (("hmac",), mac(client.k + client.s, client.t + client.r)),
    ):
        quickly = doctor(client, wrong, others=crowd)
        thoroughly = doctor(client, wrong, others=crowd, deep=True)
        assert quickly is not None and not quickly.explained  # noqa: PT018
        assert "mockserver explain" in quickly.advice.en
        assert "mockserver explain" in quickly.advice.zh
        assert thoroughly is not None
        assert thoroughly.names == names


@given(words, words, words, words)
def test_a_right_checksum_is_never_diagnosed(appkey: str, secret: str, rest: str, curtime: str):
    """Whatever the keys and the curtime are: the right checksum has no diagnosis, under each formula that is allowed."""
    keys = Credentials(appkey, secret, rest)
    new, old = sha1(secret + rest + curtime), sha1(secret + curtime)
    assert diagnose(new, curtime, keys, now=0.0) is None
    assert diagnose(old, curtime, keys, now=0.0, formulas=("v1",)) is None
    assert diagnose(old, curtime, keys, now=0.0, formulas=("v2", "v1")) is None
    assert diagnose(old, curtime, keys, now=0.0, formulas=("v2",)) is not None


@given(words, words, st.integers(10**9, 2 * 10**9))
def test_mistakes_are_found_under_any_keys(secret: str, rest: str, second: int):
    """Keys of any script and with + / = or blanks in them are diagnosed alike."""
    curtime, keys = str(second), Credentials("app", secret, rest)
    cases = {
        ("v1_formula",): sha1(secret + curtime),
        ("md5",): hexed("md5", secret + rest + curtime),
        ("curtime_off_by_one",): sha1(f"{secret}{rest}{second - 1}"),
        ("utf16",): sha1((secret + rest + curtime).encode("utf-16-le")),
        ("message_newline",): sha1(secret + rest + curtime + "\n"),
    }
    for names, wrong in cases.items():
        said = diagnose(wrong, curtime, keys, now=float(second))
        assert said is not None
        assert said.names == names


@pytest.mark.parametrize("charset", ["gbk", "latin-1"])
def test_an_old_character_set_is_named(charset: str):
    """Keys with letters outside ASCII that were hashed in an old character set."""
    secret = "密钥" if charset == "gbk" else "clé"
    wrong = hashlib.sha1(f"{secret}rest1575968312".encode(charset)).hexdigest()
    said = diagnose(wrong, "1575968312", Credentials("a", secret, "rest"), now=1575968312.0)
    assert said is not None
    assert said.names == ("legacy_charset",)


@pytest.mark.parametrize(
    ("keys", "hashed", "names"),
    [
        (Credentials("a", " blank ", "rest"), "blankrest", ("key_trimmed",)),
        (Credentials("a", "per%2Bcent", "rest"), "per+centrest", ("key_percent_decoded",)),
        (Credentials("a", "secret", "6e6f-6e65"), "secretnone", ("key_hex_decoded",)),
    ],
)
def test_keys_that_were_tidied_are_named(keys: Credentials, hashed: str, names: tuple[str, ...]):
    """A key whose own blanks or percent signs did not survive."""
    said = diagnose(sha1(hashed + "1575968312"), "1575968312", keys, now=1575968312.0)
    assert said is not None
    assert said.names == names


def test_an_app_that_signs_v1_is_told_about_v2():
    """Under the v1 reading the v2 formula is the mistake, and the advice names two parts."""
    client = new_client(random.Random(2))
    said = doctor(client, client.right, formulas=("v1",))
    assert said is not None
    assert said.names == ("v2_formula",)
    said = doctor(client, sha1(client.t + client.s), formulas=("v1",))
    assert said is not None
    assert said.names == ("wrong_order",)
    assert "appsecret + curtime" in said.advice.en
    assert "restapikey" not in said.text.en


@pytest.mark.parametrize(("size", "write", "facts"), GARBAGE)
def test_a_checksum_of_something_unknown_is_called_unexplained(size, write, facts):
    """Random digests in any writing: no known mistake is claimed, only facts of their shape are told."""
    rng = random.Random(size)
    for _ in range(100):
        client = new_client(rng)
        raw = rng.randbytes(size)
        given_ = write(raw)
        if size == 20 and facts == ("base64",) and {"+", "/"} & set(given_):
            continue
        said = doctor(client, given_)
        assert said is not None
        assert not said.explained
        assert [name for name in said.names if name != "unexplained"] == list(facts), given_


@pytest.mark.parametrize(("given_", "name"), ALONE)
def test_what_is_no_digest_is_called_by_its_name(given_: str, name: str):
    """An empty, unset or sample value is the whole explanation."""
    said = doctor(new_client(random.Random(3)), given_)
    assert said is not None
    assert said.names == (name,)


def test_replacement_characters_are_called_raw_bytes_read_as_text():
    """What UTF-8 could not decode is lost; that much can be told."""
    said = doctor(new_client(random.Random(3)), "\ufffd\u0002x\ufffd")
    assert said is not None
    assert said.names == ("unexplained", "bytes_lost")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=120), st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_hostile_text_gets_an_answer_without_the_secret(given_: str, curtime: str, secret: str, rest: str):
    """Any text in any place, lone surrogates too: an answer, never an exception, which could carry a secret."""
    canary = "canary+" + secret
    said = diagnose(
        given_, curtime, Credentials("k", canary, rest), now=0.0, seq=given_, identifier=curtime, body=b"\xff"
    )
    assert said is not None
    assert "canary+" not in repr(said)


def test_a_case_shows_nothing_of_what_it_knows():
    """The record that holds secrets and candidates shows only the appkey, should it ever be printed."""
    client = new_client(random.Random(4))
    case = Case(
        Credentials(client.k, client.s, client.r),
        client.t,
        0.0,
        identifier="id-x",
        seq="seq-x",
        body=b"body-x",
    )
    assert not [text for text in (client.s, client.r, "id-x", "seq-x", "body-x") if text in repr(case)]


def test_a_wrong_checksum_costs_a_bounded_number_of_hashes():
    """With everything known that can be, and a thousand other apps, fewer than 1,200 candidates are tried."""
    client = new_client(random.Random(5))
    others = [Credentials(str(n), f"s{n}", f"r{n}") for n in range(1_000)]
    keys = Credentials(client.k, client.s, client.r)
    for curtime in (client.t, client.t + "347", client.t + ".347"):
        case = Case(keys, curtime, 0.0, identifier="admin", seq="1", body=client.body, others=others)
        tried = sum(1 for step in (texts(quick(case)), layered(case, "sha1"), range(306)) for _ in step)
        assert 500 < tried < QUICK_LIMIT
    large = Case(keys, client.t, 0.0, body=b"x" * 5_000)
    assert max(len(message) for message, *_ in texts(quick(large))) < 1_000


@pytest.mark.parametrize("name", MISTAKES)
def test_every_mistake_is_told_in_both_languages(name: str):
    """Fault and cure exist in English and in Chinese, and differ."""
    for text in (MISTAKES[name].fault, MISTAKES[name].cure):
        assert text.en.isascii() or "…" in text.en
        assert re.search(r"[\u4e00-\u9fff]", text.zh)


def test_the_example_of_the_product_reads_as_promised():
    """The sentence that people quote."""
    client = new_client(random.Random(6))
    said = doctor(client, sha1(client.s + client.t))
    assert said is not None
    assert (
        said.text.en
        == "matches sha1(appsecret+curtime): the v1 formula; v2 needs the restapikey in the middle"
    )
    assert said.text.zh == "与 sha1(appsecret+curtime) 相符：用了 v1 公式；v2 须在中间加入 restapikey"
    assert said.advice.en == "v2 needs the restapikey in the middle"
    said = doctor(client, sha1(f"{client.s}{client.r}{client.n - 37}"))
    assert said is not None
    assert said.text.en.startswith("matches sha1(appsecret+restapikey+(curtime-37)): ")
    said = doctor(client, sha1(client.other_s + client.other_r + client.t))
    assert said is not None
    assert f"appsecret['{client.other_k}']" in said.text.en


def test_eight_hours_between_two_curtimes_are_a_time_zone():
    """Reading the clock once does not help; the cure names local time in both languages."""
    client = new_client(random.Random(8))
    said = doctor(client, sha1(f"{client.s}{client.r}{client.n - 28800}"))
    assert said is not None
    assert said.advice.en == "one of the two was made from local time; use UTC seconds in both"
    assert said.advice.zh == "其中一处用了本地时间（东八区）；两处都应使用 UTC 秒数"


def test_every_symbol_means_one_thing():
    """No two steps on a key share a symbol, and every recipe can be made when all parts are known."""
    labels = [label for _, label, _ in KEY_STEPS]
    assert len(set(labels)) == len(labels)
    book = book_of(Credentials("k", 'Aa+b/%41<-é#&;$ ="= ', 'c+d/%41<-É#&;$ ="= '))
    told = {"curtime", "identifier", "seq", "body"}
    impossible = {symbol for symbols, _ in (*RECIPES, *RARE) for symbol in symbols} - book.parts.keys() - told
    decoded = {"base64_decode", "utf8(base64_decode", "text(base64_decode", "hex_decode"}
    # An = that is not the last character: nothing is only padding.
    assert {symbol.rpartition("(")[0] for symbol in impossible if "without =" not in symbol} == decoded


def test_every_row_of_the_table_is_reached_by_a_test():
    """No mistake is listed that nothing diagnoses: each row's name stands in these tables or in the named tests."""
    told = {name for _, names, *_ in (*KINDS, *URLS) for name in names}
    told |= {name for _, _, names in GARBAGE for name in names} | {name for _, name in ALONE}
    told |= {name for _, names in CURTIMES for name in names}
    assert set(MISTAKES) - told == {
        "v2_formula", "legacy_charset", "key_trimmed", "key_percent_decoded", "key_hex_decoded", "bytes_lost", "unexplained",
        "signature_in_headers", "signature_in_body", "signature_in_path", "query_escaped",
    }  # fmt: skip
