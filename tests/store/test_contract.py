"""The contract of every store, tested through two servers: the same one in memory, two that share Redis."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from helpers.http_client import OK_BODY, Client, Connection
from helpers.redis_process import RedisProcess

from mockserver.engine.journal import ALL_APPS
from mockserver.testing.mock_server import MockServer
from mockserver.world.generated import GeneratedWorld
from mockserver.world.sessions import Sessions

BUSY, LIMITED, ROOM_NOT_FOUND = 1402, 1401, 1301
NOBODY = {"RoomId": "nobody-was-here"}


class Pair(NamedTuple):
    """Clients of one app at two servers, and connections for calls on all apps."""

    first: Client
    second: Client
    all_first: Connection
    all_second: Connection


@pytest.fixture(scope="module", params=["memory", "redis"])
def servers(request: pytest.FixtureRequest) -> Iterator[tuple[MockServer, MockServer]]:
    """Two servers that share everything, or the same server twice."""
    if request.param == "memory":
        with MockServer("document", journal_size=50) as server:
            yield server, server
        return
    redis: RedisProcess = request.getfixturevalue("redis")
    settings = {"store": redis.url, "store_prefix": "contract:", "journal_size": 50}
    with MockServer("document", **settings) as first, MockServer("document", **settings) as second:
        yield first, second


@pytest.fixture
def pair(servers: tuple[MockServer, MockServer]) -> Iterator[Pair]:
    """A new app; everything is reset afterwards."""
    ports = [server.port for server in servers]
    with Connection(ports[0]) as all_first, Connection(ports[1]) as all_second, Client.fresh(ports[0]) as first:
        second = first.twin()
        second.wire.close()
        second.wire = Connection(ports[1])
        yield Pair(first, second, all_first, all_second)
        all_first.send("POST", "reset")
        second.close()


def together(count: int, clients: list[Client], **headers: str) -> Counter[int]:
    """Send `count` requests at once from each of several twins of the clients; count the codes."""
    codes: Counter[int] = Counter()
    lock = threading.Lock()

    def send(client: Client) -> None:
        twin = client.twin()
        twin.wire = Connection(client.wire.port)
        for _ in range(count):
            code = twin.code(**headers)
            with lock:
                codes[code] += 1
        twin.close()

    threads = [threading.Thread(target=send, args=(client,)) for client in clients for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return codes


def test_what_is_chosen_at_one_server_holds_at_the_other(pair: Pair) -> None:
    """Scenario, readings, answers, clock: of one app and of all; a new app has those of all."""
    first, second, all_first, all_second = pair
    assert (first.code(), second.code("query_room_info", NOBODY)) == (0, 1301)
    first.send("PUT", "readings", {"unknown_room": "empty"})
    assert second.code("query_room_info", NOBODY) == 0
    added = second.send("POST", "answers", {"on": "query_room_info", "reply": {"error": "rate_limited"}})["id"]
    assert (first.code(), [row["id"] for row in first.get("answers")["answers"]]) == (LIMITED, [added])
    first.send("DELETE", f"answers/{added}")
    assert second.code() == 0
    all_second.send("PUT", "scenario", {"name": "empty"})
    assert first.get("scenario") == {"name": "empty"}
    with Client.fresh(second.wire.port) as late:
        assert late.get("scenario") == {"name": "empty"}
        all_first.send("POST", "answers", {"on": "*", "reply": {"error": "server_busy"}})
        assert late.code() == second.code() == first.code() == BUSY
    all_first.send("DELETE", "answers")
    all_first.send("PUT", "scenario", {"name": "document"})
    first.send("PUT", "clock", {"now": 1575963000})
    assert (second.get("clock")["now"], second.code(at=1575963000)) == (1575963000, 0)
    all_first.send("PUT", "clock", {"offset_seconds": 3600})
    assert 3590 < all_second.get("clock")["now"] - all_second.get("clock")["machine"] < 3610
    second.send("POST", "reset")
    assert first.get("clock")["offset_seconds"] == 0
    assert first.code("query_room_info", NOBODY, at=all_first.get("clock")["now"]) == 1301


def test_an_app_exists_everywhere_until_it_is_deleted(pair: Pair) -> None:
    """Created at one server, deleted at the other; its journal stays."""
    with Client.fresh(pair.second.wire.port) as made:
        here = made.twin()
        here.wire = Connection(pair.first.wire.port)
        assert here.code() == 0
        assert made.appkey in [app["appkey"] for app in pair.all_first.get("apps")["apps"]]
        pair.all_first.send("DELETE", f"apps/{made.appkey}")
        assert made.code() == 1102
        assert made.get("requests/count") == {"count": 1, "evicted": 0}
        here.close()


def test_a_fault_fires_exactly_as_often_as_it_says(pair: Pair) -> None:
    """Over all servers and threads; `after` and `every` count the requests of all of them."""
    first, second, *_ = pair
    first.send(
        "POST", "faults", {"fault": "error", "name": "server_busy", "times": 20, "after": 10, "every": 2, "id": "busy"}
    )
    assert together(10, [first, second]) == {BUSY: 20, 0: 60}
    (row,) = second.get("faults")["faults"]
    assert (row["matched"], row["struck"], row["ended"]) == (80, 20, True)
    second.send("DELETE", "faults/busy")
    first.send("POST", "faults", {"fault": "error", "name": "server_busy", "times": 1, "id": "busy"})
    assert [second.code(), first.code(), second.get("faults")["faults"][0]["struck"]] == [BUSY, 0, 1]


def test_a_probability_is_drawn_once_for_each_request(pair: Pair) -> None:
    """The same requests fire however they are spread over the servers."""
    first, second, *_ = pair
    fault = {"fault": "error", "name": "server_busy", "probability": 0.5, "times": 7, "id": "half"}
    first.send("POST", "faults", fault)
    codes = [(first if number % 3 else second).code() for number in range(30)]
    assert codes.count(BUSY) == 7
    first.send("DELETE", "faults")
    first.send("POST", "faults", fault)
    assert [second.code() for _ in range(30)] == codes


def test_a_rate_limit_counts_the_requests_of_all_servers(pair: Pair) -> None:
    """A window of requests that is filled at one server is full at the other."""
    pair.first.send("PUT", "clock", {"now": 1575963000})
    pair.first.send("POST", "faults", {"fault": "rate_limit", "requests": 3, "per_seconds": 10})
    codes = [client.code(at=1575963000) for client in (*pair[:2], *pair[:2])]
    assert codes == [0, 0, 0, LIMITED]
    pair.second.send("PUT", "clock", {"advance_seconds": 11})
    assert pair.first.code(at=1575963011) == 0


def test_the_faults_of_a_scenario_stay_removed(pair: Pair) -> None:
    """At every server, until the scenario is chosen again."""
    first, second, *_ = pair
    first.send("PUT", "scenario", {"name": "flaky-network"})
    ids = [row["id"] for row in second.get("faults")["faults"]]
    assert ids
    second.send("DELETE", f"faults/{ids[0]}")
    assert [row["id"] for row in first.get("faults")["faults"]] == ids[1:]
    first.get("faults")
    first.send("PUT", "scenario", {"name": "flaky-network"})
    assert [row["id"] for row in second.get("faults")["faults"]] == ids


def test_a_sequence_steps_once_for_each_request(pair: Pair) -> None:
    """The nth matching request of the app gets the nth reply; choosing the scenario again starts it again."""
    first, second, *_ = pair
    errors = [{"error": "server_busy"}, {"error": "rate_limited"}, {"world": True}]
    first.send("POST", "answers", {"on": "query_room_info", "sequence": errors})
    assert [client.code() for client in (first, second, first, second)] == [BUSY, LIMITED, 0, 0]
    second.send("PUT", "scenario", {"name": "document"})
    assert [client.code() for client in (second, first, first)] == [BUSY, LIMITED, 0]
    first.send("DELETE", "answers")
    first.send("POST", "answers", {"on": "query_room_info", "reply": {"error": "rate_limited"}, "times": 30})
    assert together(10, [first, second]) == {LIMITED: 30, 0: 50}


def test_a_seq_and_a_checksum_are_accepted_once(pair: Pair) -> None:
    """By any server; a reset forgets them."""
    first, second, *_ = pair
    first.send("PUT", "readings", {"seq": "unique", "checksum_reuse": "once"})

    def send(client: Client, target: str) -> str:
        answer = client.wire.ask("POST", target, b'{"RoomId":"123456789"}', Content_Type="application/json")
        return answer.headers.get("x-mock-diagnosis", "").partition(":")[0]

    earlier, later = first.target(at=1795000000), first.target(at=1795000000)
    first.send("PUT", "clock", {"now": 1795000000})
    sent = send(first, earlier), send(second, later), send(second, earlier)
    assert sent == ("", "checksum_reused", "checksum_reused")
    third = first.target(at=1795000001)
    repeated = first.target(at=1795000002).rpartition("&seq=")[0] + "&seq=" + third.rpartition("&seq=")[2]
    assert [send(second, third), send(first, repeated)] == ["", "seq_repeated"]
    second.send("POST", "reset")
    first.send("PUT", "readings", {"seq": "unique", "checksum_reuse": "once"})
    first.send("PUT", "clock", {"now": 1795000000})
    assert send(first, earlier) == ""


def test_the_journal_is_one(pair: Pair) -> None:
    """Every request is found by its id, counted, filtered, verified and reported at every server, in order."""
    first, second, all_first, all_second = pair
    ids = [client.call().headers["x-mock-request-id"] for client in (first, second, first)]
    wrong = second.call(body={"RoomId": 1}).headers["x-mock-request-id"]
    assert len({*ids, wrong}) == 4
    for client in (first, second):
        rows = client.get("requests")["requests"]
        assert [row["id"] for row in rows] == [*ids, wrong]
        assert client.get("requests/count") == {"count": 4, "evicted": 0}
        assert client.get("requests/count", accepted="false") == {"count": 1, "evicted": 0}
        shown = client.get(f"requests/{ids[1]}")
        assert shown == rows[1]
        assert shown["request"]["json"]["RoomId"] == OK_BODY["RoomId"]
        assert client.send("POST", "requests/verify", {"operation": "query_room_info", "count": 4})["ok"]
        assert client.get("report")["requests"] == 4
    assert all_first.get("requests/count") == all_second.get("requests/count")
    assert second.send("DELETE", "requests") == {"removed": 4}
    assert first.get("requests/count") == {"count": 0, "evicted": 0}
    assert first.admin("GET", f"requests/{ids[0]}").status == 404


def test_waiting_at_one_server_ends_by_a_request_at_the_other(pair: Pair) -> None:
    """The caller gets all entries."""
    found: list[int] = []

    def wait() -> None:
        found.append(len(pair.second.get("requests", wait_for=2, timeout=20)["requests"]))

    thread = threading.Thread(target=wait)
    thread.start()
    pair.first.code()
    pair.first.code()
    thread.join()
    assert found == [2]


def test_the_journal_is_limited_for_each_app(pair: Pair) -> None:
    """Evicted requests are counted, and no longer found."""
    first, second, *_ = pair
    oldest = first.call().headers["x-mock-request-id"]
    for number in range(53):
        (first if number % 2 else second).code()
    assert first.get("requests/count") == second.get("requests/count") == {"count": 50, "evicted": 4}
    assert second.admin("GET", f"requests/{oldest}").status == 404
    first.send("DELETE", "requests")
    assert second.get("requests/count") == {"count": 0, "evicted": 0}


def test_the_journal_is_limited_in_bytes(
    pair: Pair, servers: tuple[MockServer, MockServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of each app and of all; what is evicted is counted, and the newest entry stays."""
    for server in servers:
        monkeypatch.setattr(server.engine.journal, "max_bytes", 40_000)
    clients = [pair.first, *(Client.fresh(pair.second.wire.port) for _ in range(7))]
    for number, client in enumerate(clients, 1):
        newest = [client.call().headers["x-mock-request-id"] for _ in range(40)][-1]
        found = pair.second.wire.get("requests/count", appkey=client.appkey)
        assert found["count"] + found["evicted"] == 40
        assert 1 <= found["count"] < 40
        assert pair.all_first.get(f"requests/{newest}")["id"] == newest
        entries, size = servers[0].engine.journal.totals()
        assert size <= 40_000 * min(number, ALL_APPS)
        assert entries == pair.all_second.get("requests/count")["count"]
    assert 80_000 < size
    assert pair.all_first.get("requests/count")["evicted"] == 40 * len(clients) - entries
    for client in clients[1:]:
        client.close()


def test_a_reset_removes_created_apps_everywhere(pair: Pair) -> None:
    """And restores what was chosen for all apps."""
    first, second, all_first, all_second = pair
    all_first.send("PUT", "scenario", {"name": "empty"})
    all_first.send("POST", "faults", {"fault": "error", "name": "server_busy"})
    assert second.code() == BUSY
    all_second.send("POST", "reset")
    assert all_first.get("scenario") == {"name": "document"}
    assert all_first.get("faults") == {"faults": []}
    assert first.code() == second.code() == 1102
    assert [app["made"] for app in all_first.get("apps")["apps"]] == [False, False]


def test_removing_faults_at_one_server_releases_the_responses_of_the_other(pair: Pair) -> None:
    """A delay of ten minutes ends; those of other apps go on."""
    first, second, *_ = pair
    first.send("POST", "faults", {"fault": "latency", "fixed_ms": 600_000})
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(second.code()))
    thread.start()
    first.get("requests", wait_for=1, timeout=20)
    first.send("DELETE", "faults")
    thread.join(20)
    assert codes == [0]


def test_an_app_that_nobody_uses_expires_everywhere(pair: Pair, servers: tuple[MockServer, MockServer]) -> None:
    """With its journal and all its state."""
    first, second, all_first, all_second = pair
    assert first.code() == second.code() == 0
    ttls = [server.engine.store.app_ttl for server in servers]
    try:
        servers[0].engine.store.app_ttl = -1
        assert not any(app["made"] for app in all_first.get("apps")["apps"])
        assert not any(app["made"] for app in all_second.get("apps")["apps"])
        assert second.code() == first.code() == 1102
        assert first.admin("GET", "requests").status == 404
    finally:
        for server, ttl in zip(servers, ttls, strict=True):
            server.engine.store.app_ttl = ttl


def test_threads_that_read_the_journal_at_once_count_nothing_twice(
    pair: Pair, servers: tuple[MockServer, MockServer]
) -> None:
    """A console that follows the requests does not change what tests count."""
    journal, stop = servers[0].engine.journal, threading.Event()
    sent = 0

    def follow() -> None:
        while not stop.is_set():
            journal.news(0, 5)

    threads = [threading.Thread(target=follow) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for sent in range(1, 41):
            pair.second.code()
            assert pair.first.get("requests/count")["count"] == sent
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)


def test_the_metrics_count_the_requests_of_all_servers(pair: Pair) -> None:
    """Whichever server is asked."""

    def count(wire: Connection) -> float:
        lines = wire.admin("GET", "metrics").body.decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("mockserver_requests_total{"))

    before = count(pair.all_first)
    pair.first.code()
    pair.second.code()
    assert count(pair.all_first) == count(pair.all_second) == before + 2
    assert b"mockserver_store_up 1\n" in pair.all_first.admin("GET", "metrics").body


def test_a_long_request_does_not_delay_others(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two clients ask for the same cold day: it is computed once, and other requests are answered meanwhile."""
    day = ("count_business_total_volume_by_day", {"QueryDate": "20250307", "CountBy": 1})
    evaluate, evaluated = GeneratedWorld._evaluate, []
    begun, finish = threading.Event(), threading.Event()

    def evaluate_later(world: GeneratedWorld, first: int, last: int) -> Sessions:
        evaluated.append((first, last))
        begun.set()
        assert finish.wait(20)
        return evaluate(world, first, last)

    monkeypatch.setattr(GeneratedWorld, "_evaluate", evaluate_later)
    pair.first.wire.send("PUT", "scenario", {"name": "busy-day"})
    answers: list[object] = []
    with pair.first.twin() as first, pair.first.twin() as second:
        threads = [
            threading.Thread(target=lambda asking=asking: answers.append(asking.call(*day).json["ErrorInfo"]))
            for asking in (first, second)
        ]
        for thread in threads:
            thread.start()
        assert begun.wait(20)
        assert pair.first.call("query_room_info", NOBODY).json["ErrorCode"] == ROOM_NOT_FOUND
        assert answers == []
        finish.set()
        for thread in threads:
            thread.join(20)
    assert answers == ["", ""]
    assert len(evaluated) == 1
