"""Decides the readings of §1.1 and §1.2: signature, freshness, paths, and strictness."""

from __future__ import annotations

import math
from collections.abc import Callable

from mockserver.contract.checksum import Formula, new_seq
from mockserver.contract.operations import PREFIX
from mockserver.core.clock import DAY_SECONDS, format_day
from mockserver.core.text import Text
from mockserver.live.answers import Finding
from mockserver.live.connecting import LONG_AGO, MAX_SKEW, NO_CHECKSUM, send_unused, send_valid, shows_clock, valid_body
from mockserver.live.probing import ALL, DATE_TOLERANCE, TREND, Prober, date_offset
from mockserver.live.replies import Reply

_VARIANTS = ("/v1/test/", "/v1/video/", "/v2/test/")
_DEFAULT_FRESHNESS = 300
_SHORT = 3  # Seconds.
_MAX_REACH = 3_600
_MAX_CLOCK_STEPS = 6
_REPEATS = 2  # Requests in other seconds, if a curtime may have been used before.
_BEYOND = (5, 20)  # Seconds beyond a limit that are refused unless it was the end of used curtimes.
_FAR = range(5, 121, 5)  # The same for a short limit, within which an earlier examination may have used all.
_MAX_FRESHNESS = DAY_SECONDS + MAX_SKEW  # Seconds: a reading is at most a day.
_NO_FUTURE = 5  # Seconds by which a target may accept future curtimes that only means to accept no future ones.


def probe_signature(prober: Prober) -> None:
    """Decide the readings of §1.1."""
    _probe_reuse(prober)
    _probe_checksum(prober)
    if prober.value("signing") == "off":
        reason = Text("signatures are not checked", "目标不校验签名")
        for name in ("freshness_seconds", "seq", "curtime"):
            prober.leave_open(name, reason)
        prober.short_lived, prober.reach = False, _MAX_REACH
    else:
        _probe_freshness(prober)
        _probe_formula(prober)
        _probe_seq(prober)
        _probe_curtime(prober)
    _probe_identifier(prober)
    _probe_paths(prober)


def _probe_reuse(prober: Prober) -> None:
    """Send a checksum twice in one second, then a new one."""
    first = send_unused(prober)
    again = send_valid(prober, sign={"curtime": prober.last_curtime})
    if again.ok and first.ok:
        prober.once = False
        prober.confirm(
            "checksum_reuse",
            "allowed",
            Text("a checksum was accepted twice", "同一 checksum 两次均被接受"),
            first,
            again,
        )
        return
    fresh = send_unused(prober)
    if first.ok and fresh.ok:
        text = Text(
            "a checksum was refused the second time, a new one accepted", "同一 checksum 第二次被拒绝，新的被接受"
        )
        prober.confirm("checksum_reuse", "once", text, first, again, fresh)
        prober.errors["checksum_reused"] = [("checksum sent twice", again)]
    else:
        prober.leave_open(
            "checksum_reuse",
            Text("valid requests are refused at times", "有效请求有时被拒绝"),
            first,
            again,
            fresh,
            new=True,
        )


def _probe_checksum(prober: Prober) -> None:
    wrong = send_valid(prober, sign={"checksum": NO_CHECKSUM})
    prober.errors.setdefault("checksum_mismatch", []).append(("wrong checksum", wrong))
    if wrong.ok:
        prober.confirm("signing", "off", Text("a wrong checksum was accepted", "错误的 checksum 被接受"), wrong)


def report_unsigned(prober: Prober) -> None:
    """Report a target that does not check signatures."""
    if prober.value("signing") == "off":
        text = Text(
            "a request with a wrong checksum is accepted; if that is intended, add --reading signing=off",
            "checksum 错误的请求被接受；若本应如此，请加 --reading signing=off",
        )
        prober.report(ALL, Finding("error", "unsigned", text, prober.readings["signing"].requests[0]))


def _probe_formula(prober: Prober) -> None:
    used = prober.target.formula
    other: Formula = "v1" if used == "v2" else "v2"
    # With `checksum_reuse=once`, an earlier examination may have used the checksum, but hardly that of a late curtime.
    reply = send_valid(prober, formula=other, offset=prober.reach if prober.once else None)
    if reply.ok:
        prober.confirm("signing", "either", Text("both formulas were accepted", "两种公式均被接受"), reply)
    else:
        text = Text(f"formula {used} was accepted, {other} refused", f"公式 {used} 被接受，{other} 被拒绝")
        prober.confirm("signing", used, text, reply)


def _probe_freshness(prober: Prober) -> None:
    """Find the oldest and the newest accepted curtime."""
    asked: dict[int, Reply] = {0: send_valid(prober, offset=0)}
    used_code = _code_of_used(prober) if prober.once else None

    def accepts(offset: int) -> bool:
        if offset not in asked:
            asked[offset] = send_valid(prober, offset=offset)
        # A checksum that was used before was accepted then.
        return asked[offset].ok or asked[offset].code == used_code is not None

    def edge(side: int, guess: int) -> int:
        found = _edge(lambda seconds: accepts(side * seconds), guess)
        for _ in range(_REPEATS if prober.once and found <= _MAX_FRESHNESS else 0):
            # This curtime alone may have been used before.
            prober.target.pause(1.0)
            del asked[side * (found + 1)]
            if accepts(side * (found + 1)):
                return edge(side, found + 1)
        return found

    past = edge(-1, _DEFAULT_FRESHNESS)
    future = edge(1, past)
    prober.short_lived = not accepts(-_SHORT)
    shown = [asked[each] for each in sorted(asked, key=abs)[-3:]]
    if max(past, future) > _MAX_FRESHNESS or past + future > 2 * DAY_SECONDS:
        sides = [name for name, edge in (("old", past), ("future", future)) if edge > DAY_SECONDS]
        text = Text(
            f"no limit within a day for {' and '.join(sides)} curtimes", f"一天之内没有时限：{'、'.join(sides)}"
        )
        prober.leave_open("freshness_seconds", text, *shown, new=True)
    else:
        edges = [asked[each] for each in (-past, -past - 1, future + 1) if each in asked]
        ahead = (future - past) / 2  # Seconds that the target's clock is ahead, unless old curtimes were used before.
        text = Text(
            f"curtimes from {-past} s to {future:+d} s were accepted, one second more was refused",
            f"{-past} 秒至 {future:+d} 秒的 curtime 被接受，再多一秒被拒绝",
        )
        used = _were_used(prober, asked[-past - 1], accepts, future, ahead) if prober.once and ahead >= 1 else False
        if (used and any(accepts(future + step) for step in _BEYOND)) or (
            prober.once and used_code is None and _is_longer(prober, accepts, past, future)
        ):
            used = None
        measured = date_offset(prober.date, prober.now())
        oldest = _oldest(prober, accepts, future) if used else None
        if oldest and (measured is not None or not _accepts_older(prober, oldest, future)):
            past, ahead, used = oldest, (future - oldest) / 2, False
        elif used and measured is None:
            used = None
        prober.clock_error = MAX_SKEW if used or used is None else 0
        if used is None:
            also = Text("earlier requests or another clock may be why", "可能因先前的请求，也可能因时钟不同")
            text = Text(f"{text.en}; {also.en}", f"{text.zh}；{also.zh}")
            prober.leave_open("freshness_seconds", text, *edges)
        else:
            limit = future if used else math.ceil((past + future) / 2)
            is_unlikely = abs(ahead) > MAX_SKEW or (future <= _NO_FUTURE and past >= MAX_SKEW / 2)
            if measured is None and not used and abs(ahead) > MAX_SKEW and shows_clock(prober, ahead):
                measured = ahead
                text = Text(
                    f"{text.en}; the newest data show that its clock differs by {ahead:+g} s",
                    f"{text.zh}；最新数据表明其时钟相差 {ahead:+g} 秒",
                )
            if not used and is_unlikely and (measured is None or abs(measured - ahead) > DATE_TOLERANCE):
                # Two different limits are likelier than such a clock.
                prober.leave_open("freshness_seconds", text, *edges, new=True)
            else:
                prober.confirm("freshness_seconds", limit, text, *edges)
                if abs(ahead) > 0.5 and not used:
                    prober.skew += ahead
                    past = future = limit
    prober.reach = max(0, min(past, future, _MAX_REACH) - 1)


def _code_of_used(prober: Prober) -> int | None:
    """Return the code for a checksum that was used before; None if it is also that for an old curtime."""
    reused, old = prober.errors.get("checksum_reused"), send_valid(prober, offset=-LONG_AGO)
    return reused[0][1].code if reused and reused[0][1].code != old.code else None


def _is_longer(prober: Prober, accepts: Callable[[int], bool], past: int, future: int) -> bool:
    """Return whether a short limit was only found because an earlier examination had used the curtimes beyond it."""
    longest = max(past, future)
    if longest >= MAX_SKEW:
        return False
    if past - future >= 2 and _accepts_older(prober, past, future):
        return True
    return any(accepts(longest + step) for step in _FAR)


def _accepts_older(prober: Prober, past: int, future: int) -> bool:
    """Return whether an older curtime than `past` seconds is accepted, if waiting for one that is unused is possible."""
    if past + future > 2 * MAX_SKEW:
        return False
    prober.target.pause(past + future + _BEYOND[0])  # Before, it was too far in the future to be used.
    return send_valid(prober, offset=-past - 1).ok


def _oldest(prober: Prober, accepts: Callable[[int], bool], future: int) -> int | None:
    """Return the age of the oldest accepted curtime, if the clocks differ only by seconds; None if it is not found."""
    guess = future - 2 * round(date_offset(prober.date, prober.now()) or 0)
    ages = range(guess + _MAX_CLOCK_STEPS, max(0, guess - _MAX_CLOCK_STEPS), -1)
    oldest = next((age for age in ages if accepts(-age)), None)
    return oldest if oldest != guess + _MAX_CLOCK_STEPS else None


def _were_used(
    prober: Prober, refused: Reply, accepts: Callable[[int], bool], future: int, ahead: float
) -> bool | None:
    """Return whether an old curtime was refused for a used checksum and not for its age; None if that is unknown."""
    if "checksum_reused" not in prober.errors:
        return None
    reused = prober.errors["checksum_reused"][0][1]
    old = send_valid(prober, offset=-LONG_AGO)
    if (reused.code, reused.info) != (old.code, old.info):
        said = (refused.code, refused.info) if reused.code == old.code else (refused.code,)
        if said[0] in (reused.code, old.code):
            return said == (reused.code, reused.info)[: len(said)]
    measured = date_offset(prober.date, prober.now())
    if measured is not None and min(abs(measured), abs(measured - ahead)) <= DATE_TOLERANCE:
        return abs(measured) < abs(measured - ahead)
    return True if accepts(-future) else None


def _edge(accepts: Callable[[int], bool], guess: int) -> int:
    """Return the largest accepted distance in seconds, or more than a day if there is no limit."""
    if accepts(guess):
        if guess > _MAX_FRESHNESS or not accepts(guess + 1):
            return guess
        low, step = guess + 1, 1
        while low <= _MAX_FRESHNESS and accepts(min(low + step, _MAX_FRESHNESS + 1)):
            low, step = min(low + step, _MAX_FRESHNESS + 1), 4 * step
        high = low + step
    else:
        low, high = 0, guess
    while high - low > 1 and low <= _MAX_FRESHNESS:
        middle = (low + high) // 2
        low, high = (middle, high) if accepts(middle) else (low, middle)
    return low


def _probe_seq(prober: Prober) -> None:
    without = send_valid(prober, sign={"seq": None})
    seq = new_seq(str(int(prober.now())))
    first, second = send_valid(prober, sign={"seq": seq}), send_valid(prober, sign={"seq": seq})
    if without.ok and second.ok:
        prober.confirm(
            "seq", "optional", Text("a request without seq was accepted", "无 seq 的请求被接受"), without, second
        )
    elif without.ok or not first.ok:
        text = Text("seq may be missing, but not repeated", "seq 可省略，但不可重复")
        prober.leave_open("seq", text, without, first, second, new=True)
    elif second.ok:
        text = Text("seq was required, and accepted twice", "seq 必填，重复也被接受")
        prober.confirm("seq", "required", text, without, second)
    else:
        prober.confirm(
            "seq", "unique", Text("a seq was refused the second time", "同一 seq 第二次被拒绝"), without, first, second
        )
        prober.errors.setdefault("duplicate_seq", []).append(("seq sent twice", second))


def _probe_curtime(prober: Prober) -> None:
    reply = prober.ask(ALL, valid_body(prober), offset=0, fraction=True, expected=False)
    text = Text("a curtime with a fraction was accepted", "带小数的 curtime 被接受")
    if reply.ok:
        prober.confirm("curtime", "fraction", text, reply)
    else:
        text = Text("a curtime with a fraction was refused", "带小数的 curtime 被拒绝")
        prober.confirm("curtime", "integer", text, reply)


def _probe_identifier(prober: Prober) -> None:
    reply = send_valid(prober, sign={"identifier": "no-such-account"})
    if reply.ok:
        prober.confirm(
            "identifier", "any", Text("an unknown identifier was accepted", "未知的 identifier 被接受"), reply
        )
    else:
        prober.confirm(
            "identifier", "admin", Text("an unknown identifier was refused", "未知的 identifier 被拒绝"), reply
        )
        prober.errors.setdefault("identifier_not_allowed", []).append(("unknown identifier", reply))


def _probe_paths(prober: Prober) -> None:
    replies = [send_valid(prober, path=f"{prefix}{ALL}") for prefix in _VARIANTS]
    accepted = [prefix for prefix, reply in zip(_VARIANTS, replies, strict=True) if reply.ok]
    listed = ", ".join(accepted)
    if len(accepted) == len(_VARIANTS):
        prober.confirm("paths", "document", Text(f"accepted: {listed}", f"被接受：{listed}"), *replies)
    elif not accepted:
        text = Text(f"only {PREFIX} was accepted", f"只有 {PREFIX} 被接受")
        prober.confirm("paths", "v2/video", text, *replies)
    else:
        prober.leave_open("paths", Text(f"accepted: {listed}, no others", f"仅接受：{listed}"), *replies, new=True)


def probe_strictness(prober: Prober) -> None:
    """Decide `strictness` by four requests that the document does not allow (§1.2)."""
    body = valid_body(prober)
    day = format_day(prober.now())
    variants = {
        "integers for stamps": prober.ask(ALL, {name: int(value) for name, value in body.items()}, expected=False),
        "an unknown field": prober.ask(ALL, {**body, "Unknown": "1"}, expected=False),
        "no Content-Type": prober.ask(ALL, body, headers={}, expected=False),
        'CountBy "1"': prober.ask(TREND, {"QueryDate": day, "CountBy": "1"}, expected=False),
    }
    accepted = [name for name, reply in variants.items() if reply.ok]
    refused = [name for name in variants if name not in accepted]
    text = Text(
        f"accepted: {', '.join(accepted) or 'none'}; refused: {', '.join(refused) or 'none'}",
        f"接受：{', '.join(accepted) or '无'}；拒绝：{', '.join(refused) or '无'}",
    )
    if accepted and refused:
        prober.leave_open("strictness", text, *variants.values(), new=True)
    else:
        prober.confirm("strictness", "lenient" if accepted else "strict", text, *variants.values())
