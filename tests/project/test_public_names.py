"""The public names of the package, and the cost of importing them."""

from __future__ import annotations

import inspect
import subprocess
import sys

import mockserver
from mockserver.server.app import create_app


def test_the_package_offers_exactly_its_public_names() -> None:
    """`from mockserver import …` works for every public name and fails for any other."""
    assert mockserver.__all__ == ["MockServer", "__version__", "create_app"]
    assert all(getattr(mockserver, name) for name in mockserver.__all__)
    assert not hasattr(mockserver, "nothing_of_this_name")


def test_create_app_is_a_plain_function_of_the_package() -> None:
    """uwsgi looks `mockserver:create_app()` up in the module's dictionary, where lazily imported names are missing."""
    assert inspect.isfunction(vars(mockserver)["create_app"])
    assert inspect.signature(mockserver.create_app) == inspect.signature(create_app)
    assert inspect.getdoc(mockserver.create_app) == inspect.getdoc(create_app)
    assert mockserver.create_app(scenario="empty").name == "mockserver"


def test_importing_the_package_costs_nothing() -> None:
    """An installed plugin does not import Flask, NumPy, Faker or httptools until it is used."""
    code = "import sys, mockserver; print(sorted({'flask', 'numpy', 'faker', 'httptools', 'yaml'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_flask_finds_the_app_by_the_package_name() -> None:
    """`flask --app mockserver …` works."""
    command = [sys.executable, "-m", "flask", "--app", "mockserver", "routes"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
