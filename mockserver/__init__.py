"""A contract-testing stand-in for YouMe's signed REST API for call records and statistics.

The floors of the house; imports point down only, and rooms of one floor do not import each other:

     0  words      messages
     1  mishaps    errors  clock
     2  files      data  addresses
     3  facts      contract  settings
     4  workers    signing  bodies  world  scenarios  faults  answers
     5  memory     stores
     6  readers    reporting
     7  the set    library
     8  the visit  visits  wishes
     9  answers    answering  requestlog
    10  the line   engine
    11  reading    observing  listing  openapi
    12  the reins  control
    13  doors      web
    14  transport  transport
    15  assembly   factory  watching
    16  callers    client
    17  in-process mock
    18  handles    cli  pytest_plugin
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockserver.factory import create_app as create_app
    from mockserver.mock import MockServer as MockServer

__version__ = "0.1.0"
__all__ = ["MockServer", "__version__", "create_app"]


def __getattr__(name: str) -> Any:
    """The public names, imported when first asked for, so that a plugin costs nothing until it is used."""
    if name == "create_app":
        from mockserver.factory import create_app

        return create_app
    if name == "MockServer":
        from mockserver.mock import MockServer

        return MockServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
