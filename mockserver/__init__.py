"""A mock server of YouMe's signed REST API for call records and statistics, for contract tests of clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask

    from mockserver.testing.mock_server import MockServer as MockServer

__version__ = "0.1.0"
__all__ = ["MockServer", "__version__", "create_app"]


def create_app(**settings: Any) -> Flask:
    """Create the Flask app for any WSGI server.

    Takes the settings listed by `mockserver settings`; they take precedence over the environment. Without
    `admin_token` the admin API answers only requests from this machine. Raises ConfigurationError with every problem
    of the settings and files.
    """
    # The import is here, so that the pytest plugin costs nothing until it is used.
    from mockserver.server.app import create_app

    return create_app(**settings)


def __getattr__(name: str) -> Any:
    """Import `MockServer` on first use, for the same reason."""
    if name == "MockServer":
        from mockserver.testing.mock_server import MockServer

        return MockServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
