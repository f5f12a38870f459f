"""The server's clock is off for the signature checks."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockserver.core.text import Text
from mockserver.faults.base import ChecksumKind, Draw
from mockserver.faults.fields import number
from mockserver.validation.signature import SigningContext


@dataclass(frozen=True, kw_only=True)
class ClockSkew(ChecksumKind):
    """Freshness is measured by a clock that is `seconds` ahead."""

    text = Text(
        "checksum_expired for a signature made with the right time, once the server's clock is too far off",
        "服务器时钟偏差过大时，按正确时间生成的签名被判为 checksum_expired",
    )
    seconds: float = number(
        "How far the server's clock is ahead; behind when negative.",
        "服务器时钟快多少秒；负数为慢。",
        -315_360_000,
        315_360_000,
    )

    def apply(self, signing: SigningContext, draw: Draw) -> tuple[SigningContext, str]:
        """Return the context at the shifted time."""
        side = "ahead" if self.seconds >= 0 else "behind"
        # The shift is the cause to report, not a clock that somebody stopped or moved on purpose.
        shifted = replace(signing, now=signing.now + self.seconds, clock_moved=False)
        return shifted, f"clock {abs(self.seconds):g} s {side}"
