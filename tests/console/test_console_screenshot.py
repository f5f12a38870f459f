"""The pictures in the READMEs show the console and are small."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.console.screenshot import FILES, take

MAX_BYTES = 150_000


@pytest.mark.parametrize("lang", FILES)
def test_the_picture_is_small(browser: Browser, lang: str) -> None:
    """The stored one, and one taken now."""
    for picture in (FILES[lang].read_bytes(), take(browser, lang)):
        assert picture.startswith(b"\x89PNG\r\n")
        assert int.from_bytes(picture[16:20], "big") == 1280
        assert 20_000 < len(picture) < MAX_BYTES
