"""The chain: who is struck, how often, in which order, by whose chance; exact under threads."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fault_things import NOW, SIGNING, STAYS, context, fault, reply, state, struck
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.contract.operations import OPERATIONS
from mockserver.core.http import DeliveryPlan
from mockserver.faults.base import FAMILIES, LONGEST, Draw
from mockserver.faults.fields import FaultError
from mockserver.faults.plan import MOST, FaultState

SEEDS = st.integers(0, 2**64 - 1)
RESET = "connection_reset"


# ---- counting


@given(after=st.integers(0, 20), every=st.integers(1, 7), times=st.none() | st.integers(1, 10))
def test_after_every_and_times_are_exact(after, every, times):
    """Skip `after`, then strike every nth, and stop after `times`: nothing else decides."""
    more = {"times": times} if times else {}
    faults = state({"fault": RESET, "after": after, "every": every, **more})
    wanted = [after + every * n - 1 for n in range(1, 100)]
    assert struck(faults, 80) == [number for number in wanted[:times] if number < 80]


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, share=st.floats(0.02, 0.98))
def test_a_probability_is_a_share(seed, share):
    """Of 2,000 requests the share that is struck is within five standard errors of the probability."""
    faults = state({"fault": RESET, "probability": share}, seed=seed)
    error = (share * (1 - share) / 2000) ** 0.5
    assert abs(len(struck(faults, 2000)) / 2000 - share) < 5 * error, f"seed {seed}"


@pytest.mark.parametrize(("share", "wanted"), [(0, 0), (1, 500)])
def test_never_and_always(share, wanted):
    """Probability 0 strikes nothing and 1 everything."""
    assert len(struck(state({"fault": RESET, "probability": share}), 500)) == wanted


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_the_same_seed_strikes_the_same_requests(seed):
    """Two servers with one seed do the same to the nth request; another seed does something else."""
    line = "connection_reset;probability=0.3"
    first = struck(state(line, seed=seed), 300)
    assert struck(state(line, seed=seed), 300) == first
    assert struck(state(line, seed=seed + 1), 300) != first


def test_other_requests_do_not_change_a_faults_chance():
    """Which requests of an operation are struck does not depend on calls to others that come between."""
    line = f"connection_reset;on={STAYS};probability=0.3"
    alone, amid = state(line), state(line)
    wanted, got = struck(alone, 200), []
    for number in range(200):
        got += [number] if struck(amid, 1) else []
        struck(amid, number % 3, operation="query_room_info")
    assert got == wanted


def test_two_faults_of_one_kind_have_their_own_chance():
    """Faults differ by id, so two alike do not always strike together."""
    faults = state("latency;fixed_ms=1;probability=0.5", "latency;fixed_ms=1;probability=0.5")
    counts = [
        len(fault_plan.kinds)
        for _ in range(200)
        if (fault_plan := faults.fault_plan(STAYS, {}, {}, NOW)).deliver(reply()) is not None
    ]
    assert {0, 1, 2} == set(counts)


def test_a_hundred_times_is_a_hundred_times_under_64_threads():
    """However many threads ask at once, exactly `times` requests are struck."""
    faults = state("connection_reset;times=100")
    start = threading.Barrier(64)

    def client(_: int) -> int:
        start.wait()
        return len(struck(faults, 25))

    with ThreadPoolExecutor(64) as pool:
        assert sum(pool.map(client, range(64))) == 100
    assert faults.list(NOW)[0]["struck"] == 100
    assert faults.list(NOW)[0]["matched"] == 64 * 25


@pytest.mark.parametrize("line", ["connection_reset;every=4", "connection_reset;after=100;times=300"])
def test_other_counts_are_exact_under_threads_too(line):
    """`every` and `after` count each request once."""
    faults = state(line)
    with ThreadPoolExecutor(32) as pool:
        got = sum(pool.map(lambda _: len(struck(faults, 50)), range(32)))
    assert got == (400 if "every" in line else 300)


def test_the_same_seed_strikes_as_many_under_threads():
    """The nth matching request is struck or not whoever sends it, so the total is the same in any order."""
    line = "connection_reset;probability=0.3"
    alone, crowd = state(line, seed=7), state(line, seed=7)
    with ThreadPoolExecutor(16) as pool:
        got = sum(pool.map(lambda _: len(struck(crowd, 50)), range(16)))
    assert got == len(struck(alone, 800))


def test_a_rate_limit_is_exact_under_threads():
    """At one moment exactly `requests` requests pass, whatever the number of threads."""
    faults = state("rate_limit;requests=50;per_seconds=60")

    def client(_: int) -> int:
        return sum(faults.fault_plan(STAYS, {}, {}, NOW).refuse(context()) is None for _ in range(20))

    with ThreadPoolExecutor(32) as pool:
        assert sum(pool.map(client, range(32))) == 50


# ---- whom


def test_on_chooses_operations():
    """A fault on one operation leaves the others and unknown paths alone; one on * takes them all."""
    one = state({"fault": RESET, "on": [STAYS, "count_qos_by_day"]})
    hit = [name for name in (*OPERATIONS, "") if struck(one, 1, operation=name)]
    assert hit == [STAYS, "count_qos_by_day"]
    everything = state("connection_reset")
    assert all(struck(everything, 1, operation=name) for name in (*OPERATIONS, ""))


def test_when_chooses_requests_and_only_they_count():
    """`times` counts the requests that match, not those that pass by."""
    faults = state({"fault": RESET, "when": {"body": {"UserId": {"matches": "^vip-"}}}, "times": 2})
    users = ["a", "vip-1", "b", "vip-2", "vip-3"]
    assert [bool(struck(faults, 1, body={"UserId": user})) for user in users] == [
        False,
        True,
        False,
        True,
        False,
    ]


def test_a_lifetime_ends_by_the_apps_clock():
    """A fault with ttl_seconds strikes until its second and not at it, and is back when the clock is set back."""
    faults = state("connection_reset;ttl_seconds=60")

    def hit(at: float) -> bool:
        return faults.fault_plan(STAYS, {}, {}, at).deliver(reply()).delivery.instead == "reset"

    assert [hit(NOW + t) for t in (0, 59.9, 60, 1000, 30)] == [True, True, False, False, True]
    assert [one["ended"] for t in (59, 60) for one in faults.list(NOW + t)] == [False, True]


# ---- order


def test_the_order_is_that_of_the_families():
    """Whatever the order of adding, families act in the documented order, and adding decides inside of one."""
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
        fault_plan = state(*order).fault_plan(STAYS, {}, {}, NOW)
        fault_plan.apply_to_signing(SIGNING, signature_valid=True)
        assert fault_plan.refuse(context()) is not None
        fault_plan.deliver(fault_plan.corrupt(reply(), context()))
        sorted_by_family = sorted(
            (fault(line).kind for line in order), key=lambda kind: FAMILIES.index(kind.family)
        )
        # The new content type stays visible, but the second payload fault still finds JSON.
        assert fault_plan.kinds == tuple(kind.kind for kind in sorted_by_family)


def test_the_first_refusal_answers_and_the_next_is_not_counted():
    """A refused request cannot be refused again, so the error behind keeps its `times`."""
    faults = state("error;name=server_busy;times=1", "error;name=room_not_found;times=1")
    told = [faults.fault_plan(STAYS, {}, {}, NOW).refuse(context()) for _ in range(3)]
    assert [one and one.error for one in told] == ["server_busy", "room_not_found", None]


def test_a_request_that_is_not_accepted_counts_no_api_fault():
    """Stages that the engine does not ask for strike nothing and count nothing."""
    faults = state("error;name=server_busy;times=1")
    for _ in range(5):
        fault_plan = faults.fault_plan(STAYS, {}, {}, NOW)
        fault_plan.deliver(fault_plan.corrupt(reply(), context()))
        assert fault_plan.kinds == ()
    assert faults.list(NOW)[0]["matched"] == 0


def test_of_two_endings_the_later_holds():
    """An empty response added after a reset is what the client gets."""
    got = state("connection_reset", "empty_response").fault_plan(STAYS, {}, {}, NOW).deliver(reply())
    assert got.delivery == DeliveryPlan(instead="empty")


def test_a_fault_without_effect_is_not_told():
    """A gateway's page in front of nothing to spoil: only what was done stands in notes and header."""
    fault_plan = state("malformed_json;how=html", "contract_drift", "latency;fixed_ms=20").fault_plan(
        STAYS, {}, {}, NOW
    )
    fault_plan.deliver(fault_plan.corrupt(reply(), context()))
    assert fault_plan.kinds == ("malformed_json", "latency")
    assert fault_plan.header == "malformed_json: a page; latency: 20 ms"


def test_the_header_is_one_line_of_ascii():
    """Whatever stands in an answer's keys, the header's value can be sent."""
    fault_plan = FaultState().fault_plan("", {}, {}, NOW)
    fault_plan.notes.append(("contract_drift", "dropped /房\r\n间\x00/" + "x" * 600))
    assert fault_plan.header.isascii()
    assert fault_plan.header.isprintable()
    assert len(fault_plan.header) < 600


# ---- one request


def test_a_fault_for_one_request_needs_no_state():
    """Faults of a header strike that request behind the app's own, and leave nothing behind."""
    faults = state("latency;fixed_ms=100")
    once = [fault("connection_reset"), fault("latency;fixed_ms=50")]
    got = faults.fault_plan(STAYS, {}, {}, NOW, once=once, number=3).deliver(reply()).delivery
    assert (got.delay, got.instead) == (pytest.approx(0.15), "reset")
    assert len(faults.active) == 1
    assert faults.fault_plan(STAYS, {}, {}, NOW).deliver(reply()).delivery == DeliveryPlan(delay=0.1)


def test_the_chance_of_a_fault_for_one_request_is_the_requests_number():
    """With a probability, a header strikes that share of requests, the same ones with the same seed."""
    once = [fault("connection_reset;probability=0.3")]

    def hit(seed: int) -> list[int]:
        ordeals = (FaultState(seed).fault_plan(STAYS, {}, {}, NOW, once=once, number=n) for n in range(500))
        return [n for n, fault_plan in enumerate(ordeals) if fault_plan.deliver(reply()).delivery.instead]

    assert hit(1) == hit(1) != hit(2)
    assert 110 < len(hit(1)) < 190


def test_two_alike_for_one_request_have_their_own_chance():
    """A scenario chosen by a header has its faults strike one by one, not all of a kind together."""
    once = [fault("latency;fixed_ms=1;probability=0.5")] * 2
    ordeals = [FaultState().fault_plan(STAYS, {}, {}, NOW, once=once, number=n) for n in range(100)]
    assert {len(fault_plan.kinds) for fault_plan in ordeals if fault_plan.deliver(reply())} == {0, 1, 2}


# ---- keeping


def test_ids_are_made_up_in_order_and_start_anew():
    """The same steps give the same ids, so that a test run repeats; a taken id is refused."""
    faults = state(RESET, "hang", RESET)
    assert [one.id for one in faults.active] == ["hang-2", "connection_reset-1", "connection_reset-3"]
    with pytest.raises(FaultError, match="hang-2"):
        faults.add(fault("hang;id=hang-2"), NOW)
    assert faults.clear() == 3
    assert faults.add(fault("hang"), NOW).id == "hang-1"


def test_a_fault_is_removed_by_its_id():
    """Removing ends exactly that one and says whether it was there."""
    faults = state("hang;id=a", "hang;id=b")
    assert faults.remove("a")
    assert not faults.remove("a")
    assert [one.id for one in faults.active] == ["b"]


def test_a_scenarios_faults_replace_only_their_own():
    """Switching scenarios leaves alone what the admin API added, an id that is taken included."""
    faults = FaultState()
    faults.install([fault("hang"), fault("latency;fixed_ms=1")], NOW)
    faults.add(fault("empty_response;id=mine"), NOW, origin="admin")
    faults.install([fault("slow_close"), fault("hang;id=mine")], NOW)
    assert {one.id for one in faults.active} == {"mine", "scenario-1-slow_close", "scenario-2-hang"}
    assert faults.clear("scenario") == 2
    assert [one.id for one in faults.active] == ["mine"]


def test_used_up_faults_make_room():
    """A test run that adds a fault for every case never meets the limit; faults at work are not thrown out."""
    faults = FaultState()
    for _ in range(MOST):
        faults.add(fault("connection_reset;times=1"), NOW)
    struck(faults, 1)
    faults.add(fault("hang"), NOW)
    with pytest.raises(FaultError, match=f"{MOST}"):
        state_full(faults)


def state_full(faults: FaultState) -> None:
    """Adds faults that never end until there is no room."""
    for _ in range(MOST + 1):
        faults.add(fault("hang"), NOW)


def test_no_fault_is_one_empty_tuple():
    """What the engine looks at on every request is false until there is a fault and after the last is gone."""
    faults = FaultState()
    assert not faults.active
    faults.add(fault("hang"), NOW)
    assert faults.active
    faults.clear()
    assert not faults.active


@given(SEEDS, st.text(max_size=20), st.integers(1, 10**9), st.integers(1, 1000))
def test_a_draw_is_a_function_of_its_key(seed, key, number, count):
    """Equal draws give equal values inside their bounds; a lasting word does not depend on the number."""
    one, same, next_one = Draw(seed, key, number), Draw(seed, key, number), Draw(seed, key, number + 1)
    assert 0 < one.unit("x") < 1
    assert one.unit("x") == same.unit("x") != next_one.unit("x")
    assert 0 <= one.below(count, "x") < count
    assert one.lasting("x") == next_one.lasting("x") != one.word("x") != next_one.word("x")


def test_the_longest_wait_is_ten_minutes():
    """The bound that the README tells."""
    assert LONGEST == 600
