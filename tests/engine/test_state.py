"""The state of an app remembers valid checksums: limited, by hash only, until a reset."""

from __future__ import annotations

from mockserver.core.clock import Clock
from mockserver.engine.state import MAX_SIGNED, AppState


def state() -> AppState:
    """An app that has sent no request."""
    return AppState("1", Clock(frozen_at=0.0), "default")


def test_a_valid_checksum_is_remembered_until_the_app_is_reset() -> None:
    """With the curtime it was valid for."""
    made = state()
    assert made.signed_for("a" * 40) is None
    made.remember_signed("a" * 40, "1576000000")
    made.remember_signed("a" * 40, "1576000000")
    assert made.signed_for("a" * 40) == "1576000000"
    assert made.signed_for("b" * 40) is None
    made.reset("default")
    assert made.signed_for("a" * 40) is None


def test_the_oldest_checksum_is_forgotten_and_none_is_stored() -> None:
    """After more checksums than the limit, the newest are left."""
    made = state()
    for number in range(MAX_SIGNED + 1):
        made.remember_signed(f"{number:040x}", str(number))
    assert made.signed_for(f"{0:040x}") is None
    assert made.signed_for(f"{1:040x}") == "1"
    assert made.signed_for(f"{MAX_SIGNED:040x}") == str(MAX_SIGNED)
    assert f"{MAX_SIGNED:040x}" not in repr(vars(made))
