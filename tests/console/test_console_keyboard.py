"""Every control of the console is reached and used with the keyboard alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from test_console_pages import PAGES

from mockserver import MockServer

MARK_CONTROLS = """() => {
  const selector = "a[href], button, input, select, textarea, summary, [tabindex]";
  const usable = element => element.checkVisibility() && !element.disabled && element.tabIndex >= 0;
  const names = [];
  for (const element of [...document.querySelectorAll(selector)].filter(usable)) {
    // The arrow keys move within a group of radio buttons.
    const group = element.type === "radio" && element.name;
    element.dataset.walk = group ? `radio ${group}` : `${names.length} ${element.outerHTML.slice(0, 80)}`;
    names.push(element.dataset.walk);
  }
  return [...new Set(names)];
}"""
FOCUSED = """() => {
  const element = document.activeElement, style = getComputedStyle(element), box = element.getBoundingClientRect();
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  const seen = box.bottom > 0 && box.top < innerHeight;
  return element === document.body ? null : [element.dataset.walk, outlined && seen];
}"""


@pytest.mark.parametrize("page", PAGES)
def test_tab_reaches_every_control_and_shows_where_it_is(
    open_page: Callable[..., Page], server: MockServer, page: str
) -> None:
    """Nothing traps the focus; the focused control is in view and outlined."""
    server.use("recorded-day")
    opened = open_page(page)
    opened.wait_for_load_state("networkidle")
    controls = opened.evaluate(MARK_CONTROLS)
    assert len(controls) > 5
    reached, unmarked = set(), []
    for _ in range(3 * len(controls)):  # A date has several parts, each a stop of its own.
        opened.keyboard.press("Tab")
        if (focused := opened.evaluate(FOCUSED)) is None:
            break
        name, visible = focused
        reached.add(name)
        if not visible:
            unmarked.append(name)
    assert unmarked == []
    assert [name for name in controls if name not in reached] == []


def test_a_signed_call_is_sent_with_the_keyboard(open_page: Callable[..., Page]) -> None:
    """From the page's opening: to the button Send, and Enter."""
    page = open_page("try")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Send":
            break
    page.keyboard.press("Enter")
    expect(page.locator("#result .ok")).to_have_text("OK")
