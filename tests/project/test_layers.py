"""Imports go one way: a package may import the packages of lower layers, and nothing else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import mockserver

PACKAGE = Path(mockserver.__file__).parent
LAYERS = (
    {"core"},
    {"contract"},
    {"validation", "world"},
    {"faults", "scenarios"},
    {"engine"},
    {"reporting"},
    {"live", "server"},
    {"testing", "cli"},
)
"""The packages from the lowest layer to the highest."""
SAME_LAYER = {("scenarios", "faults"), ("cli", "testing")}
"""The imports allowed inside one layer, as (importer, imported)."""
LIBRARIES = {
    "yaml": {"core"},
    "flask": {"server"},
    "werkzeug": {"server"},
    "uvloop": {"server"},
    "httptools": {"server"},
    "faker": {"world"},
    "numpy": {"world"},
    "click": {"cli"},
    "urllib3": {"live"},
    "jsonschema": {"contract"},
    "jsonschema_rs": {"contract"},
    "referencing": {"contract"},
    "orjson": {"contract", "engine", "world"},
    "hiredis": {"engine"},
    "greenlet": {"engine"},
}
"""The packages that may import each of these libraries."""
MAX_LINES = 350


def modules() -> Iterator[tuple[str, Path, ast.Module]]:
    """Every module of every package: package name, path, and syntax tree."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).parts
        if parts[0] in ("schemas", "fixtures", "__init__.py", "__main__.py"):
            continue
        yield parts[0], path, ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> Iterator[str]:
    """Every module that a file imports, at the top or inside a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def test_every_package_has_a_layer() -> None:
    """There are no loose modules and no package outside the table."""
    assert {package for package, _, _ in modules()} == set().union(*LAYERS)


def test_packages_import_lower_layers_only() -> None:
    """No import goes up, and those inside a layer are listed."""
    layer = {package: number for number, packages in enumerate(LAYERS) for package in packages}
    wrong = []
    for package, path, tree in modules():
        for module in imports(tree):
            assert not module.startswith("."), f"{path}: use absolute imports"
            first, _, rest = module.partition(".")
            other = rest.partition(".")[0] or package
            if first != "mockserver" or other == package or (package, other) in SAME_LAYER:
                continue
            if layer[other] >= layer[package]:
                wrong.append(f"{path.relative_to(PACKAGE)} imports {module}")
    assert wrong == []


def test_each_library_is_used_in_one_package() -> None:
    """A library that is replaced one day is replaced in one package."""
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {module}"
        for package, path, tree in modules()
        for module in imports(tree)
        if package not in LIBRARIES.get(module.partition(".")[0], {package})
    ]
    assert wrong == []


def test_modules_are_short_and_documented() -> None:
    """Every module has a docstring and stays under the limit."""
    wrong = [
        str(path.relative_to(PACKAGE))
        for _, path, tree in modules()
        if path.read_text(encoding="utf-8").count("\n") > MAX_LINES or not ast.get_docstring(tree)
    ]
    assert wrong == []
