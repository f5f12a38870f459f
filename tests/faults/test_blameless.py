"""What a fault makes of a right request is told to the client and held against nobody."""

from __future__ import annotations

import pytest
from helpers.engine_client import EngineClient

from mockserver.faults.parsing import parse_fault


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"fault": "clock_skew", "seconds": 900}, "checksum_expired"),
        ({"fault": "secret_rotated"}, "checksum_mismatch"),
        ({"fault": "checksum_rejected"}, "checksum_mismatch"),
    ],
)
def test_a_right_signature_that_a_fault_refuses_is_no_violation(fault: dict[str, object], error: str) -> None:
    """The client is told what the real checks say, and the journal records no violation of its own."""
    bench = EngineClient("default")
    engine = bench.engine
    for state in (engine.store.app(appkey) for appkey in engine.config.apps):
        state.faults.add(parse_fault(fault, engine.config.catalogue), 0.0)
    reply = bench.send()
    entry = engine.journal.select().entries[-1]
    assert entry.error == error
    assert entry.violations == ()
    assert entry.faults == (fault["fault"],)
    assert dict(reply.headers)["X-Mock-Violations"] == "0"


def test_a_wrong_signature_stays_the_clients_own_under_a_fault() -> None:
    """A client that signs by v1 is at fault, whatever the server holds."""
    bench = EngineClient("default")
    engine = bench.engine
    for state in (engine.store.app(appkey) for appkey in engine.config.apps):
        state.faults.add(parse_fault({"fault": "clock_skew", "seconds": 900}, engine.config.catalogue), 0.0)
    bench.send({"sign": "v1"})
    names = {one.name for one in engine.journal.select().entries[-1].violations}
    assert "checksum_mismatch" in names
