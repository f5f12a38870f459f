"""The one clock, the words for moments, and the UTC+8 day of the document.

Everything that depends on time takes a `Clock`; nothing else in the package reads the machine's clock for
what a client can see. Days are UTC+8 by arithmetic, whatever TZ says.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import date, datetime, timezone

from mockserver.core.text import Text

DAY_SECONDS = 86_400
UTC8_OFFSET = 8 * 3_600
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": DAY_SECONDS}
_RELATIVE = re.compile(r"now(?:\s*([+-])\s*([0-9]{1,9})([smhd]))?", re.ASCII)
_TODAY = re.compile(r"today\s+([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?", re.ASCII)
_SECONDS = re.compile(r"[0-9]{9,10}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class InvalidTime(ValueError):
    """A text that means no moment, and what would be right."""

    def __init__(self, text: Text) -> None:
        self.text = text
        super().__init__(text.en)


class Clock:
    """Seconds since the epoch, from a base that can be frozen or shifted."""

    def __init__(self, base: Callable[[], float] = time.time, *, frozen_at: float | None = None) -> None:
        self._base = base
        self._start = (frozen_at, 0.0)
        self._state = self._start

    def now(self) -> float:
        """Seconds since the epoch, with the fraction."""
        frozen, offset = self._state
        return (self._base() if frozen is None else frozen) + offset

    def second(self) -> int:
        """The whole second of now."""
        return int(self.now() // 1)

    @property
    def frozen(self) -> bool:
        """Whether it stands still."""
        return self._state[0] is not None

    @property
    def shift(self) -> float:
        """Seconds it was moved by, ahead of its base or of where it was frozen."""
        return self._state[1]

    @property
    def is_moved(self) -> bool:
        """Whether the clock was frozen or shifted."""
        frozen, offset = self._state
        return frozen is not None or offset != 0

    def freeze(self, at: float) -> None:
        """Stand still at `at` until told otherwise."""
        self._state = (at, 0.0)

    def offset(self, seconds: float) -> None:
        """Run `seconds` ahead of the base (behind it when negative), forgetting an earlier offset."""
        self._state = (self._state[0], seconds)

    def advance(self, seconds: float) -> None:
        """Jump `seconds` further, frozen or running."""
        frozen, offset = self._state
        self._state = (frozen, offset + seconds)

    def reset(self) -> None:
        """Back to how the clock was made."""
        self._state = self._start


def parse_day(day: str) -> int:
    """First second of a `yyyymmdd` day in UTC+8 (§3.1.4); ValueError when there is no such day."""
    if not re.fullmatch(r"[0-9]{8}", day, re.ASCII):
        raise ValueError(day)
    first = date(int(day[:4]), int(day[4:6]), int(day[6:]))
    return (first - date(1970, 1, 1)).days * DAY_SECONDS - UTC8_OFFSET


def start_of_day(second: int) -> int:
    """First second of the UTC+8 day that holds `second`."""
    return (second + UTC8_OFFSET) // DAY_SECONDS * DAY_SECONDS - UTC8_OFFSET


def parse_time(text: str | int, now: int) -> int:
    """The second that `text` means: an integer, ISO 8601 with an offset, a day or `today 10:00` (UTC+8), `now-2h`.

    InvalidTime says what would be right.
    """
    if isinstance(text, bool) or not isinstance(text, (int, str)):
        raise InvalidTime(Text(f"{text!r} is no moment", f"{text!r} 不是时刻"))
    if isinstance(text, int):
        return text
    word = text.strip()
    if _SECONDS.fullmatch(word):
        return int(word)
    if found := _RELATIVE.fullmatch(word):
        sign, count, unit = found.groups()
        return now + (int(count) * _UNITS[unit] * (-1 if sign == "-" else 1) if sign else 0)
    if found := _TODAY.fullmatch(word):
        hour, minute, second = (int(part or 0) for part in found.groups())
        return start_of_day(now) + hour * 3_600 + minute * 60 + second
    return _dated(word)


def _dated(word: str) -> int:
    """The second of an ISO 8601 text; a bare day is its first second in UTC+8."""
    try:
        if _DAY.fullmatch(word):
            return parse_day(word.replace("-", ""))
        stamp = datetime.fromisoformat(re.sub(r"[zZ]\Z", "+00:00", word))
    except ValueError:
        raise InvalidTime(
            Text(
                f"{word!r} is no moment: write seconds, 2019-12-10T15:30:00+08:00, 2019-12-10, now-2h or today 10:00",
                f"{word!r} 不是时刻：请写秒数、2019-12-10T15:30:00+08:00、2019-12-10、now-2h 或 today 10:00",
            )
        ) from None
    if stamp.tzinfo is None:
        right = f"{stamp.isoformat()}+08:00"
        raise InvalidTime(
            Text(f"{word!r} has no time zone: write {right}", f"{word!r} 没有时区：请写 {right}")
        )
    return int((stamp - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds() // 1)
