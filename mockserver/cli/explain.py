"""`mockserver explain REQUEST`: what is wrong with a request that somebody pastes from a log, without any server."""

from __future__ import annotations

import json
import sys
import urllib.parse
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click

from mockserver.cli.options import json_option, setting_options
from mockserver.cli.pasted import Pasted, read_paste
from mockserver.cli.show import violation_line
from mockserver.contract.violations import Violation
from mockserver.core.errors import ConfigurationError
from mockserver.core.http import Request
from mockserver.core.text import Lang, Text
from mockserver.engine.build import make_engine
from mockserver.reporting.json_shapes import violation_json
from mockserver.validation.curtime import whole_second
from mockserver.validation.query import read_query

_MOST = 1_100_000
"""Bytes that are read of a file or of standard input: no request may be longer."""
_HEADERS = {"content-type": "application/json"}
_EARLIEST = 100_000_000
"""Seconds since 1970; `--now` takes none before."""
_LATEST = 10_000_000_000
"""Nor any from here on."""
_NO_BODY = Text("no --body given: the body was not judged", "未给出 --body：未检查包体")
_NO_OPERATION = Text(
    "the body was not judged: without the path of an operation it is not known what it should hold",
    "未检查包体：没有接口路径，无法得知包体应有的内容",
)
_OWN = Text(
    "judged as of its own curtime, {when}; --now now judges its age",
    "按请求自身的 curtime（{when}）判定；要判断是否过期请加 --now now",
)
_CAME = Text("judged as of when it came, {when}", "按请求到达的时刻（{when}）判定")
_EAST_8 = timezone(timedelta(hours=8))
_OF_NOW = Text(
    "its curtime means no second: judged as of now; --now WHEN tells another",
    "curtime 不表示任何时刻：按现在判断；可用 --now WHEN 指定",
)


@click.command()
@click.argument("url", metavar="REQUEST")
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
    """Tell what is wrong with a request, most of all why its checksum is; exit 1 when it would be refused.

    REQUEST may be anything in quotes that holds a request: a URL with or without its host, a query string, a line of a
    log, a whole curl command with its -X, -H and -d, a raw HTTP request, an entry of this server's journal; - reads it
    from standard input.

    Unless --now says otherwise the request is judged as of its own curtime, so an old log is not just "expired".
    """
    pasted = read_paste(_read("-", "REQUEST").decode(errors="replace") if url == "-" else url)
    notes = list(pasted.notes)
    if settings["now"] is None:
        settings["now"], note = _as_of(pasted)
        notes += [note] if note else []
    engine = make_engine(lang=lang, **settings)
    content = pasted.body if body is None else _content(body)
    given = _HEADERS if pasted.headers is None else pasted.headers
    found = engine.examine(
        Request(
            _method(method or pasted.method or "POST"),
            urllib.parse.unquote(pasted.path or "", errors="replace"),
            _raw(pasted.query),
            {**given, **dict(_header(line) for line in headers)},
            b"{}" if content is None else content,
        )
    )
    if content is None:
        notes.append(_NO_BODY)
    elif pasted.path is None or any(one.name == "unknown_path" for one in found):
        notes.append(_NO_OPERATION)
    if content is None or pasted.path is None:
        found = [one for one in found if not one.where.startswith("body:")]
    if pasted.path is None:
        found = [one for one in found if one.where != "path"]
    if pasted.told is not None:
        found = [*(one for one in found if one.where != "query:checksum"), *pasted.told]
    _show(found, lang, as_json)
    for note in notes:
        click.echo(Text(f"({note.en})", f"（{note.zh}）").to(lang), err=True)
    sys.exit(1 if any(not one.tolerated for one in found) else 0)


def _raw(query: str) -> str:
    """A query string as it would arrive: its bytes over 0x7f as Latin-1 characters."""
    return query.encode("utf-8", "surrogateescape").decode("latin-1")


def _as_of(pasted: Pasted) -> tuple[str | None, Text | None]:
    """The moment that a request is judged as of, as `--now` takes it, and how that is told."""
    curtime = read_query(_raw(pasted.query)).values.get("curtime", "")
    for second, text in ((pasted.at, _CAME), (whole_second(curtime), _OWN)):
        if second is not None and _EARLIEST <= second < _LATEST:
            when = f"{datetime.fromtimestamp(int(second), _EAST_8):%Y-%m-%d %H:%M:%S} +08:00"
            return str(int(second)), Text(text.en.format(when=when), text.zh.format(when=when))
    return None, _OF_NOW if curtime else None


def _show(found: list[Violation], lang: Lang, as_json: bool) -> None:
    rows = [violation_json(one, lang) for one in found]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(violation_line(row))
    if not rows:
        click.echo(Text("nothing is wrong with it", "没有问题").to(lang))


def _read(name: str, place: str) -> bytes:
    """A file, or standard input for -, as far as a request may be long; ConfigurationError when it cannot be read."""
    try:
        if name == "-":
            return sys.stdin.buffer.read(_MOST)
        with Path(name).open("rb") as file:
            return file.read(_MOST)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError.at(place, Text(f"{name}: {why}", f"{name}：{why}")) from None


def _content(body: str) -> bytes:
    if body == "-" or body.startswith("@"):
        return _read(body.removeprefix("@"), "--body")
    return body.encode("utf-8", "surrogateescape")


def _method(word: str) -> str:
    """A method as it is sent; what is none may be anything, a secret too, and stays as it is to be recognised."""
    return word.upper() if word.isalpha() and len(word) <= 10 else word


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        text = Text("a header is NAME: VALUE", "请求头应为 NAME: VALUE")
        raise ConfigurationError.at("--header", text)
    return name.strip().lower(), value.strip()
