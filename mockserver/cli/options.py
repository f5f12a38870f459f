"""Options shared by several commands: those of the settings, made from their table, and those that name a server or an app."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from mockserver.contract.apps import App
from mockserver.core.addresses import normalize_server_url
from mockserver.core.errors import ConfigurationError
from mockserver.core.settings import SETTINGS
from mockserver.core.suggestions import unknown
from mockserver.core.text import Lang

Command = TypeVar("Command", bound=Callable[..., Any])
_TYPES: dict[str, Any] = {
    "integer": click.INT,
    "path": click.Path(),
    "text": click.STRING,
    "many": click.STRING,
}


def setting_options(*names: str, **helps: str) -> Callable[[Command], Command]:
    """Add the options of the named settings to a command, each also read from its environment variable.

    Settings given as keywords get their own help text, for commands in which they mean something else.
    """

    def add(command: Command) -> Command:
        for name in reversed((*names, *helps)):
            setting = SETTINGS[name]
            text = helps.get(name, setting.text.en)
            options: dict[str, Any] = {
                "envvar": setting.variable,
                "show_envvar": True,
                "help": f"{text[0].upper()}{text[1:].rstrip('.')}.",
            }
            if setting.kind != "switch":
                options["type"] = click.Choice(setting.choices) if setting.choices else _TYPES[setting.kind]
                options["metavar"] = setting.metavar or None
            if setting.kind != "many":
                options["default"] = setting.default
                options["show_default"] = setting.default is not None
            command = click.option(setting.option, name, multiple=setting.kind == "many", **options)(command)
        return command

    return add


def url_option(text: str = "URL of the server.") -> Callable[[Command], Command]:
    """Add `--url`, the server that a command asks or writes for."""
    return click.option(
        "--url",
        callback=lambda ctx, param, value: normalize_server_url(value),
        metavar="URL",
        envvar="MOCKSERVER_URL",
        show_envvar=True,
        default="http://127.0.0.1:8080",
        show_default=True,
        help=text,
    )


ca_option = click.option(
    "--ca",
    envvar="MOCKSERVER_CA",
    show_envvar=True,
    type=click.Path(),
    metavar="FILE",
    help="Certificates to trust over https, such as the CA file of `serve --tls`.",
)
token_option = click.option(
    "--admin-token",
    envvar="MOCKSERVER_ADMIN_TOKEN",
    show_envvar=True,
    metavar="TOKEN",
    help="Admin token of the server, if it requires one.",
)
appkey_option = click.option(
    "--appkey",
    envvar="MOCKSERVER_APPKEY",
    show_envvar=True,
    metavar="KEY",
    help="App of apps.yaml; the first by default.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def find_app(apps: Mapping[str, App], appkey: str | None) -> App:
    """Return the app with this appkey, or the first one for None; raise ConfigurationError when there is none."""
    if appkey is None:
        return next(iter(apps.values()))
    if appkey not in apps:
        raise ConfigurationError.at("--appkey", unknown("app", appkey, apps))
    return apps[appkey]


def message_language() -> Lang:
    """Return the language of error messages, before the command line has been parsed."""
    words = sys.argv[1:]
    for index, word in enumerate(words):
        if word == "--lang=zh" or (word == "--lang" and words[index + 1 : index + 2] == ["zh"]):
            return "zh"
        if word.startswith("--lang"):
            return "en"
    return "zh" if os.environ.get(SETTINGS["lang"].variable) == "zh" else "en"
