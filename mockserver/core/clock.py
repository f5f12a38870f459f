"""The clock, the notations for a point in time, and the UTC+8 day of the document.

Code whose result a client can see takes a `Clock` and never reads the system time. A day is UTC+8 by arithmetic,
independent of the machine's time zone.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone

from mockserver.core.errors import InvalidPart
from mockserver.core.machine_time import machine_time
from mockserver.core.messages import message
from mockserver.core.suggestions import nearest

DAY_SECONDS = 86_400
UTC8_OFFSET = 8 * 3_600
_UTC_8 = timezone(timedelta(seconds=UTC8_OFFSET))
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": DAY_SECONDS}
_RELATIVE = re.compile(r"now(?:\s*([+-])\s*([0-9]{1,9})([smhd]))?", re.ASCII)
_TODAY = re.compile(r"today(?:\s+([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?)?", re.ASCII)
_SECONDS = re.compile(r"[0-9]{9,10}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class InvalidTime(InvalidPart):
    """The text is not a point in time; `text` says what is valid."""


class Clock:
    """Seconds since the epoch, from a base that can be frozen or shifted."""

    def __init__(self, base: Callable[[], float] = machine_time, *, frozen_at: float | None = None) -> None:
        self._base = base
        self._start = (frozen_at, 0.0)
        self.position: tuple[float | None, float] = self._start
        """The time it is frozen at, or None, and the seconds that it is ahead of that time or of its base.

        Assign both at once, because other threads read them.
        """

    def now(self) -> float:
        """Return the seconds since the epoch, with their fraction."""
        frozen, offset = self.position
        return (self._base() if frozen is None else frozen) + offset

    def second(self) -> int:
        """Return the whole second that `now` is in."""
        return int(self.now() // 1)

    @property
    def is_moved(self) -> bool:
        """Whether the clock was frozen or shifted."""
        return self.position != (None, 0.0)

    def freeze(self, at: float) -> None:
        """Stand still at `at`, dropping any offset."""
        self.position = (at, 0.0)

    def set_offset(self, seconds: float) -> None:
        """Run `seconds` ahead of the base, or behind it when negative; replaces an earlier offset."""
        self.position = (self.position[0], seconds)

    def advance(self, seconds: float) -> None:
        """Jump forward by `seconds`, frozen or running."""
        frozen, offset = self.position
        self.position = (frozen, offset + seconds)

    def reset(self) -> None:
        """Return to the initial state."""
        self.position = self._start


def format_day(second: float) -> str:
    """Return the UTC+8 day that a second is in, as `yyyymmdd`."""
    return f"{datetime.fromtimestamp(second + UTC8_OFFSET, timezone.utc):%Y%m%d}"


def parse_day(day: str) -> int:
    """Return the first second of a `yyyymmdd` day in UTC+8 (§3.1.4); raise ValueError when the day does not exist."""
    if not re.fullmatch(r"[0-9]{8}", day, re.ASCII):
        raise ValueError(day)
    first = date(int(day[:4]), int(day[4:6]), int(day[6:]))
    return (first - date(1970, 1, 1)).days * DAY_SECONDS - UTC8_OFFSET


def start_of_day(second: int) -> int:
    """Return the first second of the UTC+8 day that contains `second`."""
    return (second + UTC8_OFFSET) // DAY_SECONDS * DAY_SECONDS - UTC8_OFFSET


def show_time(second: float, timespec: str = "seconds") -> str:
    """Return a time as ISO 8601 in UTC+8, `2019-12-10T15:17:00+08:00`; empty for a time outside the calendar."""
    try:
        if timespec != "milliseconds":
            return datetime.fromtimestamp(second, _UTC_8).isoformat(timespec=timespec)
        # Rounded to microseconds, as by `fromtimestamp`. Lists show many times of the same second.
        whole = int(second // 1)
        microseconds = round((second - whole) * 1e6)
        carry, microseconds = divmod(microseconds, 1_000_000)
        return f"{_show_second(whole + carry)}.{microseconds // 1_000:03d}+08:00"
    except (OverflowError, ValueError, OSError):
        return ""


@functools.lru_cache(maxsize=1_024)
def _show_second(second: int) -> str:
    return datetime.fromtimestamp(second, _UTC_8).isoformat(timespec="seconds")[:19]


def parse_time(value: str | int, now: int | None) -> int:
    """Return the second that `value` names, or raise InvalidTime.

    Accepts seconds, ISO 8601 with an offset, a UTC+8 day, and times relative to `now`, unless it is None: `now-2h`,
    `today`, `today 10:00` (UTC+8).
    """
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise InvalidTime((), message("not_a_time", value=value))
    if isinstance(value, int):
        return value
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return int(text)
    if now is not None and (match := _RELATIVE.fullmatch(text)):
        sign, count, unit = match.groups()
        return now + (int(count) * _UNITS[unit] * (-1 if sign == "-" else 1) if sign else 0)
    if now is not None and (match := _TODAY.fullmatch(text)):
        hour, minute, second = (int(part or 0) for part in match.groups())
        return start_of_day(now) + hour * 3_600 + minute * 60 + second
    try:
        if _DAY.fullmatch(text):
            return parse_day(text.replace("-", ""))
        parsed = datetime.fromisoformat(re.sub(r"[zZ]\Z", "+00:00", text))
    except ValueError:
        if now is None:
            raise InvalidTime((), message("absolute_forms", value=text[:40])) from None
        raise InvalidTime((), message("time_forms", value=text, hint=nearest(text, ()))) from None
    if parsed.tzinfo is None:
        raise InvalidTime((), message("no_time_zone", value=text, fixed=f"{parsed.isoformat()}+08:00"))
    return (parsed - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(seconds=1)
