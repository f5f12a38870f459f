"""`mockserver explain URL`: what is wrong with a request that somebody pastes from a log, without any server."""

from __future__ import annotations

import json
import sys
import urllib.parse

import click

from mockserver.cli.curls import read_file
from mockserver.cli.options import json_option, setting_options
from mockserver.cli.pasted import read_paste
from mockserver.cli.show import violation_line
from mockserver.errors import ConfigurationError
from mockserver.factory import make_engine
from mockserver.messages import Call, Lang, Text, Violation
from mockserver.reporting.wire import violation_json
from mockserver.signing.curtime import whole_second
from mockserver.signing.query import read_query

_HEADERS = {"content-type": "application/json"}
_EARLIEST = 100_000_000
"""Seconds since 1970; `--now` takes none before."""
_NO_BODY = Text("no --body given: the body was not judged", "未给出 --body：未检查包体")
_OF_NOW = Text(
    "its curtime means no second: judged as of now; --now WHEN tells another",
    "curtime 不表示任何时刻：按现在判断；可用 --now WHEN 指定",
)


@click.command()
@click.argument("url")
@click.option(
    "--body", help="the request's body; @FILE reads it from a file, - from standard input", metavar="TEXT"
)
@click.option(
    "--method", help="the request's method; POST unless what was pasted says otherwise", metavar="NAME"
)
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME: VALUE",
    help="a header; Content-Type is JSON unless given",
)
@setting_options("scenario", "fixtures", "now", "reading", "strictness", "lang")
@json_option
def explain(
    url: str,
    body: str | None,
    method: str | None,
    headers: tuple[str, ...],
    lang: Lang,
    as_json: bool,
    **settings: object,
) -> None:
    """Tell what is wrong with a request to URL, most of all why its checksum is; exit 1 when it would be refused.

    URL may be anything in quotes that holds a request: a URL with or without its host, a query string, a line of a log,
    a whole curl command with its -X, -H and -d; - reads it from standard input.

    Unless --now says otherwise the request is judged as of its own curtime, so an old log is not just "expired".
    """
    pasted = read_paste(read_file("@-", "URL").decode(errors="replace") if url == "-" else url)
    notes = list(pasted.notes)
    curtime = read_query(_raw(pasted.query)).values.get("curtime", "")
    if settings["now"] is None:
        settings["now"] = _second_of(curtime)
        if settings["now"] is None and curtime:
            notes.append(_OF_NOW)
    engine = make_engine(lang=lang, **settings)
    content = pasted.body if body is None else _content(body)
    given = _HEADERS if pasted.headers is None else pasted.headers
    found = engine.examine(
        Call(
            (method or pasted.method or "POST").upper(),
            urllib.parse.unquote(pasted.path or "", errors="replace"),
            _raw(pasted.query),
            {**given, **dict(_header(line) for line in headers)},
            b"{}" if content is None else content,
        )
    )
    judged_body = content is not None and pasted.path is not None
    if not judged_body:
        notes.append(_NO_BODY)
        found = [one for one in found if not one.where.startswith("body:")]
    if pasted.path is None:
        found = [one for one in found if one.where != "path"]
    _show(found, lang, as_json)
    for note in notes:
        click.echo(Text(f"({note.en})", f"（{note.zh}）").to(lang), err=True)
    sys.exit(1 if any(not one.tolerated for one in found) else 0)


def _raw(query: str) -> str:
    """A query string as it would arrive: its bytes over 0x7f as Latin-1 characters."""
    return query.encode("utf-8", "surrogateescape").decode("latin-1")


def _second_of(curtime: str) -> str | None:
    """The second that a curtime means, in whatever unit it came, as `--now` takes it; None when it means none."""
    second = whole_second(curtime)
    return str(second) if second is not None and second >= _EARLIEST else None


def _show(found: list[Violation], lang: Lang, as_json: bool) -> None:
    rows = [violation_json(one, lang) for one in found]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(violation_line(row))
    if not rows:
        click.echo(Text("nothing is wrong with it", "没有问题").to(lang))


def _content(body: str) -> bytes:
    if body == "-":
        return sys.stdin.buffer.read()
    if body.startswith("@"):
        return read_file(body, "--body")
    return body.encode("utf-8", "surrogateescape")


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        text = Text(f"{line!r} is not NAME: VALUE", f"{line!r} 不是 NAME: VALUE")
        raise ConfigurationError.one("--header", text)
    return name.strip().lower(), value.strip()
