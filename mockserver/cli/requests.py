"""Requests from the command line: `curl` prints one, `call` makes one, `sample` answers one here, `sign` signs one."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from mockserver.cli.calling import Answer, post, read_answer, violations_of
from mockserver.cli.options import appkey_option, ca_option, setting_options, token_option, url_option
from mockserver.cli.show import plain, show_answer, violation_line
from mockserver.contract.apps import App
from mockserver.contract.checksum import Formula
from mockserver.contract.checksum import sign as sign_query
from mockserver.contract.operations import OPERATIONS, Operation
from mockserver.core.addresses import parse_server_url
from mockserver.core.errors import ConfigurationError
from mockserver.core.folders import Folders
from mockserver.core.http import Request
from mockserver.core.json_reader import read_json
from mockserver.core.suggestions import nearest, unknown
from mockserver.core.text import Lang, Text
from mockserver.engine.build import make_clock, make_engine
from mockserver.engine.config import load_apps_only

Command = TypeVar("Command", bound=Callable[..., Any])
_UNTOLD = Text(
    "({count} in all depart from the document; its journal tells them: add --admin-token TOKEN)",
    "（共 {count} 处与文档不符，详见其日志：请加 --admin-token TOKEN）",
)
_NOW = "sign as of this moment, and number the request alike each time: seconds, ISO 8601 with offset, now-2h"


def _who(command: Command) -> Command:
    """The options that say who calls."""
    command = click.option("--seq", help="sequence number; one of its own is made up unless given")(command)
    command = click.option(
        "--identifier", default="admin", show_default=True, metavar="NAME", help="who calls, in the app"
    )(command)
    command = appkey_option(command)
    return setting_options("fixtures")(command)


_formula = click.option(
    "--formula",
    type=click.Choice(["v2", "v1"]),
    default="v2",
    show_default=True,
    help="how to sign; v1 leaves the restapikey out (reading signing)",
)


def _what(command: Command) -> Command:
    """The arguments that say what is asked."""
    command = click.argument("fields", nargs=-1, metavar="[FIELD=VALUE]…")(command)
    return click.argument("operation", metavar="OPERATION")(command)


_json = click.option(
    "--json/--table", "as_json", default=None, help="JSON, or tables; by default as the output is a pipe"
)


_signing = setting_options("lang", now=_NOW)
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)


@click.command()
@_who
@_signing
@_formula
def sign(lang: Lang, **who: Any) -> None:
    """Print a signed query string, good for five minutes: what stands behind the ? of a request's URL (§1.1).

    Each one has a seq of its own; with --now the same words give the same string.

    \b
      curl -sS "http://127.0.0.1:8080/v2/video/query_room_info?$(mockserver sign)" \\
        -H 'Content-Type: application/json' -d '{"RoomId": "123456789"}'
    """
    click.echo(_signed(**who))


@click.command()
@_what
@url_option("where the API is")
@ca_option
@_who
@_signing
@_formula
def curl(operation: str, fields: Sequence[str], url: str, ca: str | None, lang: Lang, **who: Any) -> None:
    """Print a signed curl command for OPERATION (a name, its beginning, or its section such as 2.2).

    Without any FIELD=VALUE the body is the document's sample.
    """
    parse_server_url(url, ca)
    target = _operation(operation)
    told = _body(target, fields, who["fixtures"])
    for note in _undocumented(target, told, who["fixtures"]):
        click.echo(note.to(lang), err=True)
    body = json.dumps(told, ensure_ascii=False)
    address = f"{url}{target.path}?{_signed(**who)}"
    trust = f"--cacert {shlex.quote(ca)} " if ca else ""
    words = f"{trust}{shlex.quote(address)} -H 'Content-Type: application/json' -d {shlex.quote(body)}"
    click.echo(f"curl -sS {words}")


@click.command()
@_what
@url_option()
@ca_option
@token_option
@_who
@_signing
@_formula
@_json
def call(
    operation: str,
    fields: Sequence[str],
    url: str,
    ca: str | None,
    admin_token: str | None,
    as_json: bool | None,
    lang: Lang,
    **who: Any,
) -> None:
    """Call OPERATION on a running server and print the answer, and on stderr every mistake of the request.

    Without any FIELD=VALUE the body is the document's sample. Exit 1 when the answer is a failure, 2 when there is none
    that can be read.
    """
    target = _operation(operation)
    body = json.dumps(_body(target, fields, who["fixtures"]), ensure_ascii=False).encode()
    came = post(url, f"{target.path}?{_signed(**who)}", body, ca)
    answer = read_answer(url, came)
    show_answer(answer, as_json)
    told, count = violations_of(url, came, admin_token, ca)
    for one in told:
        click.echo(violation_line(one), err=True)
    if len(told) < count:
        click.echo(_UNTOLD.to(lang).format(count=count), err=True)
    sys.exit(_exit_code(answer))


@click.command()
@_what
@setting_options("scenario", "seed", "reading", "strictness", "lang", "now")
@_who
@_json
def sample(operation: str, fields: Sequence[str], as_json: bool | None, **words: Any) -> None:
    """Print the answer of a scenario to OPERATION without any server.

    Without any FIELD=VALUE the body is the document's sample. Exit 1 when the answer is a failure, 2 when there is none
    that can be read.
    """
    who = {name: words.pop(name) for name in ("appkey", "identifier", "seq")}
    target = _operation(operation)
    body = json.dumps(_body(target, fields, words["fixtures"]), ensure_ascii=False).encode()
    engine = make_engine(**words)
    app = app_of(engine.config.apps, who["appkey"])
    signing = engine.config.readings(engine.store.scenario)["signing"]
    formula: Formula = "v1" if signing == "v1" else "v2"
    now = engine.store.app(app.appkey).clock.now()
    seq = who["seq"] or numbered_seq(words["now"], now)
    query = sign_query(app.credentials, now, identifier=who["identifier"], seq=seq, formula=formula)
    reply = engine.handle(Request("POST", target.path, query, {"content-type": "application/json"}, body))
    answer = read_answer(target.name, Answer(reply.status, dict(reply.headers), reply.body))
    show_answer(answer, as_json)
    sys.exit(_exit_code(answer))


def _exit_code(answer: Mapping[str, Any]) -> int:
    code = answer.get("ErrorCode")
    return 0 if code == 0 and not isinstance(code, bool) else 1


def _signed(
    fixtures: str | None,
    now: str | None,
    appkey: str | None,
    identifier: str,
    seq: str | None,
    formula: Formula,
) -> str:
    apps = load_apps_only(Folders(Path(fixtures) if fixtures else None))
    at = make_clock(now).now()
    seq = seq or numbered_seq(now, at)
    return sign_query(app_of(apps, appkey).credentials, at, identifier=identifier, seq=seq, formula=formula)


def numbered_seq(asked: str | None, now: float, number: int = 1) -> str | None:
    """The seq of the nth request at a moment that was asked for, the same each time; None for one that goes on."""
    return None if asked is None or "now" in asked else f"{int(now)}{number:06d}"


def app_of(apps: Any, appkey: str | None) -> App:
    """The app that somebody named, or the first one."""
    if appkey is None:
        first: App = next(iter(apps.values()))
        return first
    if appkey not in apps:
        raise ConfigurationError.at("--appkey", unknown("app", appkey, apps))
    found: App = apps[appkey]
    return found


def _operation(word: str) -> Operation:
    found = [one for one in OPERATIONS.values() if word in (one.name, one.section, f"§{one.section}")]
    found = found or [one for one in OPERATIONS.values() if one.name.startswith(word)]
    if len(found) == 1:
        return found[0]
    if found:
        fits = ", ".join(one.name for one in found)
        text = Text(
            f"{word!r} may be any of {fits}: write more of it", f"{word!r} 可能是 {fits}：请写得更完整"
        )
        raise ConfigurationError.at("OPERATION", text)
    known = {one.name: f"{one.name} ({one.section})" for one in OPERATIONS.values()}
    names = known if nearest(word, known).en else known.values()
    raise ConfigurationError.at("OPERATION", unknown("operation", word, names))


def _body(operation: Operation, fields: Sequence[str], fixtures: str | None) -> dict[str, Any]:
    """The body that FIELD=VALUE words mean: integers where the schema wants them, texts as they are."""
    schema = _schema(operation, fixtures)
    if not fields:
        sample: dict[str, Any] = schema["examples"][0]
        return sample
    body: dict[str, Any] = {}
    for word in fields:
        name, equals, value = word.partition("=")
        if not equals:
            text = Text(f"{word!r} is not FIELD=VALUE", f"{word!r} 不是 FIELD=VALUE")
            raise ConfigurationError.at("FIELD=VALUE", text)
        kind = schema["properties"].get(name, {}).get("type")
        body[name] = int(value) if kind == "integer" and _INTEGER.fullmatch(value) else value
    return body


def _schema(operation: Operation, fixtures: str | None) -> Any:
    folders = Folders(Path(fixtures) if fixtures else None)
    return read_json(folders.schema(f"{operation.name}.request.json")).value


def _undocumented(operation: Operation, body: Mapping[str, Any], fixtures: str | None) -> Iterator[Text]:
    """A warning for every field that the operation does not know; it is sent nevertheless."""
    known = _schema(operation, fixtures)["properties"]
    for name in body:
        if name not in known:
            hint = nearest(name, known)
            yield Text(
                f"({operation.name} has no field {plain(name)}{hint.en})",
                f"（{operation.name} 没有字段 {plain(name)}{hint.zh}）",
            )
