"""Messages for a name that does not exist: the likely name, or else the known ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice
from typing import Literal

from mockserver.core.messages import message
from mockserver.core.text import Text

Noun = Literal[
    "app", "error", "fault", "field", "key", "operation", "parameter", "reading", "scenario", "setting", "violation"
]
FULL_WIDTH = {
    **{"“": '"', "”": '"', "＂": '"', "‘": "'", "’": "'", "＇": "'", "：": ":", "，": ",", "\u3000": " "},
    **{"｛": "{", "｝": "}", "［": "[", "］": "]"},
}  # Characters of a Chinese input method, and the ones of JSON and YAML that they look like.
_MAX_NAME = 64
_MAX_KNOWN = 60


def unknown(noun: Noun, name: object, known: Iterable[object]) -> Text:
    """Return the message `unknown scenario 'emty'; did you mean empty?`, or with the known names when none is close."""
    return message("unknown", noun=message(noun), name=shorten_name(name), hint=suggestion(name, known))


def suggestion(name: object, known: Iterable[object]) -> Text:
    """Return `; did you mean X?` for the closest known name, or `; known: A, B` when none is close."""
    names = [str(item) for item in known]
    hint = nearest(name, names)
    if hint.en:
        return hint
    listed = ", ".join(names[:_MAX_KNOWN]) + (", …" if len(names) > _MAX_KNOWN else "")
    return Text(f"; known: {listed or 'none'}", f"；可用：{listed or '无'}")


def nearest(name: object, known: Iterable[object]) -> Text:
    """Return `; did you mean X?` for the closest known name, or an empty text when none is close."""
    text = str(name)
    if hint := full_width_hint(text):
        return Text(f"; {hint.en}", f"；{hint.zh}")
    close = closest(text, map(str, known))
    return Text(f"; did you mean {close}?", f"；是否为 {close}？") if close else Text("", "")


def closest(name: str, known: Iterable[str]) -> str:
    """Return the known name that `nearest` suggests; empty when none is close."""
    return next(iter(difflib.get_close_matches(name[:_MAX_NAME], list(known), n=1, cutoff=0.6)), "")


def did_you_mean(name: str) -> Text:
    """Return ` (did you mean NAME?)`, or an empty text without a name."""
    return Text(f" (did you mean {name}?)", f"（是否为 {name}？）") if name else Text("", "")


def full_width_hint(text: str) -> Text | None:
    """Return `write : instead of the full-width ：` for the first full-width character; None if there is none."""
    found = next((char for char in text if char in FULL_WIDTH), "")
    if found == "\u3000":
        return Text("write a space instead of the full-width one", "请用半角空格代替全角空格")
    if not found:
        return None
    right = FULL_WIDTH[found]
    return Text(f"write {right} instead of the full-width {found}", f"请用半角 {right} 代替全角 {found}")


def shorten_name(name: object) -> str:
    """Return the `repr` of a user's input, cut so that it fits into a message."""
    shown = repr(name)
    return shown if len(shown) <= _MAX_NAME else f"{shown[: _MAX_NAME - 1]}…"


def similar_name(name: str, known: Iterable[str]) -> str:
    """Return the known name most similar to `name`, ignoring case and underscores; empty when none is close."""
    folded = {other.lower().replace("_", ""): other for other in islice(known, _MAX_KNOWN) if len(other) <= _MAX_NAME}
    close = difflib.get_close_matches(name.lower().replace("_", "")[:_MAX_NAME], folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else ""
