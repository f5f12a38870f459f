"""Masks secrets and signatures in a recording, and optionally replaces ids by pseudonyms."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mockserver.core.text import MASK
from mockserver.live.target import Target
from mockserver.validation.redactor import MIN_SECRET_LENGTH, Redactor

_IDS = ("UserId", "RoomId")
_CHARACTERS = r'(?:[^"\\]|\\.)*'
_MASKED_ID = re.compile(rf'("(?:UserId|RoomId)": *)"{_CHARACTERS}{re.escape(MASK)}{_CHARACTERS}"')
_HEX_DIGEST = re.compile(r"(?:\b|(?<=_))[0-9A-Fa-f]{40}(?![0-9A-Za-z])", re.ASCII)


class Pseudonyms:
    """Pseudonyms for ids: an id has the same pseudonym everywhere, which does not reveal the id without the key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[tuple[str, str], str] = {}

    def stand_in(self, field: str, value: str) -> str:
        """Return the pseudonym of a UserId or a RoomId; that of a number is a number."""
        known = self._known.get((field, value))
        if known is None:
            digest = hmac.new(self._key, f"{field}:{value}".encode(errors="replace"), hashlib.sha256).hexdigest()
            known = (
                str(10**17 + int(digest, 16) % (9 * 10**17))
                if value.isdecimal()
                else f"{field[0].lower()}{digest[:20]}"
            )
            self._known[field, value] = known
        return known

    def replace(self, value: Any) -> Any:
        """Return a body with every id replaced."""
        if isinstance(value, list):
            return [self.replace(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        return {
            name: self.stand_in(name, item)
            if name in _IDS and isinstance(item, str) and item not in ("", MASK)
            else self.replace(item)
            for name, item in value.items()
        }

    def replace_in_text(self, text: str, body: Mapping[str, Any]) -> str:
        """Return a text in which the ids of a request are replaced."""
        for name in _IDS:
            if isinstance(value := body.get(name), str) and value:
                text = text.replace(value, self.stand_in(name, value))
        return text


class Scrubber:
    """Masks credentials, checksums, seqs, the identifier, and a list of texts given by the user.

    `mock` masks the secrets of the mock's apps.
    """

    def __init__(self, target: Target, texts: Sequence[str] = (), mock: Redactor | None = None) -> None:
        self._target, self._texts = target, sorted(filter(None, texts), key=len, reverse=True)
        self._own, self._mock = Redactor(), mock or Redactor()
        self._own.add_secrets(self._texts)
        names = target.credentials.names
        self._own.add_secrets(name for name in names if not name.isdecimal())
        self._names = re.compile("|".join(map(_pattern, names)))

    def scrub_data(self, text: str, seqs: Sequence[str]) -> str:
        """Return the JSON of a success without secrets; `seqs` are those of the request."""
        original = text
        text = self._mock.redact_text(self._own.redact_text(self._target.redact_secrets(text)))
        for seq in (*seqs, *self._texts):
            if seq in text:
                text = text.replace(seq, MASK)
        text = self._names.sub(MASK, text)
        if _HEX_DIGEST.search(text):
            # Other digests may be ids.
            sent = self._target.sent()
            text = _HEX_DIGEST.sub(lambda found: MASK if found[0].lower() in sent else found[0], text)
        # The rest of an id would be another id.
        return text if text == original else _MASKED_ID.sub(rf'\1"{MASK}"', text)

    def scrub_text(self, text: str) -> str:
        """Return a message without secrets, appkey and identifier."""
        text = self._mock.redact_text(self._own.redact_text(self._target.redact(text)))
        for each in self._texts:
            text = text.replace(each, MASK)
        return text


def _pattern(name: str) -> str:
    """Return a pattern for an appkey or identifier in JSON: a short one as a whole text, a number not inside another."""
    if len(name) < MIN_SECRET_LENGTH:
        return f'(?<="){re.escape(name)}(?=")'
    return rf"(?<!\d){name}(?!\d)" if name.isdecimal() else re.escape(name)
