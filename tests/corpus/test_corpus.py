"""Every named bad input gets the answer in its file: no 5xx, HTML or traceback, within two seconds."""

from __future__ import annotations

import pytest
from helpers import corpus_runner
from helpers.corpus import FAMILIES, Case, every, family

CASES = {name: family(name) for name in FAMILIES}
API = [(name, title) for name, title in every() if name in ("json", "fields", "signatures", "overrides")]


def case_of(name: str, title: str) -> tuple[Case, str]:
    """What a case sends, and what must come back."""
    case = dict(CASES[name][title])
    return case, case.pop("back")


@pytest.mark.parametrize(("name", "title"), API)
def test_the_api_answers_with_an_envelope(mock, tally, name, title):
    """HTTP 200, the error that the case names, an entry in the journal."""
    case, expected = case_of(name, title)
    received = corpus_runner.api(mock, case)
    tally(name, received)
    assert received == expected


@pytest.mark.parametrize("title", CASES["framing"])
def test_bytes_on_a_socket_are_answered_or_dropped(mock, tally, title):
    """An answer for each request in them, a refusal, or a closed connection; the next client is served."""
    case, expected = case_of("framing", title)
    received = corpus_runner.framing(mock, case)
    tally("framing", received)
    assert received == expected
    assert corpus_runner.api(mock, {}) == "ok"


@pytest.mark.parametrize("title", CASES["admin"])
def test_the_admin_api_refuses_in_json(mock, tally, title):
    """A status below 500 and the error that the case names; whatever it did is undone by a reset."""
    case, expected = case_of("admin", title)
    received = corpus_runner.admin(mock, case)
    mock.reset()
    tally("admin", received)
    assert received == expected


@pytest.mark.parametrize(("name", "title"), [each for each in every() if each[0] in ("files", "schemas")])
def test_a_saved_file_is_fine_or_refused_at_its_place(engine, folder, tally, name, title):
    """The problem has the line and column that the case names; the last good set answers."""
    case, expected = case_of(name, title)
    received = corpus_runner.saved(engine, folder, case)
    tally(name, received)
    assert received == expected


def test_the_corpus_is_large_and_every_case_says_what_comes_back():
    """At least 600 cases, and no two names of a family alike (the reader refuses a key twice)."""
    assert len(every()) >= 600
    for name, title in every():
        assert CASES[name][title]["back"], (name, title)


def test_the_server_is_none_the_worse_for_it(mock, engine):
    """After all inputs, the server is ready and answers the documented request."""
    assert corpus_runner.admin(mock, {"method": "GET", "path": "/__admin/ready"}) == "200"
    assert corpus_runner.api(mock, {}) == "ok"
    engine.reload()
    assert engine.problems == ()
