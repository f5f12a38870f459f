"""Options shared by several commands: the settings, and the options that choose a server or an app."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from mockserver.cli.output import message
from mockserver.contract.apps import App
from mockserver.core.addresses import normalize_server_url
from mockserver.core.clock import parse_day, parse_time, show_time
from mockserver.core.errors import AdminError, ConfigurationError
from mockserver.core.folders import Folders
from mockserver.core.settings import SETTINGS, read_variable
from mockserver.core.suggestions import unknown
from mockserver.core.text import Lang
from mockserver.testing.admin_client import AdminClient

DEFAULT_URL = "http://127.0.0.1:8080"
Command = TypeVar("Command", bound=Callable[..., Any])


class EnvironmentOption(click.Option):
    """An option that is also read from its environment variable; multiple values are lines of the variable."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the value of the variable."""
        return read_variable(str(self.envvar)) or None

    def value_from_envvar(self, ctx: click.Context) -> Any:
        """Return the value of the variable, or its lines."""
        value = self.resolve_envvar_value(ctx)
        return value.splitlines() if value and self.multiple else value


def environment_option(option: str, *names: str, **attributes: Any) -> Callable[[Command], Command]:
    """Return the decorator for an option that can also be set by an environment variable, `MOCKSERVER_OPTION`."""
    variable = f"MOCKSERVER{option.partition('/')[0][1:].replace('-', '_').upper()}"
    return click.option(option, *names, cls=EnvironmentOption, envvar=variable, show_envvar=True, **attributes)


def setting_options(*names: str, **helps: str) -> Callable[[Command], Command]:
    """Add the options of the named settings to a command, each also read from its environment variable.

    Settings given as keywords get their own help text, for commands in which they mean something else.
    """

    def add(command: Command) -> Command:
        for name in reversed((*names, *helps)):
            setting, text = SETTINGS[name], helps.get(name, SETTINGS[name].text.en)
            attributes: dict[str, Any] = {"help": f"{text[0].upper()}{text[1:].rstrip('.')}."}
            if setting.kind != "switch":
                types = {"integer": click.INT, "path": click.Path()}
                attributes["type"] = click.Choice(setting.choices) if setting.choices else types.get(setting.kind)
                attributes["metavar"] = setting.metavar or None
            attributes |= {"multiple": True} if setting.kind == "many" else {"default": setting.default}
            command = environment_option(setting.option, name, **attributes)(command)
        return command

    return add


def url_option(text: str = "URL of the server.") -> Callable[[Command], Command]:
    """Add `--url`, the server that a command calls or prints requests for."""
    return environment_option(
        "--url",
        callback=lambda ctx, param, value: normalize_server_url(value),
        metavar="URL",
        default=DEFAULT_URL,
        help=text,
    )


def certificates_option(option: str, text: str) -> Callable[[Command], Command]:
    """Add an option for a file with the certificates to trust."""
    return environment_option(option, type=click.Path(), metavar="FILE", help=f"Certificates to trust {text}.")


ca_option = certificates_option("--ca", "over https, such as the CA file of `serve --tls`")
appkey_option = environment_option("--appkey", metavar="KEY", help="App of apps.yaml; the first by default.")
apps_option = click.option("--appkey", "appkeys", multiple=True, metavar="KEY", help="Only this app; repeatable.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def server_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add `--url`, `--ca` and `--admin-token`, which are passed to the command as the client `admin`."""

    @functools.wraps(command)
    def with_server(*, url: str, ca: str | None, admin_token: str | None, **others: Any) -> None:
        admin = AdminClient(url, admin_token, ca=ca)
        try:
            command(admin=admin, **others)
        except AdminError as error:
            place = "--appkey" if error.name == "unknown_appkey" else admin.url
            raise ConfigurationError.at(place, error.text) from None

    token_option = environment_option(
        "--admin-token", metavar="TOKEN", help="Admin token of the server, if it requires one."
    )
    return url_option()(ca_option(token_option(with_server)))


def report_options(formats: Iterable[str]) -> Callable[[Command], Command]:
    """Return the decorator for the options of a command that writes a report: its format, `form`, and `output`."""
    choice = click.Choice(list(formats))
    output = click.option("--output", type=click.Path(), metavar="FILE", help="Write the report to this file.")
    form = click.option("--format", "form", type=choice, default="text", help="Format of the report.")
    return lambda command: form(output(command))


def user_folders(fixtures: str | None) -> Folders:
    """Return the folders that `--fixtures` chooses."""
    return Folders(Path(fixtures) if fixtures else None)


def find_app(apps: Mapping[str, App], appkey: str | None) -> App:
    """Return the app with this appkey, or the first one for None; raise ConfigurationError when there is none."""
    if appkey is None:
        return next(iter(apps.values()))
    if appkey not in apps:
        raise ConfigurationError.at("--appkey", message("no_keys", unknown=unknown("app", appkey, apps)))
    return apps[appkey]


def message_language() -> Lang:
    """Return the language of error messages, before the command line has been parsed."""
    words = sys.argv[1:]
    for index, word in enumerate(words):
        if word == "--lang=zh" or (word == "--lang" and words[index + 1 : index + 2] == ["zh"]):
            return "zh"
        if word.startswith("--lang"):
            return "en"
    return "zh" if read_variable(SETTINGS["lang"].variable) == "zh" else "en"


def parse_day_option(text: str, now: int) -> str:
    """Return as `yyyymmdd` the day of a time in any notation of --now; the dashes of a date are optional."""
    try:
        second = parse_day(text) if len(text) == 8 and text.isdecimal() else parse_time(text, now)
    except ValueError:
        raise ConfigurationError.at("--day", message("not_a_day", day=text)) from None
    return show_time(second)[:10].replace("-", "")
