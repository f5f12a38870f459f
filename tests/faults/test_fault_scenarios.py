"""The shipped scenarios with faults do what their titles say, and repeat with the same seed."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from fault_helpers import CONFIG

from mockserver.contract.apps import Credentials
from mockserver.contract.checksum import sign
from mockserver.contract.operations import OPERATIONS
from mockserver.core.http import Request, Response
from mockserver.engine.build import make_engine

SHARES = {
    "flaky-network": (0.4, 0.85),
    "slow": (1, 1),
    "gateway-down": (1, 1),
    "sloppy-backend": (0.4, 0.75),
    "clock-drift": (1, 1),
    "rotated-secret": (1, 1),
    "overload": (1, 1),
    "storm": (0.6, 0.85),
}
"""Least and most share of the calls that meet a fault."""
OPERATION = "query_all_instance_by_time"


def run(scenario: str, calls: int, seed: int = 42, secret: str | None = None) -> list[Response]:
    """The responses to a number of valid requests, one every second from a fixed time."""
    engine = make_engine(scenario=scenario, seed=seed, now="2026-03-02T20:00:00+08:00")
    app = next(iter(engine.config.apps.values()))
    clock = engine.store.app(app.appkey).clock
    keys = Credentials(app.appkey, secret or app.credentials.appsecret, app.credentials.restapikey)
    responses = []
    for _ in range(calls):
        now = clock.second()
        body = json.dumps({"BeginTime": str(now - 60), "EndTime": str(now)}).encode()
        query = sign(keys, clock.now(), identifier="admin")
        headers = {"content-type": "application/json"}
        responses.append(engine.handle(Request("POST", OPERATIONS[OPERATION].path, query, headers, body)))
        clock.advance(1)
    return responses


def fault_header(response: Response) -> str:
    """The value of X-Mock-Fault."""
    return dict(response.headers).get("X-Mock-Fault", "")


@pytest.mark.parametrize("name", SHARES)
def test_a_scenario_has_its_share_of_faults_and_repeats(name):
    """The share of requests with a fault is as described, every fault fires, and a second run is equal."""
    responses = run(name, 150)
    minimum, maximum = SHARES[name]
    assert minimum <= sum(bool(fault_header(response)) for response in responses) / 150 <= maximum
    seen = {part.split(":")[0] for response in responses for part in fault_header(response).split("; ")}
    kinds = {fault.kind.kind for fault in CONFIG.scenarios[name].faults}
    # One call a second is below the limit of overload.
    assert kinds - {"rate_limit"} <= seen
    again = run(name, 150)
    assert [(fault_header(response), response.status, response.body, response.delivery) for response in again] == [
        (fault_header(response), response.status, response.body, response.delivery) for response in responses
    ]


@pytest.mark.parametrize("name", ["flaky-network", "sloppy-backend", "storm"])
def test_another_seed_is_another_run(name):
    """The seed decides which requests are hit."""
    assert [fault_header(response) for response in run(name, 60)] != [
        fault_header(response) for response in run(name, 60, seed=7)
    ]


def test_clock_drift_and_rotated_secret_reject_every_valid_signature():
    """The regular checks respond with their usual errors, without a hint at the fault."""
    for name, code in (("clock-drift", 1104), ("rotated-secret", 1105)):
        answers = [json.loads(response.body) for response in run(name, 3)]
        assert {answer["ErrorCode"] for answer in answers} == {code}
        assert not any("fault" in answer["ErrorInfo"] for answer in answers)


def test_the_rotated_secret_is_accepted():
    """Requests signed with the secret that the scenario names succeed."""
    assert {
        json.loads(response.body)["ErrorCode"]
        for response in run("rotated-secret", 3, secret="MADE-UP-rotated-secret==")
    } == {0}


def test_gateway_down_never_responds_like_the_backend():
    """502 mostly, 503 with Retry-After, 504; no body is an envelope."""
    responses = run("gateway-down", 200)
    counts = Counter(response.status for response in responses)
    assert counts.keys() == {502, 503, 504}
    assert all(("Retry-After" in dict(response.headers)) is (response.status == 503) for response in responses)
    assert not any(b"ErrorCode" in response.body for response in responses)
