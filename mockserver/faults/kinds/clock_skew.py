"""The server's clock is off for the signature checks."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockserver.core.text import Text
from mockserver.faults.base import ChecksumKind, Draw, ServerView
from mockserver.faults.fields import number


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

    def ground(self, ground: ServerView, draw: Draw) -> tuple[ServerView, str]:
        """The same ground at another time."""
        side = "ahead" if self.seconds >= 0 else "behind"
        return replace(ground, now=ground.now + self.seconds), f"clock {abs(self.seconds):g} s {side}"
