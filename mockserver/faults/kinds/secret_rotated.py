"""The server now holds another secret than the client."""

from __future__ import annotations

from dataclasses import dataclass

from mockserver.core.text import Text
from mockserver.faults.base import ChecksumKind, Draw, with_appsecret
from mockserver.faults.fields import string
from mockserver.validation.signature import SigningContext


@dataclass(frozen=True, kw_only=True)
class SecretRotated(ChecksumKind):
    """The secret is another one, the same for as long as the fault lasts."""

    text = Text(
        "checksum_mismatch until the client signs with the new secret",
        "客户端改用新密钥签名之前一律返回 checksum_mismatch",
    )
    appsecret: str | None = string(
        "The new secret, a made-up one; left out: one that nobody knows.",
        "新密钥（请用虚构值）；省略则为无人知晓的值。",
        r"[!-~]{1,256}",
        256,
        None,
    )

    @property
    def secrets(self) -> tuple[str, ...]:
        """The new secret."""
        return (self.appsecret,) if self.appsecret else ()

    def apply(self, signing: SigningContext, draw: Draw) -> tuple[SigningContext, str]:
        """Return the context with the new secret."""
        return with_appsecret(signing, self.appsecret or draw.lasting("secret")), "another secret"
