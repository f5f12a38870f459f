"""Which requests a fault fires on, how often, and in which order; exact with concurrent threads."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fault_helpers import NOW, OPERATION, SIGNING, context, fault, fault_state, fired_on, response
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.contract.operations import OPERATIONS
from mockserver.core.http import DeliveryPlan
from mockserver.faults.base import FAMILIES, Draw, FaultError
from mockserver.faults.plan import MAX_FAULTS, FaultPlan, FaultState

SEEDS = st.integers(0, 2**64 - 1)
RESET = "connection_reset"


# ---- counting


@given(after=st.integers(0, 20), every=st.integers(1, 7), times=st.none() | st.integers(1, 10))
def test_after_every_and_times_are_exact(after, every, times):
    """A fault skips `after` requests, then fires on every nth, and stops after `times`."""
    more = {"times": times} if times else {}
    faults = fault_state({"fault": RESET, "after": after, "every": every, **more})
    expected = [after + every * n - 1 for n in range(1, 100)]
    assert fired_on(faults, 80) == [number for number in expected[:times] if number < 80]


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, share=st.floats(0.02, 0.98))
def test_a_probability_is_a_frequency(seed, share):
    """Over 2,000 requests the frequency is within five standard errors of the probability."""
    faults = fault_state({"fault": RESET, "probability": share}, seed=seed)
    error = (share * (1 - share) / 2000) ** 0.5
    assert abs(len(fired_on(faults, 2000)) / 2000 - share) < 5 * error, f"seed {seed}"


@pytest.mark.parametrize(("share", "expected"), [(0, 0), (1, 500)])
def test_never_and_always(share, expected):
    """Probability 0 never fires and 1 always does."""
    assert len(fired_on(fault_state({"fault": RESET, "probability": share}), 500)) == expected


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_the_same_seed_fires_on_the_same_requests(seed):
    """Two servers with one seed do the same to the nth request; another seed gives another sequence."""
    line = "connection_reset;probability=0.3"
    first = fired_on(fault_state(line, seed=seed), 300)
    assert fired_on(fault_state(line, seed=seed), 300) == first
    assert fired_on(fault_state(line, seed=seed + 1), 300) != first


def test_other_requests_do_not_change_the_sequence():
    """Requests that a fault does not match have no influence on the ones it fires on."""
    line = f"connection_reset;on={OPERATION};probability=0.3"
    alone, mixed = fault_state(line), fault_state(line)
    expected, got = fired_on(alone, 200), []
    for number in range(200):
        got += [number] if fired_on(mixed, 1) else []
        fired_on(mixed, number % 3, operation="query_room_info")
    assert got == expected


def test_two_faults_of_one_kind_fire_independently():
    """Two equal faults have different ids, so they do not always fire together."""
    faults = fault_state("latency;fixed_ms=1;probability=0.5", "latency;fixed_ms=1;probability=0.5")
    counts = [
        len(fault_plan.kinds)
        for _ in range(200)
        if (fault_plan := FaultPlan(faults.active, OPERATION, {}, {}, NOW)).plan_delivery(response()) is not None
    ]
    assert {0, 1, 2} == set(counts)


def test_a_hundred_times_is_a_hundred_times_under_64_threads():
    """However many threads ask at once, exactly `times` requests are hit."""
    faults = fault_state("connection_reset;times=100")
    start = threading.Barrier(64)

    def client(_: int) -> int:
        start.wait()
        return len(fired_on(faults, 25))

    with ThreadPoolExecutor(64) as pool:
        assert sum(pool.map(client, range(64))) == 100
    assert faults.list(NOW)[0]["struck"] == 100
    assert faults.list(NOW)[0]["matched"] == 64 * 25


@pytest.mark.parametrize("line", ["connection_reset;every=4", "connection_reset;after=100;times=300"])
def test_every_and_after_are_exact_under_threads(line):
    """`every` and `after` count each request once."""
    faults = fault_state(line)
    with ThreadPoolExecutor(32) as pool:
        got = sum(pool.map(lambda _: len(fired_on(faults, 50)), range(32)))
    assert got == (400 if "every" in line else 300)


def test_the_same_seed_fires_as_often_under_threads():
    """Whether the nth matching request is hit does not depend on its thread, so the total is the same."""
    line = "connection_reset;probability=0.3"
    alone, crowd = fault_state(line, seed=7), fault_state(line, seed=7)
    with ThreadPoolExecutor(16) as pool:
        got = sum(pool.map(lambda _: len(fired_on(crowd, 50)), range(16)))
    assert got == len(fired_on(alone, 800))


def test_a_rate_limit_is_exact_under_threads():
    """At one moment exactly `requests` requests are accepted, whatever the number of threads."""
    faults = fault_state("rate_limit;requests=50;per_seconds=60")

    def client(_: int) -> int:
        return sum(FaultPlan(faults.active, OPERATION, {}, {}, NOW).refuse(context()) is None for _ in range(20))

    with ThreadPoolExecutor(32) as pool:
        assert sum(pool.map(client, range(32))) == 50


# ---- selecting requests


def test_on_selects_operations():
    """A fault on some operations ignores the others and unknown paths; one on * matches them all."""
    faults = fault_state({"fault": RESET, "on": [OPERATION, "count_qos_by_day"]})
    matched = [name for name in (*OPERATIONS, "") if fired_on(faults, 1, operation=name)]
    assert matched == [OPERATION, "count_qos_by_day"]
    everything = fault_state("connection_reset")
    assert all(fired_on(everything, 1, operation=name) for name in (*OPERATIONS, ""))


def test_when_selects_requests_and_only_those_count():
    """`times` counts matching requests only."""
    faults = fault_state({"fault": RESET, "when": {"body": {"UserId": {"matches": "^vip-"}}}, "times": 2})
    users = ["a", "vip-1", "b", "vip-2", "vip-3"]
    assert [bool(fired_on(faults, 1, body={"UserId": user})) for user in users] == [False, True, False, True, False]


def test_ttl_seconds_follows_the_apps_clock():
    """A fault ends exactly after ttl_seconds, and is active again when the clock is set back."""
    faults = fault_state("connection_reset;ttl_seconds=60")

    def fires(at: float) -> bool:
        return FaultPlan(faults.active, OPERATION, {}, {}, at).plan_delivery(response()).delivery.instead == "reset"

    assert [fires(NOW + t) for t in (0, 59.9, 60, 1000, 30)] == [True, True, False, False, True]
    assert [listed["ended"] for t in (59, 60) for listed in faults.list(NOW + t)] == [False, True]


# ---- order


def test_the_order_is_that_of_the_families():
    """Families are applied in the documented order, and faults of one family in the order of adding."""
    lines = [
        "connection_reset",
        "latency;fixed_ms=5",
        "http_status",
        "slow_body",
        "wrong_content_type",
        "error;name=server_busy",
        "checksum_rejected",
        "duplicate_keys",
    ]
    for order in itertools.islice(itertools.permutations(lines), 0, 40_320, 997):
        fault_plan = FaultPlan(fault_state(*order).active, OPERATION, {}, {}, NOW)
        fault_plan.apply_to_signing(SIGNING, signature_valid=True)
        assert fault_plan.refuse(context()) is not None
        fault_plan.plan_delivery(fault_plan.corrupt(response(), context()))
        sorted_by_family = sorted(
            (fault(line).kind for line in order), key=lambda kind: list(FAMILIES).index(kind.family)
        )
        # The new content type stays visible, but the second payload fault still finds JSON.
        assert fault_plan.kinds == tuple(kind.kind for kind in sorted_by_family)


def test_a_refused_request_does_not_count_for_the_next_refusal():
    """A request is refused once, so the second error keeps its `times`."""
    faults = fault_state("error;name=server_busy;times=1", "error;name=room_not_found;times=1")
    refusals = [FaultPlan(faults.active, OPERATION, {}, {}, NOW).refuse(context()) for _ in range(3)]
    assert [refusal and refusal.error for refusal in refusals] == ["server_busy", "room_not_found", None]


def test_an_invalid_request_does_not_count_for_api_faults():
    """A stage that the engine does not call fires and counts nothing."""
    faults = fault_state("error;name=server_busy;times=1")
    for _ in range(5):
        fault_plan = FaultPlan(faults.active, OPERATION, {}, {}, NOW)
        fault_plan.plan_delivery(fault_plan.corrupt(response(), context()))
        assert fault_plan.kinds == ()
    assert faults.list(NOW)[0]["matched"] == 0


def test_the_last_connection_fault_decides():
    """An empty response added after a reset is what the client gets."""
    got = FaultPlan(fault_state("connection_reset", "empty_response").active, OPERATION, {}, {}, NOW).plan_delivery(
        response()
    )
    assert got.delivery == DeliveryPlan(instead="empty")


def test_a_fault_without_effect_is_not_reported():
    """A fault that finds nothing to change is neither in the notes nor in the header."""
    fault_plan = FaultPlan(
        fault_state("malformed_json;how=html", "contract_drift", "latency;fixed_ms=20").active, OPERATION, {}, {}, NOW
    )
    fault_plan.plan_delivery(fault_plan.corrupt(response(), context()))
    assert fault_plan.kinds == ("malformed_json", "latency")
    assert fault_plan.header == "malformed_json: HTML page; latency: 20 ms"


def test_the_header_is_one_line_of_ascii():
    """Whatever a response's keys are, the header value can be sent."""
    fault_plan = FaultPlan((), "", {}, {}, NOW)
    fault_plan.notes.append(("contract_drift", "dropped /房\r\n间\x00/" + "x" * 600))
    assert fault_plan.header.isascii()
    assert fault_plan.header.isprintable()
    assert len(fault_plan.header) < 600


# ---- faults of a single request


def test_a_fault_of_one_request_leaves_no_state():
    """Faults of a header are applied after the app's own, to that request only."""
    faults = fault_state("latency;fixed_ms=100")
    once = [fault("connection_reset"), fault("latency;fixed_ms=50")]
    got = FaultPlan(faults.active, OPERATION, {}, {}, NOW, once=once, number=3).plan_delivery(response()).delivery
    assert (got.delay, got.instead) == (pytest.approx(0.15), "reset")
    assert len(faults.active) == 1
    assert FaultPlan(faults.active, OPERATION, {}, {}, NOW).plan_delivery(response()).delivery == DeliveryPlan(
        delay=0.1
    )


def test_a_fault_of_one_request_is_drawn_by_the_requests_number():
    """A probability in a header is a frequency over requests, the same ones with the same seed."""
    once = [fault("connection_reset;probability=0.3")]

    def hits(seed: int) -> list[int]:
        plans = (FaultPlan((), OPERATION, {}, {}, NOW, once, seed, n) for n in range(500))
        return [n for n, fault_plan in enumerate(plans) if fault_plan.plan_delivery(response()).delivery.instead]

    assert hits(1) == hits(1) != hits(2)
    assert 110 < len(hits(1)) < 190


def test_equal_faults_of_one_request_fire_independently():
    """The faults of a scenario selected by a header do not all fire together."""
    once = [fault("latency;fixed_ms=1;probability=0.5")] * 2
    plans = [FaultPlan((), OPERATION, {}, {}, NOW, once=once, number=n) for n in range(100)]
    assert {len(fault_plan.kinds) for fault_plan in plans if fault_plan.plan_delivery(response())} == {0, 1, 2}


# ---- adding and removing


def test_ids_are_generated_in_order():
    """The same steps give the same ids, so that a test run repeats; a taken id is rejected."""
    faults = fault_state(RESET, "hang", RESET)
    assert [row["id"] for row in faults.list(NOW)] == ["hang-2", "connection_reset-1", "connection_reset-3"]
    with pytest.raises(FaultError, match="hang-2"):
        faults.add(fault("hang;id=hang-2"), NOW)
    assert faults.clear() == 3
    assert faults.add(fault("hang"), NOW).id == "hang-1"


def test_a_fault_is_removed_by_its_id():
    """Removing a fault ends only that one, and returns whether it existed."""
    faults = fault_state("hang;id=a", "hang;id=b")
    assert faults.remove("a")
    assert not faults.remove("a")
    assert [active.id for active in faults.active] == ["b"]


def test_a_scenarios_faults_replace_only_their_own():
    """Switching scenarios keeps the faults of the admin API, even if an id is taken."""
    faults = FaultState()
    faults.install([fault("hang"), fault("latency;fixed_ms=1")], NOW)
    faults.add(fault("empty_response;id=mine"), NOW, origin="admin")
    faults.install([fault("slow_close"), fault("hang;id=mine")], NOW)
    assert {active.id for active in faults.active} == {"mine", "scenario-1-slow_close", "scenario-2-hang"}
    faults.install([], NOW)
    assert [active.id for active in faults.active] == ["mine"]


def test_used_up_faults_do_not_count_against_the_limit():
    """A test run that adds a fault for every case never reaches the limit; active faults are kept."""
    faults = FaultState()
    for _ in range(MAX_FAULTS):
        faults.add(fault("connection_reset;times=1"), NOW)
    fired_on(faults, 1)
    faults.add(fault("hang"), NOW)
    with pytest.raises(FaultError, match=f"{MAX_FAULTS}"):
        add_until_full(faults)


def add_until_full(faults: FaultState) -> None:
    """Add faults that never end, one more than the limit."""
    for _ in range(MAX_FAULTS + 1):
        faults.add(fault("hang"), NOW)


def test_active_is_empty_without_faults():
    """`active`, which the engine checks on every request, is falsy unless there are faults."""
    faults = FaultState()
    assert not faults.active
    faults.add(fault("hang"), NOW)
    assert faults.active
    faults.clear()
    assert not faults.active


@given(SEEDS, st.text(max_size=20), st.integers(1, 10**9), st.integers(1, 1000))
def test_a_draw_is_a_function_of_its_key(seed, key, number, count):
    """Equal draws give equal values within their bounds; a fixed token does not depend on the number."""
    draw, same, other = Draw(seed, key, number), Draw(seed, key, number), Draw(seed, key, number + 1)
    assert 0 < draw.uniform("x") < 1
    assert draw.uniform("x") == same.uniform("x") != other.uniform("x")
    assert 0 <= draw.below(count, "x") < count
    assert draw.fixed_token("x") == other.fixed_token("x") != draw.token("x") != other.token("x")
