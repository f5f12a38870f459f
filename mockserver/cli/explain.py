"""`mockserver explain REQUEST`: check a pasted request without a server."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import click

from mockserver.cli.options import json_option, setting_options
from mockserver.cli.output import local_time, message, printable, show_json, violation_line
from mockserver.core.errors import ConfigurationError
from mockserver.core.http import header_text
from mockserver.core.text import Lang, Text
from mockserver.engine.build import make_engine
from mockserver.reporting.json_shapes import violation_json
from mockserver.validation.curtime import whole_second
from mockserver.validation.pasted_request import PastedRequest
from mockserver.validation.pasted_text import as_received, read_request, relevant
from mockserver.validation.query import read_query

_MAX_INPUT = 1_100_000  # Bytes read from a file or standard input; no valid request is longer.
_OWN_LINE = re.compile(
    r"""\S+ (?:INFO|WARNING) (\S+) \S+ \S+ \S+ by |[\d:]{8}  .*  [\d.]+ ms  (\S+)|\{"(?:time|number)":.*?"id": "(\S+?)\""""
)  # A line of this server's log or of `mockserver requests`, which have no signature.
_CLOCK_RANGE = range(100_000_000, 10_000_000_000)  # The Unix seconds that `--now` accepts.


@click.command()
@click.argument("text", metavar="REQUEST")
@click.option("--body", help="Body of the request; @FILE reads a file, - standard input.", metavar="TEXT")
@click.option("--method", help="Method of the request; POST unless REQUEST has one.", metavar="NAME")
@click.option("--header", "headers", multiple=True, metavar="NAME: VALUE", help="Header of the request; repeatable.")
@setting_options("scenario", "fixtures", "now", "reading", "strictness", "lang")
@json_option
def explain(
    text: str,
    body: str | None,
    method: str | None,
    headers: tuple[str, ...],
    lang: Lang,
    as_json: bool,
    **settings: Any,
) -> None:
    """Check a pasted request and diagnose its signature.

    REQUEST is a quoted text that contains a request: a URL with or without its host, a query string, a line of a
    client's or proxy's log, a curl command, a raw HTTP request, or an entry of this server's journal; - reads it from
    standard input.

    Without --now the request is checked as of its own curtime, so that an old log line is not merely expired. Exits
    with 1 when a server would refuse the request.
    """
    if text == "-":
        text = _read("-", "REQUEST").decode(errors="replace")
    if own := _OWN_LINE.match(text.strip()):
        raise ConfigurationError.at("REQUEST", message("no_signature", id=printable(own[own.lastindex or 0])))
    pasted = read_request(text)
    if settings["now"] is None:
        settings["now"] = _time_of(pasted)
    pasted.body = pasted.body if body is None else _body(body)
    pasted.method = method or pasted.method
    if headers:
        pasted.headers = {**as_received(pasted).headers, **dict(map(_header, headers))}
    found = relevant(pasted, make_engine(lang=lang, **settings).examine(as_received(pasted)), message("no_body"))
    rows = [violation_json(violation, lang) for violation in found] + (pasted.checksum_rows or [])
    if as_json:
        show_json(rows)
    else:
        click.echo("\n".join(map(violation_line, rows)) or message("no_mistakes").to(lang))
    for note in pasted.notes:
        click.echo(message("note", note=note).to(lang), err=True)
    sys.exit(1 if any(not row["tolerated"] for row in rows) else 0)


def _time_of(pasted: PastedRequest) -> str | None:
    """Return the time at which to check a request, as a value of --now, and note the choice."""
    curtime = read_query(header_text(pasted.query)).values.get("curtime", "")
    for second, note in ((pasted.received_at, "at_arrival"), (whole_second(curtime), "at_curtime")):
        if second is not None and int(second) in _CLOCK_RANGE:
            when = f"{local_time(int(second))} +08:00"
            pasted.notes.append(message(note, when=when))
            return str(int(second))
    if curtime:
        pasted.notes.append(message("at_present"))
    return None


def _body(value: str) -> bytes:
    if value == "-" or value.startswith("@"):
        return _read(value.removeprefix("@"), "--body")
    return value.encode("utf-8", "surrogateescape")


def _read(name: str, place: str) -> bytes:
    """Return the start of a file, or of standard input for -."""
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as file:
            return file.read(_MAX_INPUT)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigurationError.at(place, Text(f"{name}: {reason}", f"{name}：{reason}")) from None


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon:
        raise ConfigurationError.at("--header", message("not_a_header"))
    return name.strip().lower(), value.strip()
