"""The registered apps and their credentials, read from `apps.yaml`. No repr shows a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mockserver.core.documents import Document
from mockserver.core.errors import Problems
from mockserver.core.text import Text

_NAMELESS = Text("", "")


@dataclass(frozen=True, slots=True)
class Credentials:
    """The keys that an app signs its requests with (§1.1.2)."""

    appkey: str
    appsecret: str = field(repr=False)
    restapikey: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, str]:
        """The parts that must never be shown."""
        return self.appsecret, self.restapikey


@dataclass(frozen=True, slots=True)
class App:
    """A registered app; `identifiers` are the accounts that the reading `identifier=admin` accepts."""

    credentials: Credentials
    identifiers: tuple[str, ...]
    name: Text = _NAMELESS

    @property
    def appkey(self) -> str:
        """The public part of the credentials."""
        return self.credentials.appkey


def load_apps(document: Document) -> Mapping[str, App]:
    """Return the apps by appkey, in file order; `document` must be valid against `apps.json`.

    Raise ConfigurationError if an appkey is listed twice.
    """
    apps: dict[str, App] = {}
    problems = Problems()
    for index, row in enumerate(document.value.get("apps", ())):
        appkey = row["appkey"]
        if appkey in apps:
            text = Text(f"duplicate appkey {appkey!r}; keep one", f"appkey {appkey!r} 重复；请只保留一个")
            problems.append(document.problem(("apps", index, "appkey"), text))
        credentials = Credentials(appkey, row["appsecret"], row["restapikey"])
        name = row.get("name", "")
        apps[appkey] = App(credentials, tuple(row["identifiers"]), Text(name, row.get("name_zh", name)))
    problems.check()
    return apps
