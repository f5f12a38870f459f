"""Reads the fenced code blocks of a Markdown file."""

from __future__ import annotations

import re
from pathlib import Path


def blocks(path: Path, language: str) -> list[str]:
    """Return the content of every fenced block of one language."""
    return re.findall(
        rf"^```{re.escape(language)}\n(.*?)^```$", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
