"""`mockserver export`: the contract for other tools, on standard output: OpenAPI, a Postman collection, signed requests."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import click

from mockserver.cli.options import appkey_option, setting_options, url_option
from mockserver.cli.requests import app_of, numbered_seq
from mockserver.contract.checksum import Formula, sign
from mockserver.contract.readings import Readings
from mockserver.core.clock import Clock
from mockserver.core.folders import Folders
from mockserver.core.text import Lang
from mockserver.engine.build import make_engine
from mockserver.engine.config import load_config
from mockserver.engine.pipeline import Engine
from mockserver.server.admin_catalog import full_scenario_schema
from mockserver.server.openapi import openapi_document
from mockserver.server.request_collections import http_file, postman_collection

_settings = setting_options("scenario", "fixtures", "now", "reading", "strictness", "lang")
_url = url_option("where the API is")


@click.group()
def export() -> None:
    """Print the contract in a form that other tools read."""


@export.command()
@_settings
@_url
@appkey_option
def openapi(lang: Lang, url: str, appkey: str | None, **settings: Any) -> None:
    """Print the OpenAPI 3.1 document, as the scenario and the readings have it."""
    engine, readings = _engine(lang, settings)
    app = app_of(engine.config.apps, appkey)
    _print(openapi_document(engine.config, readings, lang=lang, server=url, app=app))


@export.command("scenario-schema")
@setting_options("fixtures", "lang")
def scenario_schema(fixtures: str | None, lang: Lang) -> None:
    """Print the JSON Schema of scenario files, with every fault kind and world parameter, for editors."""
    config = load_config(Folders(Path(fixtures) if fixtures else None), now=Clock().second)
    _print(full_scenario_schema(config))


@export.command()
@_settings
@_url
@appkey_option
def postman(lang: Lang, url: str, appkey: str | None, **settings: Any) -> None:
    """Print a Postman collection (2.1) that signs each request itself.

    Only the made-up keys of the shipped apps.yaml are written into it: with --fixtures the secrets are left empty.
    """
    engine, readings = _engine(lang, settings)
    app = app_of(engine.config.apps, appkey)
    secrets = not settings["fixtures"]
    _print(postman_collection(engine.config, readings, app=app, secrets=secrets, lang=lang, server=url))


@export.command()
@_settings
@_url
@appkey_option
def http(lang: Lang, url: str, appkey: str | None, **settings: Any) -> None:
    """Print signed requests as an .http file for JetBrains and VS Code; they are good for five minutes."""
    engine, readings = _engine(lang, settings)
    app = app_of(engine.config.apps, appkey)
    formula: Formula = "v1" if readings["signing"] == "v1" else "v2"
    now = engine.store.app(app.appkey).clock.now()
    numbers = itertools.count(1)

    def signed() -> str:
        seq = numbered_seq(settings["now"], now, next(numbers))
        return sign(app.credentials, now, identifier=app.identifiers[0], seq=seq, formula=formula)

    text = http_file(
        engine.config,
        readings,
        signed,
        now=now,
        appkey=app.appkey,
        lang=lang,
        server=url,
    )
    click.echo(text, nl=False)


def _engine(lang: Lang, settings: dict[str, Any]) -> tuple[Engine, Readings]:
    engine = make_engine(lang=lang, **settings)
    return engine, engine.config.readings(engine.store.scenario)


def _print(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))
