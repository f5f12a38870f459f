"""Decides the readings about records (§2): which calls a time range selects, and how a call in progress is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from mockserver.core.text import Text
from mockserver.live.call_log import RECENT, CallLog, Listing, Session, ask_all, ask_user, seconds_of, selects
from mockserver.live.clues import RULES
from mockserver.live.probing import ROOM, Prober
from mockserver.live.replies import Reply

_MIN_LENGTH = 6  # Seconds of a call that a time range can cut at its begin, inside, and at its end.
_PROBED_CALLS = 3
_PROBED_WINDOWS = 4
_PROBED_ROOMS = 4
_SLACK = 2  # Maximum seconds between signing a request and the target's time of answering it.
_PAUSE = 3.0
_MARGIN = 3_600
_CONTROLS = 2
_AHEAD = 60


def probe_window(prober: Prober, log: CallLog) -> None:
    """Decide `window` by time ranges at the begin, inside, at the end and around finished calls, in 2.3 and 2.1."""
    calls = sorted((each for each in log.settled() if _length(each) > 0), key=_length)
    # Short calls cannot be cut inside; calls of medium length: their time ranges contain few other calls.
    calls = [each for each in calls if _length(each) >= _MIN_LENGTH] or calls
    calls = calls[len(calls) // 2 :][:_PROBED_CALLS]
    if not calls:
        prober.leave_open("window", Text("no finished call was found", "没有找到已结束的通话"))
        return
    votes: Counter[str] = Counter()
    asked: list[Listing] = []
    may_be_empty = prober.value("unknown_user") != "error"  # Otherwise a user without calls may be unknown.
    for number, call in enumerate(calls):
        for begin, end in _cuts(call):
            listings = [ask_all(prober, log, begin, end)]
            if number == 0:
                listings.append(ask_user(prober, log, call.user, begin, end, expected=may_be_empty))
            for listing in listings:
                asked.append(listing)
                for rule in RULES:
                    votes[rule] += (call.key in listing.sessions) == selects(rule, call, begin, end)
    for begin, end in ((calls[0].enter, calls[0].enter), (calls[0].leave or 0, calls[0].leave or 0)):
        ask_all(prober, log, begin, end)  # Bounds are inclusive, as the invariant `windows` checks.
    ask_all(prober, log, calls[0].enter, calls[0].leave or 0)
    replies = [listing.reply for listing in asked]
    best = max(RULES, key=lambda rule: votes[rule])
    seen = ", ".join(
        "selected" if calls[0].key in each.sessions else "not" for each in asked[: 2 * len(_cuts(calls[0])) : 2]
    )
    inside, inside_zh = (" inside,", "内部、") if _length(calls[0]) >= _MIN_LENGTH else ("", "")
    evidence = f"a call of {_length(calls[0])} s, cut at its begin, at its end,{inside} around: {seen}"
    text = Text(evidence, f"一次 {_length(calls[0])} 秒的通话，分别在开始、结束、{inside_zh}外围截取：{seen}")
    if votes[best] == len(asked) and sum(votes[rule] == votes[best] for rule in RULES) == 1:
        prober.confirm("window", best, text, *replies)
    elif votes[best] * 10 >= len(asked) * 8 and sum(votes[rule] == votes[best] for rule in RULES) == 1:
        # The invariants report the missing or superfluous rows of the other answers.
        text = Text(
            f"{text.en}; {votes[best]} of {len(asked)} answers agree",
            f"{text.zh}；{len(asked)} 个响应中 {votes[best]} 个一致",
        )
        prober.confirm("window", best, text, *replies)
    else:
        prober.leave_open("window", text, *replies, new=True)


def _cuts(call: Session) -> list[tuple[int, int]]:
    leave = call.leave or 0
    if _length(call) < _MIN_LENGTH:  # Bounds are inclusive.
        return [(call.enter - 1, call.enter), (leave, leave + 1), (call.enter - 1, leave + 1)]
    middle = (call.enter + leave) // 2
    return [(call.enter - 1, call.enter + 1), (leave - 1, leave + 1), (middle, middle + 1), (call.enter - 1, leave + 1)]


def _length(call: Session) -> int:
    return (call.leave or call.enter) - call.enter


def ask_room(
    prober: Prober, room: str, begin: int | None = None, end: int | None = None, *, expected: bool = True
) -> Reply:
    """Send a request to 2.2 for a room, with or without a time range."""
    body = {"RoomId": room}
    body |= {} if begin is None else {"BeginTime": str(begin), "EndTime": str(end)}
    return prober.ask(ROOM, body, expected=expected)


def users_of(reply: Reply) -> dict[str, tuple[Any, ...]]:
    """Return the users of an answer of 2.2 with FirstEnterTime, LastLeaveTime, AudioDuration, VideoDuration."""
    return {
        str(row.get("UserId")): (
            seconds_of(row.get("FirstEnterTime")),
            seconds_of(row.get("LastLeaveTime")),
            seconds_of(row.get("AudioDuration")) or 0,
            seconds_of(row.get("VideoDuration")) or 0,
        )
        for row in reply.rows("Users")
    }


def totals_of(sessions: Iterable[Session]) -> dict[str, tuple[Any, ...]]:
    """Return the users that 2.2 has to return for sessions of one room, in the form of `users_of`."""
    users: dict[str, tuple[Any, ...]] = {}
    for each in sessions:
        first, last, audio, video = users.get(each.user, (each.enter, each.leave, 0, 0))
        users[each.user] = (min(first, each.enter), max(last, each.leave), audio + each.audio, video + each.video)
    return users


def complete_rooms(log: CallLog) -> list[list[Session]]:
    """Return the rooms whose sessions are probably all known, those with the most users first."""
    rooms = []
    for sessions in log.settled_rooms().values():
        # Another user may have entered after the last listed one left.
        last = max(each.leave or 0 for each in sessions) + _MARGIN
        if log.covers(sessions[0].create, min(last, int(log.started))):
            rooms.append(sessions)
    return sorted(rooms, key=lambda sessions: (-len({each.user for each in sessions}), sessions[0].enter))


def probe_room_window(prober: Prober, log: CallLog) -> None:
    """Decide `room_window`: request time ranges from 2.2 that select only some of a room's sessions."""
    rule = prober.value("window") or "overlap"
    ranges = [each for room in complete_rooms(log)[:40] for each in _partial_ranges(room, rule)][:_PROBED_WINDOWS]
    replies, contradictions, votes = [], list[Reply](), Counter[str]()
    for sessions, begin, end in ranges:
        reply = ask_room(prober, sessions[0].room, begin, end)
        users = users_of(reply)
        destroyed = seconds_of(reply.value.get("DestroyTime")) if users else 0
        if destroyed is None or destroyed > max(each.leave or 0 for each in sessions):
            continue  # The room is in use, by calls that no time range lists.
        replies.append(reply)
        if users == totals_of(each for each in sessions if selects(rule, each, begin, end)):
            votes["stays"] += 1
        elif users == totals_of(each for each in sessions if selects("overlap", each, begin, end)):
            votes["present"] += 1
        elif users == totals_of(sessions):
            votes["room"] += 1
        else:
            votes["some" if set(users) < {each.user for each in sessions} else "other"] += 1
            contradictions.append(reply)
    if not votes:
        prober.leave_open("room_window", Text(
            "no finished room with sessions at different times was found", "没有找到成员时间不同的已结束房间"
        ))  # fmt: skip
        return
    for reply in contradictions if prober.value("window") else ():
        # No choice of `room_window` returns such users.
        text = Text(
            f"room {reply.value.get('RoomId')}: its users in a time range are neither all nor those of the sessions in it",
            f"房间 {reply.value.get('RoomId')}：时间段内的成员既非全部成员，也与其中的会话不符",
        )
        prober.violate("room_totals", text, reply)
    if votes["present"]:
        votes["present"] += votes.pop("stays", 0)
    value, count = votes.most_common(1)[0]
    text = Text(
        f"{count} of {len(replies)} time ranges inside a room returned {_SHOWN[value].en}",
        f"房间内的 {len(replies)} 个时间段中，{count} 个返回{_SHOWN[value].zh}",
    )
    if value in ("room", "stays", "present") and count * 2 > len(replies):
        prober.confirm("room_window", "room" if value == "room" else "stays", text, *replies)
    else:
        prober.leave_open("room_window", text, *replies, new=True)


_SHOWN = {
    "room": Text("all of its users", "全部成员"),
    "stays": Text("only the users of the sessions that `window` selects", "仅含读法 window 所选会话的成员"),
    "present": Text(
        "only those who were present, which is more than `window` selects: the mock lists fewer",
        "仅在场的成员，多于读法 window 所选；模拟服务列出的较少",
    ),
    "some": Text("some of its users, but not those who were present", "部分成员，但并非在场的成员"),
    "other": Text("other totals than those of its sessions", "与通话记录不一致的合计"),
}


def _partial_ranges(sessions: Sequence[Session], rule: str) -> list[tuple[Sequence[Session], int, int]]:
    """Return a time range that distinguishes the choices, preferably one in which `window` omits users present."""
    times = sorted({time for each in sessions for time in (each.enter, each.leave or each.enter)})
    spans = [(begin, end) for index, begin in enumerate(times[:12]) for end in times[index : index + 6]]
    found = []
    for begin, end in spans:
        chosen = [each for each in sessions if selects(rule, each, begin, end)]
        present = [each for each in sessions if selects("overlap", each, begin, end)]
        if chosen and totals_of(present) != totals_of(sessions):
            found.append((len(present) == len(chosen), begin, end))
    return [(sessions, begin, end) for _, begin, end in sorted(found)[:1]]


def ask_present(prober: Prober, log: CallLog, begin: int) -> Listing:
    """Send a request to 2.3 from `begin` to a minute after now, or to now if the target refuses the future."""
    now = int(prober.now())
    listing = ask_all(prober, log, begin, now + _AHEAD, expected=False)
    return listing if listing.reply.ok else ask_all(prober, log, begin, now)


def probe_ongoing(prober: Prober, log: CallLog, before: Listing) -> None:
    """Decide `ongoing`: compare two answers about the present, a few seconds apart."""
    gone = prober.now() - before.reply.at
    if gone < _PAUSE:
        prober.target.pause(_PAUSE - gone)
    after = ask_present(prober, log, before.begin)
    shown = {
        _raw_leave(listing, each)
        for listing in (before, after)
        for each in listing.sessions.values()
        if each.leave is None
    }
    if shown:
        if shown <= {"0", ""} and len(shown) == 1:
            value = "zero" if shown == {"0"} else "empty"
            text = Text(f'LeaveTime of a call in progress is "{shown.pop()}"', f"进行中的通话 LeaveTime 为 {value}")
            prober.confirm("ongoing", value, text, before.reply, after.reply)
        else:
            prober.leave_open(
                "ongoing",
                Text(f"LeaveTime of a call in progress: {shown}", f"进行中的通话 LeaveTime：{shown}"),
                after.reply,
                new=True,
            )
        return
    moving = [
        each for key, each in before.sessions.items()
        if _is_now(each, before) and (later := after.sessions.get(key)) and later.leave != each.leave
    ]  # fmt: skip
    if moving:
        each = moving[0]
        text = Text(
            f"LeaveTime of a call in progress moved from {each.leave} to {after.sessions[each.key].leave}",
            f"进行中的通话 LeaveTime 从 {each.leave} 变为 {after.sessions[each.key].leave}",
        )
        prober.confirm("ongoing", "now", text, before.reply, after.reply)
        return
    if not _look_into_rooms(prober, log, before):
        conclude_exclude(prober, before, after)


def conclude_exclude(prober: Prober, before: Listing, after: Listing) -> None:
    """Decide whether calls are listed only after their end, although `window` selects them before."""
    late = [
        each
        for key, each in after.sessions.items()
        if key not in before.sessions and each.enter < before.reply.at - _SLACK
    ]
    if late and prober.value("window") in ("overlap", "enter"):
        text = Text(
            f"{len(late)} calls that began before the first request were listed only after their end",
            f"{len(late)} 个在首次请求前开始的通话，结束后才出现",
        )
        prober.confirm("ongoing", "exclude", text, before.reply, after.reply)
    else:
        prober.leave_open(
            "ongoing", Text("no call in progress was seen", "没有看到进行中的通话"), before.reply, after.reply
        )


def _look_into_rooms(prober: Prober, log: CallLog, before: Listing) -> bool:
    """Look for calls in progress in the rooms of 2.2; return whether they decide `ongoing`."""
    rooms: dict[str, list[Session]] = {}
    for each in before.sessions.values():
        rooms.setdefault(each.room, []).append(each)
    # First the rooms without the session that created them, then those with the latest end.
    order = sorted(
        rooms.values(),
        key=lambda own: (own[0].create == min(each.enter for each in own), -max(each.leave or 0 for each in own)),
    )
    headless = []
    for own in order[:_PROBED_ROOMS]:
        reply = ask_room(prober, own[0].room)
        destroyed = reply.value.get("DestroyTime") if isinstance(reply.value, dict) and reply.ok else None
        value = {"0": "zero", "": "empty"}.get(destroyed) if isinstance(destroyed, str) else None
        if value and reply.rows("Users"):
            text = Text(f'DestroyTime of a room in use is "{destroyed}"', f"使用中的房间 DestroyTime 为 {value}")
            prober.confirm("ongoing", value, text, reply)
            return True
        if _is_headless(reply):
            headless.append(reply)
    old = [room for room in complete_rooms(log) if max(each.leave or 0 for each in room) < log.started - RECENT]
    if not headless or not old or any(_is_headless(ask_room(prober, room[0].room)) for room in old[:_CONTROLS]):
        return False
    text = Text(
        f"{len(headless)} recent rooms were created before any of their users entered, older rooms were not",
        f"{len(headless)} 个近期房间的创建早于其任何成员进入，较早的房间则没有",
    )
    prober.confirm("ongoing", "exclude", text, *headless)
    return True


def _is_headless(reply: Reply) -> bool:
    """Return whether the user who created a room is not among its users."""
    enters = [enter for enter, *_ in users_of(reply).values() if enter]
    create = seconds_of(reply.value.get("CreateTime")) if isinstance(reply.value, dict) else None
    return bool(enters and create and create < min(enters))


def _raw_leave(listing: Listing, session: Session) -> str:
    for row in listing.reply.rows("UsersList"):
        if (row.get("UserId"), row.get("RoomId"), seconds_of(row.get("EnterTime"))) == session.key:
            return str(row.get("LeaveTime"))
    raise AssertionError(session)


def _is_now(session: Session, listing: Listing) -> bool:
    return session.leave is not None and abs(session.leave - listing.reply.at) <= _SLACK
