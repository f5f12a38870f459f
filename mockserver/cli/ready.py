"""The file that says a server is ready: there when it is, whole, and gone when it is not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from os import getpid
from pathlib import Path
from typing import Any

from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Text


class ReadyFile:
    """`--ready-file FILE` of one server; does nothing when no file was asked for."""

    def __init__(self, path: str | None) -> None:
        self._path = Path(path) if path else None
        self._written = ""

    def clear(self) -> None:
        """Take away what an earlier server left; ConfigurationError when that cannot be done."""
        if self._path is not None:
            try:
                self._path.unlink(missing_ok=True)
            except OSError as error:
                raise _wrong(self._path, error) from None

    def write(self, told: Mapping[str, Any]) -> None:
        """Write JSON aside and move it into place, so that no reader finds half of it; ConfigurationError as above."""
        if self._path is None:
            return
        self._written = json.dumps(told) + "\n"
        aside = self._path.with_name(f".{self._path.name}.{getpid()}")
        try:
            aside.write_text(self._written, encoding="utf-8")
            aside.replace(self._path)
        except OSError as error:
            aside.unlink(missing_ok=True)
            raise _wrong(self._path, error) from None

    def remove(self) -> None:
        """Take the file away, unless another server has written its own there since."""
        if self._path is None or not self._written:
            return
        try:
            if self._path.read_text(encoding="utf-8") == self._written:
                self._path.unlink(missing_ok=True)
        except (OSError, ValueError):
            # It is gone, or somebody else's by now.
            return


def _wrong(path: Path, error: OSError) -> ConfigurationError:
    why = error.strerror or str(error)
    return ConfigurationError.at(
        "--ready-file", Text(f"{path} cannot be written: {why}", f"无法写入 {path}：{why}")
    )
