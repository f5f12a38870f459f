"""Finds out why a checksum is wrong (§1.1.2): which text was hashed, how, and how the digest was written.

The checksum is first decoded to digest bytes. Their length determines the algorithm, so each candidate text is hashed
once. A cause is reported only if a candidate gives exactly this digest; otherwise only the shape of the checksum is
described. No result contains a secret or a digest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain

from mockserver.contract.apps import Credentials
from mockserver.contract.checksum import Formula, checksum_matches
from mockserver.core.text import Text
from mockserver.validation.curtime import hashed_variants, whole_second
from mockserver.validation.encodings import Digest, decode_base64, describe_shape, read_digest
from mockserver.validation.mistakes import Diagnosis, make_diagnosis
from mockserver.validation.redactor import MIN_SECRET_LENGTH
from mockserver.validation.signature_candidates import (
    FORMULAS,
    HASHES,
    Template,
    as_bytes,
    templates,
    templates_of_others,
    transformed_digests,
)

MAX_OTHER_APPS = 16  # Number of other apps that are tried unless the search is deep.
_STALE_SECONDS, _STALE_SECONDS_DEEP = 300, 86_400
_EXPLAIN = Text("; `mockserver explain URL` tries more", "；mockserver explain URL 会尝试更多可能")

Cause = tuple[str, tuple[str, ...]]  # The expression that gives the digest, and the names of the mistakes in it.
Batch = tuple[Iterable[Template], bytes, str, tuple[str, ...]]
"""Templates, and the curtime that is put into them: its bytes, how it is shown, and the mistakes in it."""


def diagnose(
    checksum: str,
    curtime: str,
    keys: Credentials,
    *,
    other_keys: Sequence[Credentials] = (),
    formulas: Sequence[Formula] = ("v2",),
    earlier_curtime: str | None = None,
    deep: bool = False,
    suggest_explain: bool = True,
) -> Diagnosis | None:
    """Return why `checksum` is not the checksum of `curtime` under `keys`, or None if it is.

    `checksum` and `curtime` are as decoded from the query. `earlier_curtime` is that of an earlier request for which
    `checksum` was right. A search that finds nothing hashes about 600 texts; a deep one, for `mockserver explain`,
    about 100,000.
    """
    if checksum_matches(checksum, keys, curtime, formulas):
        return None
    formula = " + ".join((*FORMULAS[formulas[0]], "curtime"))
    digest = read_digest(checksum)
    cause = digest and _find_cause(digest, keys, curtime, other_keys, formulas[0], deep)
    if not cause and earlier_curtime is not None and checksum_matches(checksum, keys, earlier_curtime, formulas):
        cause = _reused(curtime, earlier_curtime, formulas[0])
    if cause:
        accepted = {f"{name}_formula" for name in formulas}
        expression, names = cause
        return make_diagnosis([name for name in names if name not in accepted], expression, formula=formula)
    if _contains_key(checksum, keys):
        return make_diagnosis(["unhashed"])
    shape = describe_shape(checksum, digest)
    if shape in (("checksum_empty",), ("checksum_sample",)):
        return make_diagnosis(shape, formula=formula)
    explain = _EXPLAIN if suggest_explain and not deep else Text("", "")
    return make_diagnosis(("unexplained", *shape), formula=formula, explain=explain)


def _find_cause(
    digest: Digest, keys: Credentials, curtime: str, other_keys: Sequence[Credentials], formula: Formula, deep: bool
) -> Cause | None:
    name, target = digest.algorithm, digest.raw
    batches = _joined_texts(keys, curtime, other_keys, formula, deep)
    transformed = transformed_digests(keys, curtime, name)
    cause = _match_joined(target, name, batches) or next((why for raw, *why in transformed if raw == target), None)
    if not cause:
        return None
    expression, names = cause
    algorithm = () if name == "sha1" else (name,)
    return digest.form.format(expression), (*names, *algorithm, *digest.mistakes)


def _match_joined(target: bytes, algorithm: str, batches: Iterable[Batch]) -> Cause | None:
    new_hash = HASHES[algorithm]
    for group, curtime, shown, mistakes in batches:
        for before, after, symbols, names in group:
            if new_hash(before + curtime + after).digest() == target:
                text = "+".join([shown if symbol == "curtime" else symbol for symbol in symbols])
                return f"{algorithm}({text})", (*names, *mistakes)
    return None


def _joined_texts(
    keys: Credentials, curtime: str, other_keys: Sequence[Credentials], formula: Formula, deep: bool
) -> Iterator[Batch]:
    """Yield the texts around curtime, around values that may have been hashed instead, and the right one for other times.

    Likely ones come first.
    """
    likely, every = templates(keys)
    others = tuple(templates_of_others(keys, other_keys if deep else other_keys[:MAX_OTHER_APPS]))
    exact = as_bytes(curtime)
    yield every, exact, "curtime", ()
    yield others, exact, "curtime", ()
    variants = [(value.encode(), shown, names) for value, shown, names in hashed_variants(curtime)]
    for variant in variants:
        yield likely, *variant
    if deep:
        for variant in variants:
            yield every, *variant
            yield others, *variant
    second = whole_second(curtime)
    if second is None:
        return
    if deep:
        for milliseconds in range((second - 2) * 1_000, (second + 3) * 1_000):
            name = "curtime_hashed_in_milliseconds"
            yield likely[:2], b"%d" % milliseconds, "milliseconds(curtime)", (name,)
    before = b"".join([as_bytes(getattr(keys, name)) for name in FORMULAS[formula]])
    right = (Template(before, b"", (*FORMULAS[formula], "curtime"), ("stale_checksum",)),)
    oldest = _STALE_SECONDS_DEEP if deep else _STALE_SECONDS
    for offset in chain(range(-3, -oldest - 1, -1), range(3, 11)):
        yield right, b"%d" % (second + offset), f"(curtime{offset:+d})", ()


def _reused(curtime: str, earlier: str, formula: Formula) -> Cause:
    """Return the cause of a checksum that was right for an earlier request."""
    now, then = whole_second(curtime), whole_second(earlier)
    shown = "earlier curtime"
    if now is not None and then is not None and earlier == str(then):
        shown = f"(curtime{then - now:+d})"
    return f"sha1({'+'.join((*FORMULAS[formula], shown))})", ("stale_checksum",)


def _contains_key(checksum: str, keys: Credentials) -> bool:
    """Return whether a key was sent, as text, in hex or in base64."""
    forms = [checksum.encode(errors="replace")]
    for decode in (bytes.fromhex, decode_base64):
        with suppress(ValueError):
            forms.append(decode(checksum))
    secrets = [as_bytes(secret) for secret in keys.secrets if len(secret) >= MIN_SECRET_LENGTH]
    return any(secret in form for secret in secrets for form in forms)
