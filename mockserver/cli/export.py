"""`mockserver export`: print the contract for other tools: OpenAPI, JSON Schema, Postman collection, .http file."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import click

from mockserver.cli.options import (
    Command,
    appkey_option,
    find_app,
    parse_day_option,
    server_options,
    setting_options,
    url_option,
    user_folders,
)
from mockserver.cli.output import message, show_json
from mockserver.cli.requests import fixed_seq
from mockserver.cli.streams import write_utf8
from mockserver.contract.apps import App
from mockserver.contract.checksum import Formula, sign
from mockserver.contract.readings import Readings
from mockserver.core.clock import Clock, show_time
from mockserver.core.text import Lang
from mockserver.engine.build import make_engine
from mockserver.engine.config import load_config
from mockserver.engine.pipeline import Engine
from mockserver.live.har import har_of_journal
from mockserver.server.admin_catalog import full_scenario_schema
from mockserver.server.openapi import openapi_document
from mockserver.server.request_collections import http_file, postman_collection, signed_http_file
from mockserver.testing.admin_client import AdminClient
from mockserver.world.session_files import EXPORTED, write_rows
from mockserver.world.views import session_rows


def _options(command: Command) -> Command:
    """Add the options of every export that depends on a scenario and an app."""
    command = url_option("Base URL of the API.")(appkey_option(command))
    return setting_options("scenario", "fixtures", "now", "reading", "strictness", "lang")(command)


@click.group()
def export() -> None:
    """Print the contract for other tools.

    The output is UTF-8.
    """
    write_utf8()


@export.command()
@_options
def openapi(lang: Lang, url: str, appkey: str | None, **settings: Any) -> None:
    """Print an OpenAPI 3.1 document.

    It follows the scenario and the readings.
    """
    engine, readings, app = _load(lang, appkey, settings)
    show_json(openapi_document(engine.config, readings, lang=lang, server=url, app=app))


@export.command("scenario-schema")
@setting_options("fixtures", "lang")
def scenario_schema(fixtures: str | None, lang: Lang) -> None:
    """Print the JSON Schema of scenario files.

    Editors complete and check scenario files with it, including the fields of every fault and world.
    """
    config = load_config(user_folders(fixtures), now=Clock().second)
    show_json(full_scenario_schema(config))


@export.command()
@_options
def postman(lang: Lang, url: str, appkey: str | None, **settings: Any) -> None:
    """Print a Postman collection (2.1) that signs its requests.

    It contains the made-up keys of the shipped apps.yaml; with --fixtures the secrets are left empty.
    """
    engine, readings, app = _load(lang, appkey, settings)
    secrets = not settings["fixtures"]
    show_json(postman_collection(engine.config, readings, app=app, secrets=secrets, lang=lang, server=url))


@export.command()
@click.option("--signed", is_flag=True, help="Sign now, for editors that run no scripts.")
@_options
def http(lang: Lang, url: str, appkey: str | None, signed: bool, **settings: Any) -> None:
    """Print an .http file whose requests sign themselves.

    JetBrains IDEs and httpYac run its scripts. It contains the made-up keys of the shipped apps.yaml; with --fixtures
    the secrets come from the editor's environment. With --signed, for VS Code's REST Client and Visual Studio, it
    contains signatures instead of scripts, which are valid for five minutes.
    """
    engine, readings, app = _load(lang, appkey, settings)
    if not signed:
        secrets = not settings["fixtures"]
        text = http_file(engine.config, readings, app=app, secrets=secrets, lang=lang, server=url)
        click.echo(text, nl=False)
        return
    formula: Formula = "v1" if readings["signing"] == "v1" else "v2"
    now = engine.store.app(app.appkey).clock.now()
    numbers = itertools.count(1)

    def signed_query(at: float) -> str:
        seq = fixed_seq(settings["now"], now, next(numbers))
        return sign(app.credentials, at, identifier=app.identifiers[0], seq=seq, formula=formula)

    text = signed_http_file(engine.config, readings, signed_query, now=now, app=app, lang=lang, server=url)
    click.echo(text, nl=False)


@export.command()
@server_options
@click.option("--limit", type=click.IntRange(1), default=10_000, metavar="N", help="The newest N requests.")
@setting_options("lang")
def har(admin: AdminClient, limit: int, lang: Lang) -> None:
    """Print a running server's requests as HAR 1.2.

    Browsers and HTTP tools open it. Signatures are masked.
    """
    show_json(har_of_journal(admin.get("requests", limit=limit)["requests"], admin.url))


@export.command()
@click.option("--day", metavar="DAY", required=True, help="Day to export: 20191210, today, now-1d …")
@setting_options("scenario", "fixtures", "seed", "now", "lang")
@appkey_option
def sessions(day: str, lang: Lang, appkey: str | None, **settings: Any) -> None:
    """Print a day's sessions as CSV.

    Change them in a spreadsheet, save them as CSV UTF-8 beside a scenario, and serve them with
    `world: {source: recorded, sessions: FILE.csv}`.
    """
    engine = make_engine(lang=lang, **settings)
    app = find_app(engine.config.apps, appkey)
    now = engine.store.app(app.appkey).clock.second()
    world = engine.config.scenarios[engine.store.scenario].world.at(app.appkey, now)
    date = parse_day_option(day, now)
    rows = list(session_rows(world, date))
    write_rows(sys.stdout, EXPORTED, rows)
    if not rows or date > show_time(now)[:10].replace("-", ""):
        click.echo(message("future_sessions" if rows else "no_sessions", day=date).to(lang), err=True)


def _load(lang: Lang, appkey: str | None, settings: dict[str, Any]) -> tuple[Engine, Readings, App]:
    engine = make_engine(lang=lang, **settings)
    return engine, engine.config.readings[engine.store.scenario], find_app(engine.config.apps, appkey)
