"""The architecture document points at what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import mockserver
from tests.project.test_layers import LAYERS, SAME_LAYER

PACKAGE = Path(mockserver.__file__).parent
TEXT = (PACKAGE / "README.md").read_text(encoding="utf-8")
LINKS = sorted(set(re.findall(r"\]\(([^)#]+)\)", TEXT)))
PATHS = sorted(set(re.findall(r"`((?:mockserver|schemas|fixtures|tests)/[\w./]*)`", TEXT)))
NAMES = {
    "engine/pipeline.py": ("class Engine", "def handle", "def examine", "def error_body", "def reload"),
    "engine/context.py": ("class RequestContext", "class Decision"),
    "engine/journal_entry.py": ("class JournalEntry",),
    "engine/responder.py": ("class Responder",),
    "engine/state.py": ("class MemoryStore", "class AppState"),
    "core/http.py": ("class DeliveryPlan",),
    "contract/operations.py": ("OPERATIONS",),
    "world/views.py": ("VIEWS",),
    "scenarios/model.py": ("class Scenario",),
}


@pytest.mark.parametrize("link", LINKS)
def test_every_link_has_a_target(link: str) -> None:
    """Links are relative to the document."""
    assert (PACKAGE / link).exists()


@pytest.mark.parametrize("path", [path for path in PATHS if "NAME" not in path])
def test_every_path_exists(path: str) -> None:
    """Paths in the text are relative to the root of the repository."""
    assert (PACKAGE.parent / path).exists()


@pytest.mark.parametrize("module", NAMES)
def test_every_name_is_where_the_document_says(module: str) -> None:
    """Classes, methods and tables that the document names."""
    source = (PACKAGE / module).read_text(encoding="utf-8")
    for name in NAMES[module]:
        assert name in source
        assert name.split()[-1] in TEXT


def test_the_table_of_packages_is_that_of_the_layers() -> None:
    """Every package stands in its layer, with the imports inside a layer that are allowed."""
    rows = re.findall(r"^\| (\d) \| \[`(\w+)`\]\(\2\)(?: \(may import `(\w+)`\))? \|", TEXT, re.MULTILINE)
    assert {(int(layer), package) for layer, package, _ in rows} == {
        (number, package) for number, packages in enumerate(LAYERS, 1) for package in packages
    }
    assert {(package, other) for _, package, other in rows if other} == SAME_LAYER
