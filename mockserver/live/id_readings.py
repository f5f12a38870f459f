"""Decides the readings about ids: of rooms and users that do not exist, or have no calls in a time range."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from mockserver.core.text import Text
from mockserver.live.call_log import CallLog, Session, ask_user, selects
from mockserver.live.probing import Prober
from mockserver.live.record_readings import ask_room, complete_rooms
from mockserver.live.replies import Reply

_USERS: Mapping[tuple[bool | None, ...], str] = {(True,): "unknown", (False,): "known"}
_ROOMS: Mapping[tuple[bool | None, ...], str] = {
    (True, True): "unknown",
    (True, False): "outside",
    (False, False): "known",
    (False,): "known",
}


def conclude_unknown_ids(prober: Prober) -> None:
    """Decide the readings about unknown ids, by the provoked errors."""
    for reading, error, rows in (
        ("unknown_room", "room_not_found", "Users"),
        ("unknown_user", "user_not_found", "UserRecords"),
    ):
        reply = prober.errors[error][-1][1]
        if reply.ok and not reply.rows(rows):
            prober.confirm(reading, "empty", Text("an unknown id has an empty answer", "未知 id 返回空结果"), reply)
        elif reply.code is not None:
            text = Text(f"an unknown id is refused with {reply.code}", f"未知 id 返回错误 {reply.code}")
            prober.confirm(reading, "error", text, reply)
        else:
            text = Text("an id that cannot exist has rows", "不可能存在的 id 返回了数据")
            prober.leave_open(reading, text, reply, new=True)
    room = prober.errors["room_not_found"][-1][1]
    times = room.value.get("CreateTime") if isinstance(room.value, dict) else None
    if prober.value("unknown_room") == "empty" and times in ("", "0"):
        text = Text(f'an unknown room was created at "{times}"', f'未知房间的 CreateTime 为 "{times}"')
        prober.confirm("unknown_room_times", "zero" if times else "empty", text, room)
    else:
        prober.leave_open("unknown_room_times", Text("an unknown room has no times", "未知房间没有时间"), room)


def probe_without_calls(prober: Prober, log: CallLog) -> None:
    """Decide `room_without_calls` and `user_without_calls`: request time ranges without calls for a known id."""
    _probe_room_without_calls(prober, log)
    unknown, session = prober.errors["user_not_found"][-1][1], _with_free_time(log)
    if unknown.ok:
        reason = Text("an unknown user has an empty list, too", "未知用户同样返回空列表")
        prober.leave_open("user_without_calls", reason, unknown)
    elif session is None:
        reason = Text("no time without calls of a known user was found", "没有找到已知用户没有通话的时间")
        prober.leave_open("user_without_calls", reason)
    else:
        listing = ask_user(prober, log, session.user, *_before(session.enter), expected=False)
        text = Text("a known user in a time range without calls", "已知用户，时间段内没有通话")
        _conclude(prober, "user_without_calls", _USERS, unknown, text, listing.reply)


def _probe_room_without_calls(prober: Prober, log: CallLog) -> None:
    unknown, settled = prober.errors["room_not_found"][-1][1], log.settled()
    if not settled:
        prober.leave_open("room_without_calls", Text("no finished room was found", "没有找到已结束的房间"))
        return
    before = ask_room(prober, settled[0].room, *_before(settled[0].create), expected=False)
    replies, rooms = [before], complete_rooms(log)
    for rule in dict.fromkeys((prober.value("window") or "overlap", "overlap")):
        quiet = ((room[0].room, span) for room in rooms for span in _quiet_spans(room, rule))
        room, span = next(quiet, ("", (0, 0)))
        inside = ask_room(prober, room, *span, expected=False) if room else before
        if inside is not before and not inside.rows("Users"):
            replies.append(inside)
            break
    if len(replies) == 1 and _is_unknown(before, unknown):
        text = Text(
            "a room is unknown in a time range before it; no time range inside a room without calls was found",
            "房间在其创建之前的时间段内视为未知；没有找到房间存在期间没有通话的时间段",
        )
        prober.leave_open("room_without_calls", text, before)
        return
    text = Text(
        "a room in time ranges before it and inside it, without calls", "房间创建之前及存在期间没有通话的时间段"
    )
    _conclude(prober, "room_without_calls", _ROOMS, unknown, text, *replies)


def _conclude(
    prober: Prober,
    name: str,
    values: Mapping[tuple[bool | None, ...], str],
    unknown: Reply,
    text: Text,
    *replies: Reply,
) -> None:
    """Decide a reading by which replies are like the one about an id that does not exist."""
    value = values.get(tuple(_is_unknown(reply, unknown) for reply in replies))
    if value:
        prober.confirm(name, value, Text(f"{text.en}: {value}", f"{text.zh}：{value}"), *replies)
    else:
        prober.leave_open(name, text, *replies, new=True)


def _is_unknown(reply: Reply, unknown: Reply) -> bool | None:
    """Return whether a room or a user is answered as one that does not exist; None if the answer is another failure."""
    if not reply.ok:
        return True if reply.code == unknown.code is not None else None
    return reply.value.get("CreateTime") in ("", "0")


def _before(time: int) -> tuple[int, int]:
    return time - 20, time - 10


def _with_free_time(log: CallLog) -> Session | None:
    """Return a session before which its user had no call for a while."""
    for each in log.settled():
        begin, end = _before(each.enter)
        own = (other for other in log.sessions.values() if other.user == each.user)
        if log.covers(begin, end) and not any(other.enter <= end and (other.leave or end) >= begin for other in own):
            return each
    return None


def _quiet_spans(sessions: Sequence[Session], rule: str) -> list[tuple[int, int]]:
    """Return time ranges within a room that select no session."""
    leaves = [each.leave or 0 for each in sessions]
    spans = [(max(each.enter for each in sessions) + 1, max(leaves)), (sessions[0].create, min(leaves) - 1)]
    gaps = zip(itertools.accumulate(leaves, max), sessions[1:], strict=False)
    spans += [(left + 1, each.enter - 1) for left, each in gaps]
    return [span for span in spans if span[0] <= span[1] and not any(selects(rule, each, *span) for each in sessions)]
