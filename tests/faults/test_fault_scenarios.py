"""The shipped scenarios of faults do what their titles say, again and again with one seed."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from fault_helpers import CONFIG

from mockserver.contract.checksum import Credentials, sign
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
    """The replies to so many honest calls, one every second from a fixed now."""
    engine = make_engine(scenario=scenario, seed=seed, now="2026-03-02T20:00:00+08:00")
    app = next(iter(engine.config.apps.values()))
    clock = engine.store.app(app.appkey).clock
    keys = Credentials(app.appkey, secret or app.credentials.appsecret, app.credentials.restapikey)
    replies = []
    for _ in range(calls):
        now = clock.second()
        body = json.dumps({"BeginTime": str(now - 600), "EndTime": str(now)}).encode()
        query = sign(keys, clock.now(), identifier="admin")
        headers = {"content-type": "application/json"}
        replies.append(engine.handle(Request("POST", OPERATIONS[OPERATION].path, query, headers, body)))
        clock.advance(1)
    return replies


def said(response: Response) -> str:
    """What X-Mock-Fault says."""
    return dict(response.headers).get("X-Mock-Fault", "")


@pytest.mark.parametrize("name", SHARES)
def test_a_scenario_has_its_share_of_faults_and_repeats(name):
    """The share of calls that meet a fault is as described, every fault of the file strikes, and a second run is equal."""
    replies = run(name, 150)
    least, most = SHARES[name]
    assert least <= sum(bool(said(response)) for response in replies) / 150 <= most
    seen = {part.split(":")[0] for response in replies for part in said(response).split("; ")}
    kinds = {fault.kind.kind for fault in CONFIG.scenarios[name].faults}
    # One call a second is below the limit of overload.
    assert kinds - {"rate_limit"} <= seen
    again = run(name, 150)
    assert [(said(response), response.status, response.body, response.delivery) for response in again] == [
        (said(response), response.status, response.body, response.delivery) for response in replies
    ]


@pytest.mark.parametrize("name", ["flaky-network", "sloppy-backend", "storm"])
def test_another_seed_is_another_run(name):
    """The seed decides which calls are struck."""
    assert [said(response) for response in run(name, 60)] != [
        said(response) for response in run(name, 60, seed=7)
    ]


def test_a_drifted_clock_and_a_rotated_secret_refuse_every_honest_call():
    """The real checks answer, with their usual errors and without a word of a fault."""
    for name, code in (("clock-drift", 1104), ("rotated-secret", 1105)):
        answers = [json.loads(response.body) for response in run(name, 3)]
        assert {answer["ErrorCode"] for answer in answers} == {code}
        assert not any("fault" in answer["ErrorInfo"] for answer in answers)


def test_the_rotated_secret_lets_in_who_has_the_new_one():
    """The secret that the scenario names is the one to sign with."""
    assert {
        json.loads(response.body)["ErrorCode"]
        for response in run("rotated-secret", 3, secret="MADE-UP-rotated-secret==")
    } == {0}


def test_a_gateway_that_is_down_never_answers_as_the_backend():
    """502 mostly, 503 with Retry-After, 504; no body is an envelope."""
    replies = run("gateway-down", 200)
    counts = Counter(response.status for response in replies)
    assert counts.keys() == {502, 503, 504}
    assert all(("Retry-After" in dict(response.headers)) is (response.status == 503) for response in replies)
    assert not any(b"ErrorCode" in response.body for response in replies)
