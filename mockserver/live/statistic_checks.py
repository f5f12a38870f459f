"""Checks that the statistics of one finished day agree with each other and with the records."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from mockserver.core.clock import DAY_SECONDS
from mockserver.core.text import Text
from mockserver.live.call_log import RECENT, seconds_of
from mockserver.live.day import COLUMNS, COUNTS, Day, all_counts, column_of, usual_step
from mockserver.live.probing import Prober
from mockserver.live.record_checks import may_hide_calls

INVARIANTS = (
    "duration_sums", "room_sums", "peak", "pair_sums", "tick_volumes", "count_by_zero_rows", "nested_distribution",
    "ticks", "quality", "quality_ticks", "repeatable",
)  # fmt: skip
_RATES = ("JoinRoomSuccRate", "AudioPackLossRate", "VideoPackLossRate")
_DELAYS = ("AudioDelayRate", "VideoDelayRate")
_SUMS = {1: "duration_sums", 2: "room_sums", 4: "pair_sums"}


def check_statistics(prober: Prober, day: Day | None) -> None:
    """Check all invariants of a day."""
    if day is None:
        for name in INVARIANTS:
            prober.invariant(name).reason = Text("no finished day with calls was found", "没有找到有通话的已结束日期")
        return
    if _is_recent(prober, day):
        for name in (*_SUMS.values(), "peak", "tick_volumes", "repeatable"):
            prober.invariant(name).reason = Text(
                "calls of that day may be in progress and therefore not listed", "当天的通话可能仍在进行而未列出"
            )
    else:
        if (day.may_lack_long_calls or may_hide_calls(prober)) and _shows_unlisted_calls(prober, day):
            # 3.1 and 3.2 are only compared with each other.
            day = replace(day, sessions=None, first_enters=None)
        _check_sums(prober, day)
        _check_peak(prober, day)
        _check_volumes(prober, day)
        _check_repetition(prober, day)
    _check_all_counts(prober, day)
    _check_nesting(prober, day)
    _check_ticks(prober, day)
    _check_quality(prober, day)


def _total(prober: Prober, day: Day, count: int, others: set[int]) -> int:
    """Return the total of 3.1; if `trend` is undecided, the one that is among `others`, if any."""
    volumes = [volume for _, volume in day.volumes(count)]
    trend, each, last = prober.value("trend"), sum(volumes), max(volumes, default=0)
    return each if trend == "tick" or (trend is None and each in others) else last


def _check_sums(prober: Prober, day: Day) -> None:
    """Check that the totals of 3.1, of 3.2 in each dimension, and of the records agree."""
    for count, name in _SUMS.items():
        totals = [
            (f"3.2 CountBy {dimension}", total, day.distributions[dimension])
            for dimension, total in day.distribution_totals(count).items()
        ]
        invariant, records = prober.invariant(name), day.total(count)
        if records is not None:
            totals.append(("2.3", records, day.trends[count]))
        if day.trends[count].ok:
            total = _total(prober, day, count, {value for _, value, _ in totals})
            totals.insert(0, (f"3.1 CountBy {count}", total, day.trends[count]))
        invariant.checked += max(0, len(totals) - 1)
        values = [value for _, value, _ in totals]
        # The most frequent total is expected; in case of a tie, that of the records.
        usual = max(set(values), key=lambda value: (values.count(value), value == records)) if values else 0
        for source, value, reply in totals:
            if value != usual:
                others = ", ".join(source for source, other, _ in totals if other == usual)
                text = Text(
                    f"{day.name}: the total of {source} is {value}, that of {others} is {usual}",
                    f"{day.name}：按 {source} 合计为 {value}，按 {others} 为 {usual}",
                )
                prober.violate(name, text, reply)


def _is_recent(prober: Prober, day: Day) -> bool:
    """Whether calls of the day may be in progress and therefore not listed."""
    return may_hide_calls(prober) and prober.now() - day.end < RECENT


def _shows_unlisted_calls(prober: Prober, day: Day) -> bool:
    """Whether 3.1 counts more than the records, in a way that calls in progress or longer than any range can explain."""
    step, trend = prober.value("tick_seconds"), prober.value("trend")
    recorded = day.amounts(1, step) if step else None
    if recorded is None or trend is None or not day.trends[1].ok:
        return day.sessions is not None and max(day.distribution_totals(1).values(), default=0) > (day.total(1) or 0)
    volumes, before, seconds = dict(day.volumes(1)), 0, list[int]()
    for tick in range(day.start, day.end, step):
        volume = volumes.get(tick, before if trend == "cumulative" else 0)
        seconds.append(volume - (before if trend == "cumulative" else 0) - recorded.get(tick, 0))
        before = volume
    if min(seconds) < 0 or not any(seconds):
        return False
    if day.may_lack_long_calls:
        # Each such call lasts from the start of the day or to its end, so that those at the start end at most once.
        return sum(max(0, earlier - later) for earlier, later in pairwise(seconds)) <= seconds[0]
    # A call in progress that began in a tick lasts for all of the next ones.
    return all(later >= -(-earlier // step) * step for earlier, later in pairwise(seconds))


def _check_peak(prober: Prober, day: Day) -> None:
    if not day.trends[3].ok:
        return
    invariant, peak = (prober.invariant("peak"), max((volume for _, volume in day.volumes(3)), default=0))
    for dimension, reply in day.distributions.items():
        peaks = column_of(reply, "PeakOnlineNum")
        if reply.ok and peaks:
            invariant.checked += 1
            if not max(peaks) <= peak <= sum(peaks):
                text = Text(
                    f"{day.name}: the peak is {peak}, those of 3.2 CountBy {dimension} are {max(peaks)} to {sum(peaks)} together",
                    f"{day.name}：峰值为 {peak}，3.2 CountBy {dimension} 的峰值最大 {max(peaks)}、合计 {sum(peaks)}",
                )
                prober.violate("peak", text, reply)
    if day.sessions is not None:
        low, high = day.peaks().get(day.start, (0, 0))
        invariant.checked += 1
        if not low <= peak <= high:
            text = Text(
                f"{day.name}: the peak is {peak}, by the records of 2.3 it is {low}",
                f"{day.name}：峰值为 {peak}，按 2.3 的记录为 {low}",
            )
            prober.violate("peak", text, day.trends[3])


def _check_volumes(prober: Prober, day: Day) -> None:
    """Check the volume of each tick by the records; without them, that cumulative volumes never go down."""
    step, trend, invariant = prober.value("tick_seconds"), prober.value("trend"), prober.invariant("tick_volumes")
    if trend is None or not step:
        invariant.reason = Text("the reading trend or tick_seconds is undecided", "读法 trend 或 tick_seconds 未定")
        return
    for count in COUNTS:
        volumes, limits = day.volumes(count), day.volume_limits(count, step, trend)
        if limits is not None:
            invariant.checked += len(volumes)
            for tick, volume in {**dict.fromkeys(limits, 0), **dict(volumes)}.items():
                low, high = limits[tick]
                if not low <= volume <= high:
                    expected = f"{low}" if low == high else f"{low} to {high}"
                    text = Text(
                        f"{day.name}: 3.1 CountBy {count} is {volume} at {tick}, by the records it is {expected}",
                        f"{day.name}：3.1 CountBy {count} 在 {tick} 为 {volume}，按通话记录为 {expected}",
                    )
                    prober.violate("tick_volumes", text, day.trends[count])
        elif trend == "cumulative" and count != 3:
            invariant.checked += len(volumes)
            for (_, before), (tick, volume) in pairwise(volumes):
                if volume < before:
                    text = Text(
                        f"{day.name}: the cumulative 3.1 CountBy {count} goes down from {before} to {volume} at {tick}",
                        f"{day.name}：累计的 3.1 CountBy {count} 在 {tick} 从 {before} 降至 {volume}",
                    )
                    prober.violate("tick_volumes", text, day.trends[count])


def _check_all_counts(prober: Prober, day: Day) -> None:
    invariant = prober.invariant("count_by_zero_rows")
    if 0 not in day.trends or prober.value("count_by_zero") not in ("rows", "labelled"):
        invariant.reason = Text("CountBy 0 has no rows of the four counts", "CountBy 0 没有四类数据")
        return
    singles = {count: dict(day.volumes(count)) for count in COUNTS}
    for count, tick, volume in all_counts(day.trends[0].rows("TrendData"), day):
        invariant.checked += 1
        if (expected := singles[count].get(tick, volume)) != volume:
            text = Text(
                f"{day.name}: at {tick} CountBy 0 has {volume} for count {count}, CountBy {count} has {expected}",
                f"{day.name}：{tick} 处 CountBy 0 的第 {count} 类为 {volume}，CountBy {count} 为 {expected}",
            )
            prober.violate("count_by_zero_rows", text, day.trends[0])


def _check_nesting(prober: Prober, day: Day) -> None:
    """Check that no city is larger than the largest province, and no province than the largest country."""
    for coarse, fine in ((1, 2), (2, 3)):
        for column in COLUMNS:
            whole, part = (column_of(day.distributions[coarse], column), column_of(day.distributions[fine], column))
            if not whole or not part:
                continue
            prober.invariant("nested_distribution").checked += 1
            if max(part) > max(whole):
                text = Text(
                    f"{day.name}: {column} by CountBy {fine} is up to {max(part)}, by CountBy {coarse} only {max(whole)}",
                    f"{day.name}：CountBy {fine} 的 {column} 最大 {max(part)}，CountBy {coarse} 仅 {max(whole)}",
                )
                prober.violate("nested_distribution", text, day.distributions[fine], "warning")


def _check_ticks(prober: Prober, day: Day) -> None:
    """Check that ticks are unique, ascending, aligned, within the day, and complete if empty ones are listed."""
    step, fill = prober.value("tick_seconds") or usual_step(day), prober.value("fill")
    series = {f"3.1 CountBy {count}": (day.trends[count], [tick for tick, _ in day.volumes(count)]) for count in COUNTS}
    if day.quality:
        ticks = [tick for row in day.quality.rows("QosData") if (tick := seconds_of(row.get("TickTime"))) is not None]
        series["3.3"] = (day.quality, ticks)
    online = {tick for tick, volume in day.volumes(3) if volume}
    if day.trends[3].ok and (missing := sorted(_used_ticks(prober, day) - online)):
        text = Text(
            f"3.1 CountBy 3 on {day.name}: no user is online at {missing[0]}, although the records have a call then",
            f"3.1 CountBy 3 {day.name}：{missing[0]} 无人在线，而通话记录显示当时有通话",
        )
        prober.violate("ticks", text, day.trends[3])
    for name, (reply, ticks) in series.items():
        if not ticks:
            continue
        prober.invariant("ticks").checked += len(ticks)
        wrong = Text("", "")
        if any(later <= earlier for earlier, later in pairwise(ticks)):
            wrong = Text("ticks are not ascending and unique", "时间点未升序或有重复")
        elif ticks[0] < day.start or ticks[-1] >= day.end:
            wrong = Text("ticks are outside the day", "时间点超出当天")
        elif step and any((tick - day.start) % step for tick in ticks):
            wrong = Text(f"ticks are not multiples of {step} s", f"时间点不是 {step} 秒的倍数")
        elif step and fill == "zero" and name != "3.3" and len(ticks) != DAY_SECONDS // step:
            wrong = Text(
                f"{len(ticks)} ticks instead of {DAY_SECONDS // step}, although empty ones are listed",
                f"应有 {DAY_SECONDS // step} 个时间点（含数值为 0 的），实为 {len(ticks)}",
            )
        if wrong.en:
            prober.violate("ticks", Text(f"{name} on {day.name}: {wrong.en}", f"{name} {day.name}：{wrong.zh}"), reply)


def _check_quality(prober: Prober, day: Day) -> None:
    rows = day.quality.rows("QosData") if day.quality else []
    if day.quality is None or not day.quality.ok:
        return
    for row in rows:
        prober.invariant("quality").checked += 1
        rates = [row.get(name) for name in _RATES]
        delays = [row.get(name) for name in _DELAYS]
        if any(isinstance(rate, (int, float)) and not 0 <= rate <= 100 for rate in rates):
            text = Text(
                f"a rate at {row.get('TickTime')} is not 0 to 100: {rates}",
                f"{row.get('TickTime')} 的比率不在 0 至 100：{rates}",
            )
            prober.violate("quality", text, day.quality)
        elif any(isinstance(delay, (int, float)) and delay < 0 for delay in delays):
            text = Text(
                f"a delay at {row.get('TickTime')} is negative: {delays}", f"{row.get('TickTime')} 的时延为负：{delays}"
            )
            prober.violate("quality", text, day.quality)
    used = _used_ticks(prober, day)
    listed = {seconds_of(row.get("TickTime")) for row in rows}
    prober.invariant("quality_ticks").checked += len(used)
    if missing := sorted(used - listed):
        text = Text(
            f"{day.name}: {len(missing)} ticks with calls are missing from 3.3, the first is {missing[0]}",
            f"{day.name}：3.3 缺少 {len(missing)} 个有通话的时间点，首个为 {missing[0]}",
        )
        prober.violate("quality_ticks", text, day.quality)


def _used_ticks(prober: Prober, day: Day) -> set[int]:
    """Return the ticks with a call; an empty set if the sessions are not known."""
    step = prober.value("tick_seconds")
    if day.sessions is None or not step or _is_recent(prober, day):
        return set()
    return {tick for begin, end in day.spans() for tick in range(begin - (begin - day.start) % step, end, step)}


def _check_repetition(prober: Prober, day: Day) -> None:
    """Check that the same request about a finished day has the same answer."""
    for operation, before in (
        ("count_qos_by_day", day.quality),
        ("count_business_distribute_volume_by_day", day.distributions[4] if prober.now() > day.end + RECENT else None),
    ):
        if before is None or not before.ok or prober.target.remaining <= 0:
            continue
        after = prober.ask(operation, before.body)
        prober.invariant("repeatable").checked += 1
        if after.ok and after.value != before.value:
            text = Text(
                f"{day.name} is finished, but its answer to {operation} changes",
                f"{day.name} 已结束，但 {operation} 的响应有变化",
            )
            prober.violate("repeatable", text, after, "warning")
