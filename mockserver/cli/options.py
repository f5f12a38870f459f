"""Options of the commands, made from the table of settings, so that no command knows a default of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from mockserver.messages import Lang
from mockserver.settings import SETTINGS

Command = TypeVar("Command", bound=Callable[..., Any])
_TYPES: dict[str, Any] = {
    "integer": click.INT,
    "path": click.Path(),
    "text": click.STRING,
    "many": click.STRING,
}


def setting_options(*names: str) -> Callable[[Command], Command]:
    """Adds the options of the named settings to a command, each also read from its environment variable."""

    def add(command: Command) -> Command:
        for name in reversed(names):
            setting = SETTINGS[name]
            many = setting.kind == "many"
            words: dict[str, Any] = {"envvar": setting.variable, "help": setting.text.en, "show_envvar": True}
            if setting.kind != "switch":
                words["type"] = click.Choice(setting.choices) if setting.choices else _TYPES[setting.kind]
                words["metavar"] = setting.metavar or None
            if not many:
                words["default"] = setting.default
                words["show_default"] = setting.default is not None
            command = click.option(setting.option, name, multiple=many, **words)(command)
        return command

    return add


def chosen_language() -> Lang:
    """The language that the command line or the environment asks for, before anything has been parsed."""
    words = sys.argv[1:]
    for index, word in enumerate(words):
        if word == "--lang=zh" or (word == "--lang" and words[index + 1 : index + 2] == ["zh"]):
            return "zh"
        if word.startswith("--lang"):
            return "en"
    return "zh" if os.environ.get(SETTINGS["lang"].variable) == "zh" else "en"
