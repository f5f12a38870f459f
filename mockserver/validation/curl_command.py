"""Reads a curl command as curl does, without running it and without opening the files that it names."""

from __future__ import annotations

import itertools
import re
import shlex
from collections import defaultdict
from collections.abc import Iterable

from mockserver.core.errors import ConfigurationError
from mockserver.validation.pasted_request import PastedRequest, message, url_likeness

_PROMPT = re.compile(r"\A[\s$%#>]*curl(?:\.exe)?\s")
_CONTINUATION = re.compile(r"[ \t]{0,64}[\\^`]\r?\n")  # A line continuation of sh, cmd or PowerShell.
_VERBOSE_OUTPUT = re.compile(r"^[*<>] ", re.MULTILINE)  # What `curl -v` prints below the command.
_ANSI_C = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ANSI_C_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{1,4})|x([0-9A-Fa-f]{1,2})|(.))", re.DOTALL)
_COMMAND_ENDS = ("|", ";", "&&", "||", ">", ">>", "2>&1", "&", "curl", "curl.exe")
_FORM = "application/x-www-form-urlencoded"

_VALUES = {
    "url": "--url",
    "method": "-X --request",
    "header": "-H --header",
    "data": "-d --data --data-ascii --data-binary",
    "raw": "--data-raw",
    "json": "--json",
    "other data": "-F --form -T --upload-file --data-urlencode",
}  # The values of other options count as URLs, but as unlikely ones.
_OPTIONS = {name: kind for kind, names in _VALUES.items() for name in names.split()}
_FLAGS = {"-G": "get", "--get": "get", "-I": "head", "--head": "head"}


def is_curl(text: str) -> bool:
    """Return whether `text` is a curl command, with or without a shell prompt before it."""
    return _PROMPT.match(text) is not None


def read_curl(text: str) -> PastedRequest:
    """Return the request that a curl command sends; raise ConfigurationError for a broken command."""
    command = _VERBOSE_OUTPUT.split(_CONTINUATION.sub(" ", _PROMPT.sub("", text)), maxsplit=1)[0]
    if '^"' in command:
        # In cmd, a caret escapes every special character.
        command = re.sub(r"\^(.)", r"\1", command)
    try:
        words = shlex.split(_ANSI_C.sub(_plain_quotes, command))
    except ValueError:
        raise ConfigurationError.at("REQUEST", message("open_quote")) from None
    options = _options(itertools.takewhile(lambda word: word not in _COMMAND_ENDS, words))
    if not (urls := options["url"]):
        raise ConfigurationError.at("REQUEST", message("no_url"))
    request = _request(max(urls, key=url_likeness), options)
    if "\n" in request.target or "\r" in request.target:
        raise ConfigurationError.at("REQUEST", message("line_break"))
    if any(word in ("curl", "curl.exe") for word in words):
        request.notes.append(message("several"))
    return request


def _options(words: Iterable[str]) -> dict[str, list[str]]:
    """Return the values of the options of a curl command by kind; a flag has the value "", a plain word is a URL."""
    found: dict[str, list[str]] = defaultdict(list)
    words = iter(words)
    for word in words:
        if not word.startswith("-") or word == "-":
            found["url"].append(word)
            continue
        # `-sSd` is three options. Whatever follows the letter of an option with a value is that value.
        names = [word] if word.startswith("--") else [f"-{letter}" for letter in word[1:]]
        for index, name in enumerate(names):
            if name in _FLAGS:
                found[_FLAGS[name]].append("")
            elif kind := _OPTIONS.get(name):
                attached = "" if word.startswith("--") else word[index + 2 :]
                value = attached or next(words, None)
                if value is None:
                    raise ConfigurationError.at("REQUEST", message("no_value"))
                found[kind].append(value)
                break
    return found


def _request(url: str, options: dict[str, list[str]]) -> PastedRequest:
    """Return the request, including what curl adds: the method, Content-Type, and -G data in the query."""
    lines = [line.partition(":") for line in options["header"] if ":" in line]
    headers = {name.strip().lower(): value.strip() for name, _, value in lines}
    request = PastedRequest(url, options["method"][-1] if options["method"] else None, headers)
    data = [*options["data"], *options["raw"], *options["json"]]
    body = ("" if options["json"] else "&").join(data)
    if any(value.startswith("@") for value in (*options["data"], *options["json"])):
        request.notes.append(message("not_opened"))
    elif options["other data"]:
        request.notes.append(message("not_read"))
    elif options["get"] and data:
        request.target += ("&" if "?" in url else "?") + body
    elif data or request.method == "POST":
        request.body = body.encode("utf-8", "surrogateescape")
    if data and not options["get"]:
        headers.setdefault("content-type", "application/json" if options["json"] else _FORM)
    if not request.method:
        sends = (data or options["other data"]) and not options["get"]
        request.method = "HEAD" if options["head"] else "POST" if sends else "GET"
    return request


def _plain_quotes(match: re.Match[str]) -> str:
    """Return a bash string $'…', as browsers write it with "Copy as cURL", in plain quotes."""

    def char(escape: re.Match[str]) -> str:
        if digits := escape[1] or escape[2]:
            # Half of a surrogate pair is not a character.
            return chr(int(digits, 16)) if not 0xD800 <= int(digits, 16) < 0xE000 else "\ufffd"
        return {"n": "\n", "r": "\r", "t": "\t"}.get(escape[3], escape[3])

    return shlex.quote(_ANSI_C_ESCAPE.sub(char, match[1]))
