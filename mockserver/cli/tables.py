"""The registries as tables: operations, scenarios, errors, readings and settings."""

from __future__ import annotations

import click

from mockserver.cli.options import json_option, setting_options, user_folders
from mockserver.cli.output import show_rows
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import READINGS
from mockserver.core.clock import Clock
from mockserver.core.settings import SETTINGS
from mockserver.core.text import Lang
from mockserver.engine.config import Config, load_config


def _config(fixtures: str | None) -> Config:
    return load_config(user_folders(fixtures), now=Clock().second)


@click.command()
@setting_options("lang")
@json_option
def operations(lang: Lang, as_json: bool) -> None:
    """List the operations of the API."""
    rows = [
        {
            "section": f"§{operation.section}",
            "operation": operation.name,
            "path": operation.path,
            "title": operation.title.to(lang),
        }
        for operation in OPERATIONS.values()
    ]
    show_rows(rows, as_json)


@click.command()
@setting_options("fixtures", "lang")
@json_option
def scenarios(fixtures: str | None, lang: Lang, as_json: bool) -> None:
    """List the scenarios."""
    rows = [
        {"name": scenario.name, "extends": scenario.extends or "", "title": scenario.title.to(lang)}
        for scenario in _config(fixtures).scenarios.values()
    ]
    show_rows(rows, as_json)


@click.command()
@setting_options("fixtures", "lang")
@json_option
def errors(fixtures: str | None, lang: Lang, as_json: bool) -> None:
    """List the error catalogue (§1.6)."""
    rows = [
        {
            "code": error.code,
            "name": error.name,
            "source": error.source,
            "section": f"§{error.section}",
            "text": error.text.to(lang),
        }
        for error in _config(fixtures).catalogue.values()
    ]
    show_rows(rows, as_json)


@click.command()
@setting_options("lang")
@json_option
def readings(lang: Lang, as_json: bool) -> None:
    """List the readings of ambiguous passages.

    A reading chooses how the server interprets a gap or a contradiction of the document.
    """
    rows = [
        {
            "name": reading.name,
            "default": reading.default,
            "choices": reading.choices(),
            "section": f"§{reading.section}",
            "why": reading.why.to(lang),
        }
        for reading in READINGS.values()
    ]
    show_rows(rows, as_json)


@click.command()
@setting_options("lang")
@json_option
def settings(lang: Lang, as_json: bool) -> None:
    """List the settings of the server."""
    rows = [
        {
            "option": setting.option,
            "environment": setting.variable,
            "default": "" if setting.default in (None, ()) else setting.default,
            "meaning": setting.text.to(lang),
        }
        for setting in SETTINGS.values()
    ]
    show_rows(rows, as_json)
