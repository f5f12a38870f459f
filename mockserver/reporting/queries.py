"""The query parameters of `GET requests` and `GET requests/count`: filters, a limit, and waiting."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, get_args

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
_PAGING = ("limit", "wait_for", "timeout")
_PARAMETERS = ("operation", "accepted", "error", "violation", "since", "kind", *_PAGING)
_CHOICES: dict[str, tuple[Mapping[str, Any], str, str]] = {
    "accepted": ({"true": True, "false": False, "1": True, "0": False}, "must be true or false", "应为 true 或 false"),
    "kind": ({kind: kind for kind in get_args(EntryKind)}, "must be request or stray", "应为 request 或 stray"),
}  # Values of a parameter by how they are written, and the message for others.


def parse_requests_query(
    appkey: str | None, query: Mapping[str, str], errors: Collection[str], *, paging: bool = True
) -> tuple[JournalQuery, int | None, int | None, float]:
    """Return the query, the limit, how many matching requests to wait for, and for how many seconds at most.

    `errors` are the catalogue's names. Raise AdminError for invalid parameters, without `paging` also for those three.
    """
    known = [name for name in _PARAMETERS if paging or name not in _PAGING]
    values: dict[str, Any] = {}
    for name, text in query.items():
        if name not in known:
            raise AdminError(422, "invalid_parameter", unknown("parameter", name, (*known, "appkey")))
        values[name] = _parse(name, text)
    check_names(errors, **{name: values.get(name) for name in ("operation", "error", "violation")})
    limit, wait_for, timeout = (values.pop(name, None) for name in _PAGING)
    values["error"] = journal_error(values.get("error"))
    wait = min(DEFAULT_WAIT if timeout is None else timeout, MAX_WAIT)
    return JournalQuery(appkey=appkey, **values), limit, wait_for, wait


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


def _parse(name: str, text: str) -> Any:
    if name in ("operation", "error", "violation"):
        return text
    if name in _CHOICES:
        choices, *message = _CHOICES[name]
        if text not in choices:
            raise invalid_parameter(name, *message)
        return choices[text]
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e12:
        raise invalid_parameter(name, "must be a number of at least 0", "应为不小于 0 的数")
    if name in ("since", "timeout"):
        return number
    if number != int(number):
        raise invalid_parameter(name, "must be an integer", "应为整数")
    return int(number)
