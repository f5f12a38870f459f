"""The instructions of the Dockerfile, and what it copies into the image."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def instructions(keyword: str) -> list[str]:
    """Return the text of each instruction with this keyword, on one line and without its comments."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [line.removeprefix(keyword).strip() for line in lines if line.startswith(f"{keyword} ")]


def copied_sources() -> list[str]:
    """Return the names at the top of the tree that are copied into the build stage."""
    return [source for copy in instructions("COPY") if not copy.startswith("--from") for source in copy.split()[:-1]]


def ignored_but() -> list[str]:
    """Return the names at the top of the tree that `.dockerignore` lets through."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines
    return [line.removeprefix("!") for line in lines if line.startswith("!")]
