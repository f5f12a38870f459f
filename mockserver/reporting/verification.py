"""Verification: were the requests made that a test expects, and if not, which came close.

What left the journal, or was too long to be kept, is never counted as "did not come": where it could have changed the
verdict, the verdict is that nobody can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from mockserver.contract.catalogue import OK
from mockserver.contract.matching import PARTS, InvalidMatcher, Matcher, compile_when
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.violations import shorten
from mockserver.core.suggestions import unknown
from mockserver.core.text import Text, pluralize
from mockserver.engine.journal import JournalQuery, Selection
from mockserver.engine.journal_entry import JournalEntry
from mockserver.engine.masking import MAX_TEXT
from mockserver.reporting.queries import journal_error
from mockserver.scenarios.near_misses import Difference, differences, show_condition

TEXTS = ("appkey", "operation", "error", "violation")
COUNTS = ("count", "at_least", "at_most")
WORDS = (*TEXTS, "accepted", "since", "when", *COUNTS)
MOST_NEAR = 3
MOST_TOLD = 10
"""Ids of requests that came too often."""
MOST_LOOKED_AT = 1_000
"""Near misses are looked for among the newest requests only."""


class InvalidVerification(ValueError):
    """A question that cannot be read; `text` says what would be right."""

    def __init__(self, text: Text) -> None:
        self.text = text
        super().__init__(text.en)


@dataclass(frozen=True, slots=True)
class VerificationRequest:
    """Which requests are meant and how many of them are expected."""

    asked: JournalQuery
    matcher: Matcher
    least: int
    most: int | None

    @property
    def range(self) -> JournalQuery:
        """What to select from the journal: everything the question and its near misses can be about."""
        return JournalQuery(appkey=self.asked.appkey, since=self.asked.since)

    def matches(self, entry: JournalEntry) -> bool | None:
        """Whether a request is one of those meant; None when too little of its body was kept to tell."""
        if not self.asked.matches(entry):
            return False
        fields, query = entry.whole_fields(), entry.query
        lost = fields is None, entry.query_cut
        if fields is None:
            fields = entry.uncut_fields()
        unmet = self.matcher.unmet(fields, query)
        # What is there whole can still tell that it is another request.
        kept = fields.keys(), [name for name, value in query.items() if len(value) <= MAX_TEXT]
        for one in unmet:
            side = one.part == "query"
            if not lost[side] or one.field in kept[side]:
                return False
        return None if unmet else True

    @property
    def text(self) -> Text:
        """What is expected, for people."""
        asked = self.asked
        conditions = [show_condition(one) for one in self.matcher.conditions]
        told = [] if asked.error is None else [f"error = {shorten(asked.error or OK)}"]
        told += [f"violation = {shorten(asked.violation)}"] if asked.violation else []
        told += [] if asked.accepted is None else ["accepted" if asked.accepted else "refused"]
        target = asked.operation or ""
        with_en, with_zh = " and ".join(conditions + told), "、".join(conditions + told)
        en, zh = _expected(self.least, self.most)
        return Text(
            f"{en}{f' to {target}' if target else ''}{f' with {with_en}' if with_en else ''}",
            f"{zh}{f' {target}' if target else ''}{f'（{with_zh}）' if with_zh else ''}",
        )


class NearMiss(NamedTuple):
    """A request that was not meant but is similar, and in what it differs."""

    entry: JournalEntry
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """The answer to a question."""

    ok: bool
    count: int
    """How many requests were found."""
    evicted: int
    """How many that might have been meant are gone."""
    message: Text
    """What was expected and found; over several lines with near misses when it failed."""
    near: tuple[NearMiss, ...] = ()


def parse_verification(given: Mapping[str, Any]) -> VerificationRequest:
    """The question in a mapping of WORDS: a filter, `when`, and `count` or `at_least` and `at_most`.

    Without a number at least one request is expected. InvalidVerification says what is wrong.
    """
    for name in given:
        if name not in WORDS:
            raise InvalidVerification(unknown("key", name, WORDS))
    for name in TEXTS:
        if not isinstance(given.get(name), (str, type(None))):
            raise _bad(f"{name} must be text", f"{name} 须为文本")
    operation, accepted, since = given.get("operation"), given.get("accepted"), given.get("since")
    if operation and operation not in OPERATIONS:
        raise InvalidVerification(unknown("operation", operation, OPERATIONS))
    if not isinstance(accepted, (bool, type(None))):
        raise _bad("accepted must be true or false", "accepted 须为 true 或 false")
    if isinstance(since, bool) or not isinstance(since, (int, float, type(None))):
        raise _bad("since must be seconds since 1970", "since 须为 unix 秒")
    asked = JournalQuery(
        appkey=given.get("appkey"),
        operation=operation,
        accepted=accepted,
        error=journal_error(given.get("error")),
        violation=given.get("violation"),
        since=since,
    )
    return VerificationRequest(asked, _matcher(given.get("when")), *_bounds(given))


def find(selection: Selection, question: VerificationRequest) -> Selection:
    """The requests that are meant, out of a selection of `question.range`; those that might be count as evicted."""
    told = [(one, question.matches(one)) for one in selection.entries]
    unsure = sum(meant is None for _, meant in told)
    return Selection([one for one, meant in told if meant], selection.evicted + unsure)


def verify(selection: Selection, question: VerificationRequest) -> Verification:
    """Whether as many requests were made as expected; `selection` is of `question.range`."""
    found, lost = find(selection, question)
    count, expected = len(found), question.text
    few = count < question.least
    many = question.most is not None and count > question.most
    # Enough is enough and too many are too many, whatever was lost.
    if lost and not many and (few or question.most is not None):
        return Verification(False, count, selection.evicted, _cannot_tell(selection, expected, count, lost))
    total = len(selection.entries)
    en = f"expected {expected.en}, found {count} of {total} in the journal"
    zh = f"应有{expected.zh}，找到 {count} 个，日志共 {total} 个"
    if not few and not many:
        return Verification(True, count, selection.evicted, Text(en, zh))
    if many:
        shown = ", ".join([one.id for one in found[:MOST_TOLD]]) + ("…" if count > MOST_TOLD else "")
        text = Text(f"{en}\n  these came: {shown}", f"{zh}\n  收到的请求：{shown}")
        return Verification(False, count, selection.evicted, text)
    near = _near_misses(selection, question)
    lines = [en, *_told(near, "en")], [zh, *_told(near, "zh")]
    if not near:
        lines[0].append("no request was received" if not total else "no similar request")
        lines[1].append("没有收到任何请求" if not total else "没有相似的请求")
    text = Text("\n  ".join(lines[0]), "\n  ".join(lines[1]))
    return Verification(False, count, selection.evicted, text, near)


def _cannot_tell(selection: Selection, expected: Text, count: int, lost: int) -> Text:
    """Why nobody can tell, and what to do."""
    gone, cut = selection.evicted, lost - selection.evicted
    left = f"{pluralize(gone, 'older request')} {'has' if gone == 1 else 'have'} left the journal"
    why_en = [left] * (gone > 0)
    why_zh = [f"已有 {gone} 个较早的请求移出日志"] * (gone > 0)
    cure_en, cure_zh = [], []
    if gone:
        cure_en.append("clear it before the test, ask `since` a later moment, or make it larger")
        cure_zh.append("请在测试前清空日志、用 since 缩小范围，或增大日志")
    if cut:
        why_en.append(f"{cut} had a body too long to be kept whole")
        why_zh.append(f"{cut} 个请求的包体过长，未完整保留")
        cure_en.append("ask about their other fields")
        cure_zh.append("请改用其他字段判断")
    return Text(
        f"cannot tell: expected {expected.en}, found {count}, but {' and '.join(why_en)}; {'; '.join(cure_en)}",
        f"无法判断：应有{expected.zh}，找到 {count} 个，但{'，且'.join(why_zh)}；{'；'.join(cure_zh)}",
    )


def _told(near: tuple[NearMiss, ...], lang: Any) -> list[str]:
    lines = ["similar requests:" if lang == "en" else "相似的请求："] if near else []
    for entry, differing in near:
        lines.append(f"  {entry.id} {entry.operation or shorten(entry.path)}")
        lines += [f"    {one.text.to(lang)}" for one in differing]
    return lines


def _near_misses(selection: Selection, question: VerificationRequest) -> tuple[NearMiss, ...]:
    """The most similar requests: the same operation first, then the fewest differences, then the newest."""
    misses = []
    for age, entry in enumerate(reversed(selection.entries[-MOST_LOOKED_AT:])):
        if question.matches(entry) is False:
            differing = _departures(entry, question)
            other = question.asked.operation not in (None, entry.operation)
            misses.append((other, len(differing), age, NearMiss(entry, differing)))
    misses.sort(key=lambda row: row[:3])
    return tuple(row[3] for row in misses[:MOST_NEAR])


def _departures(entry: JournalEntry, question: VerificationRequest) -> tuple[Difference, ...]:
    asked, found = question.asked, []
    if asked.operation is not None and entry.operation != asked.operation:
        found.append(Difference("operation", asked.operation, entry.operation or shorten(entry.path)))
    if asked.error is not None and entry.error != asked.error:
        found.append(Difference("error", shorten(asked.error) or "none", entry.error or "none"))
    if asked.accepted is not None and entry.accepted is not asked.accepted:
        got = "accepted" if entry.accepted else f"refused with {entry.error}"
        found.append(Difference("answer", "accepted" if asked.accepted else "refused", got))
    if asked.violation is not None and all(one.name != asked.violation for one in entry.violations):
        names = ", ".join(dict.fromkeys(one.name for one in entry.violations))
        found.append(Difference("violation", shorten(asked.violation), names or "none"))
    return (*found, *differences(question.matcher, entry.whole_fields() or entry.fields, entry.query))


def _matcher(when: Any) -> Matcher:
    if not isinstance(when, (dict, type(None))) or any(
        part not in PARTS or not isinstance(fields, dict) for part, fields in (when or {}).items()
    ):
        raise _bad("when must be {body: {…}, query: {…}}", "when 须为 {body: {…}, query: {…}}")
    asked = (when or {}).get("query", {}).get("checksum", "")
    if not isinstance(asked, str) or len(asked) > 7:
        raise _bad(
            "when/query/checksum: a journal keeps six characters of it; ask for seq or curtime",
            "when/query/checksum：日志只保留其前六个字符；请改用 seq 或 curtime",
        )
    try:
        return compile_when(when)
    except (InvalidMatcher, TypeError) as error:
        place = "/".join(map(str, getattr(error, "pointer", ())))
        raise _bad(f"when/{place}: {error}", f"when/{place}：{error}") from None


def _bounds(given: Mapping[str, Any]) -> tuple[int, int | None]:
    for name in COUNTS:
        value = given.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise _bad(f"{name} must be a whole number from 0", f"{name} 须为非负整数")
    count, least, most = (given.get(name) for name in COUNTS)
    if count is not None:
        if (least, most) != (None, None):
            raise _bad("give count, or at_least and at_most", "count 与 at_least、at_most 不能同时使用")
        return count, count
    if least is None:
        return (1, None) if most is None else (0, most)
    if most is not None and most < least:
        raise _bad("at_most is less than at_least", "at_most 小于 at_least")
    return least, most


def _expected(least: int, most: int | None) -> tuple[str, str]:
    if most == least:
        return (
            (f"{least} request{'s' * (least != 1)}", f" {least} 个请求")
            if least
            else ("no request", " 0 个请求")
        )
    if most is None:
        return f"at least {least} request{'s' * (least != 1)}", f"至少 {least} 个请求"
    if least == 0:
        return f"at most {most} request{'s' * (most != 1)}", f"至多 {most} 个请求"
    return f"{least} to {most} requests", f" {least} 至 {most} 个请求"


def _bad(en: str, zh: str) -> InvalidVerification:
    return InvalidVerification(Text(en, zh))
