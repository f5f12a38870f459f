"""The text of failed assertions: violations with the requests that show them, and likely causes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mockserver.core.clock import show_time
from mockserver.core.errors import AdminError
from mockserver.core.machine_time import replaced_time
from mockserver.core.suggestions import unknown
from mockserver.testing.admin_client import Json

__tracebackhide__ = True
_CLOSE_SECONDS = 300
_TIME_LIBRARIES = ("freezegun", "time_machine")  # Libraries that freeze or move the time of a test's process.


class Finding(NamedTuple):
    """A violation, lint or error-handling mistake, and the requests that show it."""

    name: str
    requests: str
    target: str  # The operation, or the path if it names none.
    text: str  # What is wrong, where, and how to fix it.
    error_handling: bool = False

    @property
    def line(self) -> str:
        """One line of an assertion message."""
        return f"  {self.requests} {self.target}: {self.text}"


def find_all(requests: Sequence[Json], report: Json) -> list[Finding]:
    """Return every violation of `requests`, then the lints and error-handling mistakes of their `report`."""
    violations = [
        Finding(each["name"], request["id"], request["operation"] or request["request"]["path"], _text(each))
        for request in requests
        for each in request["violations"]
    ]
    lints = [
        Finding(group["name"], ", ".join(group["requests"]), group["operation"], _text(group))
        for group in report["violations"]
        if group["across"]
    ]
    mistakes = [
        Finding(each["did"], ", ".join(each["requests"]), row["operation"], each["text"], error_handling=True)
        for row in report["error_handling"]
        for each in row["findings"]
    ]
    return violations + lints + mistakes


def _text(violation: Json) -> str:
    return f"{violation['where']}: {violation['text']} [{violation['name']}, §{violation['section']}]"


def check_names(names: Iterable[str]) -> None:
    """Raise AdminError for a name that is not a violation, lint or error-handling mistake."""
    # Not at the top: it loads the schema engine.
    from mockserver.reporting.report import NAMES

    for name in names:
        if name not in NAMES:
            raise AdminError(422, "invalid_field", unknown("violation", name, NAMES))


def clock_advice(clock: Json, expired: Iterable[Json]) -> list[str]:
    """Return advice if one of the `expired` requests was signed by a clock other than the app's."""
    moved = clock["frozen"] or clock["offset_seconds"]
    for request in expired:
        for violation in request["violations"]:
            if violation["name"] != "checksum_expired" or not violation["got"].isdecimal():
                continue
            signed = int(violation["got"])
            if moved and abs(signed - clock["machine"]) < abs(signed - request["at"]):
                return [
                    f"the client signs with the machine's time, but {_describe(clock)}:"
                    " sign with the app's time, or do not change its clock"
                ]
            if violation["diagnosis"] != "process_time_replaced" and (cause := _replaced_by(signed, guess=not moved)):
                # A server in another process cannot know the time of this one.
                return [
                    f'{cause}: move the app\'s clock as well, mockserver.freeze("{show_time(signed)}"),'
                    " or do not change the time of the process"
                ]
    return []


def _replaced_by(signed: int, *, guess: bool) -> str:
    """Return how the test has made, or may have made, the client sign with the time `signed`; empty if unlikely."""
    replaced = replaced_time()
    if replaced is not None and abs(signed - replaced) <= _CLOSE_SECONDS:
        return "this process's time is frozen or moved, and the client signs with it"
    library = next((name for name in _TIME_LIBRARIES if name in sys.modules), "")
    if not library or not guess:
        return ""
    return f"the test may have frozen or moved the time ({library} is loaded)"


def _describe(clock: Json) -> str:
    if clock["frozen"]:
        return f"the app's clock is frozen at {show_time(clock['now'])}"
    seconds = clock["offset_seconds"]
    return f"the app's clock is {abs(seconds):g} s {'ahead' if seconds > 0 else 'behind'}"
