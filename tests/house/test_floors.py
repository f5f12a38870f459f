"""The plan of the house, as the package's docstring draws it, is the house that the imports build."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import mockserver

PACKAGE = Path(mockserver.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.parts[-2] not in ("schemas", "fixtures"))
LIBRARIES = {
    "yaml": {"data"},
    "flask": {"web", "factory"},
    "werkzeug": {"web"},
    "uvicorn": {"transport"},
    "uvloop": {"transport"},
    "httptools": {"transport"},
    "faker": {"world/people.py"},
    "numpy": {"world"},
    "click": {"cli"},
    "rich": {"cli"},
    "jsonschema": {"contract"},
    "jsonschema_rs": {"contract"},
    "referencing": {"contract"},
    "orjson": {"contract"},
    "watchfiles": {"watching"},
}
"""The only room (or file) that may import each library."""


def floors() -> dict[str, int]:
    """The floor of every room, read from the docstring."""
    lines = re.findall(r"^ {4,5}(\d+)  .{11}(.+)$", mockserver.__doc__ or "", re.MULTILINE)
    return {room: int(number) for number, rooms in lines for room in rooms.split()}


def room_of(path: Path) -> str:
    """The room a file belongs to: its folder in the package, or its own name."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute here"
            yield node.module


def test_every_room_has_a_floor() -> None:
    """A new room is drawn in the plan before it is built."""
    rooms = {room_of(path) for path in MODULES} - {"__init__", "__main__"}
    assert rooms == floors().keys()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down_only(path: Path) -> None:
    """A file imports rooms of lower floors and its own room, nothing beside or above it."""
    plan, room = floors(), room_of(path)
    if room in ("__init__", "__main__"):
        return
    for module in imports(path):
        if not module.startswith("mockserver"):
            continue
        other = (module.split(".") + ["__init__"])[1]
        if other in (room, "__init__"):
            continue
        assert plan[other] < plan[room], f"{room} (floor {plan[room]}) imports {other} (floor {plan[other]})"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_library_is_known_in_one_room(path: Path) -> None:
    """What one room knows of a library no other room has to know."""
    for module in imports(path):
        allowed = LIBRARIES.get(module.partition(".")[0])
        if allowed is not None:
            assert {room_of(path), path.relative_to(PACKAGE).as_posix()} & allowed, f"{path} imports {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_does_not_make_one_scroll(path: Path) -> None:
    """A module over 300 lines wants to be two; each says in its first line what it is for."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400, f"{path} has {text.count(chr(10))} lines"
    assert ast.get_docstring(ast.parse(text)), f"{path} has no docstring"
