"""The documentation says what the code says, and both languages say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mockserver.core.clock import Clock
from mockserver.core.folders import Folders
from mockserver.core.text import Lang
from mockserver.engine.config import Config, load_config
from tests.project.doc_tables import (
    CHINESE,
    ROOT,
    TABLES,
    documents,
    english_original,
    language,
    markdown_files,
    tables_in,
    updated,
)

DOCUMENTS = documents()
TRANSLATIONS = [path for path in markdown_files() if path.name.endswith(CHINESE)]


def path_id(path: Path) -> str:
    """Return the path that names a parametrized case."""
    return str(path.relative_to(ROOT))


@pytest.fixture(scope="module")
def config() -> Config:
    """The shipped files."""
    return load_config(Folders(), now=Clock().second)


@pytest.mark.parametrize("path", DOCUMENTS, ids=path_id)
def test_every_table_is_generated_from_its_registry(path: Path, config: Config) -> None:
    """A changed reading, error, setting or scenario fails here until the document is regenerated."""
    text = path.read_text(encoding="utf-8")
    assert updated(text, language(path), config) == text, "run `make docs-write`"


def test_every_table_is_documented_once() -> None:
    """Each registry has one table in English and at most one in Chinese. Every marker names a registry."""
    names: dict[Lang, list[str]] = {"en": [], "zh": []}
    for path in DOCUMENTS:
        names[language(path)] += tables_in(path.read_text(encoding="utf-8"))
    assert sorted(names["en"]) == sorted(TABLES)
    assert len(set(names["zh"])) == len(names["zh"])
    assert set(names["zh"]) <= set(TABLES)


def test_the_readme_fits_on_a_few_screens() -> None:
    """The README is for starting; the reference stands beside what it describes."""
    for path in (ROOT / "README.md", ROOT / "README.zh-CN.md"):
        assert path.read_text(encoding="utf-8").count("\n") <= 220


def test_the_readme_is_translated() -> None:
    """The README is among the documents that are compared with their originals."""
    assert ROOT / "README.zh-CN.md" in TRANSLATIONS


@pytest.mark.parametrize("path", TRANSLATIONS, ids=path_id)
def test_a_translation_has_the_chapters_tables_and_samples_of_the_original(path: Path) -> None:
    """Same heading levels, tables and commands in both languages."""
    english, chinese = (file.read_text(encoding="utf-8") for file in (english_original(path), path))
    depth = [re.findall(r"^(#+) ", text, re.MULTILINE) for text in (english, chinese)]
    assert depth[0] == depth[1]
    assert tables_in(english) == tables_in(chinese)
    commands = [re.findall(r"^\$ (.+)$", text, re.MULTILINE) for text in (english, chinese)]
    assert commands[0] == commands[1]
