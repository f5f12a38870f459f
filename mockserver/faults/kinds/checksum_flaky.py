"""Every nth right signature is refused (`every`, 3 when left out)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType

from mockserver.core.text import Text
from mockserver.faults.base import ChecksumKind, Draw, ServerView


@dataclass(frozen=True, kw_only=True)
class ChecksumFlaky(ChecksumKind):
    """The server holds another secret for this one request, so its checks refuse what is right."""

    text = Text(
        "checksum_mismatch for every nth right signature (every, 3 when left out)",
        "每第 n 个正确签名返回 checksum_mismatch（every，默认 3）",
    )
    common = MappingProxyType({"every": 3})
    honest_only = True

    def ground(self, ground: ServerView, draw: Draw) -> tuple[ServerView, str]:
        """The same ground with a secret of this request alone."""
        return replace(ground, appsecret=draw.word("secret")), "refused although right"
