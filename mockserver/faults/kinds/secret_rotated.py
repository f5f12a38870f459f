"""All signatures are verified with another secret, which stays the same."""

from mockserver.faults.base import ChecksumKind, Draw, SigningContext, Text, string, with_appsecret


class SecretRotated(ChecksumKind):
    text = Text(
        "checksum_mismatch until the client signs with the new secret",
        "返回 checksum_mismatch，直到客户端改用新密钥签名",
    )
    secret_fields = ("appsecret",)
    appsecret: str | None = string(
        "The new secret (use a made-up one); a random one if omitted.",
        "新密钥（请用虚构值）；省略时为随机值。",
        r"[!-~]{1,256}",
        256,
        None,
    )

    def apply(self, signing: SigningContext, draw: Draw) -> tuple[SigningContext, str]:
        return with_appsecret(signing, self.appsecret or draw.fixed_token("secret")), "another secret"
