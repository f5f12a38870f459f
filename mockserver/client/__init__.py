"""A handle on a mock server over its admin API: for the pytest plugin, the report command, and any test.

Importing it costs nothing; it knows nothing of engines. `Admin` asks, `MockApp` is one app and what was asked of it.
"""

from mockserver.client.admin import Admin, Json
from mockserver.client.app import MockApp

__all__ = ["Admin", "Json", "MockApp"]
