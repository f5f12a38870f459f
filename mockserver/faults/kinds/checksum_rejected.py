"""A valid signature is rejected."""

from mockserver.faults.base import ChecksumKind, Draw, SigningContext, Text, with_appsecret


class ChecksumRejected(ChecksumKind):
    """Verifies the signature with another secret, so that the regular checks reject it."""

    text = Text("checksum_mismatch although the signature is valid", "签名正确仍返回 checksum_mismatch")
    needs_valid_signature = True

    def apply(self, signing: SigningContext, draw: Draw) -> tuple[SigningContext, str]:
        """Return the context with a secret used for this request only."""
        return with_appsecret(signing, draw.token("secret")), "rejected although valid"
