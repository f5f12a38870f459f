"""A Faker for templates, limited in count, length and time per response.

All of Faker's loops draw random numbers, so counting the draws bounds them. Numbers that one call of the interpreter
would turn into something large, such as digits or widths, are checked before the call.
"""

from __future__ import annotations

import inspect
import random
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mockserver.core.machine_time import thread_time

MAX_COUNT = 10_000  # The largest count or length that a template may request.
MAX_DRAWS = 100_000  # Random numbers that one answer may draw.
MAX_SECONDS = 1.0  # Of the CPU, from the first draw.
_MAX_BITS = 65_536
_COUNTS = re.compile(
    r"nb|nb_.*|.*length|.*digits|.*chars|num_.*|.*size|deep|depth|levels|number|count|indent"
)  # Parameters of Faker's methods that are counts or lengths, not values.
_PROXIES = frozenset({"unique", "optional"})
_REFUSED = frozenset(
    {
        *("add_provider", "seed", "seed_instance", "seed_locale", "set_formatter", "get_formatter", "provider"),
        *("get_providers", "set_arguments", "get_arguments", "del_arguments", "format", "enum", "items"),
        *("binary", "image", "zip", "tar", "json", "json_bytes", "xml", "csv", "dsv", "psv", "tsv", "fixed_width"),
    }
)  # Methods that change the generator, call others by name, or create files instead of values.


class TooMuch(ValueError):
    """A template requests too much of Faker; the message says what."""


class BoundedRandom(random.Random):
    """The random numbers of `random.Random`, at most `MAX_DRAWS` and for at most `MAX_SECONDS`."""

    def __init__(self) -> None:
        self._draws = 0
        self._end: float | None = None
        super().__init__()

    def random(self) -> float:
        """Return the next number from 0 to 1."""
        self._count()
        return super().random()

    def getrandbits(self, bits: int, /) -> int:
        """Return the next number with this many bits."""
        if bits > _MAX_BITS:
            raise TooMuch(f"a random number of {bits} bits; the maximum is {_MAX_BITS}")
        self._count()
        return super().getrandbits(bits)

    def _count(self) -> None:
        self._draws += 1
        if self._draws > MAX_DRAWS:
            raise TooMuch(f"fake has drawn {MAX_DRAWS} random numbers for this answer; ask for less")
        now = thread_time()
        if self._end is None:
            self._end = now + MAX_SECONDS
        if now > self._end:
            raise TooMuch(f"fake has taken {MAX_SECONDS:g} s for this answer; ask for less")


class BoundedFaker:
    """The methods of a Faker whose random numbers are bounded, with checked arguments."""

    def __init__(self, fake: Any, source: Any = None) -> None:
        self._fake = fake
        self._source = fake if source is None else source

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"fake.{name} is not supported in templates")
        value = None if name in _REFUSED else getattr(self._source, name, None)
        if name in _PROXIES:
            return BoundedFaker(self._fake, value)
        if not callable(value):
            # Not an AttributeError, whose text Jinja replaces.
            return partial(_refuse, f"fake.{name} is not a method of Faker that templates may call")
        return partial(_call, value, getattr(self._fake, name))

    def check(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Raise TooMuch if a call of a method would be refused for its arguments."""
        method = getattr(self._fake, name, None)
        if callable(method) and name not in _REFUSED:
            _check(method, args, kwargs)


def _refuse(message: str, /, *args: Any, **kwargs: Any) -> None:
    raise TooMuch(message)


def _call(function: Callable[..., Any], method: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    _check(method, args, kwargs)
    return function(*args, **kwargs)


def _check(method: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    try:
        arguments = inspect.signature(method).bind_partial(*args, **kwargs).arguments
    except (TypeError, ValueError):
        # The call itself reports what is wrong.
        arguments = {f"count {index}": value for index, value in enumerate((*args, *kwargs.values()))}
    for name, value in arguments.items():
        for key, number in ((name, value), *(value.items() if isinstance(value, dict) else ())):
            if isinstance(number, (int, float)) and number > MAX_COUNT and _COUNTS.fullmatch(str(key)):
                raise TooMuch(f"{key} is {str(number)[:20]}; the maximum is {MAX_COUNT}")
            if callable(number):
                raise TooMuch(f"{key} is a function; templates pass values only")
