"""The query parameters of `GET requests` and `GET requests/count`: filters, a limit, and waiting."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, cast, get_args

from mockserver.contract.catalogue import OK
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.violations import VIOLATIONS
from mockserver.core.errors import AdminError
from mockserver.core.suggestions import Noun, unknown
from mockserver.core.text import Text
from mockserver.engine.journal import JournalQuery
from mockserver.engine.journal_entry import EntryKind
from mockserver.reporting.lints import LINTS

MAX_WAIT = 60.0  # Seconds that a caller may wait for requests.
DEFAULT_WAIT = 10.0
_FILTERS = ("operation", "accepted", "error", "violation", "since", "kind")
_PAGING = ("limit", "wait_for", "timeout")
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


class RequestsQuery(NamedTuple):
    """The parameters of `GET requests`."""

    query: JournalQuery
    limit: int | None
    wait_for: int | None  # Wait until this many requests match.
    timeout: float  # Maximum seconds to wait.


def parse_requests_query(
    appkey: str | None, query: Mapping[str, str], errors: Collection[str], *, paging: bool = True
) -> RequestsQuery:
    """Return the parsed parameters; `errors` are the catalogue's names. Raise AdminError for invalid ones.

    Without `paging`, a limit or a timeout is invalid.
    """
    known = (*_FILTERS, *(_PAGING if paging else ()))
    for name in query:
        if name not in known:
            raise AdminError(422, "invalid_parameter", unknown("parameter", name, (*known, "appkey")))
    timeout = _number(query, "timeout")
    return RequestsQuery(
        _filter(appkey, query, errors),
        _integer(query, "limit"),
        _integer(query, "wait_for"),
        min(DEFAULT_WAIT if timeout is None else timeout, MAX_WAIT),
    )


def check_names(errors: Collection[str], **names: str | None) -> None:
    """Raise AdminError for an unknown operation, error or violation, which no request could match."""
    known: dict[Noun, Collection[str]] = {"operation": OPERATIONS, "error": errors, "violation": (*VIOLATIONS, *LINTS)}
    for what, names_known in known.items():
        name = names.get(what)
        # An empty operation or error selects requests without one; an empty violation would select nothing.
        if name not in names_known and name is not None and (name or what == "violation"):
            raise AdminError(422, "invalid_parameter", unknown(what, name, names_known))


def journal_error(name: str | None) -> str | None:
    """Return the journal's name for an error: an empty string for `ok`."""
    return "" if name == OK else name


def invalid_parameter(name: str, en: str, zh: str) -> AdminError:
    """Return the error for an invalid parameter or field."""
    return AdminError(422, "invalid_parameter", Text(f"{name}: {en}", f"{name}：{zh}"))


def _filter(appkey: str | None, query: Mapping[str, str], errors: Collection[str]) -> JournalQuery:
    accepted = query.get("accepted")
    if accepted is not None and accepted not in _BOOLEANS:
        raise invalid_parameter("accepted", "must be true or false", "应为 true 或 false")
    kind = query.get("kind", "request")
    if kind not in get_args(EntryKind):
        raise invalid_parameter("kind", "must be request or stray", "应为 request 或 stray")
    operation, error, violation = (query.get(name) for name in ("operation", "error", "violation"))
    check_names(errors, operation=operation, error=error, violation=violation)
    return JournalQuery(
        appkey=appkey,
        operation=operation,
        accepted=None if accepted is None else _BOOLEANS[accepted],
        error=journal_error(error),
        violation=violation,
        since=_number(query, "since"),
        kind=cast("EntryKind", kind),
    )


def _number(query: Mapping[str, str], name: str) -> float | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e12:
        raise invalid_parameter(name, "must be a number of at least 0", "应为不小于 0 的数")
    return number


def _integer(query: Mapping[str, str], name: str) -> int | None:
    number = _number(query, name)
    if number is None:
        return None
    if number != int(number):
        raise invalid_parameter(name, "must be an integer", "应为整数")
    return int(number)
