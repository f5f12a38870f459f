"""The freshness of `curtime` is checked with a clock that is `seconds` ahead."""

from dataclasses import replace

from mockserver.faults.base import ChecksumKind, Draw, SigningContext, Text, number


class ClockSkew(ChecksumKind):
    text = Text(
        "checksum_expired for a correct curtime, once the skew exceeds the freshness window",
        "偏差超过有效时间窗口后，正确的 curtime 也返回 checksum_expired",
    )
    seconds: float = number(
        "Seconds that the server's clock is ahead; negative for behind.",
        "服务器时钟快的秒数；负数表示慢。",
        -315_360_000,
        315_360_000,
    )

    def apply(self, signing: SigningContext, draw: Draw) -> tuple[SigningContext, str]:
        # The diagnosis must not blame a clock that was stopped or moved on purpose.
        shifted = replace(signing, now=signing.now + self.seconds, clock_moved=False)
        return shifted, f"clock {abs(self.seconds):g} s {'ahead' if self.seconds >= 0 else 'behind'}"
