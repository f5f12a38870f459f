"""The picture in README shows the console and is small."""

from __future__ import annotations

from playwright.sync_api import Browser

from tests.console.screenshot import FILE, take

MAX_BYTES = 150_000


def test_the_picture_is_small(browser: Browser) -> None:
    """The stored one, and one taken now."""
    for picture in (FILE.read_bytes(), take(browser)):
        assert picture.startswith(b"\x89PNG\r\n")
        assert int.from_bytes(picture[16:20], "big") == 1280
        assert 20_000 < len(picture) < MAX_BYTES
