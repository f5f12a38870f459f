"""Reads a curl command as curl does, without running it and without opening any file that it names."""

from __future__ import annotations

import itertools
import re
import shlex
from typing import Any

import click

from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Text
from mockserver.validation.pasted_request import SEVERAL, PastedRequest, url_likeness

_PROMPT = re.compile(r"\A[\s$%#>]*curl(?:\.exe)?\s")
_CONTINUATION = re.compile(r"[ \t]{0,64}[\\^`]\r?\n")  # The end of a line that goes on, in sh, cmd and PowerShell.
_VERBOSE_OUTPUT = re.compile(r"^[*<>] ", re.MULTILINE)  # What `curl -v` prints below the command.
_ANSI_C = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ANSI_C_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{1,4})|x([0-9A-Fa-f]{1,2})|(.))", re.DOTALL)
_COMMAND_ENDS = ("|", ";", "&&", "||", ">", ">>", "2>&1", "&", "curl", "curl.exe")
_FORM = "application/x-www-form-urlencoded"

_IGNORED = [
    "-A", "--user-agent", "-b", "--cookie", "-c", "--cookie-jar", "-D", "--dump-header", "-e", "--referer", "-E",
    "--cert", "-K", "--config", "-m", "--max-time", "-o", "--output", "-r", "--range", "-u", "--user", "-w",
    "--write-out", "-x", "--proxy", "--cacert", "--connect-timeout", "--connect-to", "--key", "--limit-rate",
    "--oauth2-bearer", "--resolve", "--retry", "--retry-delay", "--retry-max-time", "--unix-socket",
]  # fmt: skip
"""Options whose value does not matter. The value of an unlisted option is taken for a URL, but an unlikely one."""
_PARSER = click.Command(
    "curl",
    context_settings={"ignore_unknown_options": True},
    add_help_option=False,
    params=[
        click.Argument(["words"], nargs=-1),
        click.Option(["urls", "--url"], multiple=True),
        click.Option(["method", "-X", "--request"]),
        click.Option(["headers", "-H", "--header"], multiple=True),
        click.Option(["data", "-d", "--data", "--data-ascii", "--data-binary"], multiple=True),
        click.Option(["raw", "--data-raw"], multiple=True),
        click.Option(["json", "--json"], multiple=True),
        click.Option(["other_data", "-F", "--form", "-T", "--upload-file", "--data-urlencode"], multiple=True),
        click.Option(["get", "-G", "--get"], is_flag=True),
        click.Option(["head", "-I", "--head"], is_flag=True),
        click.Option(["ignored", *_IGNORED], multiple=True),
    ],
)

_NOT_READ = Text("data of -F, -T and --data-urlencode was not checked", "未检查 -F、-T、--data-urlencode 的内容")
_NOT_OPENED = Text(
    "files named with @ are not opened, so no body was checked; add --body @FILE",
    "未打开 @ 所指的文件，因此未检查包体：请用 --body @FILE 给出",
)


def is_curl(text: str) -> bool:
    """Return whether `text` is a curl command, with or without a shell prompt before it."""
    return _PROMPT.match(text) is not None


def read_curl(text: str) -> PastedRequest:
    """Return the request that a curl command sends; raise ConfigurationError for a broken command."""
    command = _VERBOSE_OUTPUT.split(_CONTINUATION.sub(" ", _PROMPT.sub("", text)), maxsplit=1)[0]
    if '^"' in command:
        # cmd writes a caret before every character that it would interpret.
        command = re.sub(r"\^(.)", r"\1", command)
    try:
        words = shlex.split(_ANSI_C.sub(_plain_quotes, command))
    except ValueError:
        raise _wrong("a quote in the curl command is never closed", "curl 命令中有未闭合的引号") from None
    own = list(itertools.takewhile(lambda word: word not in _COMMAND_ENDS, words))
    try:
        options = _PARSER.make_context("curl", own).params
    except click.UsageError:
        raise _wrong("the last option of the curl command has no value", "curl 命令的最后一个选项缺少值") from None
    urls = [*options["urls"], *(word for word in options["words"] if not word.startswith("-"))]
    if not urls:
        raise _wrong("the curl command has no URL", "curl 命令中没有 URL")
    request = _request(max(urls, key=url_likeness), options)
    if any(word in ("curl", "curl.exe") for word in words):
        request.notes.append(SEVERAL)
    return request


def _request(url: str, options: dict[str, Any]) -> PastedRequest:
    """Return the request with what curl adds on its own: method, Content-Type, and -G data in the query."""
    headers = {}
    for line in options["headers"]:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    request = PastedRequest(url, options["method"], headers)
    data = [*options["data"], *options["raw"], *options["json"]]
    body = ("" if options["json"] else "&").join(data)
    if any(value.startswith("@") for value in (*options["data"], *options["json"])):
        request.notes.append(_NOT_OPENED)
    elif options["other_data"]:
        request.notes.append(_NOT_READ)
    elif options["get"] and data:
        request.target += ("&" if "?" in url else "?") + body
    elif data or request.method == "POST":
        request.body = body.encode("utf-8", "surrogateescape")
    if data and not options["get"]:
        headers.setdefault("content-type", "application/json" if options["json"] else _FORM)
    if not request.method:
        sends = (data or options["other_data"]) and not options["get"]
        request.method = "HEAD" if options["head"] else "POST" if sends else "GET"
    return request


def _plain_quotes(match: re.Match[str]) -> str:
    """Return $'…' of bash, in which browsers copy commands, as a text in plain quotes."""

    def char(escape: re.Match[str]) -> str:
        if digits := escape[1] or escape[2]:
            # Half of a surrogate pair is no character.
            return chr(int(digits, 16)) if not 0xD800 <= int(digits, 16) < 0xE000 else "\ufffd"
        return {"n": "\n", "r": "\r", "t": "\t"}.get(escape[3], escape[3])

    return shlex.quote(_ANSI_C_ESCAPE.sub(char, match[1]))


def _wrong(en: str, zh: str) -> ConfigurationError:
    return ConfigurationError.at("URL", Text(en, zh))
