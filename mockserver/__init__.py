"""A mock server of YouMe's signed REST API for call records and statistics, for contract tests of clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockserver.server.app import create_app as create_app
    from mockserver.testing.mock_server import MockServer as MockServer

__version__ = "0.1.0"
__all__ = ["MockServer", "__version__", "create_app"]


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that the pytest plugin costs nothing until it is used."""
    if name == "create_app":
        from mockserver.server.app import create_app

        return create_app
    if name == "MockServer":
        from mockserver.testing.mock_server import MockServer

        return MockServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
