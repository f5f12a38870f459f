"""Signs requests as the document says (§1.1.2), without code of the package."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import quote

APPKEY = "123456789"
APPSECRET = "MADE/UP+secret+of+the+mock+one=="
RESTAPIKEY = "made-up-restapikey-one"
OTHER = ("987654321", "MADE/UP+secret+of+the+mock+two==", "made-up-restapikey-two")
SECRETS = (APPSECRET, RESTAPIKEY, *OTHER[1:])


def sha1(text: str) -> str:
    """SHA-1 of the text's UTF-8 bytes in lower-case hex."""
    return hashlib.sha1(text.encode()).hexdigest()


def checksum(curtime: str, how: str = "v2") -> str:
    """The checksum of a client: valid (`v2`), or with one of the mistakes clients make."""
    both = APPSECRET + RESTAPIKEY + curtime
    return {
        "v2": lambda: sha1(both),
        "v1": lambda: sha1(APPSECRET + curtime),
        "upper": lambda: sha1(both).upper(),
        "md5": lambda: hashlib.md5(both.encode()).hexdigest(),
        "hmac": lambda: hmac.new(APPSECRET.encode(), (RESTAPIKEY + curtime).encode(), "sha1").hexdigest(),
        "base64": lambda: base64.b64encode(hashlib.sha1(both.encode()).digest()).decode(),
        "swapped": lambda: sha1(RESTAPIKEY + APPSECRET + curtime),
        "late": lambda: sha1(f"{APPSECRET}{RESTAPIKEY}{int(curtime) + 1 if curtime.isdecimal() else curtime}"),
        "nonsense": lambda: sha1("nothing of the kind"),
        "non_ascii": lambda: "é" * 40,
        "other_app": lambda: sha1(OTHER[1] + OTHER[2] + curtime),
    }[how]()


def encode(parameters: list[tuple[str, str]]) -> str:
    """A query string with everything but unreserved characters percent-encoded."""
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in parameters)
