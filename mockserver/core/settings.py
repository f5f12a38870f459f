"""The settings of `settings.yaml`: one table for command line, environment, app factory and documentation."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mockserver.core.addresses import parse_origins, parse_public_url, parse_store
from mockserver.core.errors import ConfigurationError
from mockserver.core.messages import message
from mockserver.core.suggestions import similar_name
from mockserver.core.text import Text
from mockserver.core.yaml_reader import read_texts

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
Kind = Literal["text", "integer", "path", "choice", "switch", "many"]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: `--name` on the command line, `MOCKSERVER_NAME` in the environment."""

    name: str
    kind: Kind
    text: Text
    default: Any = None
    choices: tuple[str, ...] = ()
    metavar: str = ""
    minimum: int = 0  # Of an integer.
    parse: Callable[[Any], Any] | None = None  # Checks and converts a value; raises ConfigurationError.

    @property
    def option(self) -> str:
        """The option on the command line."""
        name = self.name.replace("_", "-")
        return f"--{name}/--no-{name}" if self.kind == "switch" else f"--{name}"

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"{_PREFIX}{self.name.upper()}"


def parse_admin_token(token: str) -> str:
    """Return the token without surrounding whitespace; raise ConfigurationError if it is unusable."""
    token = token.strip()
    if not token or _CONTROL.search(token):
        # The message must not show the token.
        raise ConfigurationError.at("--admin-token", message("admin_token"))
    return token


_PREFIX = "MOCKSERVER_"
_TARGET = ("", "_APPS", "_CA", "_PROXY", "_APPKEY", "_APPSECRET", "_RESTAPIKEY", "_IDENTIFIER")
_NO_SETTINGS = ("URL", "CA", "APPKEY", "TEST_FULL", "PSEUDONYM_KEY", *(f"TARGET{name}" for name in _TARGET))
"""Variables that are not settings: those of commands that call a server, and that of this project's own tests."""
_SERVICE = re.compile(
    rf"{_PREFIX}(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)"
)
_SERVICE_URL = re.compile(r"(?:tcp|udp|sctp)://")

_PARSERS: dict[str, Callable[[Any], Any]] = {
    "admin_token": parse_admin_token,
    "public_url": parse_public_url,
    "store": parse_store,
    "cors_origin": parse_origins,
}


_ROWS = read_texts(Path(__file__).with_name("settings.yaml"))
SETTINGS = {name: Setting(name, parse=_PARSERS.get(name), **row) for name, row in _ROWS.items()}


def from_environment(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the raw values of all settings in the environment; for a repeatable setting, the list of its lines."""
    found = {name: read_variable(setting.variable, environ) for name, setting in SETTINGS.items()}
    return {
        name: value.splitlines() if SETTINGS[name].kind == "many" else value for name, value in found.items() if value
    }


def read_variable(name: str, environ: Mapping[str, str] | None = None) -> str:
    """Return the value of an environment variable; empty when it is unset, blank, or set by Kubernetes."""
    environ = os.environ if environ is None else environ
    return "" if _is_injected(name, environ) else environ.get(name, "").strip()


def environment_warnings(environ: Mapping[str, str] | None = None) -> list[Text]:
    """Return a message for each misspelt variable, and one for all variables that Kubernetes has set."""
    environ = os.environ if environ is None else environ
    warnings = []
    names = sorted(name for name in environ if name.upper().startswith(_PREFIX))
    if injected := [name for name in names if _is_injected(name, environ)]:
        count = len(injected)
        more = message("more_injected", more=count - 3, count=count) if count > 3 else ""
        warnings.append(message("injected", names=", ".join(injected[:3]), more=more))
    # With the prefix, all names would be similar.
    known = [setting.variable.removeprefix(_PREFIX) for setting in SETTINGS.values()] + [*_NO_SETTINGS]
    for name in names:
        own = name[len(_PREFIX) :]
        exact = name.startswith(_PREFIX) and own in known
        if not exact and name not in injected and (similar := similar_name(own, known)):
            warnings.append(message("no_variable", name=name, similar=_PREFIX + similar))
    return warnings


def _is_injected(name: str, environ: Mapping[str, str]) -> bool:
    """Whether Kubernetes has set a variable, for a Service whose name begins with `mockserver`."""
    is_url = name.endswith("PORT") and _SERVICE_URL.match(environ.get(name, ""))
    return bool(is_url or _SERVICE.fullmatch(name))
