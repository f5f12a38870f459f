"""The registries as tables: operations, scenarios, errors, readings and settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

from mockserver.cli.options import json_option, setting_options, user_folders
from mockserver.cli.output import show_rows
from mockserver.contract.operations import OPERATIONS
from mockserver.contract.readings import READINGS
from mockserver.core.clock import Clock
from mockserver.core.settings import SETTINGS
from mockserver.core.text import Lang
from mockserver.engine.config import Config, load_config

Row = dict[str, Any]


def _command(
    name: str,
    doc: str,
    row: Callable[[Any, Lang], Row],
    items: Iterable[Any] = (),
    of_config: Callable[[Config], Iterable[Any]] | None = None,
) -> click.Command:
    """Return the command that lists a registry: fixed items, or those of the configuration."""

    def show(lang: Lang, as_json: bool, fixtures: str | None = None) -> None:
        found = of_config(load_config(user_folders(fixtures), now=Clock().second)) if of_config else items
        show_rows([row(item, lang) for item in found], as_json)

    options = setting_options("fixtures", "lang") if of_config else setting_options("lang")
    return click.command(name, help=doc)(options(json_option(show)))


def _operation(item: Any, lang: Lang) -> Row:
    section, title = f"§{item.section}", item.title.to(lang)
    return {"section": section, "operation": item.name, "path": item.path, "title": title}


def _scenario(item: Any, lang: Lang) -> Row:
    return {"name": item.name, "extends": item.extends or "", "title": item.title.to(lang)}


def _error(item: Any, lang: Lang) -> Row:
    section, text = f"§{item.section}", item.text.to(lang)
    return {"code": item.code, "name": item.name, "source": item.source, "section": section, "text": text}


def _reading(item: Any, lang: Lang) -> Row:
    row = {"name": item.name, "default": item.default, "choices": item.choices()}
    return {**row, "section": f"§{item.section}", "why": item.why.to(lang)}


def _setting(item: Any, lang: Lang) -> Row:
    default = "" if item.default in (None, ()) else item.default
    row = {"option": item.option, "environment": item.variable, "default": default}
    return {**row, "meaning": item.text.to(lang)}


_ABOUT_READINGS = """List the readings of ambiguous passages.

A reading chooses how the server interprets a gap or a contradiction of the document.
"""
operations = _command("operations", "List the operations of the API.", _operation, OPERATIONS.values())
scenarios = _command("scenarios", "List the scenarios.", _scenario, of_config=lambda config: config.scenarios.values())
errors = _command(
    "errors", "List the error catalogue (§1.6).", _error, of_config=lambda config: config.catalogue.values()
)
readings = _command("readings", _ABOUT_READINGS, _reading, READINGS.values())
settings = _command("settings", "List the settings of the server.", _setting, SETTINGS.values())
