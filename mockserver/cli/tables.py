"""The registries as tables: operations, scenarios, errors, readings, settings; `--json` on each for programs."""

from __future__ import annotations

from pathlib import Path

import click

from mockserver.cli.options import json_option, setting_options
from mockserver.cli.show import show_rows
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import READINGS
from mockserver.core.clock import Clock
from mockserver.core.folders import Folders
from mockserver.core.settings import SETTINGS
from mockserver.core.text import Lang
from mockserver.engine.config import Config, load_config


def _config(fixtures: str | None) -> Config:
    return load_config(Folders(Path(fixtures) if fixtures else None), now=Clock().second)


@click.command()
@setting_options("lang")
@json_option
def operations(lang: Lang, as_json: bool) -> None:
    """List the six operations."""
    rows = [
        {"section": f"§{one.section}", "operation": one.name, "path": one.path, "title": one.title.to(lang)}
        for one in OPERATIONS.values()
    ]
    show_rows(rows, as_json)


@click.command()
@setting_options("fixtures", "lang")
@json_option
def scenarios(fixtures: str | None, lang: Lang, as_json: bool) -> None:
    """List the scenarios that can be served."""
    rows = [
        {"name": one.name, "extends": one.extends or "", "title": one.title.to(lang)}
        for one in _config(fixtures).scenarios.values()
    ]
    show_rows(rows, as_json)


@click.command()
@setting_options("fixtures", "lang")
@json_option
def errors(fixtures: str | None, lang: Lang, as_json: bool) -> None:
    """List the error catalogue (§1.6)."""
    rows = [
        {
            "code": row.code,
            "name": row.name,
            "source": row.source,
            "section": f"§{row.section}",
            "text": row.text.to(lang),
        }
        for row in _config(fixtures).catalogue.values()
    ]
    show_rows(rows, as_json)


@click.command()
@setting_options("lang")
@json_option
def readings(lang: Lang, as_json: bool) -> None:
    """List the readings: how gaps and contradictions of the document are read."""
    rows = [
        {
            "name": one.name,
            "default": one.values.default,
            "choices": one.values.show(),
            "section": f"§{one.section}",
            "why": one.why.to(lang),
        }
        for one in READINGS.values()
    ]
    show_rows(rows, as_json)


@click.command()
@setting_options("lang")
@json_option
def settings(lang: Lang, as_json: bool) -> None:
    """List the settings of the server."""
    rows = [
        {
            "option": one.option,
            "environment": one.variable,
            "default": "" if one.default in (None, ()) else one.default,
            "meaning": one.text.to(lang),
        }
        for one in SETTINGS.values()
    ]
    show_rows(rows, as_json)
