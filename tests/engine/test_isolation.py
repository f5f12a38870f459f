"""State belongs to an app: what is set for one app never reaches another.

A model of one app is checked against the server while other apps are driven beside it.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from helpers.http_client import Client
from helpers.length import length
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from mockserver.testing.mock_server import MockServer

APPS, STEPS = 32, length(60, 500)
SCENARIOS = ("document", "empty", "outage", "default")
ERRORS = {"server_busy": 1402, "room_not_found": 1301, "rate_limited": 1401}
READINGS = {"unknown_room": ("error", "empty"), "seq": ("required", "unique"), "freshness_seconds": (300, 10)}
NOBODY = {"RoomId": "nobody-was-here"}


@pytest.fixture(scope="module")
def port():
    """One server for all apps."""
    with MockServer(scenario="document", journal_size=100_000) as mock:
        yield mock.port


class Model:
    """The expected state of one app, as if it were alone."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.clear()

    def clear(self) -> None:
        """As at the start."""
        self.scenario = "document"
        self.readings: dict[str, Any] = {}
        self.shift = 0.0
        self.frozen: int | None = None
        self.faults: list[list[Any]] = []
        """[id, catalogue name, requests that it still applies to]."""
        self.answers: list[tuple[str, str]] = []
        """(id, catalogue name), the newest first."""
        self.calls = 0
        self.failures = 0

    def use(self, scenario: str) -> None:
        """Choose a scenario."""
        assert self.client.send("PUT", "scenario", {"name": scenario}) == {"name": scenario}
        self.scenario = scenario

    def set_reading(self, name: str, value: Any) -> None:
        """Choose a reading."""
        self.client.send("PUT", "readings", {name: value})
        self.readings[name] = value

    def inject(self, error: str, times: int) -> None:
        """Inject a fault."""
        created = self.client.send("POST", "faults", {"fault": "error", "name": error, "times": times})
        self.faults.append([created["id"], error, times])

    def clear_faults(self) -> None:
        """Remove every fault."""
        assert self.client.send("DELETE", "faults")["removed"] == len(self.faults)
        self.faults.clear()

    def answer(self, error: str) -> None:
        """Add an answer of its own."""
        created = self.client.send("POST", "answers", {"on": "*", "reply": {"error": error}})
        self.answers.insert(0, (created["id"], error))

    def remove_answer(self) -> None:
        """Remove the newest answer."""
        if self.answers:
            number, _ = self.answers.pop(0)
            assert self.client.send("DELETE", f"answers/{number}") == {"removed": 1}

    def advance(self, seconds: int) -> None:
        """Move the clock."""
        self.client.send("PUT", "clock", {"advance_seconds": seconds})
        self.shift += seconds

    def freeze(self, at: int) -> None:
        """Stop the clock."""
        self.client.send("PUT", "clock", {"now": at})
        self.frozen, self.shift = at, 0.0

    def reset_clock(self) -> None:
        """Restore the initial clock."""
        self.client.send("DELETE", "clock")
        self.frozen, self.shift = None, 0.0

    def reset(self) -> None:
        """Everything as at the start."""
        self.client.send("POST", "reset")
        self.clear()

    def call(self, late: int = 0) -> None:
        """A request signed `late` seconds ago by the app's own clock, and its expected answer."""
        if self.frozen is None:
            self.client.skew = self.shift - late
            code = self.client.code("query_room_info", NOBODY)
        else:
            code = self.client.code("query_room_info", NOBODY, at=self.frozen + self.shift - late)
        expected = self.expected(late)
        assert code == expected, f"{self.client.appkey}: {code} for {expected}"
        self.calls += 1
        self.failures += bool(expected)

    def expected(self, late: int) -> int:
        """The ErrorCode."""
        if late > self.readings.get("freshness_seconds", 300) + 2:
            return 1104
        for fault in self.faults:
            if fault[2]:
                fault[2] -= 1
                return ERRORS[fault[1]]
        if self.answers:
            return ERRORS[self.answers[0][1]]
        if self.scenario == "outage":
            return 1402
        return 0 if self.readings.get("unknown_room") == "empty" else 1301

    def check(self) -> None:
        """The state on the server is that of the model, without anything of another app."""
        client = self.client
        assert client.get("scenario") == {"name": self.scenario}
        listed = client.get("faults")["faults"]
        assert [each["id"] for each in listed if each["origin"] == "admin"] == [fault[0] for fault in self.faults]
        assert [each["id"] for each in client.get("answers")["answers"]] == [number for number, _ in self.answers]
        assert client.get("requests/count") == {"count": self.calls, "evicted": 0}
        assert client.get("requests/count", accepted="false")["count"] == self.failures
        clock = client.get("clock")
        assert clock["frozen"] is (self.frozen is not None)
        base = clock["machine"] if self.frozen is None else self.frozen
        assert clock["now"] == pytest.approx(base + self.shift, abs=2)
        chosen = {each["name"]: each["value"] for each in client.get("readings")["readings"]}
        assert {name: chosen[name] for name in self.readings} == self.readings
        assert {each["appkey"] for each in client.get("requests")["requests"]} <= {client.appkey}


def make_machine(port: int) -> type[RuleBasedStateMachine]:
    """Two apps side by side; after every step both match their models."""
    both = st.integers(0, 1)

    class TwoApps(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.models = [Model(Client.fresh(port)) for _ in range(2)]

        @rule(who=both, scenario=st.sampled_from(SCENARIOS))
        def use(self, who, scenario) -> None:
            self.models[who].use(scenario)

        @rule(who=both, name=st.sampled_from(sorted(READINGS)), which=both)
        def set_reading(self, who, name, which) -> None:
            self.models[who].set_reading(name, READINGS[name][which])

        @rule(who=both, error=st.sampled_from(sorted(ERRORS)), times=st.integers(1, 3))
        def inject(self, who, error, times) -> None:
            self.models[who].inject(error, times)

        @rule(who=both)
        def clear_faults(self, who) -> None:
            self.models[who].clear_faults()

        @rule(who=both, error=st.sampled_from(sorted(ERRORS)))
        def answer(self, who, error) -> None:
            self.models[who].answer(error)

        @rule(who=both)
        def remove_answer(self, who) -> None:
            self.models[who].remove_answer()

        @rule(who=both, seconds=st.integers(-10_000, 10_000))
        def advance(self, who, seconds) -> None:
            self.models[who].advance(seconds)

        @rule(who=both, at=st.integers(1_560_000_000, 1_700_000_000))
        def freeze(self, who, at) -> None:
            self.models[who].freeze(at)

        @rule(who=both)
        def reset_clock(self, who) -> None:
            self.models[who].reset_clock()

        @rule(who=both)
        def reset(self, who) -> None:
            self.models[who].reset()

        @rule(who=both, late=st.sampled_from([0, 0, 5, 400]))
        def call(self, who, late) -> None:
            self.models[who].call(late)

        @invariant()
        def never_meet(self) -> None:
            for model in getattr(self, "models", ()):
                model.check()

        def teardown(self) -> None:
            for model in getattr(self, "models", ()):
                model.client.wire.send("DELETE", f"apps/{model.client.appkey}")
                model.client.close()

    return TwoApps


def test_two_apps_never_affect_each_other(port: int) -> None:
    """Scenarios, readings, faults, answers, clocks and journals, in any order of steps."""
    chosen = settings(
        max_examples=length(6, 100),
        stateful_step_count=length(25, 40),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(make_machine(port), settings=chosen)


def drive(port: int, seed: int, steps: int) -> None:
    """Take one app through random steps, checked against its model."""
    chance = random.Random(seed)
    with Client.fresh(port) as client:
        _drive(Model(client), chance, steps)


def _drive(model: Model, chance: random.Random, steps: int) -> None:
    for step in range(steps):
        act = chance.choice(["call"] * 6 + ["use", "set_reading", "inject", "clear_faults", "answer", "remove_answer", "advance", "freeze", "reset_clock", "reset"])  # fmt: skip
        if act == "call":
            model.call(chance.choice([0, 0, 0, 5, 400]))
        elif act == "use":
            model.use(chance.choice(SCENARIOS))
        elif act == "set_reading":
            name = chance.choice(sorted(READINGS))
            model.set_reading(name, chance.choice(READINGS[name]))
        elif act == "inject":
            model.inject(chance.choice(sorted(ERRORS)), chance.randint(1, 3))
        elif act == "answer":
            model.answer(chance.choice(sorted(ERRORS)))
        elif act == "advance":
            model.advance(chance.randint(-10_000, 10_000))
        elif act == "freeze":
            model.freeze(chance.randint(1_560_000_000, 1_700_000_000))
        else:
            getattr(model, act)()
        if step % 10 == 9:
            model.check()
    model.check()


def test_many_concurrent_apps_never_affect_each_other(port: int) -> None:
    """Each app, in its own thread, sees only what it did."""
    with ThreadPoolExecutor(APPS) as threads:
        for done in [threads.submit(drive, port, seed, STEPS) for seed in range(APPS)]:
            done.result()
