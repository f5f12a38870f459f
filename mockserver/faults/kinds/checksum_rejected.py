"""A right signature is refused all the same."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.core.text import Text
from mockserver.faults.base import ChecksumKind, Draw, with_appsecret
from mockserver.validation.signature import SigningContext


@dataclass(frozen=True, kw_only=True)
class ChecksumRejected(ChecksumKind):
    """The server holds another secret for this one request, so its checks refuse what is right."""

    text = Text("checksum_mismatch although the signature is right", "签名正确仍返回 checksum_mismatch")

    honest_only = True

    def apply(self, signing: SigningContext, draw: Draw) -> tuple[SigningContext, str]:
        """Return the context with a secret used for this request only."""
        return with_appsecret(signing, draw.word("secret")), "refused although right"
