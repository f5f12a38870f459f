"""A curl command that somebody pasted, read as curl reads it; never run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Text

_START = re.compile(r"\A[\s$%#>]*curl(?:\.exe)?\s")
_CONTINUED = re.compile(r"[ \t]{0,64}[\\^`]\r?\n")
"""A command over several lines, as sh, cmd and PowerShell write it."""
_OUTPUT = re.compile(r"^[*<>] ", re.MULTILINE)
"""What `curl -v` prints after the command."""
_ANSI_C = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ANSI_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{1,4})|x([0-9A-Fa-f]{1,2})|(.))", re.DOTALL)
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}

_MEANINGS = {
    "-X": "method", "--request": "method",
    "-H": "header", "--header": "header",
    "-d": "data", "--data": "data", "--data-ascii": "data",
    "--data-raw": "raw", "--data-binary": "binary", "--json": "json", "--data-urlencode": "encoded",
    "--url": "url",
    "-G": "get", "--get": "get", "-I": "head", "--head": "head",
    "-F": "form", "--form": "form", "-T": "upload", "--upload-file": "upload",
    "-A": "agent", "--user-agent": "agent",
}  # fmt: skip
_FLAGS = frozenset({"get", "head"})
_FORM = "application/x-www-form-urlencoded"
_UNREAD = {"encoded": _FORM, "form": "multipart/form-data", "upload": ""}
"""What makes a body that is not read here, and the Content-Type of it."""
_WITH_VALUE = frozenset(
    [
        "-b",
        "-c",
        "-C",
        "-D",
        "-e",
        "-E",
        "-K",
        "-m",
        "-o",
        "-r",
        "-u",
        "-U",
        "-w",
        "-x",
        "-y",
        "-Y",
        "-z",
        "--cookie",
        "--cookie-jar",
        "--dump-header",
        "--referer",
        "--cert",
        "--config",
        "--max-time",
        "--connect-timeout",
        "--output",
        "--range",
        "--user",
        "--proxy-user",
        "--write-out",
        "--proxy",
        "--cacert",
        "--capath",
        "--key",
        "--cert-type",
        "--key-type",
        "--pass",
        "--resolve",
        "--connect-to",
        "--retry",
        "--retry-delay",
        "--retry-max-time",
        "--interface",
        "--limit-rate",
        "--max-redirs",
        "--noproxy",
        "--socks5",
        "--socks5-hostname",
        "--tls-max",
        "--ciphers",
        "--trace",
        "--trace-ascii",
        "--stderr",
        "--unix-socket",
        "--oauth2-bearer",
        "--output-dir",
        "--keepalive-time",
        "--expect100-timeout",
        "--happy-eyeballs-timeout-ms",
    ]
)
"""Options that say nothing about the request, and are followed by a value."""

_AGAIN = ("curl", "curl.exe")
_SEVERAL = Text("it holds several requests: only the first was judged", "其中有多个请求：只检查了第一个")
_NOT_READ = Text(
    "what -F, -T and --data-urlencode send was not judged", "未检查 -F、-T、--data-urlencode 的内容"
)
_FILE = Text(
    "the file that its @ names was not opened, so no body was judged: give it with --body @FILE",
    "未打开 @ 所指的文件，因此未检查包体：请用 --body @FILE 给出",
)


@dataclass(slots=True)
class Curl:
    """The request that a curl command makes."""

    url: str = ""
    method: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes | None = None
    query: str = ""
    """What -G puts behind the URL's own."""
    notes: tuple[Text, ...] = ()


def is_curl(text: str) -> bool:
    """Whether a text is a curl command, with or without a shell's prompt before it."""
    return _START.match(text) is not None


def read_curl(text: str) -> Curl:
    """The request of a curl command; ConfigurationError when it cannot be taken apart or names no URL."""
    command = _OUTPUT.split(_CONTINUED.sub(" ", _START.sub("", text)), maxsplit=1)[0]
    if '^"' in command:
        # As cmd writes it: a caret before each character that could mean something.
        command = re.sub(r"\^(.)", r"\1", command)
    try:
        words = shlex.split(_ANSI_C.sub(_plain, command))
    except ValueError:
        raise _wrong("a quote in the curl command is never closed", "curl 命令中有未闭合的引号") from None
    made, data, kinds = Curl(), [], set()
    for meaning, value in _options(words):
        kinds.add(meaning)
        if meaning == "url":
            made.url = made.url or value
        elif meaning == "method":
            made.method = value
        elif meaning == "header":
            name, colon, content = value.partition(":")
            if colon:
                made.headers[name.strip().lower()] = content.strip()
        elif meaning in ("data", "binary", "raw", "json"):
            if value.startswith("@") and meaning != "raw":
                kinds.add("file")
            data.append(value.encode("utf-8", "surrogateescape"))
    if not made.url:
        raise _wrong("the curl command names no URL", "curl 命令中没有 URL")
    if "again" in kinds:
        made.notes = (_SEVERAL,)
    _complete(made, data, kinds)
    return made


def _complete(made: Curl, data: list[bytes], kinds: set[str]) -> None:
    """What curl adds by itself: method, Content-Type, and where the data go."""
    body = (b"" if "json" in kinds else b"&").join(data)
    unread = [meaning for meaning in _UNREAD if meaning in kinds]
    if "get" in kinds:
        made.query = body.decode("utf-8", "surrogateescape")
    elif data or made.method == "POST":
        made.body = body
    if data and "get" not in kinds:
        made.headers.setdefault("content-type", "application/json" if "json" in kinds else _FORM)
    if "file" in kinds:
        # Whoever wrote the command may be somebody else: nothing that it names is opened.
        made.body, made.query = None, ""
        made.notes += (_FILE,)
    if unread:
        made.body = None
        made.headers.setdefault("content-type", _UNREAD[unread[0]])
        made.notes += (_NOT_READ,)
    plain = "HEAD" if "head" in kinds else "PUT" if "upload" in kinds else "GET"
    made.method = made.method or (
        "POST" if "get" not in kinds and (data or unread) and plain == "GET" else plain
    )


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """What each word of a command means, and its value."""
    rest = iter(words)
    for word in rest:
        if word in _AGAIN:
            yield "again", ""
            return
        if word in ("|", ";", "&&", "||", ">", ">>", "2>&1", "&"):
            return
        if word.startswith("--"):
            meaning = _MEANINGS.get(word, "")
            takes = (meaning and meaning not in _FLAGS) or word in _WITH_VALUE
            yield meaning, next(rest, "") if takes else ""
        elif word.startswith("-") and len(word) > 1:
            yield from _short(word[1:], rest)
        else:
            yield "url", word


def _short(letters: str, rest: Iterator[str]) -> Iterator[tuple[str, str]]:
    """Options of one letter, one after the other; what stands behind one that takes a value is its value."""
    for place, letter in enumerate(letters):
        meaning = _MEANINGS.get(f"-{letter}", "")
        if (meaning and meaning not in _FLAGS) or f"-{letter}" in _WITH_VALUE:
            yield meaning, letters[place + 1 :] or next(rest, "")
            return
        yield meaning, ""


def _plain(found: re.Match[str]) -> str:
    """$'…' as a shell without it writes it."""

    def char(escape: re.Match[str]) -> str:
        if code := escape[1] or escape[2]:
            # Half of a surrogate pair is no text.
            return chr(int(code, 16)) if not 0xD800 <= int(code, 16) < 0xE000 else "\ufffd"
        return _CONTROLS.get(escape[3], escape[3])

    return shlex.quote(_ANSI_ESCAPE.sub(char, found[1]))


def _wrong(en: str, zh: str) -> ConfigurationError:
    return ConfigurationError.at("URL", Text(en, zh))
