"""`GET /__admin/metrics`: the text that Prometheus reads."""

from __future__ import annotations

import re

from helpers.engine_client import EngineClient
from helpers.journal_entries import entry

from mockserver.engine.journal import Journal
from mockserver.engine.metrics import BUCKETS, Metrics, prometheus_text, samples
from mockserver.server.app import build_app

LINE = re.compile(r'(mockserver_[a-z_]+)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? (\d+(\.\d+)?(e-\d+)?)')


def test_requests_are_counted_by_operation_error_and_source() -> None:
    """An entry is in one counter and one bucket; a stray is in neither."""
    metrics = Metrics()
    metrics.add(entry(seconds=0.003))
    metrics.add(entry(seconds=0.003, error="unknown_room", by="default#3", faults=("latency", "rate_limit")))
    metrics.add(entry(seconds=9.0))
    metrics.add(entry(kind="stray"))
    found = {(name, tuple(labels.values())): value for name, labels, value in samples(metrics.numbers())}
    operation = entry().operation
    assert found["requests_total", (operation, "", "world")] == 2
    assert found["requests_total", (operation, "unknown_room", "rule")] == 1
    assert found["strays_total", ()] == 1
    assert [
        found["request_duration_seconds_bucket", (operation, limit)] for limit in ("0.0025", "0.005", "1.0", "+Inf")
    ] == [0, 2, 2, 3]
    assert found["request_duration_seconds_count", (operation,)] == 3
    assert abs(found["request_duration_seconds_sum", (operation,)] - 9.006) < 1e-9
    assert found["faults_applied_total", ("latency",)] == found["faults_applied_total", ("rate_limit",)] == 1


def test_evictions_are_counted() -> None:
    """Clearing the journal is no eviction, and leaves the count."""
    journal = Journal(max_entries=2)
    for number in range(5):
        journal.add(entry(id=str(number)))
    assert (journal.totals()[0], journal.evictions) == (2, 3)
    journal.clear()
    assert (journal.totals(), journal.evictions) == ((0, 0), 3)


def test_labels_are_escaped() -> None:
    """Backslash, quote and line break, as the format says."""
    text = prometheus_text([("apps", {"made": 'a"\\\n'}, 1)])
    assert 'mockserver_apps{made="a\\"\\\\\\n"} 1\n' in text


def test_every_line_is_in_the_format() -> None:
    """Each metric has its help and type first; names begin with `mockserver_`."""
    client = EngineClient()
    client.ask("query_room_info")
    answer = build_app(client.engine).test_client().get("/__admin/metrics")
    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    typed = set()
    for line in answer.text.splitlines():
        if line.startswith("# TYPE "):
            typed.add(line.split()[2])
        elif not line.startswith("# HELP "):
            match = LINE.fullmatch(line)
            assert match, line
            assert match[1] in typed or re.sub("_(bucket|sum|count)$", "", match[1]) in typed
    assert 'mockserver_requests_total{operation="query_room_info",error="",source="rule"} 1' in answer.text.splitlines()
    assert answer.text.count("_bucket{") == len(BUCKETS) + 1
