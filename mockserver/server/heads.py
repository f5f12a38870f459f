"""Heads that the parser would refuse or misread, put so that it takes them; bytes in, bytes out, no state."""

from __future__ import annotations

import re

_UPGRADE = re.compile(rb"\r\nupgrade:", re.IGNORECASE)


def with_ascii_target(data: bytes) -> tuple[bytes, bytes | None]:
    """A read that begins with a request, the raw bytes of its target percent-encoded, and the raw target.

    curl sends `?identifier=张三` as typed: the application shall say what is wrong with it. None: all is
    ASCII already, or it is no request line that could be mended.
    """
    line, end, rest = data.partition(b"\r\n")
    parts = line.split(b" ")
    if line.isascii() or not end or len(parts) != 3 or not parts[0].isalpha():
        return data, None
    target = parts[1]
    parts[1] = b"".join(b"%%%02X" % byte if byte > 0x7F else bytes((byte,)) for byte in target)
    return b" ".join(parts) + end + rest, target


def without_upgrade(data: bytes) -> bytes:
    """A head whose offer of another protocol the parser does not see: it is named `x-offered-upgrade`.

    Java's HttpClient offers h2c on every cleartext call, and the parser would drop the body of such a call.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"\r\nx-offered-upgrade:", head) + end + rest


def origin_form(target: bytes) -> bytes:
    """Path and query of a request target in any form (RFC 9112 §3.2)."""
    if target[:1] in (b"/", b"*"):
        return target
    _, _, rest = target.partition(b"://")
    slash, mark = rest.find(b"/"), rest.find(b"?")
    if slash < 0 or 0 <= mark < slash:
        return b"/" + rest[mark:] if mark >= 0 else b"/"
    return rest[slash:]
