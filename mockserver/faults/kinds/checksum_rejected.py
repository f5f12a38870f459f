"""A right signature is refused all the same."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mockserver.core.text import Text
from mockserver.faults.base import ChecksumKind, Draw, ServerView


@dataclass(frozen=True, kw_only=True)
class ChecksumRejected(ChecksumKind):
    """The server holds another secret for this one request, so its checks refuse what is right."""

    text = Text("checksum_mismatch although the signature is right", "签名正确仍返回 checksum_mismatch")

    honest_only = True

    def ground(self, ground: ServerView, draw: Draw) -> tuple[ServerView, str]:
        """The same ground with a secret of this request alone."""
        return replace(ground, appsecret=draw.word("secret")), "refused although right"
