"""A valid signature is verified with another secret, so that the regular checks reject it."""

from mockserver.faults.base import ChecksumKind, Draw, SigningContext, Text, with_appsecret


class ChecksumRejected(ChecksumKind):
    text = Text("checksum_mismatch although the signature is valid", "签名正确仍返回 checksum_mismatch")
    needs_valid_signature = True

    def apply(self, signing: SigningContext, draw: Draw) -> tuple[SigningContext, str]:
        return with_appsecret(signing, draw.token("secret")), "rejected although valid"
