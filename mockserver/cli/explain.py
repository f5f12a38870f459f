"""`mockserver explain URL`: what is wrong with a request that somebody pastes from a log, without any server."""

from __future__ import annotations

import json
import sys
import urllib.parse
from pathlib import Path

import click

from mockserver.cli.options import setting_options
from mockserver.errors import ConfigurationError
from mockserver.factory import make_engine
from mockserver.messages import Call, Lang, Text, Violation
from mockserver.signing.curtime import whole_second
from mockserver.signing.query import read_query

_HEADERS = {"content-type": "application/json"}


@click.command()
@click.argument("url")
@click.option("--body", help="the request's body; @FILE reads it from a file, - from standard input")
@click.option("--method", default="POST", show_default=True, help="the request's method")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME: VALUE",
    help="a header; Content-Type is JSON unless given",
)
@setting_options("scenario", "fixtures", "now", "reading", "strictness", "lang")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def explain(
    url: str,
    body: str | None,
    method: str,
    headers: tuple[str, ...],
    lang: Lang,
    as_json: bool,
    **settings: object,
) -> None:
    """Tell what is wrong with a request to URL, most of all why its checksum is; exit 1 when it would be refused.

    Unless --now says otherwise the request is judged as of its own curtime, so an old log is not just "expired".
    """
    parts = urllib.parse.urlsplit(url)
    second = whole_second(read_query(parts.query).values.get("curtime", ""))
    if settings["now"] is None and second is not None:
        settings["now"] = str(second)
    engine = make_engine(lang=lang, **settings)
    content = _content(body)
    found = engine.examine(
        Call(
            method.upper(),
            urllib.parse.unquote(parts.path, errors="replace"),
            parts.query.encode("utf-8", "surrogateescape").decode("latin-1"),
            {**_HEADERS, **dict(_header(line) for line in headers)},
            b"{}" if content is None else content,
        )
    )
    if content is None:
        found = [one for one in found if not one.where.startswith("body:")]
    _show(found, lang, as_json, judged_body=content is not None)
    sys.exit(1 if any(not one.tolerated for one in found) else 0)


def _show(found: list[Violation], lang: Lang, as_json: bool, *, judged_body: bool) -> None:
    if as_json:
        rows = [
            {
                "name": one.name,
                "diagnosis": one.diagnosis,
                "error": one.error,
                "where": one.where,
                "expected": one.expected,
                "got": one.got,
                "section": one.section,
                "text": one.text.to(lang),
                "tolerated": one.tolerated,
            }
            for one in found
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for one in found:
        kind = f"{one.name}/{one.diagnosis}" if one.diagnosis else one.name
        click.echo(f"{one.where}: {one.text.to(lang)} [{kind}, §{one.section}]")
    if not found:
        click.echo(Text("nothing is wrong with it", "没有问题").to(lang))
    if not judged_body:
        click.echo(
            Text("(no --body given: the body was not judged)", "（未给出 --body：未检查包体）").to(lang),
            err=True,
        )


def _content(body: str | None) -> bytes | None:
    if body is None:
        return None
    if body == "-":
        return sys.stdin.buffer.read()
    if body.startswith("@"):
        try:
            return Path(body[1:]).read_bytes()
        except OSError as error:
            why = error.strerror or str(error)
            raise ConfigurationError.one("--body", Text(f"{body[1:]}: {why}", f"{body[1:]}：{why}")) from None
    return body.encode("utf-8", "surrogateescape")


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        text = Text(f"{line!r} is not NAME: VALUE", f"{line!r} 不是 NAME: VALUE")
        raise ConfigurationError.one("--header", text)
    return name.strip().lower(), value.strip()
