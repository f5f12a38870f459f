"""Removes the apps' secrets from requests, so that a secret sent in the wrong place is never logged or answered.

A secret is found as plain text, in hex, in base64, and behind the escapes of URLs, JSON and HTML.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from mockserver.core.http import Request
from mockserver.core.text import MASK

MIN_SECRET_LENGTH = 8  # Shorter keys may occur in ordinary words, and masking these would reveal the key.
_MAX_SPELLINGS = 100_000  # Then the oldest are forgotten. Apps created at run time never unregister theirs.
_PREFIX_LENGTH = 6
_MAX_CLEAN = 512  # Bodies that are remembered as clean.
_MAX_REMEMBERED = 4_096  # Maximum bytes of such a body.
_MAX_SCANNED_PREFIXES = 500
"""With more prefixes it is faster to look up each position of the text than to search for each prefix."""
_ESCAPE = re.compile(
    r"%(?:25)*([0-9A-Fa-f]{2})|\\u([0-9A-Fa-f]{4})|\\(.)|&#x([0-9A-Fa-f]{1,6});|&#([0-9]{1,7});", re.DOTALL
)


@dataclass(slots=True)
class _Clean:
    """Parts of requests that contain no prefix of a secret and are likely to be received again."""

    bodies: set[bytes] = field(default_factory=set)
    headers: Mapping[str, str] = field(default_factory=dict)  # The transport returns the same mapping each time.


class Redactor:
    """Masks all registered secrets, up to the newest 100,000 spellings."""

    def __init__(self) -> None:
        self._spellings: dict[str, None] = {}
        self._by_prefix: dict[str, dict[int, set[str]]] = {}  # Spellings by their first characters and their length.
        self._prefixes: tuple[str, ...] = ()
        self._clean = _Clean()
        self.version = 0
        """Increases with new secrets: a request that was redacted before may contain it."""

    def add_secrets(self, secrets: Iterable[str]) -> None:
        """Mask these secrets from now on."""
        added = False
        for secret in secrets:
            if len(secret) < MIN_SECRET_LENGTH:
                continue
            raw = secret.encode(errors="surrogatepass")
            hexadecimal, encoded = raw.hex(), base64.b64encode(raw).decode().rstrip("=")
            # Form decoding turns + into a space. A secret that contains a % itself is compared unescaped.
            decoded, unescaped = secret.replace("+", " "), _ESCAPE.sub(_unescape, secret)
            for spelling in (secret, decoded, hexadecimal, hexadecimal.upper(), encoded, unescaped):
                if len(spelling) >= MIN_SECRET_LENGTH and spelling not in self._spellings:
                    self._add_spelling(spelling)
                    added = True
        self._prefixes = tuple(self._by_prefix)
        self._clean = _Clean()
        # Last, so that no request is redacted with the old secrets under the new version.
        self.version += added

    def redact(self, request: Request) -> Request:
        """Return the request with secrets masked; the same object if it contains none."""
        headers, clean = request.headers, self._clean
        parts = [request.path, request.query, request.method]
        if request.body not in clean.bodies:
            parts.append(request.body.decode("latin-1"))
        if headers is not clean.headers:
            parts += [*headers, *headers.values()]
        if not self._may_contain_secret("\n".join(parts)):
            if len(request.body) <= _MAX_REMEMBERED:
                if len(clean.bodies) >= _MAX_CLEAN:
                    clean.bodies.clear()
                clean.bodies.add(request.body)
                clean.headers = headers
            return request
        redacted = replace(
            request,
            method=self.redact_text(request.method),
            path=self.redact_text(request.path),
            query=self.redact_text(request.query),
            headers={self.redact_text(name): self.redact_text(value) for name, value in headers.items()},
            body=self.redact_text(request.body.decode("latin-1")).encode("latin-1"),
        )
        return request if redacted == request else redacted

    def redact_text(self, text: str) -> str:
        """Return a text with secrets masked, escaped or not; the same object if it contains none."""
        if not self._may_contain_secret(text):
            return text
        spans = list(self._find_secrets(_ESCAPE.sub(_unescape, text)))
        if not spans:
            return text
        positions = list(_positions(text))
        parts, end = [], 0
        for first, last in spans:
            parts += [text[end : positions[first][0]], MASK]
            end = positions[last - 1][1]
        return "".join((*parts, text[end:]))

    def _add_spelling(self, spelling: str) -> None:
        self._spellings[spelling] = None
        by_length = self._by_prefix.setdefault(spelling[:_PREFIX_LENGTH], {})
        by_length.setdefault(len(spelling), set()).add(spelling)
        if len(self._spellings) > _MAX_SPELLINGS:
            oldest = next(iter(self._spellings))
            del self._spellings[oldest]
            self._by_prefix[oldest[:_PREFIX_LENGTH]][len(oldest)].discard(oldest)

    def _may_contain_secret(self, text: str) -> bool:
        """Return whether the text contains the prefix of a secret, escaped or not."""
        if self._contains_prefix(text):
            return True
        if "%" in text or "\\" in text or "&#" in text:
            return self._contains_prefix(_ESCAPE.sub(_unescape, text))
        return False

    def _contains_prefix(self, text: str) -> bool:
        if len(self._prefixes) > _MAX_SCANNED_PREFIXES:
            pieces = [text[at : at + _PREFIX_LENGTH] for at in range(len(text))]
            return not self._by_prefix.keys().isdisjoint(pieces)
        for prefix in self._prefixes:  # noqa: SIM110 - any() takes twice as long
            if prefix in text:
                return True
        return False

    def _find_secrets(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield start and end of each secret in an unescaped text; of two that overlap, the first and longer one."""
        free = 0
        for at in range(len(text)):
            if by_length := self._by_prefix.get(text[at : at + _PREFIX_LENGTH]):
                for length in sorted(by_length, reverse=True):
                    if at >= free and text[at : at + length] in by_length[length]:
                        yield at, at + length
                        free = at + length


def _positions(text: str) -> Iterator[tuple[int, int]]:
    """Yield, for each character of the unescaped text, where it starts and ends in `text`."""
    end = 0
    for found in _ESCAPE.finditer(text):
        yield from ((at, at + 1) for at in range(end, found.start()))
        end = found.end()
        yield found.span()
    yield from ((at, at + 1) for at in range(end, len(text)))


def _unescape(found: re.Match[str]) -> str:
    """Return exactly one character for an escape, so that positions can be mapped back. Secrets are ASCII."""
    for digits, base in ((found[1], 16), (found[2], 16), (found[4], 16), (found[5], 10)):
        if digits is not None:
            return chr(min(int(digits, base), 0x10FFFF))
    return found[3]
