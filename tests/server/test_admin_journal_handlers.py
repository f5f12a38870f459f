"""The journal handlers of the admin API without HTTP: waiting callers, limits, lints, and reports on some apps."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from helpers.engine_client import EngineClient
from helpers.journal_entries import entry as make_entry
from helpers.signer import APPKEY, OTHER

from mockserver.core.errors import AdminError
from mockserver.engine.journal import Journal
from mockserver.reporting.queries import MAX_WAIT
from mockserver.reporting.render import FORMATS
from mockserver.server.admin_journal import (
    clear_requests,
    count_requests,
    find_requests,
    get_coverage,
    get_report,
    get_request,
    list_requests,
    render_report,
    verify_requests,
)
from mockserver.server.admin_request import AdminContext, AdminRequest

Call = Callable[..., Any]


@pytest.fixture
def bench() -> EngineClient:
    """An engine whose journal holds three requests of one app and one of another."""
    bench = EngineClient()
    bench.engine.journal = Journal(max_entries=3)
    for appkey, number in ((APPKEY, 1), (APPKEY, 2), (APPKEY, 3), (OTHER[0], 4)):
        bench.engine.journal.add(make_entry(appkey=appkey, at=1_576_000_000.0 + number))
    return bench


@pytest.fixture
def get(bench: EngineClient) -> Call:
    """Calls a handler with query parameters."""
    return lambda handler, appkey=None, /, **query: handler(
        AdminContext(bench.engine), AdminRequest(appkey, query=query)
    )


@pytest.fixture
def post(bench: EngineClient) -> Call:
    """Calls a handler with the fields of a body."""
    return lambda handler, appkey=None, /, **fields: handler(
        AdminContext(bench.engine), AdminRequest(appkey, body=fields)
    )


@pytest.mark.parametrize(("limit", "count"), [("0", 0), ("1", 1), ("3", 3), ("99", 3)])
def test_a_limit_works_with_and_without_waiting(get: Call, limit: str, count: int) -> None:
    """It selects the newest entries; 0 selects none."""
    entries = get(list_requests, APPKEY, limit=limit)["requests"]
    assert entries == get(list_requests, APPKEY, limit=limit, wait_for="1", timeout="0")["requests"]
    assert [entry["at"] for entry in entries] == [1_576_000_001.0, 1_576_000_002.0, 1_576_000_003.0][3 - count :]


def test_a_long_list_is_encoded_an_entry_at_a_time(get: Call, bench: EngineClient) -> None:
    """Over a hundred requests come as bytes of the same JSON, lone surrogates included."""
    bench.engine.journal = Journal()
    for number in range(101):
        bench.engine.journal.add(make_entry(appkey=APPKEY, at=1_576_000_000.0 + number, scenario="\ud800"))
    short, long = get(list_requests, limit="100"), get(list_requests)
    assert isinstance(long, bytes)
    listed = json.loads(long)
    assert (listed["requests"][1:], len(listed["requests"]), listed["evicted"]) == (short["requests"], 101, 0)


def test_all_callers_that_wait_for_the_same_requests_are_answered(get: Call, bench: EngineClient) -> None:
    """One that times out does not affect the others."""
    counts: list[int] = []

    def wait(timeout: str) -> None:
        counts.append(len(get(list_requests, APPKEY, wait_for="5", timeout=timeout, since="0")["requests"]))

    bench.engine.journal.max_entries = 10
    waiters = [threading.Thread(target=wait, args=("30",)) for _ in range(8)]
    impatient = threading.Thread(target=wait, args=("0.05",))
    for thread in (*waiters, impatient):
        thread.start()
    impatient.join(20)
    assert counts == [3]
    for _ in range(2):
        bench.engine.journal.add(make_entry(appkey=APPKEY))
    for thread in waiters:
        thread.join(20)
    assert counts == [3] + [5] * 8


def test_the_timeout_of_a_wait_is_limited(get: Call, bench: EngineClient, monkeypatch) -> None:
    """No caller can occupy a thread for longer than MAX_WAIT."""
    timeouts: list[float] = []
    journal = bench.engine.journal
    monkeypatch.setattr(journal, "wait_for", lambda least, query, timeout: timeouts.append(timeout) or journal.select())
    get(list_requests, wait_for="9", timeout="100000")
    get(list_requests, wait_for="9")
    assert timeouts == [MAX_WAIT, 10.0]


def test_evicted_requests_count_for_their_app_only(get: Call, post: Call, bench: EngineClient) -> None:
    """A busy app does not make the verifications of another app uncertain."""
    bench.engine.journal.add(make_entry(appkey=OTHER[0]))
    bench.engine.journal.add(make_entry(appkey=APPKEY))
    assert get(count_requests, APPKEY)["evicted"] == 1
    assert get(count_requests, OTHER[0])["evicted"] == 0
    assert post(verify_requests, OTHER[0], count=2)["ok"] is True
    assert post(verify_requests, APPKEY, at_most=9)["ok"] is False


@pytest.mark.parametrize("form", FORMATS)
def test_every_report_format_covers_the_selected_apps(post: Call, form: str) -> None:
    """One app, several or all; selecting them twice is an error."""
    assert post(render_report, APPKEY, form=form)["requests"] == 3
    assert post(render_report, form=form, appkeys=[OTHER[0]])["requests"] == 1
    assert post(render_report, form=form)["requests"] == 4
    assert post(render_report, form=form, appkeys=[])["complaints"]
    with pytest.raises(AdminError, match="not both"):
        post(render_report, APPKEY, form=form, appkeys=[])


@pytest.mark.parametrize(
    "handler",
    [count_requests, list_requests, verify_requests, find_requests, clear_requests, get_coverage, get_report]
    + [render_report],
)
def test_an_unknown_app_is_an_error(get: Call, handler: Call) -> None:
    """An empty result would be misleading."""
    with pytest.raises(AdminError, match="unknown app"):
        get(handler, "12345678")


def test_a_registered_app_without_requests_is_no_error(get: Call, bench: EngineClient) -> None:
    """Its requests are counted as zero, and so are those without an app."""
    get(clear_requests, OTHER[0])
    assert get(count_requests, OTHER[0]) == {"count": 0, "evicted": 0}
    assert get(count_requests, "")["count"] == 0
    with pytest.raises(AdminError, match="unknown app"):
        get_request(AdminContext(bench.engine), AdminRequest("12345678", {"id": "00000001"}))


def test_violations_that_concern_several_requests_can_be_queried(get: Call, post: Call, bench: EngineClient) -> None:
    """A reused seq is listed, counted, found and verified like any other violation; it cannot be waited for."""
    journal = bench.engine.journal = Journal()
    for number in range(3):
        journal.add(make_entry(appkey=APPKEY, at=1_576_000_000.0 + number))
    journal.add(make_entry(appkey=OTHER[0], query={"seq": "9"}))
    query = {"violation": "seq_reused"}
    [entry] = get(list_requests, APPKEY, **query)["requests"]
    assert entry["at"] == 1_576_000_002.0
    assert [violation["name"] for violation in entry["violations"]] == ["seq_reused"]
    assert get(count_requests, **query) == {"count": 1, "evicted": 0}
    assert get(count_requests, OTHER[0], **query) == {"count": 0, "evicted": 0}
    assert [found["id"] for found in post(find_requests, APPKEY, **query)["requests"]] == [entry["id"]]
    assert post(verify_requests, APPKEY, **query, count=1)["ok"]
    assert not post(verify_requests, APPKEY, **query, count=0)["ok"]
    assert post(verify_requests, OTHER[0], **query, count=0)["ok"]
    with pytest.raises(AdminError, match="cannot be waited for"):
        get(list_requests, APPKEY, **query, wait_for="1")


def test_filters_are_taken_literally(get: Call, post: Call, bench: EngineClient) -> None:
    """`error=ok` selects requests without an error; count takes no limit; an empty violation name is unknown."""
    bench.engine.journal.add(make_entry(appkey=APPKEY, error="room_not_found"))
    assert get(count_requests, APPKEY, error="ok")["count"] == 2
    assert post(verify_requests, APPKEY, error="ok")["message"].startswith(
        "expected at least 1 request with error = ok, found 2"
    )
    with pytest.raises(AdminError, match="not both"):
        post(verify_requests, APPKEY, appkey=OTHER[0], count=0)
    with pytest.raises(AdminError, match="unknown parameter 'limit'"):
        get(count_requests, APPKEY, limit="1")
    with pytest.raises(AdminError, match="unknown violation ''"):
        get(count_requests, APPKEY, violation="")


def test_coverage_reports_evicted_requests(get: Call, bench: EngineClient) -> None:
    """Requests that are no longer in the journal may have covered more."""
    assert get(get_coverage, OTHER[0])["evicted"] == 0
    assert get(get_coverage, APPKEY)["evicted"] == 0
    bench.engine.journal.add(make_entry(appkey=APPKEY))
    assert get(get_coverage, APPKEY)["evicted"] == 1
