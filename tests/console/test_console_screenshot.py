"""The pictures in the READMEs show the console and are small."""

from __future__ import annotations

import pytest
from helpers.browser import languages
from playwright.sync_api import Browser

from tests.console.screenshot import FILES, take

MAX_BYTES = 150_000


@pytest.mark.parametrize("lang", languages("en"))
def test_the_picture_is_small(browser: Browser, lang: str) -> None:
    """The stored one, and one taken now."""
    for picture in (*(file.read_bytes() for file in FILES.values()), take(browser, lang)):
        assert picture.startswith(b"\x89PNG\r\n")
        assert int.from_bytes(picture[16:20], "big") == 1280
        assert 20_000 < len(picture) < MAX_BYTES
