"""Counts of all requests since the start, and their text for Prometheus."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from typing import TypeAlias

from mockserver.core.yaml_reader import read_yaml
from mockserver.engine.journal_entry import JournalEntry

BUCKETS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1.0)
"""Upper limits of the latency histogram, in seconds."""
_FORMAT = "# HELP mockserver_{0} {2}\n# TYPE mockserver_{0} {1}"
_SOURCES = ("world", "contract", "fault")
Sample: TypeAlias = tuple[str, Mapping[str, str], float]  # Name without `mockserver_`, labels, value.
Class: TypeAlias = tuple[str, str, str, str, int, tuple[str, ...]]
"""Kind of the entry, operation, error, source of the answer, index of the latency bucket, kinds of fired faults."""
Numbers: TypeAlias = Mapping[Class, tuple[int, float]]  # Count of requests, and their total seconds.


class Metrics:
    """Number of requests and total time in the engine, by class of request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: dict[Class, list[float]] = defaultdict(lambda: [0, 0.0])

    def add(self, entry: JournalEntry) -> None:
        """Count a request."""
        key = class_of(entry)
        with self._lock:
            numbers = self._numbers[key]
            numbers[0] += 1
            numbers[1] += entry.seconds

    def numbers(self) -> Numbers:
        """Return count and seconds by class."""
        with self._lock:
            return {key: (int(count), seconds) for key, (count, seconds) in self._numbers.items()}


def class_of(entry: JournalEntry) -> Class:
    """Return the class that a request is counted in."""
    source = entry.by if entry.by in _SOURCES else "rule"
    return entry.kind, entry.operation, entry.error, source, bisect_left(BUCKETS, entry.seconds), entry.faults


def samples(numbers: Numbers) -> Iterator[Sample]:
    """Yield the samples of all classes."""
    requests: Counter[tuple[str, str, str]] = Counter()
    strays, faults, sums = 0, Counter[str](), Counter[str]()
    buckets: dict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))
    for (kind, operation, error, source, bucket, kinds), (count, seconds) in sorted(numbers.items()):
        if kind == "stray":
            strays += count
            continue
        requests[operation, error, source] += count
        buckets[operation][bucket] += count
        sums[operation] += seconds  # type: ignore[assignment]  # Counters can also sum floats.
        for name in kinds:
            faults[name] += count
    for (operation, error, source), count in requests.items():
        yield "requests_total", {"operation": operation, "error": error, "source": source}, count
    yield "strays_total", {}, strays
    for operation, counts in buckets.items():
        for limit, total in zip((*map(str, BUCKETS), "+Inf"), accumulate(counts), strict=True):
            yield "request_duration_seconds_bucket", {"operation": operation, "le": limit}, total
        yield "request_duration_seconds_sum", {"operation": operation}, sums[operation]
        yield "request_duration_seconds_count", {"operation": operation}, sum(counts)
    for name, count in sorted(faults.items()):
        yield "faults_applied_total", {"kind": name}, count


def prometheus_text(found: list[Sample]) -> str:
    """Return samples in Prometheus's text format 0.0.4."""
    lines = []
    for metric, row in read_yaml(Path(__file__).with_name("metrics.yaml")).value.items():
        names = {metric, f"{metric}_bucket", f"{metric}_sum", f"{metric}_count"}
        lines += [_FORMAT.format(metric, row["kind"], row["help"])]
        for name, labels, value in found:
            if name in names:
                shown = ",".join(f'{label}="{_escape(text)}"' for label, text in labels.items())
                lines.append(f"mockserver_{name}" + (f"{{{shown}}}" if shown else "") + f" {value:.15g}")
    return "\n".join([*lines, ""])


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
