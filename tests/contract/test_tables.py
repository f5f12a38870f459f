"""The tables of violations, readings and signing mistakes are complete, in both languages."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from mockserver.contract.checking import TEXTS as MISMATCHES
from mockserver.contract.readings import READINGS, parse_reading
from mockserver.contract.violations import VIOLATIONS
from mockserver.core.json_reader import HINTS
from mockserver.core.text import Text
from mockserver.validation.json_body import REASONS
from mockserver.validation.mistakes import MISTAKES

SECTION = re.compile(r"[1-3](\.[0-9]){0,2}(, [1-3](\.[0-9]){0,2})*")
TEXTS = {
    **{f"violation {name}": kind.text for name, kind in VIOLATIONS.items()},
    **{f"mismatch {name}": text for name, text in MISMATCHES.items()},
    **{f"reading {name}": reading.why for name, reading in READINGS.items()},
    **{f"mistake {name}": mistake["text"] for name, mistake in MISTAKES.items()},
    **{f"malformed JSON, {name}": text for name, text in {**REASONS, **HINTS}.items()},
    **{f"advice {name}": mistake["advice"] for name, mistake in MISTAKES.items()},
}


def placeholders(template: str) -> set[str]:
    """Return the names of the placeholders of a template."""
    return {name for _, name, _, _ in Formatter().parse(template) if name}


@pytest.mark.parametrize("name", TEXTS)
def test_every_text_says_the_same_in_both_languages(name: str) -> None:
    """English is ASCII, Chinese is Chinese, and neither leaves out a value that the other shows."""
    text = TEXTS[name]
    assert text.en.replace("…", "").isascii()
    assert re.search(r"[\u4e00-\u9fff]", text.zh) or text.zh == "{reason}"
    assert placeholders(text.en) == placeholders(text.zh)


@pytest.mark.parametrize("name", VIOLATIONS)
def test_every_violation_names_its_section_and_its_place(name: str) -> None:
    """The section is one of the document or that of the operation; a fixed place has the form of a violation's."""
    kind = VIOLATIONS[name]
    assert not kind.section or SECTION.fullmatch(kind.section)
    assert not kind.where or re.fullmatch(r"path|method|(query|header):[\w-]+|body:(/\w+)?", kind.where)


@pytest.mark.parametrize("name", READINGS)
def test_every_reading_accepts_its_values_and_no_others(name: str) -> None:
    """The default and every listed name are valid, as are the limits of a number; what lies beyond them is not."""
    reading = READINGS[name]
    assert SECTION.fullmatch(reading.section)
    for value in (reading.default, *reading.names):
        assert parse_reading(name, value) == value
    if reading.names:
        assert reading.parse("other") is None
    else:
        assert reading.parse(str(reading.minimum)) == reading.minimum
        assert reading.parse(reading.maximum) == reading.maximum
        assert reading.parse(reading.minimum - 1) is reading.parse(reading.maximum + 1) is None


def test_a_number_that_has_to_divide_the_day_says_so() -> None:
    """Intervals of 7 s would not fill a day."""
    assert READINGS["tick_seconds"].choices() == "10…3600, dividing the day"
    assert parse_reading("tick_seconds", "3600") == 3600
    assert READINGS["tick_seconds"].parse(11) is None


def test_a_text_among_the_values_fills_each_language_with_its_own() -> None:
    """Plain values are the same in both."""
    template = Text("{who} sent {count}", "{who}发送了 {count}")
    assert template.format(who=Text("she", "她"), count=2) == Text("she sent 2", "她发送了 2")
