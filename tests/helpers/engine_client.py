"""An engine without HTTP for tests: sends requests to it and shows the recorded entries."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers.request_builder import NOW, build_request

from mockserver.contract.catalogue import ErrorInfoStyle
from mockserver.contract.readings import parse_reading
from mockserver.contract.violations import Violation
from mockserver.core.clock import Clock
from mockserver.core.folders import Folders
from mockserver.core.http import Response
from mockserver.core.text import Lang
from mockserver.engine.config import Config, load_config
from mockserver.engine.journal import Journal
from mockserver.engine.pipeline import Engine
from mockserver.engine.state import MemoryStore


@functools.cache
def shipped_config() -> Config:
    """The shipped configuration, read once for all tests."""
    return load_config(Folders(), now=lambda: NOW)


def user_config(folder: Path, files: Mapping[str, str]) -> Config:
    """A configuration with a user's files in place of the shipped ones."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return load_config(Folders(folder), now=lambda: NOW)


class EngineClient:
    """An engine with a frozen clock."""

    def __init__(
        self,
        scenario: str = "document",
        readings: Mapping[str, Any] | None = None,
        *,
        config: Config | None = None,
        lang: Lang = "en",
        error_info: ErrorInfoStyle | None = None,
        now: float = NOW,
    ) -> None:
        chosen = {name: parse_reading(name, value) for name, value in (readings or {}).items()}
        config = dataclasses.replace(
            config or shipped_config(), reading_overrides=chosen, error_info_override=error_info
        )
        store, self.journal = MemoryStore(Clock(frozen_at=now), scenario), Journal(max_entries=1)
        self.engine = Engine(lambda: config, store, self.journal, lang=lang)

    @property
    def violations(self) -> tuple[Violation, ...]:
        """The violations of the last request, in the order of the checks."""
        return self.journal.select().entries[-1].violations

    def send(self, send: Mapping[str, Any] | None = None) -> Response:
        """The response to a request described as in `helpers.request_builder`."""
        return self.engine.handle(build_request(dict(send or {})))

    def ask(self, operation: str, body: Any = None, **more: Any) -> dict[str, Any]:
        """The parsed answer to a valid request."""
        description = {"operation": operation, **({"body": body} if body is not None else {}), **more}
        return json.loads(self.send(description).body)

    def error(self, response: Response) -> str:
        """The catalogue name of the error in a response."""
        name = self.engine.config.catalogue.name_of(json.loads(response.body)["ErrorCode"])
        assert name is not None
        return name
