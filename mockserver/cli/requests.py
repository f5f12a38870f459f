"""Requests from the command line: `curl` prints one, `call` makes one, `sample` answers one here, `sign` signs one."""

from __future__ import annotations

import http.client
import json
import shlex
import ssl
import sys
import urllib.parse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from mockserver.cli.options import setting_options
from mockserver.cli.show import show_answer
from mockserver.contract.documents import nearest
from mockserver.contract.operations import OPERATIONS, Operation
from mockserver.data import Folders, read_json
from mockserver.errors import ConfigurationError
from mockserver.factory import make_clock, make_engine
from mockserver.library import load_apps_only
from mockserver.messages import Call, Text
from mockserver.signing.apps import App
from mockserver.signing.checksum import Formula
from mockserver.signing.checksum import sign as sign_query

Command = TypeVar("Command", bound=Callable[..., Any])
_HEADERS = {"Content-Type": "application/json"}


def _who(command: Command) -> Command:
    """The options that say who calls."""
    command = click.option("--seq", help="sequence number; one is made up unless given")(command)
    command = click.option("--identifier", default="admin", show_default=True, help="who calls, in the app")(
        command
    )
    command = click.option(
        "--appkey", envvar="MOCKSERVER_APPKEY", help="app of apps.yaml; the first unless given"
    )(command)
    return setting_options("fixtures", "now")(command)


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


_url = click.option(
    "--url",
    envvar="MOCKSERVER_URL",
    default="http://127.0.0.1:8080",
    show_default=True,
    help="where the server is",
)
_ca = click.option(
    "--ca",
    envvar="MOCKSERVER_CA",
    type=click.Path(),
    metavar="FILE",
    help="certificates to trust over https, such as the CA file that `serve --tls` prints",
)
_json = click.option(
    "--json/--table", "as_json", default=None, help="JSON, or tables; by default as the output is a pipe"
)


@click.command()
@_who
@_formula
def sign(**who: Any) -> None:
    """Print a signed query string, good for five minutes."""
    click.echo(_signed(**who))


@click.command()
@_what
@_url
@_ca
@_who
@_formula
def curl(operation: str, fields: Sequence[str], url: str, ca: str | None, **who: Any) -> None:
    """Print a signed curl command for OPERATION (a name, its beginning, or its section such as 2.2).

    Without any FIELD=VALUE the body is the document's sample.
    """
    target = _operation(operation)
    body = json.dumps(_body(target, fields, who["fixtures"]), ensure_ascii=False)
    address = f"{url.rstrip('/')}{target.path}?{_signed(**who)}"
    _refuse_ca_without_https(url, ca)
    trust = f"--cacert {shlex.quote(ca)} " if ca else ""
    words = f"{trust}{shlex.quote(address)} -H 'Content-Type: application/json' -d {shlex.quote(body)}"
    click.echo(f"curl -sS {words}")


@click.command()
@_what
@_url
@_ca
@_who
@_formula
@_json
def call(
    operation: str, fields: Sequence[str], url: str, ca: str | None, as_json: bool | None, **who: Any
) -> None:
    """Call OPERATION on a running server and print the answer; exit 1 when it is a failure.

    Without any FIELD=VALUE the body is the document's sample.
    """
    target = _operation(operation)
    body = json.dumps(_body(target, fields, who["fixtures"]), ensure_ascii=False).encode()
    text = _post(url, f"{target.path}?{_signed(**who)}", body, ca)
    try:
        answer = json.loads(text)
    except ValueError:
        click.echo(text)
        raise ConfigurationError.one(url, Text("the answer is not JSON", "应答不是 JSON")) from None
    show_answer(answer, as_json)
    sys.exit(0 if answer.get("ErrorCode") == 0 else 1)


@click.command()
@_what
@setting_options("scenario", "seed", "reading", "strictness", "lang")
@_who
@_json
def sample(operation: str, fields: Sequence[str], as_json: bool | None, **words: Any) -> None:
    """Print the answer of a scenario to OPERATION without any server; exit 1 when it is a failure.

    Without any FIELD=VALUE the body is the document's sample.
    """
    who = {name: words.pop(name) for name in ("appkey", "identifier", "seq")}
    target = _operation(operation)
    body = json.dumps(_body(target, fields, words["fixtures"]), ensure_ascii=False).encode()
    engine = make_engine(**words)
    app = app_of(engine.library.apps, who["appkey"])
    signing = engine.library.readings(engine.store.scenario)["signing"]
    formula: Formula = "v1" if signing == "v1" else "v2"
    query = _query(app, engine.store.app(app.appkey).clock.now(), who["identifier"], who["seq"], formula)
    reply = engine.answer(Call("POST", target.path, query, {"content-type": "application/json"}, body))
    answer = json.loads(reply.body)
    show_answer(answer, as_json)
    sys.exit(0 if answer["ErrorCode"] == 0 else 1)


def _signed(
    fixtures: str | None,
    now: str | None,
    appkey: str | None,
    identifier: str,
    seq: str | None,
    formula: Formula,
) -> str:
    apps = load_apps_only(Folders(Path(fixtures) if fixtures else None))
    return _query(app_of(apps, appkey), make_clock(now).now(), identifier, seq, formula)


def _query(app: App, now: float, identifier: str, seq: str | None, formula: Formula) -> str:
    return sign_query(app.keys, now, identifier=identifier, seq=seq, formula=formula)


def app_of(apps: Any, appkey: str | None) -> App:
    """The app that somebody named, or the first one."""
    if appkey is None:
        first: App = next(iter(apps.values()))
        return first
    if appkey not in apps:
        hint = nearest(appkey, apps)
        text = Text(f"there is no app {appkey!r}{hint.en}", f"没有应用 {appkey!r}{hint.zh}")
        raise ConfigurationError.one("--appkey", text)
    found: App = apps[appkey]
    return found


def _operation(word: str) -> Operation:
    found = [one for one in OPERATIONS.values() if word in (one.name, one.section, f"§{one.section}")]
    found = found or [one for one in OPERATIONS.values() if one.name.startswith(word)]
    if len(found) == 1:
        return found[0]
    hint = nearest(word, OPERATIONS)
    known = ", ".join(one.name for one in found or OPERATIONS.values())
    text = Text(
        f"{word!r} is no operation{hint.en}; choose {known}", f"没有接口 {word!r}{hint.zh}；可选：{known}"
    )
    raise ConfigurationError.one("OPERATION", text)


def _body(operation: Operation, fields: Sequence[str], fixtures: str | None) -> dict[str, Any]:
    """The body that FIELD=VALUE words mean: integers where the schema wants them, texts as they are."""
    folders = Folders(Path(fixtures) if fixtures else None)
    schema = read_json(folders.schema(f"{operation.name}.request.json")).value
    if not fields:
        sample: dict[str, Any] = schema["examples"][0]
        return sample
    body: dict[str, Any] = {}
    for word in fields:
        name, equals, value = word.partition("=")
        if not equals:
            text = Text(f"{word!r} is not FIELD=VALUE", f"{word!r} 不是 FIELD=VALUE")
            raise ConfigurationError.one("FIELD=VALUE", text)
        kind = schema["properties"].get(name, {}).get("type")
        body[name] = int(value) if kind == "integer" and value.lstrip("-").isdecimal() else value
    return body


def _refuse_ca_without_https(url: str, ca: str | None) -> None:
    if ca and not url.startswith("https:"):
        raise ConfigurationError.one("--ca", Text(f"{url} is not https", f"{url} 不是 https"))


def _connection(url: str, ca: str | None) -> http.client.HTTPConnection:
    parts = urllib.parse.urlsplit(url)
    host = parts.hostname or "127.0.0.1"
    if parts.scheme != "https":
        return http.client.HTTPConnection(host, parts.port, timeout=60)
    try:
        trusted = ssl.create_default_context(cafile=ca)
    except OSError as error:
        why = error.strerror or str(error)
        text = Text(f"{ca} holds no certificates to trust: {why}", f"{ca} 中没有可信任的证书：{why}")
        raise ConfigurationError.one("--ca", text) from None
    return http.client.HTTPSConnection(host, parts.port, timeout=60, context=trusted)


def _post(url: str, target: str, body: bytes, ca: str | None) -> str:
    """The text of the answer to one POST; ConfigurationError when nobody answers."""
    _refuse_ca_without_https(url, ca)
    parts = urllib.parse.urlsplit(url)
    try:
        connection = _connection(url, ca)
        try:
            connection.request("POST", parts.path.rstrip("/") + target, body, _HEADERS)
            return connection.getresponse().read().decode("utf-8", "replace")
        finally:
            connection.close()
    except ssl.SSLCertVerificationError as error:
        text = Text(
            f"its certificate is not trusted ({error.verify_message}): add --ca FILE",
            f"证书不受信任（{error.verify_message}）：请加 --ca FILE",
        )
        raise ConfigurationError.one(url, text) from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        why = str(error) or type(error).__name__
        text = Text(
            f"no answer ({why}); is `mockserver serve` running there?",
            f"没有应答（{why}）；mockserver serve 是否在运行？",
        )
        raise ConfigurationError.one(url, text) from None
