"""Verification: whether the expected requests were received, and if not, which requests are similar.

A request that was evicted from the journal, or whose body was too long to be stored, never counts as "not received":
if it could change the result, the result is that the answer cannot be determined.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from mockserver.contract.catalogue import OK
from mockserver.contract.matching import InvalidMatcher, Matcher, compile_when
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.violations import shorten
from mockserver.core.errors import AdminError
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text, pluralize
from mockserver.engine.journal import JournalQuery, Selection
from mockserver.engine.journal_entry import JournalEntry
from mockserver.engine.masking import MAX_TEXT
from mockserver.reporting.queries import journal_error
from mockserver.scenarios.near_misses import Difference, differences, show_condition

TEXT_KEYS = ("appkey", "operation", "error", "violation")
COUNT_KEYS = ("count", "at_least", "at_most")
KEYS = (*TEXT_KEYS, "accepted", "since", "when", *COUNT_KEYS)
_TYPES: dict[str, tuple[Any, Text]] = {
    **dict.fromkeys(TEXT_KEYS, (str, Text("a string", "字符串"))),
    "accepted": (bool, Text("true or false", " true 或 false")),
    "since": ((int, float), Text("seconds since 1970", " unix 秒")),
    **dict.fromkeys(COUNT_KEYS, (int, Text("an integer of at least 0", "非负整数"))),
}
MAX_NEAR_MISSES = 3
MAX_IDS = 10  # Ids listed when too many requests were received.
MAX_COMPARED = 1_000  # Near misses are searched among the newest requests only.
_ENLARGE = Text(
    "clear the journal before the test, use a later `since`, or enlarge the journal",
    "请在测试前清空日志、用 since 缩小范围，或增大日志",
)
_UNDETERMINED = Text(
    "cannot be determined: expected {expected}, found {count}, but {why}; {what}",
    "无法判断：应有{expected}，找到 {count} 个，但{why}；{what}",
)


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
        en, zh = _count_text(self.at_least, self.at_most)
        if wanted.operation:
            en, zh = f"{en} to {wanted.operation}", f"{zh} {wanted.operation}"
        if criteria:
            en, zh = f"{en} with {' and '.join(criteria)}", f"{zh}（{'、'.join(criteria)}）"
        return Text(en, zh)


class NearMiss(NamedTuple):
    """A similar request that does not match, and its differences."""

    entry: JournalEntry
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of a verification."""

    ok: bool
    count: int  # Number of matching requests.
    evicted: int  # Number of requests that could match and were evicted from the journal.
    message: Text  # Expected and actual number; several lines with near misses if the verification failed.
    near: tuple[NearMiss, ...] = ()


def parse_verification(body: Mapping[str, Any]) -> VerificationRequest:
    """Return the request in a mapping of KEYS: a filter, `when`, and `count` or `at_least` and `at_most`.

    Without a count, at least one request is expected. Raise AdminError if a value is invalid.
    """
    for name, value in body.items():
        if name not in KEYS:
            raise AdminError(422, "invalid_field", unknown("key", name, KEYS))
        if name == "when" or value is None:
            continue
        types, wanted = _TYPES[name]
        wrong = not isinstance(value, types) or (isinstance(value, bool) and types is not bool)
        if wrong or (name in COUNT_KEYS and value < 0):
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
    en = f"expected {expected.en}, found {count} of {total} in the journal"
    zh = f"应有{expected.zh}，找到 {count} 个，日志共 {total} 个"
    if not too_few and not too_many:
        return Verification(True, count, evicted, Text(en, zh))
    if too_many:
        ids = ", ".join(entry.id for entry in found[:MAX_IDS]) + ("…" if count > MAX_IDS else "")
        return Verification(False, count, evicted, Text(f"{en}\n  received: {ids}", f"{zh}\n  收到的请求：{ids}"))
    near = _near_misses(selection, request)
    nothing = (
        Text("no similar request", "没有相似的请求") if total else Text("no request was received", "没有收到任何请求")
    )
    lines = [Text(en, zh), *(_near_lines(near) if near else [nothing])]
    return Verification(False, count, evicted, _join(lines, "\n  ", "\n  "), near)


def _undetermined(selection: Selection, expected: Text, count: int, lost: int) -> Text:
    """Return the reason why the result cannot be determined, and advice."""
    evicted, cut = selection.evicted, lost - selection.evicted
    reasons, advice = [], []
    if evicted:
        counted = f"{pluralize(evicted, 'older request')} {'has' if evicted == 1 else 'have'}"
        reasons.append(Text(f"{counted} left the journal", f"已有 {evicted} 个较早的请求移出日志"))
        advice.append(_ENLARGE)
    if cut:
        reasons.append(Text(f"{cut} had a body too long to be stored", f"{cut} 个请求的包体过长，未完整保留"))
        advice.append(Text("match their other fields", "请改用其他字段判断"))
    why, what = _join(reasons, " and ", "，且"), _join(advice, "; ", "；")
    return _UNDETERMINED.format(expected=expected, count=count, why=why, what=what)


def _near_lines(near: tuple[NearMiss, ...]) -> Iterator[Text]:
    yield Text("similar requests:", "相似的请求：")
    for entry, differing in near:
        yield Text(*[f"  {entry.id} {entry.operation or shorten(entry.path)}"] * 2)
        yield from (Text(*(f"    {text}" for text in difference.text)) for difference in differing)


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
            misses.append((other_operation, len(differing), age, NearMiss(entry, differing)))
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


def _count_text(least: int, most: int | None) -> tuple[str, str]:
    if most == least:
        return pluralize(least, "request") if least else "no request", f" {least} 个请求"
    if most is None:
        return f"at least {pluralize(least, 'request')}", f"至少 {least} 个请求"
    if least == 0:
        return f"at most {pluralize(most, 'request')}", f"至多 {most} 个请求"
    return f"{least} to {most} requests", f" {least} 至 {most} 个请求"


def _invalid(en: str, zh: str) -> AdminError:
    return AdminError(422, "invalid_field", Text(en, zh))
