"""What somebody pasted: a URL, a query string, a line of a log, a curl command or a whole request, read as what it tells of.

Nothing is refused that holds a request, and what had to be guessed is said. No text here repeats what was pasted: it may hold a secret.
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mockserver.cli.curls import is_curl, read_curl
from mockserver.cli.dumps import read_dump
from mockserver.contract.violations import Violation
from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Text
from mockserver.validation.query import PARAMETERS

_ESCAPES = (("&amp;", "&"), ("&#38;", "&"), ("&#x26;", "&"), (r"\u0026", "&"), (r"\/", "/"))
"""How HTML and JSON write what stands in a URL."""
_CLOSERS = {
    '"': '"',
    "'": "'",
    "`": "`",
    "<": ">",
    "(": ")",
    "[": "]",
    "{": "}",
    "“": "”",
    "‘": "’",
    "「": "」",
    "《": "》",
}
_TRAILING = ".,;:!?)>]}\"'`”’」》。，；：！？）】"
_START = re.compile(r"https?://", re.IGNORECASE)
_PATH = re.compile(r"(?<![^\s\"'`<(\[{=:“‘])/+[\w.-]")
_SIGNED = re.compile(rf"(?<![A-Za-z0-9_])(?:{'|'.join(PARAMETERS)})=", re.ASCII)
_WORD = re.compile(r"[^\s\"'`<>(){}“”‘’]+")
_METHOD = re.compile(
    r"(?<![A-Za-z])(GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS|TRACE|CONNECT)[\s:\"'<]+\Z", re.ASCII
)
_BLANK = re.compile(r"\s|\Z")
_BLANK_INSIDE = re.compile(rf"[ \t]+[^\s\"'<>/?]*&(?:{'|'.join(PARAMETERS)})=", re.ASCII)
_HOST = re.compile(r"(?:\[[^\]/]*\]|localhost|[\w-]+(?:\.[\w-]+)+|[\w.-]+(?=:[0-9]))(?::[0-9]*)?(?=/)")
_ROOT = "/v2/video/"
_LONGEST = 16_384
"""Characters of a paste in which a URL is looked for."""
_MOST_STARTS = 256


@dataclass(frozen=True, slots=True)
class Pasted:
    """The request that was pasted, as far as it says; None: it does not."""

    path: str | None
    """Still percent-encoded."""
    query: str
    method: str | None = None
    headers: Mapping[str, str] | None = None
    body: bytes | None = None
    notes: tuple[Text, ...] = field(default=())
    """What was taken for what."""
    at: float | None = None
    """When it came, if a server's journal tells."""
    told: tuple[Violation, ...] | None = None
    """What that journal says of a checksum that it does not keep; None when the checksum is whole."""


def read_paste(text: str) -> Pasted:
    """The request in a pasted text; ConfigurationError when there is none in it."""
    if is_curl(text):
        made = read_curl(text)
        target, notes = _target(made.url), made.notes
        query = "&".join(part for part in (target.query, made.query) if part)
        return Pasted(target.path, query, made.method, made.headers, made.body, (*notes, *target.notes))
    if dump := read_dump(text):
        target = _target(dump.target)
        return replace(
            target,
            method=dump.method,
            headers=dump.headers,
            body=dump.body,
            notes=(*dump.notes, *target.notes),
            at=dump.at,
            told=dump.told,
        )
    return _target(text)


def _target(text: str) -> Pasted:
    plain, notes = text.strip(), []
    for escape, char in _ESCAPES:
        if escape in plain:
            plain = plain.replace(escape, char)
            notes.append(Text(f"{escape} was read as {char}", f"{escape} 按 {char} 处理"))
    method, target, several = _find(_unwrapped(plain))
    if several:
        notes.append(_SEVERAL)
    found, fragment, _ = _without_host(target).partition("#")
    if not found:
        raise ConfigurationError.at("URL", _NOTHING)
    if fragment:
        notes.append(Text("what stands after # is never sent", "# 之后的内容不会被发送"))
    if not _has_fine_host(target):
        notes.append(Text("its host is none; that was not judged", "其主机名无效，未作检查"))
    if found.startswith("/"):
        path, _, query = found.partition("?")
        if query and "&" not in query:
            notes.append(_CUT)
        return Pasted(path, query, method, notes=tuple(notes))
    notes.append(Text("no path was given: only the query string was judged", "未给出路径：只检查了查询串"))
    return Pasted(None, found, method, notes=tuple(notes))


_SEVERAL = Text(
    "it holds several requests: only the first whole one was judged", "其中有多个请求：只检查了第一个完整的"
)
_NOTHING = Text(
    "there is no request in it: paste a URL, a query string (appkey=…&checksum=…), a line of a log that holds one of them,"
    " a curl command, a raw HTTP request or an entry of the journal, in quotes",
    "其中没有请求：请粘贴 URL、查询串（appkey=…&checksum=…）、含有它们的日志行、curl 命令、原始 HTTP 请求或日志条目，并加引号",
)


_CUT = Text(
    "it has one parameter only: a shell ends a URL without quotes at its first &",
    "只有一个参数：未加引号的 URL 会被 shell 在第一个 & 处截断",
)


def _unwrapped(text: str) -> str:
    """The text without the quotes or brackets that stand around all of it."""
    while len(text) > 1 and _CLOSERS.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    return text


def _find(text: str) -> tuple[str | None, str, bool]:
    """The method and the URL (or a part of one) of the likeliest request in a text, and whether there are more.

    Empty when there is none.
    """
    text = text[:_LONGEST]
    starts = [found.start() for pattern in (_START, _PATH) for found in pattern.finditer(text)]
    starts += [found.start() for found in _WORD.finditer(text) if _is_telling(found[0])]
    starts = starts[:_MOST_STARTS]
    best = max(starts, key=lambda start: _likeness(text[start : _end(text, start)]), default=None)
    if best is None:
        return None, "", False
    target = text[best : _end(text, best)]
    # A path that is but a word among others is any path.
    if not (_is_telling(target) or _START.match(target) or (best == 0 and len(target) == len(text))):
        return None, "", False
    found = _METHOD.search(text[:best])
    signed = {
        _end(text, start) for start in starts if len(_SIGNED.findall(text[start : _end(text, start)])) > 1
    }
    return found[1] if found else None, target, len(signed) > 1


def _is_telling(word: str) -> bool:
    return bool(_SIGNED.search(word)) or _ROOT.strip("/") in word


def _likeness(target: str) -> tuple[int, bool, bool]:
    return len(_SIGNED.findall(target)), _ROOT in target, "?" in target


def _end(text: str, start: int) -> int:
    """Where the URL that begins at `start` ends: at its closing quote, or before a blank that no parameter follows."""
    closer = _CLOSERS.get(text[start - 1]) if start else None
    if closer and (close := text.find(closer, start)) >= 0 and "\n" not in text[start:close]:
        return start + len(text[start:close].rstrip("\\"))
    end: int | None = start
    while end is not None:
        blank = _BLANK.search(text, last := end)
        last = blank.start() if blank else len(text)
        inside = _BLANK_INSIDE.match(text, last)
        end = inside.end() if inside else None
    return start + len(text[start:last].rstrip(_TRAILING))


def _has_fine_host(target: str) -> bool:
    try:
        return urllib.parse.urlsplit(target).port != -1
    except ValueError:
        return False


def _without_host(target: str) -> str:
    """Path and query of a URL, whatever its host is: that is not judged. A query alone stays what it is."""
    scheme = _START.match(target)
    if scheme or target.startswith("//"):
        rest = target[scheme.end() if scheme else 2 :]
        cut = re.search(r"[/?#]", rest)
        return "" if cut is None else rest[cut.start() :] if cut[0] == "/" else f"/{rest[cut.start() :]}"
    if host := _HOST.match(target):
        return target[host.end() :]
    target = target.removeprefix("?")
    head = re.split("[?=]", target)[0]
    return f"/{target}" if "/" in head and not head.startswith("/") else target
