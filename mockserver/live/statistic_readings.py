"""Decides the readings about statistics (§3) by the answers for a finished day, today and tomorrow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from math import gcd
from statistics import median

from mockserver.core.clock import DAY_SECONDS, format_day, start_of_day
from mockserver.core.text import Text
from mockserver.live.answers import Finding
from mockserver.live.call_log import CallLog, seconds_of
from mockserver.live.day import COUNTS, Day, all_counts, ticks_of
from mockserver.live.probing import DISTRIBUTION, QUALITY, TREND, Prober
from mockserver.live.replies import Reply

_NO_DAY = Text("no finished day with calls was found", "没有找到有通话的已结束日期")
_RUN_TIME = 5_400  # Seconds after midnight at which a nightly job counts the day before.
_OTHER_DAYS = 3
_CLOCK_ERROR = 3_600  # Seconds by which the clock of the target may be ahead, for what is certainly in its future.
_EMPTY_DAY = "20010909"  # Long before the service began.
_MIN_RUN = 4  # Consecutive ticks at equal distances, which are not a coincidence if calls are shorter than a tick.


def probe_statistics(prober: Prober, log: CallLog, day: Day | None) -> None:
    """Decide the readings of §3, as far as the data allow."""
    if day is None:
        prober.leave_open("trend", _NO_DAY)
        day = _decide_without_calls(prober)
    else:
        _decide_ticks(prober, day)
        _decide_trend(prober, day)
        _decide_fill(prober, day)
        _decide_distribution(prober, day)
        _decide_delay_unit(prober, day)
    _decide_all_counts(prober, day)
    _decide_today(prober, log)


def _decide_without_calls(prober: Prober) -> Day | None:
    """Decide what a finished day without calls shows, and return it if its ticks are listed; and today's distribution."""
    today = start_of_day(int(prober.now()))
    quiet, current = (Day(format_day(start), start) for start in (today - DAY_SECONDS, today))
    for count in COUNTS:
        quiet.trends[count] = prober.ask(TREND, {"QueryDate": quiet.name, "CountBy": count}, expected=False)
    is_listed = any(quiet.volumes(count) for count in COUNTS)
    if is_listed:
        _decide_ticks(prober, quiet)
        _decide_fill(prober, quiet)
    else:
        for name in ("tick_seconds", "fill"):
            prober.leave_open(name, _NO_DAY)
    current.distributions[1] = prober.ask(DISTRIBUTION, {"QueryDate": current.name, "CountBy": 1}, expected=False)
    current.quality = prober.ask(QUALITY, {"QueryDate": current.name}, expected=False)
    _decide_distribution(prober, current)
    _decide_delay_unit(prober, current)
    return quiet if is_listed else None


def _decide_ticks(prober: Prober, day: Day) -> None:
    ticks = {tick for count in COUNTS for tick, _ in day.volumes(count)}
    offsets = sorted(tick - day.start for tick in ticks)
    step = gcd(*offsets) if offsets else 0
    replies = [day.trends[1], day.trends[3]]
    if not step or not any(offsets):
        prober.leave_open("tick_seconds", Text("no ticks to compare", "没有可比较的时间点"), *replies)
        return
    text = Text(
        f"{len(offsets)} ticks, all multiples of {step} s after midnight",
        f"{len(offsets)} 个时间点，均为零点后 {step} 秒的倍数",
    )
    if DAY_SECONDS % step or not 10 <= step <= 3_600:
        prober.leave_open("tick_seconds", text, *replies, new=len(offsets) >= _MIN_RUN)
        return
    complete = len(offsets) == DAY_SECONDS // step
    run = longest = 1
    for earlier, later in pairwise(offsets):
        run = run + 1 if later - earlier == step else 1
        longest = max(longest, run)
    shorter = (each for each in range(10, step) if step % each == 0 and DAY_SECONDS % each == 0)
    fits = _fits_sessions(day, step) and not any(_fits_sessions(day, each) for each in shorter)
    if complete or longest >= _MIN_RUN or fits:
        prober.confirm("tick_seconds", step, text, *replies)
    else:
        reason = Text(f"{text.en}, too few to exclude shorter ticks", f"{text.zh}，不足以排除更短的间隔")
        prober.leave_open("tick_seconds", reason, *replies)


def _fits_sessions(day: Day, step: int) -> bool:
    """Return whether the ticks with users are exactly those in which the sessions take place."""
    if not day.sessions:
        return False
    expected = {
        tick
        for begin, end in day.spans()
        for tick in range((begin - day.start) // step, (end - 1 - day.start) // step + 1)
    }
    return expected == {(tick - day.start) // step for tick, volume in day.volumes(3) if volume}


def _decide_trend(prober: Prober, day: Day) -> None:
    """Decide `trend` by the records of each tick; without them, by the total of the day, and by volumes that go down."""
    replies = [day.trends[count] for count in (1, 2, 4)]
    if not any(volume for _, volume in day.volumes(1)):
        prober.leave_open("trend", Text("the day has no volume", "当天没有业务量"), *replies)
        return
    for votes, what in (
        (_fitting_volumes(prober, day), Text("volumes that the records confirm", "与通话记录相符的数值")),
        (_fitting_totals(day), Text("CountBy whose volumes fit the total of 3.2", "与 3.2 合计相符的 CountBy")),
        (_course(day), Text("CountBy whose volumes go down, or only up", "数值有下降或只升不降的 CountBy")),
    ):
        (best, most), (other, fewest) = votes.most_common()
        if most > fewest:
            shown = f"{best} {most}, {other} {fewest}"
            prober.confirm("trend", best, Text(f"{what.en}: {shown}", f"{what.zh}：{shown}"), *replies)
            return
    prober.leave_open("trend", Text("the volumes fit both choices", "数值与两种读法均相符"), *replies)


def _fitting_volumes(prober: Prober, day: Day) -> Counter[str]:
    """Return how many volumes are those of the records under each choice; 0 if most fit neither."""
    step, votes, rows = prober.value("tick_seconds"), Counter(tick=0, cumulative=0), 0
    for count in (1, 2, 4) if step else ():
        volumes = [(tick, volume) for tick, volume in day.volumes(count) if volume]
        rows += len(volumes)
        for choice in votes:
            limits = day.volume_limits(count, step, choice) or {}
            votes[choice] += sum(limits.get(tick) == (volume, volume) for tick, volume in volumes)
    return votes if max(votes.values()) * 2 > rows else Counter(tick=0, cumulative=0)


def _fitting_totals(day: Day) -> Counter[str]:
    """Return for how many CountBy the sum of the volumes, or the last one, is a total of 3.2."""
    votes = Counter(tick=0, cumulative=0)
    for count in (1, 2, 4):
        volumes, totals = [volume for _, volume in day.volumes(count)], day.distribution_totals(count).values()
        votes["tick"] += sum(volumes) in totals
        votes["cumulative"] += max(volumes, default=0) in totals
    return votes


def _course(day: Day) -> Counter[str]:
    """Return for how many CountBy the volumes go down, or go up only."""
    votes = Counter(tick=0, cumulative=0)
    for count in (1, 2, 4):
        volumes = [volume for _, volume in day.volumes(count)]
        falls = any(later < earlier for earlier, later in pairwise(volumes))
        votes["tick"] += falls
        votes["cumulative"] += not falls and len({*volumes} - {0}) > 1
    return votes


def _decide_fill(prober: Prober, day: Day) -> None:
    """Decide `fill`. A target may omit each volume of 0, or only ticks without a volume of any CountBy."""
    step = prober.value("tick_seconds")
    series = {count: dict(day.volumes(count)) for count in COUNTS if day.trends[count].ok}
    zero = next(((tick, count) for count in series for tick, volume in series[count].items() if volume == 0), None)
    empty = _empty_ticks(series)
    omitted = DAY_SECONDS // step - len(set().union(*series.values())) if step else 0
    if zero and len(empty) > omitted:
        text = Text(f"tick {empty[0]} has no volume of any CountBy", f"时间点 {empty[0]} 的各类数值均为 0")
        prober.confirm("fill", "zero", text, *(day.trends[count] for count in series))
        return
    fewest = min((2, 4, 1, 3), key=lambda count: len(day.volumes(count)))
    rows = len(day.volumes(fewest))
    if rows and (step is None or rows < DAY_SECONDS // step):
        text = Text(f"only the {rows} ticks with a volume are listed", f"仅列出有数值的 {rows} 个时间点")
        if zero:
            text = Text(
                f"only {rows} ticks are listed, those with a volume of any CountBy",
                f"仅列出 {rows} 个时间点，即任一类有数值的时间点",
            )
        prober.confirm("fill", "omit", text, day.trends[fewest])
        return
    for name in (*(format_day(day.start - number * DAY_SECONDS) for number in range(1, _OTHER_DAYS + 1)), _EMPTY_DAY):
        reply = prober.ask(TREND, {"QueryDate": name, "CountBy": 3}, expected=False)
        volumes = [volume for _, volume in ticks_of(reply.rows("TrendData"))]
        # A cumulative volume of another CountBy may be why a tick without users is listed, except for the first tick.
        if 0 in (volumes if prober.value("trend") == "tick" else volumes[:1]):
            prober.confirm("fill", "zero", Text(f"{name} has ticks without users", f"{name} 有无人在线的时间点"), reply)
            return
        if volumes and (step is None or len(volumes) < DAY_SECONDS // step):
            text = Text(f"only {len(volumes)} ticks of {name} are listed", f"{name} 仅列出 {len(volumes)} 个时间点")
            prober.confirm("fill", "omit", text, reply)
            return
    prober.leave_open("fill", Text("no tick without a volume was found", "没有找到无数值的时间点"), day.trends[fewest])


def _empty_ticks(series: Mapping[int, Mapping[int, int]]) -> list[int]:
    """Return the ticks that are listed for each CountBy with a volume of 0.

    A cumulative volume is only 0 before the first call of the day, so that other ticks show nothing.
    """
    listed = set.intersection(*map(set, series.values())) if series else set[int]()
    return sorted(tick for tick in listed if not any(volumes[tick] for volumes in series.values()))


def _decide_distribution(prober: Prober, day: Day) -> None:
    replies = list(day.distributions.values())
    rows = [row for reply in replies for row in reply.rows("DistributeData")]
    ticks = {row.get("TickTime") for row in rows}
    if not rows:
        for name in ("labels", "distribution_tick"):
            prober.leave_open(name, Text("the day has no distribution", "当天没有分布数据"), *replies)
        return
    named = sum("Name" in row for row in rows)
    if named in (0, len(rows)):
        text = Text(f"{named} of {len(rows)} rows have a Name", f"{len(rows)} 行中 {named} 行有 Name")
        prober.confirm("labels", "on" if named else "off", text, *replies)
    else:
        text = Text("only some rows have a Name", "部分行有 Name")
        prober.leave_open("labels", text, *replies, new=True)
        prober.report(DISTRIBUTION, Finding("error", "labels", text, replies[0].request))
    listed = ", ".join(sorted(map(str, ticks)))[:60]
    text = Text(f"TickTime {listed}, the day begins at {day.start}", f"TickTime 为 {listed}，当天始于 {day.start}")
    run = day.end + _RUN_TIME
    asked_early = replies[0].at < run and all(str(each).isdecimal() and int(str(each)) >= day.end for each in ticks)
    if ticks == {str(day.start)}:
        prober.confirm("distribution_tick", "day_start", text, *replies)
    elif ticks == {str(run)} or asked_early:
        prober.confirm("distribution_tick", "run_time", text, *replies)
    elif replies[0].at < day.end:
        # A job has not counted the day yet.
        prober.leave_open("distribution_tick", text, *replies)
    else:
        prober.leave_open("distribution_tick", text, *replies, new=True)
        # A job may count the day at any time of the next one.
        if len(ticks) > 1 or not all(day.end <= (seconds_of(each) or 0) < day.end + DAY_SECONDS for each in ticks):
            prober.violate("ticks", Text(f"3.2 on {day.name}: {text.en}", f"3.2 {day.name}：{text.zh}"), replies[0])


def _decide_delay_unit(prober: Prober, day: Day) -> None:
    rows = day.quality.rows("QosData") if day.quality else []
    delays = [
        value
        for row in rows
        for name in ("AudioDelayRate", "VideoDelayRate")
        if isinstance(value := row.get(name), (int, float))
    ]
    if not delays or not day.quality:
        prober.leave_open("delay_unit", Text("the day has no quality data", "当天没有质量数据"))
    elif 1 <= (middle := median(delays)) <= 10_000:
        text = Text(f"a median of {middle:g} is only plausible in ms", f"中位数 {middle:g} 仅以毫秒计才合理")
        prober.confirm("delay_unit", "ms", text, day.quality)
    else:
        prober.leave_open(
            "delay_unit",
            Text(f"a median of {middle:g} is not plausible in ms", f"中位数 {middle:g} 不像毫秒"),
            day.quality,
            new=True,
        )


def _decide_all_counts(prober: Prober, day: Day | None) -> None:
    """Decide `count_by_zero` with a request for CountBy 0."""
    reply = prober.ask(
        TREND, {"QueryDate": day.name if day else format_day(prober.now()), "CountBy": 0}, expected=False
    )
    rows = reply.rows("TrendData")
    if reply.code is not None:
        text = Text(f"CountBy 0 is refused with {reply.code}", f"CountBy 0 返回错误 {reply.code}")
        prober.confirm("count_by_zero", "error", text, reply)
        prober.errors.setdefault("invalid_field", []).append(("CountBy 0 in 3.1", reply))
        return
    if day is not None and reply.ok:
        day.trends[0] = reply
    labelled = sum("CountBy" in row for row in rows)
    if not rows:
        prober.leave_open("count_by_zero", Text("CountBy 0 has no rows", "CountBy 0 没有数据"), reply)
    elif not all_counts(rows, day):
        text = Text(f"{len(rows)} rows, not four for each tick", f"{len(rows)} 行，并非每个时间点四行")
        prober.leave_open("count_by_zero", text, reply, new=True)
    elif labelled in (0, len(rows)):
        text = Text(
            f"a row for each count of a tick, {labelled} of {len(rows)} with CountBy",
            f"每个时间点每类一行，{len(rows)} 行中 {labelled} 行有 CountBy",
        )
        prober.confirm("count_by_zero", "labelled" if labelled else "rows", text, reply)
    else:
        prober.leave_open("count_by_zero", Text("only some rows have CountBy", "部分行有 CountBy"), reply, new=True)


def _decide_today(prober: Prober, log: CallLog) -> None:
    now = prober.now()
    today = start_of_day(int(now))
    reply = prober.ask(TREND, {"QueryDate": format_day(today), "CountBy": 3})
    tomorrow = _ask_future(prober)
    rows = ticks_of(reply.rows("TrendData"))
    complete = now - (prober.value("tick_seconds") or 3_600)  # Ticks before this are complete.
    called = any(max(each.enter, today) < min(each.leave or now, complete) for each in log.sessions.values())
    if tomorrow.rows("TrendData"):
        text = Text("tomorrow has rows", "明天已有数据")
        prober.leave_open("today", text, tomorrow, new=True)
    elif any(tick > reply.at + 60 for tick, _ in rows):
        text = Text("today has ticks after now", "今天有晚于现在的时间点")
        prober.leave_open("today", text, reply, new=True)
        if rows[-1][0] > reply.at + _CLOCK_ERROR:
            prober.report(TREND, Finding("error", "future", text, reply.request))
    elif rows:
        text = Text(
            f"today has {len(rows)} ticks, the last at {rows[-1][0]}",
            f"今天有 {len(rows)} 个时间点，最后为 {rows[-1][0]}",
        )
        prober.confirm("today", "partial", text, reply, tomorrow)
    elif reply.ok and (called or prober.value("fill") == "zero"):
        prober.confirm("today", "empty", Text("today has no ticks", "今天没有时间点"), reply, tomorrow)
    else:
        prober.leave_open("today", Text("today has neither ticks nor calls", "今天没有时间点，也没有通话"), reply)
    _decide_hidden_calls(prober, log, reply, rows)


def _ask_future(prober: Prober) -> Reply:
    """Check that a day in the future is empty, and return the answer of 3.1."""
    name = format_day(start_of_day(int(prober.now()) + _CLOCK_ERROR) + DAY_SECONDS)
    for operation, rows, fields in (
        (DISTRIBUTION, "DistributeData", {"CountBy": 1}),
        (QUALITY, "QosData", {}),
        (TREND, "TrendData", {"CountBy": 3}),
    ):
        reply = prober.ask(operation, {"QueryDate": name, **fields}, expected=False)
        if count := len(reply.rows(rows)):
            text = Text(f"{name} is in the future, but has {count} rows", f"{name} 尚未到来，却有 {count} 行")
            prober.report(operation, Finding("error", "future", text, reply.request))
    return reply


def _decide_hidden_calls(prober: Prober, log: CallLog, reply: Reply, rows: list[tuple[int, int]]) -> None:
    """Decide `ongoing=exclude` if more users are online now than 2.3 lists."""
    step = prober.value("tick_seconds")
    if (
        prober.value("ongoing")
        or prober.value("trend") != "tick"
        or prober.value("window") not in ("overlap", "enter")
        or not step
    ):
        return
    complete = [(tick, volume) for tick, volume in rows if tick + step <= log.started]
    if not complete or not log.covers(int(log.started) - 3_600, int(log.started)):
        return
    tick, volume = complete[-1]
    listed = sum(each.enter < tick + step and (each.leave or tick) >= tick for each in log.sessions.values())
    if prober.value("window") == "overlap" and volume > listed:
        text = Text(
            f"{volume} people were on line at {tick}, 2.3 lists {listed} sessions", f"{tick} 时有 {volume} 人在线，2.3 仅列出 {listed} 条"
        )  # fmt: skip
        prober.confirm("ongoing", "exclude", text, reply)
