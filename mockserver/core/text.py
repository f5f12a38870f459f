"""Text for people in English and Chinese."""

from __future__ import annotations

from typing import Literal, NamedTuple

Lang = Literal["en", "zh"]


class Text(NamedTuple):
    """One text for people, in both languages."""

    en: str
    zh: str

    def to(self, lang: Lang) -> str:
        """The text in `lang`."""
        return self.zh if lang == "zh" else self.en


def pluralize(number: int, one: str, many: str = "") -> str:
    """`1 request`, `2 requests`, `0 tries`: a number and its noun, for English sentences."""
    return f"{number} {one if number == 1 else many or one + 's'}"
