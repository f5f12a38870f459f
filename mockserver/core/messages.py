"""Messages of a YAML file by name."""

from __future__ import annotations

import functools
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mockserver.core.text import Text


def messages(path: Path) -> Callable[..., Text]:
    """Return a function that returns a message of a YAML file by its name, with its placeholders filled.

    The file is read at the first call.
    """

    @functools.cache
    def texts() -> Any:
        # The pytest plugin is loaded in every test run, and must not import a YAML parser before it has to.
        from mockserver.core.yaml_reader import read_texts

        return read_texts(path)

    def message(name: str, /, **values: object) -> Text:
        text: Text = texts()[name]
        return text.format(**values)

    return message


message = messages(Path(__file__).with_name("texts.yaml"))
"""Returns a message of this package."""


def missing_extra(extra: str) -> Text:
    """Return what to do when an optional dependency is not installed: the command for this environment and project."""
    project = Path(__file__).parents[2]
    source = project if (project / "setup.cfg").is_file() else "PATH-OF-THE-PROJECT"
    words = (sys.executable, "-m", "pip", "install", f"{source}[{extra}]")
    return message("missing_extra", extra=extra, command=shlex.join(words))
