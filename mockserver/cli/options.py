"""Options of the commands: those of settings are made from their table, and those that several commands share stand here.

No command knows a default of its own, and an option means the same wherever it is.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from mockserver.core.addresses import normalize_server_url
from mockserver.core.settings import SETTINGS
from mockserver.core.text import Lang

Command = TypeVar("Command", bound=Callable[..., Any])
_TYPES: dict[str, Any] = {
    "integer": click.INT,
    "path": click.Path(),
    "text": click.STRING,
    "many": click.STRING,
}


def setting_options(*names: str, **helps: str) -> Callable[[Command], Command]:
    """Adds the options of the named settings to a command, each also read from its environment variable.

    `helps` are settings that mean something of their own to the command, with what.
    """

    def add(command: Command) -> Command:
        for name in reversed((*names, *helps)):
            setting = SETTINGS[name]
            many = setting.kind == "many"
            text = helps.get(name, setting.text.en)
            words: dict[str, Any] = {"envvar": setting.variable, "help": text, "show_envvar": True}
            if setting.kind != "switch":
                words["type"] = click.Choice(setting.choices) if setting.choices else _TYPES[setting.kind]
                words["metavar"] = setting.metavar or None
            if not many:
                words["default"] = setting.default
                words["show_default"] = setting.default is not None
            command = click.option(setting.option, name, multiple=many, **words)(command)
        return command

    return add


def url_option(text: str = "where the server is") -> Callable[[Command], Command]:
    """The server that a command is about."""
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
    help="certificates to trust over https, such as the CA file that `serve --tls` prints",
)
token_option = click.option(
    "--admin-token",
    envvar="MOCKSERVER_ADMIN_TOKEN",
    show_envvar=True,
    metavar="TOKEN",
    help="its admin token, if it asks for one",
)
appkey_option = click.option(
    "--appkey",
    envvar="MOCKSERVER_APPKEY",
    show_envvar=True,
    metavar="KEY",
    help="app of apps.yaml; the first unless given",
)
json_option = click.option("--json", "as_json", is_flag=True, help="print JSON")


def chosen_language() -> Lang:
    """The language that the command line or the environment asks for, before anything has been parsed."""
    words = sys.argv[1:]
    for index, word in enumerate(words):
        if word == "--lang=zh" or (word == "--lang" and words[index + 1 : index + 2] == ["zh"]):
            return "zh"
        if word.startswith("--lang"):
            return "en"
    return "zh" if os.environ.get(SETTINGS["lang"].variable) == "zh" else "en"
