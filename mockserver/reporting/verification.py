"""Verification: whether the expected requests were received, and if not, which requests are similar.

A request that was evicted from the journal, or whose body was too long to be stored, never counts as "not received":
if it could change the result, the result is that the answer cannot be determined.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mockserver.contract.catalogue import OK
from mockserver.contract.matching import InvalidMatcher, Matcher, compile_when
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.violations import shorten
from mockserver.core.errors import AdminError
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text, pluralize
from mockserver.engine.journal import JournalQuery, Selection
from mockserver.engine.journal_entry import MAX_TEXT, JournalEntry
from mockserver.reporting.queries import journal_error
from mockserver.reporting.texts import TEXTS
from mockserver.scenarios.near_misses import Difference, differences, show_condition

COUNT_KEYS = ("count", "at_least", "at_most")
_TYPES: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(("appkey", "operation", "error", "violation"), (str, "string")),
    "accepted": (bool, "boolean"),
    "since": ((int, float), "seconds"),
    "when": (object, ""),  # Checked by its compiler.
    **dict.fromkeys(COUNT_KEYS, (int, "count")),
}  # The types of the keys, and the names of their texts.
KEYS = tuple(_TYPES)
NearMiss = tuple[JournalEntry, tuple[Difference, ...]]  # A similar request, and how it differs.
MAX_NEAR_MISSES = 3
MAX_IDS = 10  # Ids listed when too many requests were received.
MAX_COMPARED = 1_000  # Near misses are searched among the newest requests only.
_TEXTS: dict[str, Text] = TEXTS["verification"]


@dataclass(frozen=True, slots=True)
class VerificationRequest:
    """A selection of requests, and how many of them are expected."""

    query: JournalQuery
    matcher: Matcher
    at_least: int
    at_most: int | None

    @property
    def range(self) -> JournalQuery:
        """The query for the requests that can match and those that can be near misses."""
        return JournalQuery(appkey=self.query.appkey, since=self.query.since)

    def matches(self, entry: JournalEntry) -> bool | None:
        """Whether a request matches; None if too little of it was stored to decide."""
        if not self.query.matches(entry):
            return False
        fields, query = entry.whole_fields(), entry.query
        is_cut = {"body": fields is None, "query": entry.query_cut}
        if fields is None:
            fields = entry.uncut_fields()
        unmet = self.matcher.unmet(fields, query)
        # A part that was stored completely can still exclude the request.
        whole = {"body": fields.keys(), "query": {name for name, value in query.items() if len(value) <= MAX_TEXT}}
        for condition in unmet:
            if not is_cut[condition.part] or condition.field in whole[condition.part]:
                return False
        return None if unmet else True

    @property
    def text(self) -> Text:
        """The expectation as text: `2 requests to query_room_info with body RoomId = "77"`."""
        criteria = [show_condition(condition) for condition in self.matcher.conditions]
        wanted = self.query
        criteria += [] if wanted.error is None else [f"error = {shorten(wanted.error or OK)}"]
        criteria += [f"violation = {shorten(wanted.violation)}"] if wanted.violation else []
        criteria += [] if wanted.accepted is None else ["accepted" if wanted.accepted else "refused"]
        least, most = self.at_least, self.at_most
        if most == least:
            name = "exactly" if least else "none"
        elif most is None:
            name = "at_least"
        else:
            name = "between" if least else "at_most"
        counted, most_counted = pluralize(least, "request"), pluralize(most or 0, "request")
        text: Text = TEXTS["expected"][name]
        en, zh = text.format(least=least, most=most, least_counted=counted, most_counted=most_counted)
        if wanted.operation:
            en, zh = f"{en} to {wanted.operation}", f"{zh} {wanted.operation}"
        if criteria:
            en, zh = f"{en} with {' and '.join(criteria)}", f"{zh}（{'、'.join(criteria)}）"
        return Text(en, zh)


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of a verification."""

    ok: bool
    count: int  # Number of matching requests.
    evicted: int  # Number of requests that could match and were evicted from the journal.
    message: Text  # Expected and actual number; several lines with near misses if the verification failed.
    near: tuple[NearMiss, ...] = ()  # The most similar requests.


def parse_verification(body: Mapping[str, Any]) -> VerificationRequest:
    """Return the request in a mapping of KEYS: a filter, `when`, and `count` or `at_least` and `at_most`.

    Without a count, at least one request is expected. Raise AdminError if a value is invalid.
    """
    for name, value in body.items():
        if name not in KEYS:
            raise AdminError(422, "invalid_field", unknown("key", name, KEYS))
        if name == "when" or value is None:
            continue
        types, described = _TYPES[name]
        wrong = not isinstance(value, types) or (isinstance(value, bool) and types is not bool)
        if wrong or (name in COUNT_KEYS and value < 0):
            wanted: Text = TEXTS["wanted"][described]
            raise _invalid(f"{name} must be {wanted.en}", f"{name} 须为{wanted.zh}")
    if (operation := body.get("operation")) and operation not in OPERATIONS:
        raise AdminError(422, "invalid_field", unknown("operation", operation, OPERATIONS))
    values: dict[str, Any] = {
        name: body.get(name) for name in ("appkey", "operation", "accepted", "violation", "since")
    }
    journal_query = JournalQuery(**values, error=journal_error(body.get("error")))
    return VerificationRequest(journal_query, _parse_when(body.get("when")), *_parse_counts(body))


def find(selection: Selection, request: VerificationRequest) -> Selection:
    """Return the matching requests of a selection of `request.range`; undecidable ones count as evicted."""
    results = [(entry, request.matches(entry)) for entry in selection.entries]
    undecided = sum(result is None for _, result in results)
    return Selection([entry for entry, result in results if result], selection.evicted + undecided)


def verify(selection: Selection, request: VerificationRequest) -> Verification:
    """Return whether the expected number of requests was received; `selection` is of `request.range`."""
    found, lost = find(selection, request)
    count, expected, evicted = len(found), request.text, selection.evicted
    too_few = count < request.at_least
    too_many = request.at_most is not None and count > request.at_most
    # Lost requests can only add to the count.
    if lost and not too_many and (too_few or request.at_most is not None):
        return Verification(False, count, evicted, _undetermined(selection, expected, count, lost))
    total = len(selection.entries)
    text = _TEXTS["counted"].format(expected=expected, count=count, total=total)
    if not too_few and not too_many:
        return Verification(True, count, evicted, text)
    lines, near = [text], () if too_many else _near_misses(selection, request)
    if count:
        ids = ", ".join(entry.id for entry in found[:MAX_IDS]) + ("…" if count > MAX_IDS else "")
        lines.append(_TEXTS["received"].format(ids=ids))
    if near or not count:
        lines.append(_TEXTS["similar" if near else "not_similar" if total else "nothing"])
    for entry, differing in near:
        lines.append(Text(*[f"  {entry.id} {entry.operation or shorten(entry.path)}"] * 2))
        lines += [Text(*(f"    {text}" for text in difference.text)) for difference in differing]
    return Verification(False, count, evicted, _join(lines, "\n  ", "\n  "), near)


def _undetermined(selection: Selection, expected: Text, count: int, lost: int) -> Text:
    """Return the reason why the result cannot be determined, and advice."""
    evicted = selection.evicted
    counted = f"{pluralize(evicted, 'older request')} {'has' if evicted == 1 else 'have'}"
    rows = (("evicted", evicted, "enlarge"), ("cut", lost - evicted, "other_fields"))
    reasons = [_TEXTS[name].format(count=number, counted=counted) for name, number, _ in rows if number]
    advice = [_TEXTS[name] for _, number, name in rows if number]
    why, what = _join(reasons, " and ", "，且"), _join(advice, "; ", "；")
    return _TEXTS["undetermined"].format(expected=expected, count=count, why=why, what=what)


def _join(texts: Iterable[Text], en: str, zh: str) -> Text:
    english, chinese = zip(*texts, strict=True)
    return Text(en.join(english), zh.join(chinese))


def _near_misses(selection: Selection, request: VerificationRequest) -> tuple[NearMiss, ...]:
    """Return the most similar requests: same operation first, then fewest differences, then newest."""
    misses = []
    for age, entry in enumerate(reversed(selection.entries[-MAX_COMPARED:])):
        if request.matches(entry) is False:
            differing = _differences(entry, request)
            other_operation = request.query.operation not in (None, entry.operation)
            misses.append((other_operation, len(differing), age, (entry, differing)))
    misses.sort(key=lambda row: row[:3])
    return tuple(row[3] for row in misses[:MAX_NEAR_MISSES])


def _differences(entry: JournalEntry, request: VerificationRequest) -> tuple[Difference, ...]:
    wanted, found = request.query, []
    if wanted.operation is not None and entry.operation != wanted.operation:
        found.append(Difference("operation", wanted.operation, entry.operation or shorten(entry.path)))
    if wanted.error is not None and entry.error != wanted.error:
        found.append(Difference("error", shorten(wanted.error) or "none", entry.error or "none"))
    if wanted.accepted is not None and entry.accepted is not wanted.accepted:
        actual = "accepted" if entry.accepted else f"refused with {entry.error}"
        found.append(Difference("answer", "accepted" if wanted.accepted else "refused", actual))
    names = dict.fromkeys(violation.name for violation in entry.violations)
    if wanted.violation is not None and wanted.violation not in names:
        found.append(Difference("violation", shorten(wanted.violation), ", ".join(names) or "none"))
    return (*found, *differences(request.matcher, entry.whole_fields() or entry.fields, entry.query))


def _parse_when(when: Any) -> Matcher:
    try:
        matcher = compile_when(when)
    except InvalidMatcher as error:
        place = "/".join(map(str, ("when", *error.pointer)))
        raise _invalid(f"{place}: {error.text.en}", f"{place}：{error.text.zh}") from None
    for condition in matcher.conditions:
        if (condition.part, condition.field) == ("query", "checksum") and len(str(condition.expected)) > 7:
            raise _invalid(
                "when/query/checksum: the journal stores only its first six characters; match seq or curtime instead",
                "when/query/checksum：日志只保留其前六个字符；请改用 seq 或 curtime",
            )
    return matcher


def _parse_counts(body: Mapping[str, Any]) -> tuple[int, int | None]:
    """Return the bounds of the expected count."""
    count, least, most = (body.get(name) for name in COUNT_KEYS)
    if count is not None:
        if (least, most) != (None, None):
            raise _invalid("give count, or at_least and at_most", "count 与 at_least、at_most 不能同时使用")
        return count, count
    if least is None:
        return (1, None) if most is None else (0, most)
    if most is not None and most < least:
        raise _invalid("at_most is less than at_least", "at_most 小于 at_least")
    return least, most


def _invalid(en: str, zh: str) -> AdminError:
    return AdminError(422, "invalid_field", Text(en, zh))
