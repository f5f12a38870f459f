"""Every nth valid signature is rejected; n is the field `every`, 3 by default."""

from types import MappingProxyType

from mockserver.faults.base import Text
from mockserver.faults.kinds.checksum_rejected import ChecksumRejected


class ChecksumFlaky(ChecksumRejected):
    text = Text(
        "checksum_mismatch for every nth valid signature (n is every, 3 by default)",
        "每 n 个正确签名中有一个返回 checksum_mismatch（n 即 every，默认 3）",
    )
    common_defaults = MappingProxyType({"every": 3})
