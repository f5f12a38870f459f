"""Which requests a query string asks the journal for: filters, a limit, and how long to wait for how many."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from mockserver.contract.catalogue import OK
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.violations import VIOLATIONS
from mockserver.core.errors import AdminError
from mockserver.core.suggestions import Noun, unknown
from mockserver.core.text import Text
from mockserver.engine.journal import JournalQuery
from mockserver.reporting.lints import LINTS

MAX_WAIT = 60.0
"""Seconds that a caller may wait for requests to come."""
_WAIT = 10.0
_FILTERS = ("operation", "accepted", "error", "violation", "since")
_PAGING = ("limit", "wait_for", "timeout")
_WORDS = {"true": True, "false": False, "1": True, "0": False}


class RequestsQuery(NamedTuple):
    """What is asked for."""

    filter: JournalQuery
    limit: int | None
    least: int | None
    """Wait until there are so many."""
    timeout: float
    """Wait no longer than so many seconds."""


def parse_requests_query(
    appkey: str | None, query: Mapping[str, str], errors: Collection[str]
) -> RequestsQuery:
    """What the words of a query ask for; `errors` are the catalogue's names. AdminError says what is wrong."""
    _check_words(query, (*_FILTERS, *_PAGING))
    timeout = _number(query, "timeout")
    return RequestsQuery(
        _filter(appkey, query, errors),
        _whole(query, "limit"),
        _whole(query, "wait_for"),
        min(_WAIT if timeout is None else timeout, MAX_WAIT),
    )


def parse_filter(appkey: str | None, query: Mapping[str, str], errors: Collection[str]) -> JournalQuery:
    """The same where a limit and waiting mean nothing."""
    _check_words(query, _FILTERS)
    return _filter(appkey, query, errors)


def check_names(errors: Collection[str], **names: str | None) -> None:
    """AdminError for an operation, error or violation that there is not: it would be found zero times for ever."""
    known: dict[Noun, Collection[str]] = {
        "operation": OPERATIONS,
        "error": errors,
        "violation": (*VIOLATIONS, *LINTS),
    }
    for what, names_known in known.items():
        name = names.get(what)
        # There are requests without an operation and without an error; an empty violation asks for nothing.
        if name not in names_known and name is not None and (name or what == "violation"):
            raise AdminError(422, "invalid_parameter", unknown(what, name, names_known))


def journal_error(name: str | None) -> str | None:
    """The error of a filter; `ok` in the catalogue's words is none in the journal's."""
    return "" if name == OK else name


def invalid_parameter(name: str, en: str, zh: str) -> AdminError:
    """What is wrong with one word of a query."""
    return AdminError(422, "invalid_parameter", Text(f"{name}: {en}", f"{name}：{zh}"))


def _filter(appkey: str | None, query: Mapping[str, str], errors: Collection[str]) -> JournalQuery:
    accepted = query.get("accepted")
    if accepted is not None and accepted not in _WORDS:
        raise invalid_parameter("accepted", "true or false", "应为 true 或 false")
    operation, error, violation = (query.get(name) for name in ("operation", "error", "violation"))
    check_names(errors, operation=operation, error=error, violation=violation)
    return JournalQuery(
        appkey=appkey,
        operation=operation,
        accepted=None if accepted is None else _WORDS[accepted],
        error=journal_error(error),
        violation=violation,
        since=_number(query, "since"),
    )


def _check_words(query: Iterable[str], known: Collection[str]) -> None:
    for name in query:
        if name not in known:
            raise AdminError(422, "invalid_parameter", unknown("parameter", name, (*known, "appkey")))


def _number(query: Mapping[str, str], name: str) -> float | None:
    word = query.get(name)
    if word is None:
        return None
    try:
        number = float(word)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e12:
        raise invalid_parameter(name, "a number from 0 on", "应为不小于 0 的数")
    return number


def _whole(query: Mapping[str, str], name: str) -> int | None:
    number = _number(query, name)
    if number is None:
        return None
    if number != int(number):
        raise invalid_parameter(name, "a whole number", "应为整数")
    return int(number)
