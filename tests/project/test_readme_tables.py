"""Both READMEs say what the code says, and say the same."""

from __future__ import annotations

import re

import pytest

from mockserver.core.clock import Clock
from mockserver.core.folders import Folders
from mockserver.core.text import Lang
from mockserver.engine.config import Config, load_config
from tests.project.readme import READMES, TABLES, fresh, tables_in


@pytest.fixture(scope="module")
def library() -> Config:
    """The shipped files."""
    return load_config(Folders(), now=Clock().second)


@pytest.mark.parametrize("lang", READMES)
def test_every_table_is_that_of_the_registry(lang: Lang, library: Config) -> None:
    """A reading, error, setting or scenario that changes changes in the README or fails here."""
    text = READMES[lang].read_text(encoding="utf-8")
    assert sorted(tables_in(text)) == sorted(TABLES)
    assert fresh(text, lang, library) == text, "run `make docs-write`"


def test_both_readmes_have_the_same_chapters_tables_and_samples() -> None:
    """What the English one shows, the Chinese one shows: same headings, tables, commands."""
    english, chinese = (READMES[lang].read_text(encoding="utf-8") for lang in ("en", "zh"))
    depth = [re.findall(r"^(#+) ", text, re.MULTILINE) for text in (english, chinese)]
    assert depth[0] == depth[1]
    assert tables_in(english) == tables_in(chinese)
    commands = [re.findall(r"^\$ (.+)$", text, re.MULTILINE) for text in (english, chinese)]
    assert commands[0] == commands[1]
