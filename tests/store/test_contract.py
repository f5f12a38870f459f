"""What holds for every store, seen through two servers: one and the same in memory, two that share Redis."""

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

    one: Client
    other: Client
    all_one: Connection
    all_other: Connection


@pytest.fixture(scope="module", params=["memory", "redis"])
def servers(request: pytest.FixtureRequest) -> Iterator[tuple[MockServer, MockServer]]:
    """Two servers that share everything, or one twice."""
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
    first, second = servers
    with Connection(first.port) as all_one, Connection(second.port) as all_other, Client.fresh(first.port) as one:
        other = one.twin()
        other.wire.close()
        other.wire = Connection(second.port)
        yield Pair(one, other, all_one, all_other)
        all_one.send("POST", "reset")
        other.close()


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
    one, other, all_one, all_other = pair
    assert (one.code(), other.code("query_room_info", NOBODY)) == (0, 1301)
    one.send("PUT", "readings", {"unknown_room": "empty"})
    assert other.code("query_room_info", NOBODY) == 0
    added = other.send("POST", "answers", {"on": "query_room_info", "reply": {"error": "rate_limited"}})["id"]
    assert (one.code(), [row["id"] for row in one.get("answers")["answers"]]) == (LIMITED, [added])
    one.send("DELETE", f"answers/{added}")
    assert other.code() == 0
    all_other.send("PUT", "scenario", {"name": "empty"})
    assert one.get("scenario") == {"name": "empty"}
    with Client.fresh(other.wire.port) as late:
        assert late.get("scenario") == {"name": "empty"}
        all_one.send("POST", "answers", {"on": "*", "reply": {"error": "server_busy"}})
        assert late.code() == other.code() == one.code() == BUSY
    all_one.send("DELETE", "answers")
    all_one.send("PUT", "scenario", {"name": "document"})
    one.send("PUT", "clock", {"now": 1575963000})
    assert (other.get("clock")["now"], other.code(at=1575963000)) == (1575963000, 0)
    all_one.send("PUT", "clock", {"offset_seconds": 3600})
    assert 3590 < all_other.get("clock")["now"] - all_other.get("clock")["machine"] < 3610
    other.send("POST", "reset")
    assert one.get("clock")["offset_seconds"] == 0
    assert one.code("query_room_info", NOBODY, at=all_one.get("clock")["now"]) == 1301


def test_an_app_exists_everywhere_until_it_is_deleted(pair: Pair) -> None:
    """Created at one server, deleted at the other; its journal stays."""
    with Client.fresh(pair.other.wire.port) as made:
        here = made.twin()
        here.wire = Connection(pair.one.wire.port)
        assert here.code() == 0
        assert made.appkey in [app["appkey"] for app in pair.all_one.get("apps")["apps"]]
        pair.all_one.send("DELETE", f"apps/{made.appkey}")
        assert made.code() == 1102
        assert made.get("requests/count") == {"count": 1, "evicted": 0}
        here.close()


def test_a_fault_fires_exactly_as_often_as_it_says(pair: Pair) -> None:
    """Over all servers and threads; `after` and `every` count the requests of all of them."""
    one, other, *_ = pair
    one.send(
        "POST", "faults", {"fault": "error", "name": "server_busy", "times": 20, "after": 10, "every": 2, "id": "busy"}
    )
    assert together(10, [one, other]) == {BUSY: 20, 0: 60}
    (row,) = other.get("faults")["faults"]
    assert (row["matched"], row["struck"], row["ended"]) == (80, 20, True)
    other.send("DELETE", "faults/busy")
    one.send("POST", "faults", {"fault": "error", "name": "server_busy", "times": 1, "id": "busy"})
    assert [other.code(), one.code(), other.get("faults")["faults"][0]["struck"]] == [BUSY, 0, 1]


def test_a_probability_is_drawn_once_for_each_request(pair: Pair) -> None:
    """The same requests fire however they are spread over the servers."""
    one, other, *_ = pair
    fault = {"fault": "error", "name": "server_busy", "probability": 0.5, "times": 7, "id": "half"}
    one.send("POST", "faults", fault)
    codes = [(one if number % 3 else other).code() for number in range(30)]
    assert codes.count(BUSY) == 7
    one.send("DELETE", "faults")
    one.send("POST", "faults", fault)
    assert [other.code() for _ in range(30)] == codes


def test_a_rate_limit_counts_the_requests_of_all_servers(pair: Pair) -> None:
    """A window of requests that is filled at one server is full at the other."""
    pair.one.send("PUT", "clock", {"now": 1575963000})
    pair.one.send("POST", "faults", {"fault": "rate_limit", "requests": 3, "per_seconds": 10})
    codes = [client.code(at=1575963000) for client in (*pair[:2], *pair[:2])]
    assert codes == [0, 0, 0, LIMITED]
    pair.other.send("PUT", "clock", {"advance_seconds": 11})
    assert pair.one.code(at=1575963011) == 0


def test_the_faults_of_a_scenario_stay_removed(pair: Pair) -> None:
    """At every server, until the scenario is chosen again."""
    one, other, *_ = pair
    one.send("PUT", "scenario", {"name": "flaky-network"})
    ids = [row["id"] for row in other.get("faults")["faults"]]
    assert ids
    other.send("DELETE", f"faults/{ids[0]}")
    assert [row["id"] for row in one.get("faults")["faults"]] == ids[1:]
    one.get("faults")
    one.send("PUT", "scenario", {"name": "flaky-network"})
    assert [row["id"] for row in other.get("faults")["faults"]] == ids


def test_a_sequence_steps_once_for_each_request(pair: Pair) -> None:
    """The nth matching request of the app gets the nth reply; choosing the scenario again starts it again."""
    one, other, *_ = pair
    errors = [{"error": "server_busy"}, {"error": "rate_limited"}, {"world": True}]
    one.send("POST", "answers", {"on": "query_room_info", "sequence": errors})
    assert [client.code() for client in (one, other, one, other)] == [BUSY, LIMITED, 0, 0]
    other.send("PUT", "scenario", {"name": "document"})
    assert [client.code() for client in (other, one, one)] == [BUSY, LIMITED, 0]
    one.send("DELETE", "answers")
    one.send("POST", "answers", {"on": "query_room_info", "reply": {"error": "rate_limited"}, "times": 30})
    assert together(10, [one, other]) == {LIMITED: 30, 0: 50}


def test_a_seq_and_a_checksum_are_accepted_once(pair: Pair) -> None:
    """By any server; a reset forgets them."""
    one, other, *_ = pair
    one.send("PUT", "readings", {"seq": "unique", "checksum_reuse": "once"})

    def send(client: Client, target: str) -> str:
        answer = client.wire.ask("POST", target, b'{"RoomId":"123456789"}', Content_Type="application/json")
        return answer.headers.get("x-mock-diagnosis", "").partition(":")[0]

    first, second = one.target(at=1795000000), one.target(at=1795000000)
    one.send("PUT", "clock", {"now": 1795000000})
    assert [send(one, first), send(other, second), send(other, first)] == ["", "checksum_reused", "checksum_reused"]
    third = one.target(at=1795000001)
    repeated = one.target(at=1795000002).rpartition("&seq=")[0] + "&seq=" + third.rpartition("&seq=")[2]
    assert [send(other, third), send(one, repeated)] == ["", "seq_repeated"]
    other.send("POST", "reset")
    one.send("PUT", "readings", {"seq": "unique", "checksum_reuse": "once"})
    one.send("PUT", "clock", {"now": 1795000000})
    assert send(one, first) == ""


def test_the_journal_is_one(pair: Pair) -> None:
    """Every request is found by its id, counted, filtered, verified and reported at every server, in order."""
    one, other, all_one, all_other = pair
    ids = [client.call().headers["x-mock-request-id"] for client in (one, other, one)]
    wrong = other.call(body={"RoomId": 1}).headers["x-mock-request-id"]
    assert len({*ids, wrong}) == 4
    for client in (one, other):
        rows = client.get("requests")["requests"]
        assert [row["id"] for row in rows] == [*ids, wrong]
        assert client.get("requests/count") == {"count": 4, "evicted": 0}
        assert client.get("requests/count", accepted="false") == {"count": 1, "evicted": 0}
        shown = client.get(f"requests/{ids[1]}")
        assert shown == rows[1]
        assert shown["request"]["json"]["RoomId"] == OK_BODY["RoomId"]
        assert client.send("POST", "requests/verify", {"operation": "query_room_info", "count": 4})["ok"]
        assert client.get("report")["requests"] == 4
    assert all_one.get("requests/count") == all_other.get("requests/count")
    assert other.send("DELETE", "requests") == {"removed": 4}
    assert one.get("requests/count") == {"count": 0, "evicted": 0}
    assert one.admin("GET", f"requests/{ids[0]}").status == 404


def test_waiting_at_one_server_ends_by_a_request_at_the_other(pair: Pair) -> None:
    """With all the entries."""
    found: list[int] = []

    def wait() -> None:
        found.append(len(pair.other.get("requests", wait_for=2, timeout=20)["requests"]))

    thread = threading.Thread(target=wait)
    thread.start()
    pair.one.code()
    pair.one.code()
    thread.join()
    assert found == [2]


def test_the_journal_is_limited_for_each_app(pair: Pair) -> None:
    """What newer requests push out is counted, and found no more."""
    one, other, *_ = pair
    first = one.call().headers["x-mock-request-id"]
    for number in range(53):
        (one if number % 2 else other).code()
    assert one.get("requests/count") == other.get("requests/count") == {"count": 50, "evicted": 4}
    assert other.admin("GET", f"requests/{first}").status == 404
    one.send("DELETE", "requests")
    assert other.get("requests/count") == {"count": 0, "evicted": 0}


def test_the_journal_is_limited_in_bytes(
    pair: Pair, servers: tuple[MockServer, MockServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of each app and of all; what is evicted is counted, and the newest entry stays."""
    for server in servers:
        monkeypatch.setattr(server.engine.journal, "max_bytes", 40_000)
    clients = [pair.one, *(Client.fresh(pair.other.wire.port) for _ in range(7))]
    for number, client in enumerate(clients, 1):
        newest = [client.call().headers["x-mock-request-id"] for _ in range(40)][-1]
        found = pair.other.wire.get("requests/count", appkey=client.appkey)
        assert found["count"] + found["evicted"] == 40
        assert 1 <= found["count"] < 40
        assert pair.all_one.get(f"requests/{newest}")["id"] == newest
        entries, size = servers[0].engine.journal.totals()
        assert size <= 40_000 * min(number, ALL_APPS)
        assert entries == pair.all_other.get("requests/count")["count"]
    assert 80_000 < size
    assert pair.all_one.get("requests/count")["evicted"] == 40 * len(clients) - entries
    for client in clients[1:]:
        client.close()


def test_a_reset_removes_created_apps_everywhere(pair: Pair) -> None:
    """And restores what was chosen for all apps."""
    one, other, all_one, all_other = pair
    all_one.send("PUT", "scenario", {"name": "empty"})
    all_one.send("POST", "faults", {"fault": "error", "name": "server_busy"})
    assert other.code() == BUSY
    all_other.send("POST", "reset")
    assert all_one.get("scenario") == {"name": "document"}
    assert all_one.get("faults") == {"faults": []}
    assert one.code() == other.code() == 1102
    assert [app["made"] for app in all_one.get("apps")["apps"]] == [False, False]


def test_removing_faults_at_one_server_releases_the_responses_of_the_other(pair: Pair) -> None:
    """A delay of ten minutes ends; those of other apps go on."""
    one, other, *_ = pair
    one.send("POST", "faults", {"fault": "latency", "fixed_ms": 600_000})
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(other.code()))
    thread.start()
    one.get("requests", wait_for=1, timeout=20)
    one.send("DELETE", "faults")
    thread.join(20)
    assert codes == [0]


def test_an_app_that_nobody_uses_expires_everywhere(pair: Pair, servers: tuple[MockServer, MockServer]) -> None:
    """With its journal and all its state."""
    one, other, all_one, all_other = pair
    assert one.code() == other.code() == 0
    ttls = [server.engine.store.app_ttl for server in servers]
    try:
        servers[0].engine.store.app_ttl = -1
        assert not any(app["made"] for app in all_one.get("apps")["apps"])
        assert not any(app["made"] for app in all_other.get("apps")["apps"])
        assert other.code() == one.code() == 1102
        assert one.admin("GET", "requests").status == 404
    finally:
        for server, ttl in zip(servers, ttls, strict=True):
            server.engine.store.app_ttl = ttl


def test_the_metrics_count_the_requests_of_all_servers(pair: Pair) -> None:
    """Whichever server is asked."""

    def count(wire: Connection) -> float:
        lines = wire.admin("GET", "metrics").body.decode().splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("mockserver_requests_total{"))

    before = count(pair.all_one)
    pair.one.code()
    pair.other.code()
    assert count(pair.all_one) == count(pair.all_other) == before + 2
    assert b"mockserver_store_up 1\n" in pair.all_one.admin("GET", "metrics").body


def test_a_long_question_keeps_no_other_request_waiting(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
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
    pair.one.wire.send("PUT", "scenario", {"name": "busy-day"})
    answers: list[object] = []
    with pair.one.twin() as first, pair.one.twin() as second:
        threads = [
            threading.Thread(target=lambda asking=asking: answers.append(asking.call(*day).json["ErrorInfo"]))
            for asking in (first, second)
        ]
        for thread in threads:
            thread.start()
        assert begun.wait(20)
        assert pair.one.call("query_room_info", NOBODY).json["ErrorCode"] == ROOM_NOT_FOUND
        assert answers == []
        finish.set()
        for thread in threads:
            thread.join(20)
    assert answers == ["", ""]
    assert len(evaluated) == 1
