"""Checks that the answers of 2.1, 2.2 and 2.3 agree with each other, since they are views of the same call log."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from mockserver.core.text import Text
from mockserver.live.call_log import CallLog, Listing, Session, ask_user, main_window, seconds_of, selects
from mockserver.live.probing import Prober
from mockserver.live.record_readings import ask_room, complete_rooms, totals_of, users_of
from mockserver.live.replies import Reply

INVARIANTS = (
    "records_match_list",
    "room_totals",
    "room_times",
    "session_times",
    "durations",
    "disjoint_sessions",
    "windows",
    "ids",
)


_AHEAD = 600  # Seconds after now, beyond which no clock is the reason for a time.


def look_up(prober: Prober, log: CallLog, requests: int) -> None:
    """Request users of 2.3 from 2.1 and rooms from 2.2, with up to `requests` requests, and compare."""
    begin, end = main_window(log)
    listing = next(
        (each for each in log.listings if each.user is None and (each.begin, each.end) == (begin, end)), None
    )
    settled = {each.key for each in log.settled()}
    by_user: dict[str, list[Session]] = defaultdict(list)
    for each in listing.sessions.values() if listing else ():
        if each.key in settled:
            by_user[each.user].append(each)
    users = sorted(by_user, key=lambda user: -len(by_user[user]))
    rooms = complete_rooms(log)
    for number in range(requests // 2):
        if listing and number < len(users):
            _compare_user(prober, log, listing, users[number], by_user[users[number]], settled)
        if number < len(rooms):
            _compare_room(prober, log, rooms[number])


def _compare_user(
    prober: Prober, log: CallLog, listing: Listing, user: str, known: list[Session], settled: set[tuple[str, str, int]]
) -> None:
    answer = ask_user(prober, log, user, listing.begin, listing.end)
    if not answer.reply.ok:
        text = Text(f"2.1 refuses user {user}, whom 2.3 lists", f"2.1 拒绝 2.3 列出的用户 {user}")
        prober.violate("ids", text, answer.reply)
        return
    _check_echo(prober, answer.reply, "UserId", user)
    invariant = prober.invariant("records_match_list")
    for session in known:
        invariant.checked += 1
        other = answer.sessions.get(session.key)
        if other is None:
            text = Text(f"2.3 lists {_show(session)}, 2.1 does not", f"2.3 有 {_show(session)}，2.1 没有")
            prober.violate("records_match_list", text, answer.reply)
        elif other != session:
            text = Text(
                f"{_show(session)}: {_difference(session, other)}", f"{_show(session)}：{_difference(session, other)}"
            )
            prober.violate("records_match_list", text, answer.reply)
    missing = [session for key, session in answer.sessions.items() if key not in listing.sessions]
    settled = {each.key for each in log.settled()} if missing else settled
    for session in missing:
        if session.key in settled:
            text = Text(f"2.1 lists {_show(session)}, 2.3 does not", f"2.1 有 {_show(session)}，2.3 没有")
            prober.violate("records_match_list", text, listing.reply)


def _compare_room(prober: Prober, log: CallLog, sessions: list[Session]) -> None:
    room = sessions[0].room
    reply = ask_room(prober, room)
    if not reply.ok:
        text = Text(f"2.2 refuses room {room}, which 2.3 lists", f"2.2 拒绝 2.3 列出的房间 {room}")
        prober.violate("ids", text, reply)
        return
    _check_echo(prober, reply, "RoomId", room)
    times = (min(each.enter for each in sessions), max(each.leave or 0 for each in sessions))
    shown = (seconds_of(reply.value.get("CreateTime")), seconds_of(reply.value.get("DestroyTime")))
    if (shown[1] or 0) > reply.at + _AHEAD:
        text = Text(
            f"room {room}: DestroyTime {shown[1]} is in the future", f"房间 {room}：DestroyTime {shown[1]} 在未来"
        )
        prober.violate("room_times", text, reply)
    _check_times_of_users(prober, reply, shown)
    seen = shown[1] is not None and shown[1] < log.started - 5 and log.covers(sessions[0].create, shown[1])
    if shown[1] is None or (shown[1] > times[1] and not seen):
        return  # The room was in use after the time for which its sessions are known.
    expected, got = totals_of(sessions), users_of(reply)
    prober.invariant("room_totals").checked += 1
    if len(got) < len(reply.rows("Users")):
        text = Text(f"room {room}: a user has more than one row", f"房间 {room}：有用户占多行")
        prober.violate("room_totals", text, reply)
    if expected != got:
        different = sorted(user for user in {*expected, *got} if expected.get(user) != got.get(user))[0]
        text = Text(
            f"room {room}, user {different}: {_row(got.get(different))} in 2.2, {_row(expected.get(different))} in the records of 2.3",
            f"房间 {room} 用户 {different}：2.2 为 {_row(got.get(different))}，2.3 的记录为 {_row(expected.get(different))}",
        )
        prober.violate("room_totals", text, reply)
    prober.invariant("room_times").checked += 1
    # The user who created the room may still be in it, and not be listed.
    is_possible = shown[0] is not None and shown[0] <= times[0] and shown[1] == times[1]
    if shown != times and not (is_possible and may_hide_calls(prober)):
        text = Text(
            f"room {room}: CreateTime and DestroyTime are {shown}, first enter and last leave {times}",
            f"房间 {room}：CreateTime 与 DestroyTime 为 {shown}，首次进入与最后离开为 {times}",
        )
        prober.violate("room_times", text, reply)


def _check_times_of_users(prober: Prober, reply: Reply, shown: tuple[int | None, int | None]) -> None:
    """Compare the times of a room with those of its users, if 2.2 lists users in progress, too."""
    rows = reply.rows("Users")
    enters, leaves = ([seconds_of(row.get(name)) for row in rows] for name in ("FirstEnterTime", "LastLeaveTime"))
    if prober.value("ongoing") not in ("now", "zero", "empty") or not rows or None in enters:
        return
    first, last = min(each or 0 for each in enters), max(each or 0 for each in leaves)
    prober.invariant("room_times").checked += 1
    # A target may take the present twice.
    is_last = abs((shown[1] or 0) - last) <= (1 if last >= reply.at - _AHEAD else 0)
    if shown[0] != first or (all(leaves) and not is_last):
        room = reply.value.get("RoomId")
        text = Text(
            f"room {room}: CreateTime and DestroyTime are {shown}, first enter and last leave of its users {(first, last)}",
            f"房间 {room}：CreateTime 与 DestroyTime 为 {shown}，成员的首次进入与最后离开为 {(first, last)}",
        )
        prober.violate("room_times", text, reply)


def may_hide_calls(prober: Prober) -> bool:
    """Return whether calls in progress may exist that no time range lists."""
    return prober.value("ongoing") in (None, "exclude") or prober.value("window") not in ("overlap", "enter")


def _check_echo(prober: Prober, reply: Reply, name: str, sent: str) -> None:
    prober.invariant("ids").checked += 1
    if reply.value.get(name) != sent:
        text = Text(f"{name} of the answer differs from that of the request", f"响应的 {name} 与请求不同")
        prober.violate("ids", text, reply)


def check_sessions(prober: Prober, log: CallLog) -> None:
    """Check every session by itself, the sessions of each user, and all listings against all sessions."""
    source: dict[tuple[str, str, int], Reply] = {}
    for listing in log.listings:
        source.update(dict.fromkeys(listing.sessions, listing.reply))
    for each in log.settled():
        reply, length = source[each.key], (each.leave or 0) - each.enter
        prober.invariant("session_times").checked += 1
        prober.invariant("durations").checked += 1
        if each.create > each.enter or length < 0:
            text = Text(
                f"{_show(each)}: not CreateTime ≤ EnterTime < LeaveTime",
                f"{_show(each)}：不满足 CreateTime ≤ EnterTime < LeaveTime",
            )
            prober.violate("session_times", text, reply)
        elif not (0 <= each.audio <= length and 0 <= each.video <= length):
            text = Text(
                f"{_show(each)}: {each.audio} s of audio, {each.video} s of video in {length} s",
                f"{_show(each)}：{length} 秒内音频 {each.audio} 秒、视频 {each.video} 秒",
            )
            prober.violate("durations", text, reply)
    for each in log.sessions.values():
        if max(each.enter, each.leave or 0) > source[each.key].at + _AHEAD:
            text = Text(f"{_show(each)} is in the future", f"{_show(each)} 在未来")
            prober.violate("session_times", text, source[each.key])
    for known, changed, listing in log.conflicts:
        if may_hide_calls(prober) and changed == replace(known, create=min(known.create, changed.create)):
            continue  # The call of the user who created the room has ended since.
        text = Text(f"{_show(known)}: {_difference(known, changed)}", f"{_show(known)}：{_difference(known, changed)}")
        prober.violate("records_match_list", text, listing.reply)
    _check_overlaps(prober, log.settled(), source)
    _check_listings(prober, log)


def _check_overlaps(prober: Prober, sessions: Iterable[Session], source: dict[tuple[str, str, int], Reply]) -> None:
    by_user: dict[str, list[Session]] = defaultdict(list)
    for each in sessions:
        by_user[each.user].append(each)
    for user, own in by_user.items():
        prober.invariant("disjoint_sessions").checked += 1
        for earlier, later in pairwise(sorted(own, key=lambda each: each.enter)):
            if later.enter < (earlier.leave or 0):
                text = Text(
                    f"user {user} is in two sessions at once: {_show(earlier)} and {_show(later)}",
                    f"用户 {user} 同时处于两个会话：{_show(earlier)} 与 {_show(later)}",
                )
                prober.violate("disjoint_sessions", text, source[later.key], "warning")


def _check_listings(prober: Prober, log: CallLog) -> None:
    """Check that every listing has the sessions that its time range selects, and no others."""
    rule, invariant = prober.value("window"), prober.invariant("windows")
    if rule is None:
        invariant.reason = Text("the reading window is undecided", "读法 window 未定")
        _check_nested(prober, log)
        return
    settled = log.settled()
    by_user: dict[str, list[Session]] = defaultdict(list)
    for each in settled:
        by_user[each.user].append(each)
    for listing in log.listings:
        operation = "2.3" if listing.user is None else "2.1"
        if listing.repeated:
            shown = _show(listing.repeated)
            text = Text(
                f"{operation} for {listing.begin}…{listing.end} lists {shown} more than once",
                f"{operation} 在 {listing.begin}…{listing.end} 重复列出 {shown}",
            )
            prober.violate("windows", text, listing.reply)
        for session in settled if listing.user is None else by_user[listing.user]:
            invariant.checked += 1
            listed = session.key in listing.sessions
            if listed != selects(rule, session, listing.begin, listing.end):
                verb, verb_zh = ("lists", "列出了") if listed else ("does not list", "没有列出")
                text = Text(
                    f"{operation} for {listing.begin}…{listing.end} {verb} {_show(session)} (window={rule})",
                    f"{operation} 在 {listing.begin}…{listing.end} {verb_zh} {_show(session)}（window={rule}）",
                )
                prober.violate("windows", text, listing.reply)


def _check_nested(prober: Prober, log: CallLog) -> None:
    """Check that a time range lists the sessions of each shorter one within it, as under any value of `window`."""
    settled = {each.key: each for each in log.settled()}
    for inner, outer in itertools.permutations(log.listings, 2):
        if outer.user in (None, inner.user) and outer.begin <= inner.begin and inner.end <= outer.end:
            missing = [key for key in inner.sessions if key in settled and key not in outer.sessions]
            if missing:
                shown, wide = _show(settled[missing[0]]), f"{outer.begin}…{outer.end}"
                text = Text(
                    f"{wide} does not list {shown}, {inner.begin}…{inner.end} within it does",
                    f"{wide} 没有列出 {shown}，而其中的 {inner.begin}…{inner.end} 列出了",
                )
                prober.violate("windows", text, outer.reply)


def _show(each: Session) -> str:
    return f"{each.user} in {each.room} {each.enter}…{each.leave}"


def _row(values: tuple[object, ...] | None) -> str:
    return "–" if values is None else "/".join(map(str, values))


def _difference(first: Session, second: Session) -> str:
    names = ("create", "leave", "audio", "video")
    return ", ".join(
        f"{name} {getattr(first, name)} ≠ {getattr(second, name)}"
        for name in names
        if getattr(first, name) != getattr(second, name)
    )
