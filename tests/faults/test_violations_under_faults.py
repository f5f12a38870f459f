"""A violation that only a fault causes is reported to the client, but not counted against it."""

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
def test_a_valid_signature_that_a_fault_rejects_is_not_a_violation(fault: dict[str, object], error: str) -> None:
    """The client gets the error of the regular checks, and the journal records no violation."""
    client = EngineClient("default")
    engine = client.engine
    for state in (engine.store.app(appkey) for appkey in engine.config.apps):
        state.faults.add(parse_fault(fault, engine.config.catalogue), 0.0)
    reply = client.send()
    entry = engine.journal.select().entries[-1]
    assert entry.error == error
    assert entry.violations == ()
    assert entry.faults == (fault["fault"],)
    assert dict(reply.headers)["X-Mock-Violations"] == "0"


def test_an_invalid_signature_is_a_violation_under_a_fault_too() -> None:
    """A client that signs with v1 has a violation, whatever the fault does."""
    client = EngineClient("default")
    engine = client.engine
    for state in (engine.store.app(appkey) for appkey in engine.config.apps):
        state.faults.add(parse_fault({"fault": "clock_skew", "seconds": 900}, engine.config.catalogue), 0.0)
    client.send({"sign": "v1"})
    names = {violation.name for violation in engine.journal.select().entries[-1].violations}
    assert "checksum_mismatch" in names
