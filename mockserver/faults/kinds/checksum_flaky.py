"""Every nth valid signature is rejected; n is the field `every`, 3 by default."""

from types import MappingProxyType

from mockserver.faults.base import ChecksumKind, Draw, SigningContext, Text, with_appsecret


class ChecksumFlaky(ChecksumKind):
    """Verifies the signature with another secret, so that the regular checks reject it."""

    text = Text(
        "checksum_mismatch for every nth valid signature (n is every, 3 by default)",
        "每 n 个正确签名中有一个返回 checksum_mismatch（n 即 every，默认 3）",
    )
    common_defaults = MappingProxyType({"every": 3})
    needs_valid_signature = True

    def apply(self, signing: SigningContext, draw: Draw) -> tuple[SigningContext, str]:
        """Return the context with a secret used for this request only."""
        return with_appsecret(signing, draw.token("secret")), "rejected although valid"
