"""Words that stand where a value was meant: of a variable that was never set, and of a placeholder that was never filled.

Data and how it is recognised; knows no request, no keys and no hash.
"""

from __future__ import annotations

import re

UNSET = ("undefined", "null", "None", "nil", "NULL", "(null)", "NaN", "nan", "<nil>", "[object Object]")
"""What languages write for nothing, the commonest first."""
RARELY_UNSET = (
    "%!s(<nil>)",
    "[object Promise]",
    "Null",
    "NONE",
    "nullnull",
    "Nothing",
    "Optional(nil)",
    "False",
    "false",
    "True",
    "true",
    "%s",
    "{}",
    "[]",
    "N/A",
    "empty",
    '""',
    "''",
)
"""What else is found in such places."""
UNSET_CURTIME = ("0", "-1", "curtime", "timestamp", "NaN")
"""More that stands in the hashed text when no moment was filled in."""
_PLACEHOLDERS = ("{}", "your_{}", "<{}>", "${{{}}}", "{{{{{}}}}}")
_RARE_PLACEHOLDERS = (
    *_PLACEHOLDERS,
    "your-{}",
    "<your_{}>",
    "{{{}}}",
    "${}",
    "%{}%",
    "process.env.{}",
    "xxx",
    "test",
    "changeme",
)
_SPELLINGS = {
    "appsecret": ("appsecret", "APPSECRET", "APP_SECRET", "app_secret", "appSecret", "AppSecret"),
    "restapikey": ("restapikey", "RESTAPIKEY", "REST_API_KEY", "rest_api_key", "restApiKey", "RestApiKey"),
    "curtime": ("curtime", "CURTIME", "CURTIME", "curtime", "curTime", "CurTime"),
}
_UNFORMATTED = ("{}", "${}", "${{{}}}", "{{{}}}")
"""How a name stands in a text that was never formatted."""
_RARELY_UNFORMATTED = (*_UNFORMATTED, "#{{{}}}", "{{{{{}}}}}", "%({})s", "%{}%", "{}+", "{} + ", "<{}>")
_NAMELESS = ("%s%s%s", "{}{}{}", "%s%s")
_UNSET = re.compile(
    r"(?i:undefined|null|none|nil|nan|true|false|checksum|curtime|timestamp|\(null\)|<nil>|Optional\(nil\)"
    r"|%!\w\(.*\)|your[_-]?\w+|process\.env\.\w+)"
    r"|\$\{?\w+\}?|\{+\s*\w+\s*\}+|<\w+>|%\w|%\w+%",
    re.ASCII,
)
_OBJECT = re.compile(
    r"\[object \w+\]|<.* (?:at|@) 0x[0-9A-Fa-f]+>|<.*(?:method|function).*>|\[[BC]@[0-9a-f]+|Array|Object|Promise\b.*"
    r"|\w+(?:\.\w+)+(?:@[0-9a-f]+|\[\])|System\.[\w.]+|#<.*>|(?:HASH|SCALAR|table:|function:) ?\(?0x[0-9a-f]+\)?"
    r"|(?:async )?function\b.*|\([\w, ]*\) ?=>.*|0xc0[0-9a-f]{8}|&?\{0x[0-9a-f]+.*|[0-9]+ bytes"
    r"|SHA-?1 Message Digest from .*",
    re.DOTALL,
)


def placeholders(key: str, *, rare: bool = False) -> list[str]:
    """What samples and templates show in place of the key `appsecret` or `restapikey`."""
    shown = _RARE_PLACEHOLDERS if rare else _PLACEHOLDERS
    return [one.format(name) for one in shown for name in _SPELLINGS[key][: 6 if rare else 2]]


def unformatted(*, rare: bool = False) -> list[str]:
    """What is hashed when the parts of the v2 and the v1 formula are not filled in: their names, however they are written."""
    shown = _RARELY_UNFORMATTED if rare else _UNFORMATTED
    texts = []
    for names in zip(*_SPELLINGS.values(), strict=True):
        for form in shown:
            parts = [form.format(name) for name in names]
            texts += [_tidy("".join(parts)), _tidy(parts[0] + parts[2])]
    return [*texts, *_NAMELESS]


def _tidy(text: str) -> str:
    """A joined text without the sign after its last part."""
    return text.rstrip("+ ")


def is_unset(text: str) -> bool:
    """Whether a text is what is left of a variable that was never filled in."""
    return _UNSET.fullmatch(text) is not None


def is_object(text: str) -> bool:
    """Whether a text names an object or a function, not a value."""
    return _OBJECT.fullmatch(text) is not None
