"""What a failed assertion tells: departures from the document with their requests, and what may explain them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

from mockserver.core.errors import AdminError

Json = dict[str, Any]
__tracebackhide__ = True
_EAST_8 = timezone(timedelta(hours=8))


class Departure(NamedTuple):
    """One violation, lint or mistake in error handling, and the requests that show it."""

    name: str
    requests: str
    target: str
    """The operation, or the path."""
    text: str
    """Where, what is wrong and what to do, with the name and the section."""
    handling: bool = False
    """A mistake in error handling: no violation of the contract."""


def departures(requests: Sequence[Json], report: Json) -> list[Departure]:
    """All that `requests`, and the report on them, tell: each violation by itself, then what shows over several."""
    own = [
        Departure(one["name"], request["id"], request["operation"] or request["request"]["path"], _text(one))
        for request in requests
        for one in request["violations"]
    ]
    lints = [
        Departure(one["name"], ", ".join(one["requests"]), one["operation"], _text(one))
        for one in report["violations"]
        if one["across"]
    ]
    return (
        own
        + lints
        + [
            Departure(one["did"], ", ".join(one["requests"]), case["operation"], one["text"], handling=True)
            for case in report["error_handling"]
            for one in case["findings"]
        ]
    )


def told(one: Departure) -> str:
    """A departure as a line of a failed assertion."""
    return f"  {one.requests} {one.target}: {one.text}"


def _text(one: Json) -> str:
    return f"{one['where']}: {one['text']} [{one['name']}, §{one['section']}]"


def check_names(names: Iterable[str]) -> None:
    """AdminError for what is no name of a violation, a lint or a mistake in error handling."""
    # Here, so that only who asks for it pays for it: they bring the schemas along.
    from mockserver.core.suggestions import unknown
    from mockserver.reporting.report import NAMES

    for name in names:
        if name not in NAMES:
            raise AdminError(422, "invalid_field", unknown("violation", name, NAMES))


def clock_advice(clock: Json, stale: Iterable[Json]) -> list[str]:
    """Advice when one of the `stale` requests was signed by the machine's time, and the app's clock shows another."""
    for request in stale:
        for one in request["violations"]:
            signed = int(one["got"]) if one["name"] == "checksum_expired" and one["got"].isdecimal() else None
            if signed is not None and abs(signed - clock["machine"]) < abs(signed - request["at"]):
                return [
                    f"the client signs by the machine's time, but {_shown(clock)}: let it sign by that, or do not move it"
                ]
    return []


def _shown(clock: Json) -> str:
    if clock["frozen"]:
        now = datetime.fromtimestamp(clock["now"], _EAST_8).isoformat(timespec="seconds")
        return f"the app's clock is frozen at {now}"
    seconds = clock["offset_seconds"]
    return f"the app's clock is {abs(seconds):g} s {'ahead' if seconds > 0 else 'behind'}"


def stranger_advice(count: int, newest: Sequence[Json]) -> list[str]:
    """How many requests named no registered app, whoever sent them, and what the newest was told."""
    if not count:
        return []
    said = newest[-1]["diagnosis"] if newest else ""
    return [f"{count} request{'s' * (count != 1)} named no registered app; the newest was told: {said}"]
