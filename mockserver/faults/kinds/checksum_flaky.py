"""Every nth right signature is refused (`every`, 3 when left out)."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from mockserver.core.text import Text
from mockserver.faults.base import ChecksumKind, Draw, with_appsecret
from mockserver.validation.signature import SigningContext


@dataclass(frozen=True, kw_only=True)
class ChecksumFlaky(ChecksumKind):
    """The server holds another secret for this one request, so its checks refuse what is right."""

    text = Text(
        "checksum_mismatch for every nth right signature (every, 3 when left out)",
        "每第 n 个正确签名返回 checksum_mismatch（every，默认 3）",
    )
    common = MappingProxyType({"every": 3})
    honest_only = True

    def apply(self, signing: SigningContext, draw: Draw) -> tuple[SigningContext, str]:
        """Return the context with a secret used for this request only."""
        return with_appsecret(signing, draw.word("secret")), "refused although right"
