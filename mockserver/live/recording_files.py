"""Writes a recording as a scenario: `recorded.yaml`, its sessions as CSV, and `recorded.md`, a description.

Every file is replaced atomically, and the scenario last, so that the folder is valid at any time.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mockserver.contract.matching import ABSENT
from mockserver.contract.readings import DEFAULTS
from mockserver.core.clock import show_time
from mockserver.core.documents import MAX_BYTES, MAX_VALUES
from mockserver.core.text import Lang, Text
from mockserver.live.recording import RECORDS, SLACK, Recording
from mockserver.scenarios.templates import is_template
from mockserver.world.coverage import CLOCK_SKEW, ENDING, Spans
from mockserver.world.session_files import write_sessions
from mockserver.world.sessions import MAX_TIME

SCENARIO = "recorded"
PAGE = f"{SCENARIO}.md"
FIELDS = ("RoomId", "UserId", "enter", "leave", "audio", "video", "CreateTime", "DestroyTime")
_PAGE_HEAD = "# Answers that {name}.yaml extends.\ntitle: Recorded answers\ntitle_zh: 录制的响应\n"
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_MAX_ROOMS = 20  # Rooms with calls in progress that are named.
_SHARE = 0.75  # Fraction of the limits of a file after which answers go to another file.


class RecordingFiles:
    """The files of one recording in a folder."""

    def __init__(self, folder: Path, lang: Lang) -> None:
        self._folder, self._lang = folder, lang
        self._scenarios = folder / "scenarios"

    def write(self, recording: Recording, notes: Sequence[Text]) -> None:
        """Write all files. If that fails, raise OSError and leave the old files."""
        self._scenarios.mkdir(parents=True, exist_ok=True)
        write_sessions(self._scenarios / f"{SCENARIO}.csv", FIELDS, session_rows(recording))
        files, left_out = scenario_files(recording, SCENARIO, _title(recording))
        for name, text in files.items():
            write_whole(self._scenarios / name, text)
        if left_out:
            notes = [
                *notes,
                Text(
                    f"{left_out} entries exceed the size of the file and were omitted",
                    f"{left_out} 项超出文件容量，已略去",
                ),
            ]
        write_whole(self._folder / PAGE, "\n".join(_report(recording, notes, self._lang)) + "\n")


def calls_in_progress(recording: Recording) -> list[Text]:
    """Return a note about the calls that were in progress when they were last seen; an empty list if there are none."""
    found = [key for key, each in recording.sessions.items() if each.leave >= each.seen_at - SLACK]
    rooms = sorted({room for _, room, _ in found})
    shown = ", ".join(rooms[:_MAX_ROOMS]) + (" …" if len(rooms) > _MAX_ROOMS else "")
    count = _TEXTS["in_progress"].format(calls=len(found), count=len(rooms), rooms=shown)
    return [count] if found else []


def write_whole(path: Path, text: str) -> None:
    """Replace a file atomically: a reader sees the old text or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def scenario_files(recording: Recording, name: str, head: Sequence[str]) -> tuple[dict[str, str], int]:
    """Return the texts of a scenario's YAML files by name, the scenario itself last, and the number of omitted entries.

    `head` has the lines above `world`; the sessions belong into `{name}.csv`.
    """
    world, left_out = _world(recording, name)
    answers = list(_answers(recording))
    fitting = [each for each in answers if _fits(len(each.encode()), _values(each))]
    left_out += len(answers) - len(fitting)
    pages = list(_pages("\n".join([*head, *world]) + "\n", fitting))
    names = [name, *(f"{name}-{number}" for number in range(2, len(pages) + 1))]
    files = {}
    for number in reversed(range(len(pages))):
        text = pages[number] if number == 0 else _PAGE_HEAD.format(name=name) + pages[number]
        if number + 1 < len(pages):
            above = "\nworld:\n" if number == 0 else "\nanswers:\n"
            text = text.replace(above, f'\nextends: "{names[number + 1]}"{above}', 1)
        files[f"{names[number]}.yaml"] = text
    return files, left_out


def session_rows(recording: Recording) -> Iterator[tuple[object, ...]]:
    """Yield the sessions with their rooms, a value for each of `FIELDS`."""
    for (user, room_id, enter), session in recording.sessions.items():
        room = recording.rooms[room_id]
        leave = "" if session.leave == MAX_TIME else session.leave
        yield (room_id, user, enter, leave, session.audio, session.video, room.create or "", room.destroy or "")


def _title(recording: Recording) -> list[str]:
    day = show_time(_known_at(recording))[:10]
    readings = {name: value for name, value in recording.readings.items() if value != DEFAULTS[name]}
    return [
        f"# Written by `mockserver record`; sessions are in {SCENARIO}.csv. Serve it with --scenario {SCENARIO}.",
        f"title: Recorded on {day}",
        f"title_zh: 录制于 {day}",
        *([f"readings: {_flow(readings)}"] if readings else []),
    ]


def _known_at(recording: Recording) -> int:
    """Return the time that a replay treats as the present."""
    return int(recording.known_until or recording.recorded_at)


def _world(recording: Recording, name: str) -> tuple[list[str], int]:
    """Return the lines of the recorded world, and how many entries are left out."""
    covers = [*_covers(recording)]
    rooms = [*_rooms(recording)]
    room_for = int(_SHARE * MAX_VALUES)
    left_out = 0
    for entries in (rooms, covers):
        # The newest entries are at the end.
        sizes = [_values(entry) for entry in entries]
        while entries and sum(sizes) > room_for / 2:
            drop = max(1, len(entries) // 10)
            del entries[:drop], sizes[:drop]
            left_out += drop
    lines = [
        "world:",
        "  source: recorded",
        f"  recorded_at: {_known_at(recording)}",
        f"  sessions: {name}.csv",
        f"  covers: [{_separated(covers)}]",
        *([f"  undecided: {_flow(recording.undecided)}"] if recording.undecided else []),
        *([f"  rooms: [{_separated(rooms)}]"] if rooms else []),
        "replay: {shift: none}",
    ]
    return lines, left_out


def _separated(entries: Sequence[str]) -> str:
    return ("\n    " + ",\n    ".join(entries) + "\n  ") if entries else ""


def _covers(recording: Recording) -> Iterator[str]:
    joined = "contained" not in recording.possible_windows()

    def spans_of(spans: Spans) -> list[tuple[int, int]]:
        return spans.joined if joined else spans.largest()

    for user, spans in recording.users.items():
        # A user without sessions is listed, because the target knows the id.
        is_known = recording.is_known(RECORDS, {"UserId": user})
        for begin, end in spans_of(spans):
            if not is_known or not recording.everybody.holds(begin, end, joined=joined):
                yield _flow({"from": begin, "to": end, "UserId": user})
    for begin, end in spans_of(recording.everybody):
        yield _flow({"from": begin, "to": end})


def _rooms(recording: Recording) -> Iterator[str]:
    """Yield the incomplete rooms, and those requested without a time range unless all sessions are known."""
    joined = "contained" not in recording.possible_windows()
    incomplete = recording.incomplete_rooms()
    for room_id, room in recording.rooms.items():
        if not room.create or (room.users is None and room_id not in incomplete):
            continue
        end = room.destroy if room.users is None else room.end_with_users
        times = {"CreateTime": room.create, **({"DestroyTime": end} if end else {})}
        ended = 0 < room.destroy < recording.recorded_at - CLOCK_SKEW
        whole = ended and recording.everybody.holds(room.create, room.destroy, joined=joined)
        if room_id in incomplete or not whole:
            more: dict[str, Any] = {} if room.users is None else {"Users": room.users}
            more |= {"incomplete": True} if room_id in incomplete else {}
            yield _flow({"RoomId": room_id, **times, **more})


def _answers(recording: Recording) -> Iterator[str]:
    windows = recording.possible_windows()
    for (operation, body), answer in recording.latest.items():
        begin, end = (int(json.loads(body)[name]) for name in ("BeginTime", "EndTime"))
        # Otherwise the sessions contain the answer.
        if len(windows) > 1 or windows & {*ENDING} or not recording.everybody.holds(begin, end):
            yield from _rules(operation, body, answer)
    for (operation, body), answer in recording.failures.items():
        if not recording.is_known(operation, json.loads(body)):
            yield from _rules(operation, body, answer)
    finished = recording.finished_rooms()
    for (operation, body), answer in recording.answers.items():
        if not recording.answer_is_covered(operation, json.loads(body), finished):
            yield from _rules(operation, body, answer)


def _rules(operation: str, body: str, answer: Mapping[str, Any]) -> Iterator[str]:
    """Yield the rules for an answer: two for a time range with one bound, because the other is missing or empty."""
    reply: dict[str, Any] = {"body": answer}
    if is_template(answer):
        # Ids and texts are the target's: never evaluate them.
        reply["literal"] = True
    fields = json.loads(body)
    missing = {"BeginTime", "EndTime"} - fields.keys()
    for when in (
        [{**fields, **dict.fromkeys(missing, value)} for value in (ABSENT, "")] if len(missing) == 1 else [fields]
    ):
        yield f'  - {{"on": "{operation}", "when": {{"body": {_flow(when)}}}, "reply": {_flow(reply)}}}'


def _pages(head: str, answers: Iterable[str]) -> Iterator[str]:
    """Yield the contents of as many files as the limits of a file require."""
    text, size, values = [head], len(head.encode()), _values(head)
    has_answers = False
    for answer in answers:
        more, count = len(answer.encode()), _values(answer)
        if not _fits(size + more, values + count):
            yield "".join(text)
            text, size, values, has_answers = [], 0, 0, False
        if not has_answers:
            text.append("answers:\n")
            has_answers = True
        text.append(answer + "\n")
        size, values = size + more, values + count
    yield "".join(text)


def _fits(size: int, values: int) -> bool:
    """Whether a file of this size is below the limits."""
    return size <= _SHARE * MAX_BYTES and values <= _SHARE * MAX_VALUES


def _values(text: str) -> int:
    """Return an upper bound for the number of values in a text in flow style."""
    return text.count(",") + text.count(":") + text.count("[") + text.count("{")


def _flow(value: Any) -> str:
    """Return a value as JSON that is also valid YAML."""
    return _escape(json.dumps(value, ensure_ascii=False))


def _escape(text: str) -> str:
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _report(recording: Recording, notes: Sequence[Text], lang: Lang) -> Iterator[str]:
    """Yield the lines of the page."""
    texts = {name: text.to(lang) for name, text in _TEXTS.items()}
    yield f"# {texts['title']}"
    yield ""
    yield texts["counts"].format(
        at=show_time(recording.recorded_at), sessions=len(recording.sessions), rooms=len(recording.rooms),
        answers=len(recording.answers) + len(recording.failures),
    )  # fmt: skip
    yield ""
    yield f"## {texts['covers']}"
    yield ""
    spans = recording.everybody.joined
    yield from (f"- {show_time(begin)} – {show_time(end)}" for begin, end in spans[:200])
    if len(spans) > 200:
        yield f"- … {len(spans) - 200}"
    for user, own in list(recording.users.items())[:200]:
        yield from (f"- {_code(user)}: {show_time(begin)} – {show_time(end)}" for begin, end in own.joined[:20])
    for (operation, body), _ in list(recording.answers.items())[:200]:
        yield f"- `{operation}` {_code(body)}"
    yield ""
    yield texts["outside"]
    for name, values in recording.undecided.items():
        yield ""
        yield texts["undecided"].format(reading=f"{name} = {' / '.join(values)}")
    notes = [*calls_in_progress(recording), *notes]
    for name, found in (("conflicts", recording.conflicts), ("notes", notes)):
        yield ""
        yield f"## {texts[name]}"
        yield ""
        yield from (f"- {_plain(text.to(lang))}" for text in found)
        if not found:
            yield texts["none"]


def _code(text: str) -> str:
    return f"`{_plain(text).replace('`', chr(39))}`"


def _plain(text: str) -> str:
    """Return a text without markup."""
    return "".join(char if char.isprintable() else " " for char in text).replace("<", "&lt;")


_TEXTS = {
    "title": Text("Recording", "录制内容"),
    "counts": Text(
        "Until {at}: {sessions} sessions in {rooms} rooms, and {answers} unchanged answers.",
        "截至 {at}：{rooms} 个房间、{sessions} 条进出记录，另有 {answers} 个原样保存的响应。",
    ),
    "covers": Text("Covered requests", "可以返回的内容"),
    "outside": Text(
        "All other requests return `not_recorded`. A time range covers 2.1 of every user and 2.2 of every room within it.",
        "其余一律返回 `not_recorded`。在上述时间段内，可查询任一用户的 2.1 以及完全位于其中的任一房间的 2.2。",
    ),
    "undecided": Text(
        "The answers do not decide the reading {reading}: requests that depend on it return `not_recorded`. "
        "Run `mockserver learn` first, and record with the folder that it writes.",
        "响应不足以判断读法 {reading}：受其影响的请求返回 `not_recorded`。请先运行 `mockserver learn`，再用其写出的目录录制。",
    ),
    "in_progress": Text(
        "{calls} calls were in progress when they were last seen, and are recorded as they were then, in {count} rooms: {rooms}",
        "{calls} 个通话在最后一次查询时仍在进行，录制的是当时的状态，涉及 {count} 个房间：{rooms}",
    ),
    "conflicts": Text("Conflicts (resolved in favour of the newer answer)", "冲突（以较新的响应为准）"),
    "notes": Text("Findings", "发现"),
    "none": Text("None.", "无。"),
}
