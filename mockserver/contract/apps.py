"""The registered apps: who may call, and with which keys. Read from `apps.yaml`; a repr never shows a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mockserver.contract.checksum import Credentials
from mockserver.core.documents import Document
from mockserver.core.errors import ConfigurationError, Problem
from mockserver.core.text import Text


@dataclass(frozen=True, slots=True)
class App:
    """One tenant: its keys and the identifiers that reading `identifier=admin` lets in."""

    credentials: Credentials
    identifiers: tuple[str, ...]
    name: str = ""

    @property
    def appkey(self) -> str:
        """The public half of the credentials."""
        return self.credentials.appkey


def load_apps(document: Document) -> Mapping[str, App]:
    """The apps by appkey, in the order of a document that met `apps.json`."""
    apps: dict[str, App] = {}
    problems: list[Problem] = []
    for index, row in enumerate(document.value["apps"]):
        keys = Credentials(row["appkey"], row["appsecret"], row["restapikey"])
        if keys.appkey in apps:
            text = Text(
                f"appkey {keys.appkey!r} is listed twice; keep one",
                f"appkey {keys.appkey!r} 重复，请只保留一个",
            )
            problems.append(document.problem(("apps", index, "appkey"), text))
        apps[keys.appkey] = App(keys, tuple(row["identifiers"]), row.get("name", ""))
    if problems:
        raise ConfigurationError(problems)
    return apps
