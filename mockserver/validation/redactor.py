"""The secrets of all apps, and requests without them: what a client puts in the wrong place is told and kept nowhere.

A secret is looked for as it is, in hex, in base64, and behind the escapes that URLs and JSON know. Knows calls and keys; no HTTP server.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from mockserver.contract.checksum import Credentials
from mockserver.core.http import Request

MASK = "***"
LEAST = 8
"""Characters. A shorter key stands in ordinary words by chance, and hiding it would tell it."""
_MOST = 100_000
"""So many secrets are known; apps that were made and are gone leave theirs here until then."""
_START = 6
"""Secrets are told apart by so many first characters: those of apps made by the server begin alike."""
_MANY = 500
"""With more beginnings than these, looking each up in the text takes longer than looking up each place of the text."""
_ESCAPE = re.compile(
    r"%(?:25)*([0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|\\(.)|&#x([0-9A-Fa-f]{1,6});|&#([0-9]{1,7});", re.DOTALL
)
_ESCAPED = ("%", "\\", "&#")


class Redactor:
    """Every secret that was ever good here, the newest 100,000."""

    def __init__(self) -> None:
        self._known: dict[str, None] = {}
        self._by_start: dict[str, dict[int, set[str]]] = {}
        """By their first characters and their length."""
        self._starts: tuple[str, ...] = ()

    def add_credentials(self, apps: Iterable[Credentials]) -> None:
        """Know the secrets of these apps from now on."""
        self.add_secrets(secret for keys in apps for secret in keys.secrets)

    def add_secrets(self, secrets: Iterable[str]) -> None:
        """Know these secrets from now on."""
        for secret in secrets:
            raw = secret.encode(errors="surrogatepass")
            # A + that was decoded as a blank is no secret any more, but nearly; Go's h.Sum(secret) tells it in hex.
            digits, base = raw.hex(), base64.b64encode(raw).decode().rstrip("=")
            # A secret with a % of its own is read here as what its escapes mean.
            read = _ESCAPE.sub(_unescaped, secret)
            for spelling in (secret, secret.replace("+", " "), digits, digits.upper(), base, read):
                if len(secret) >= LEAST and len(spelling) >= LEAST and spelling not in self._known:
                    self._put(spelling)
        self._starts = tuple(self._by_start)

    def redact(self, request: Request) -> Request:
        """The call with MASK wherever a secret stood; the same call when it tells none, as nearly every one does."""
        headers, body = request.headers, request.body.decode("latin-1")
        if not self._may_tell(
            "\n".join((request.path, request.query, request.method, body, *headers, *headers.values()))
        ):
            return request
        cleaned = replace(
            request,
            method=self.redact_text(request.method),
            path=self.redact_text(request.path),
            query=self.redact_text(request.query),
            headers={self.redact_text(name): self.redact_text(value) for name, value in headers.items()},
            body=self.redact_text(body).encode("latin-1"),
        )
        return request if cleaned == request else cleaned

    def redact_text(self, text: str) -> str:
        """A text with MASK wherever a secret stood, escaped or not."""
        if not self._may_tell(text):
            return text
        spans = list(self._spans(_ESCAPE.sub(_unescaped, text)))
        if not spans:
            return text
        places = list(_places(text))
        parts, end = [], 0
        for first, last in spans:
            parts += [text[end : places[first][0]], MASK]
            end = places[last - 1][1]
        return "".join((*parts, text[end:]))

    def _put(self, secret: str) -> None:
        self._known[secret] = None
        self._by_start.setdefault(secret[:_START], {}).setdefault(len(secret), set()).add(secret)
        if len(self._known) > _MOST:
            oldest = next(iter(self._known))
            del self._known[oldest]
            self._by_start[oldest[:_START]][len(oldest)].discard(oldest)

    def _may_tell(self, text: str) -> bool:
        """Whether the beginning of a secret stands in the text, escaped or not."""
        if self._has_start(text):
            return True
        for sign in _ESCAPED:
            if sign in text:
                return self._has_start(_ESCAPE.sub(_unescaped, text))
        return False

    def _has_start(self, text: str) -> bool:
        if len(self._starts) > _MANY:
            return not self._by_start.keys().isdisjoint([text[at : at + _START] for at in range(len(text))])
        for start in self._starts:  # noqa: SIM110 - any() takes twice as long
            if start in text:
                return True
        return False

    def _spans(self, plain: str) -> Iterator[tuple[int, int]]:
        """First and last place of each secret, from left to right; of two at one place the longer."""
        starts: Iterable[int]
        if len(self._starts) > _MANY:
            starts = (at for at in range(len(plain)) if plain[at : at + _START] in self._by_start)
        else:
            starts = sorted({at for start in self._starts for at in _found(start, plain)})
        free = 0
        for at in starts:
            lengths = self._by_start[plain[at : at + _START]]
            for length in sorted(lengths, reverse=True):
                if at >= free and plain[at : at + length] in lengths[length]:
                    yield at, at + length
                    free = at + length


def _found(word: str, text: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def _places(text: str) -> Iterator[tuple[int, int]]:
    """Where each character that a text means begins and ends."""
    end = 0
    for found in _ESCAPE.finditer(text):
        yield from ((at, at + 1) for at in range(end, found.start()))
        end = found.end()
        yield found.span()
    yield from ((at, at + 1) for at in range(end, len(text)))


def _unescaped(found: re.Match[str]) -> str:
    """The one character that an escape means; every secret is ASCII, so what is beyond stays one sign of some kind."""
    for digits, base in ((found[1], 16), (found[2], 16), (found[4], 16), (found[5], 10)):
        if digits is not None:
            return chr(min(int(digits, base), 0x10FFFF))
    return found[3]
