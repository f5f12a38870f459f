"""What somebody may have meant who wrote a name that is none."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from mockserver.core.text import Text


def nearest(word: str, known: Iterable[object]) -> Text:
    """A hint at what somebody who wrote `word` may have meant, or nothing."""
    near = difflib.get_close_matches(str(word)[:64], [str(one) for one in known], n=1, cutoff=0.6)
    return Text(f"; did you mean {near[0]}?", f"；是否为 {near[0]}？") if near else Text("", "")
