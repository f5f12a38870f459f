"""Messages in English and Chinese."""

from __future__ import annotations

from typing import Literal, NamedTuple

Lang = Literal["en", "zh"]
MASK = "***"  # Shown in place of a secret.


class Text(NamedTuple):
    """One message in both languages."""

    en: str
    zh: str

    def to(self, lang: Lang) -> str:
        """Return the message in `lang`."""
        return self.zh if lang == "zh" else self.en

    def format(self, **values: object) -> Text:
        """Return the message with its placeholders filled; a `Text` fills each language with its own text."""
        english, chinese = values, dict(values)
        for name, value in chinese.items():
            if isinstance(value, Text):
                english[name], chinese[name] = value
        return Text(self.en.format_map(english), self.zh.format_map(chinese))


def is_utf_8(data: bytes) -> bool:
    """Whether the bytes are UTF-8 text."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def counted(count: int, noun: str) -> Text:
    """Return a number with its noun in English, and the number alone in Chinese."""
    return Text(pluralize(count, noun), str(count))


def pluralize(count: int, singular: str, plural: str = "") -> str:
    """Return a number with its English noun: `1 request`, `2 requests`, `0 tries`."""
    return f"{count} {singular if count == 1 else plural or singular + 's'}"
