"""What was seen, read without HTTP: waiting callers, bounds of a list, and reports about some apps."""

from __future__ import annotations

import threading

import pytest
from helpers.bench import Bench
from helpers.entries import entry
from helpers.signer import APPKEY, OTHER

from mockserver.core.errors import AdminError
from mockserver.engine.journal import Journal
from mockserver.reporting.formats import FORMATS
from mockserver.reporting.queries import MAX_WAIT
from mockserver.server.observing import Observer


@pytest.fixture
def bench() -> Bench:
    """An engine whose journal holds three requests of one app and one of another."""
    bench = Bench()
    bench.engine.journal = Journal(max_entries=3)
    for appkey, number in ((APPKEY, 1), (APPKEY, 2), (APPKEY, 3), (OTHER[0], 4)):
        bench.engine.journal.add(entry(appkey=appkey, at=1_576_000_000.0 + number))
    return bench


@pytest.fixture
def observer(bench: Bench) -> Observer:
    """Its observer."""
    return Observer(bench.engine)


@pytest.mark.parametrize(("limit", "count"), [("0", 0), ("1", 1), ("3", 3), ("99", 3)])
def test_a_limit_is_the_same_with_and_without_waiting(observer: Observer, limit: str, count: int) -> None:
    """The newest so many, none for 0."""
    plain = observer.requests(APPKEY, {"limit": limit})["requests"]
    waited = observer.requests(APPKEY, {"limit": limit, "wait_for": "1", "timeout": "0"})["requests"]
    assert plain == waited
    assert [one["at"] for one in plain] == [1_576_000_001.0, 1_576_000_002.0, 1_576_000_003.0][3 - count :]


def test_callers_that_wait_for_the_same_are_all_told(observer: Observer, bench: Bench) -> None:
    """One that leaves takes no other off the list."""
    found: list[int] = []
    waiters = [
        threading.Thread(target=lambda: found.append(len(observer.requests(APPKEY, {"wait_for": "5", "timeout": "30", "since": "0"})["requests"])))
        for _ in range(8)
    ]  # fmt: skip
    bench.engine.journal.max_entries = 10
    impatient = threading.Thread(target=lambda: observer.requests(APPKEY, {"wait_for": "5", "timeout": "0.05", "since": "0"}))  # fmt: skip
    for one in (*waiters, impatient):
        one.start()
    impatient.join(20)
    for _ in range(2):
        bench.engine.journal.add(entry(appkey=APPKEY))
    for one in waiters:
        one.join(20)
    assert found == [5] * 8


def test_no_wait_is_longer_than_the_longest(observer: Observer, bench: Bench, monkeypatch) -> None:
    """A caller cannot take a thread for good."""
    asked: list[float] = []
    journal = bench.engine.journal
    monkeypatch.setattr(
        journal, "wait_for", lambda least, what, timeout: asked.append(timeout) or journal.select()
    )
    observer.requests(None, {"wait_for": "9", "timeout": "100000"})
    observer.requests(None, {"wait_for": "9"})
    assert asked == [MAX_WAIT, 10.0]


def test_evicted_requests_count_for_their_app_alone(observer: Observer, bench: Bench) -> None:
    """A busy neighbour takes nothing from anybody's certainty."""
    bench.engine.journal.add(entry(appkey=OTHER[0]))
    bench.engine.journal.add(entry(appkey=APPKEY))
    assert observer.count(APPKEY, {})["evicted"] == 1
    assert observer.count(OTHER[0], {})["evicted"] == 0
    assert observer.verify(OTHER[0], {"count": 2})["ok"] is True
    assert observer.verify(APPKEY, {"at_most": 9})["ok"] is False


@pytest.mark.parametrize("form", FORMATS)
def test_every_form_is_about_the_apps_asked_for(observer: Observer, form: str) -> None:
    """One app, several, or all; twice asked is refused."""
    assert observer.rendered(APPKEY, {"form": form})["requests"] == 3
    assert observer.rendered(None, {"form": form, "appkeys": [OTHER[0]]})["requests"] == 1
    assert observer.rendered(None, {"form": form})["requests"] == 4
    assert observer.rendered(None, {"form": form, "appkeys": []})["complaints"]
    with pytest.raises(AdminError, match="not both"):
        observer.rendered(APPKEY, {"form": form, "appkeys": []})


def test_an_app_without_requests_is_known_and_another_is_not(observer: Observer, bench: Bench) -> None:
    """Silence of a registered app is an answer; of an unknown one it is not."""
    observer.clear(OTHER[0])
    assert observer.count(OTHER[0], {}) == {"count": 0, "evicted": 0}
    assert observer.count("", {})["count"] == 0
    for ask in (observer.count, observer.requests, observer.verify, observer.find):
        with pytest.raises(AdminError, match="unknown app"):
            ask("12345678", {})
    for ask in (observer.clear, observer.coverage, observer.report_json):
        with pytest.raises(AdminError, match="unknown app"):
            ask("12345678")
    with pytest.raises(AdminError, match="unknown app"):
        observer.request("12345678", "00000001")


def test_lints_are_asked_for_by_their_names(observer: Observer, bench: Bench) -> None:
    """A seq that came twice is a violation like any other: listed, counted, found and verified."""
    journal = bench.engine.journal = Journal()
    for at in range(3):
        journal.add(entry(appkey=APPKEY, at=1_576_000_000.0 + at))
    journal.add(entry(appkey=OTHER[0], query={"seq": "9"}))
    asked = {"violation": "seq_reused"}
    [told] = observer.requests(APPKEY, asked)["requests"]
    assert told["at"] == 1_576_000_002.0
    assert [one["name"] for one in told["violations"]] == ["seq_reused"]
    assert observer.count(None, asked) == {"count": 1, "evicted": 0}
    assert observer.count(OTHER[0], asked) == {"count": 0, "evicted": 0}
    assert [one["id"] for one in observer.find(APPKEY, asked)["requests"]] == [told["id"]]
    assert observer.verify(APPKEY, {**asked, "count": 1})["ok"]
    assert not observer.verify(APPKEY, {**asked, "count": 0})["ok"]
    assert observer.verify(OTHER[0], {**asked, "count": 0})["ok"]
    with pytest.raises(AdminError, match="no single request shows"):
        observer.requests(APPKEY, {**asked, "wait_for": "1"})


def test_a_filter_means_what_it_says(observer: Observer, bench: Bench) -> None:
    """`ok` is no error; a limit does not count; a violation has a name."""
    bench.engine.journal.add(entry(appkey=APPKEY, error="room_not_found"))
    assert observer.count(APPKEY, {"error": "ok"})["count"] == 2
    assert observer.verify(APPKEY, {"error": "ok"})["message"].startswith(
        "expected at least 1 request with error = ok, found 2"
    )
    with pytest.raises(AdminError, match="not both"):
        observer.verify(APPKEY, {"appkey": OTHER[0], "count": 0})
    for query, said in (
        ({"limit": "1"}, "unknown parameter 'limit'"),
        ({"violation": ""}, "unknown violation ''"),
    ):
        with pytest.raises(AdminError, match=said):
            observer.count(APPKEY, query)


def test_coverage_tells_what_it_knows_nothing_of(observer: Observer) -> None:
    """What left the journal is counted there, too."""
    assert observer.coverage(OTHER[0])["evicted"] == 0
    assert observer.coverage(APPKEY)["evicted"] == 0
