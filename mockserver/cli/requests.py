"""Signed requests: `sign` prints a query string, `curl` a command; `call` sends one, `sample` answers one locally."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from mockserver.cli.http_call import Answer, post, read_answer, violations_of
from mockserver.cli.options import (
    Command,
    appkey_option,
    ca_option,
    find_app,
    server_options,
    setting_options,
    url_option,
    user_folders,
)
from mockserver.cli.output import message, printable, show_answer, to_json, violation_line
from mockserver.contract.checksum import Formula
from mockserver.contract.checksum import sign as sign_query
from mockserver.contract.operations import OPERATIONS, Operation
from mockserver.core.addresses import parse_server_url
from mockserver.core.errors import ConfigurationError, MockServerError
from mockserver.core.http import Request
from mockserver.core.json_reader import read_json
from mockserver.core.suggestions import nearest, unknown
from mockserver.core.text import Lang, Text
from mockserver.engine.build import make_clock, make_engine
from mockserver.engine.config import load_apps_only
from mockserver.scenarios.samples import sample_bodies
from mockserver.testing.admin_client import AdminClient

_JSON_HEADERS = {"content-type": "application/json"}
_INTEGER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_SAMPLE_TIMEOUT = 5.0  # Seconds to wait for a sample body.
_UNSAFE_ON_WINDOWS = re.compile(r"[&|<>^%!'`$;]")


def _caller_options(command: Command) -> Command:
    """Add the options that choose who signs a request."""
    seq = click.option("--seq", help="Sequence number; a new one for each request by default.")
    identifier = click.option("--identifier", default="admin", metavar="NAME", help="Account in the app.")
    return setting_options("fixtures")(appkey_option(identifier(seq(command))))


def _signing_options(command: Command) -> Command:
    """Add the options that choose how and when a request is signed."""
    formula = click.option(
        "--formula",
        type=click.Choice(["v2", "v1"]),
        default="v2",
        help="Signing formula; v1 omits the restapikey (reading signing).",
    )
    now = "time to sign at, with a fixed seq: seconds, ISO 8601 with offset, now-2h"
    return setting_options("lang", now=now)(_caller_options(formula(command)))


def _operation_arguments(command: Command) -> Command:
    """Add the arguments that choose an operation and its body."""
    fields = click.argument("fields", nargs=-1, metavar="[FIELD=VALUE]…")
    operation = click.argument("operation", metavar="OPERATION", callback=lambda ctx, param, value: _operation(value))
    return operation(fields(command))


_json_or_table = click.option(
    "--json/--table",
    "as_json",
    default=None,
    help="Print JSON or tables; by default tables on a terminal and JSON elsewhere.",
)


@click.command()
@_signing_options
def sign(lang: Lang, **signing: Any) -> None:
    """Print a signed query string.

    It is valid for five minutes (§1.1); append it to a request's URL after the ?. Each query string has its own seq;
    with --now the same arguments print the same query string.

    \b
      curl -sS "http://127.0.0.1:8080/v2/video/query_room_info?$(mockserver sign)" \\
        -H 'Content-Type: application/json' -d '{"RoomId": "123456789"}'
    """
    click.echo(_signed_query(**signing))


@click.command()
@_operation_arguments
@url_option("Base URL of the API.")
@ca_option
@click.option(
    "--shell",
    type=click.Choice(["posix", "cmd", "powershell"]),
    default="posix",
    help="Shell to quote for; in a .bat file write each % twice.",
)
@_signing_options
def curl(
    operation: Operation, fields: Sequence[str], url: str, ca: str | None, shell: str, lang: Lang, **signing: Any
) -> None:
    """Print a signed curl command for OPERATION.

    OPERATION is a name, the beginning of one, or a section such as 2.2. Without FIELD=VALUE the body is the
    document's sample.
    """
    parse_server_url(url, ca)
    body, unknown_fields = _body(operation, fields, signing["fixtures"])
    for note in unknown_fields:
        click.echo(note.to(lang), err=True)
    words = ["-sS", *(["--cacert", ca] if ca else []), f"{url}{operation.path}?{_signed_query(**signing)}"]
    words += ["-H", "Content-Type: application/json", "-d"]
    if shell == "posix":
        click.echo(shlex.join(["curl", *words, to_json(body, indent=None)]))
        return
    # Escape characters that these shells interpret, and characters that a console may not support.
    data = _UNSAFE_ON_WINDOWS.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(body))
    start = "curl" if shell == "cmd" else "curl.exe --%"
    click.echo(" ".join([start, *map(_windows_quote, [*words, data])]))


def _windows_quote(word: str) -> str:
    """Return a word quoted for Windows programs; PowerShell passes on unchanged what follows --%."""
    if re.fullmatch(r"[\w-]+", word, re.ASCII):
        return word
    return '"' + re.sub(r'(\\*)(?=")|(\\+)\Z', r"\1\1\2\2", word).replace('"', '\\"') + '"'


@click.command()
@_operation_arguments
@server_options
@_signing_options
@_json_or_table
def call(
    operation: Operation, fields: Sequence[str], admin: AdminClient, as_json: bool | None, lang: Lang, **signing: Any
) -> None:
    """Call OPERATION on a running server.

    Prints the answer on stdout and every mistake of the request on stderr. OPERATION is a name, the beginning of one,
    or a section such as 2.2. Without FIELD=VALUE the body is the document's sample or, if the server's scenario lacks
    its users, one with a room, a user and times of the scenario. Exits with 1 when the answer reports a failure, and
    with 2 when there is no readable answer.
    """
    body, _ = _body(operation, fields, signing["fixtures"])
    if not fields:
        with contextlib.suppress(MockServerError, LookupError, TypeError):
            samples = admin.with_timeout(_SAMPLE_TIMEOUT).get("samples", appkey=signing["appkey"])
            body = dict(samples["samples"][operation.name])
    answer = post(admin, f"{operation.path}?{_signed_query(**signing)}", _as_bytes(body))
    content = read_answer(admin.url, answer)
    show_answer(content, as_json)
    violations, count = violations_of(admin, answer)
    for violation in violations:
        click.echo(violation_line(violation), err=True)
    if len(violations) < count:
        click.echo(message("hidden_violations", count=count).to(lang), err=True)
    sys.exit(_exit_code(content))


@click.command()
@_operation_arguments
@setting_options("scenario", "seed", "reading", "strictness", "lang", "now")
@_caller_options
@_json_or_table
def sample(
    operation: Operation,
    fields: Sequence[str],
    appkey: str | None,
    identifier: str,
    seq: str | None,
    as_json: bool | None,
    **settings: Any,
) -> None:
    """Print a scenario's answer to OPERATION without a server.

    OPERATION is a name, the beginning of one, or a section such as 2.2. Without FIELD=VALUE the body is the
    document's sample or, if the scenario lacks its users, one with a room, a user and times of the scenario. Exits with
    1 when the answer reports a failure, and with 2 when there is no readable answer.
    """
    engine = make_engine(**settings)
    app = find_app(engine.config.apps, appkey)
    formula: Formula = "v1" if engine.config.readings[engine.store.scenario]["signing"] == "v1" else "v2"
    now = engine.store.app(app.appkey).clock.now()
    body, _ = _body(operation, fields, settings["fixtures"])
    if not fields:
        world = engine.config.scenarios[engine.store.scenario].world
        body = sample_bodies(engine.config.schemas, world, app.appkey, int(now))[operation.name]
    seq = seq or fixed_seq(settings["now"], now)
    query = sign_query(app.credentials, now, identifier=identifier, seq=seq, formula=formula)
    response = engine.handle(Request("POST", operation.path, query, _JSON_HEADERS, _as_bytes(body)))
    answer = Answer(response.status, {name.lower(): value for name, value in response.headers}, response.body)
    content = read_answer(operation.name, answer)
    show_answer(content, as_json)
    sys.exit(_exit_code(content))


def fixed_seq(chosen: str | None, now: float, number: int = 1) -> str | None:
    """Return the seq of the nth request at a fixed `--now`, the same in each run; None if the clock is running."""
    return None if chosen is None or "now" in chosen else f"{int(now)}{number:06d}"


def _signed_query(
    fixtures: str | None, now: str | None, appkey: str | None, identifier: str, seq: str | None, formula: Formula
) -> str:
    app = find_app(load_apps_only(user_folders(fixtures)), appkey)
    at = make_clock(now).now()
    return sign_query(app.credentials, at, identifier=identifier, seq=seq or fixed_seq(now, at), formula=formula)


def _as_bytes(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _exit_code(answer: Mapping[str, Any]) -> int:
    code = answer.get("ErrorCode")
    return 0 if code == 0 and not isinstance(code, bool) else 1


def _operation(word: str) -> Operation:
    """Return the operation with this name, section, or unique beginning of a name."""
    operations = OPERATIONS.values()
    found = [operation for operation in operations if word.lstrip("§") in (operation.name, operation.section)]
    found = found or [operation for operation in operations if operation.name.startswith(word)]
    if len(found) == 1:
        return found[0]
    if found:
        text = message("ambiguous", word=word, names=", ".join(operation.name for operation in found))
    else:
        known = {operation.name: f"{operation.name} ({operation.section})" for operation in operations}
        text = unknown("operation", word, known if nearest(word, known).en else known.values())
    raise ConfigurationError.at("OPERATION", text)


def _body(operation: Operation, fields: Sequence[str], fixtures: str | None) -> tuple[dict[str, Any], list[Text]]:
    """Return the body for FIELD=VALUE arguments, or the document's sample for none, and notes on unknown fields.

    Values of integer fields are converted. Unknown fields are sent, too.
    """
    schema = read_json(user_folders(fixtures).schema(f"{operation.name}.request.json")).value
    known: dict[str, Any] = schema["properties"]
    if not fields:
        return schema["examples"][0], []
    body: dict[str, Any] = {}
    for field in fields:
        name, equals, value = field.partition("=")
        if not equals:
            raise ConfigurationError.at("FIELD=VALUE", message("not_a_field", field=field))
        integer = known.get(name, {}).get("type") == "integer" and _INTEGER.fullmatch(value)
        body[name] = int(value) if integer else value
    return body, [
        message("unknown_field", operation=operation.name, name=printable(name), hint=nearest(name, known))
        for name in body
        if name not in known
    ]
