"""The transport: carries HTTP between sockets and a WSGI application, and performs each answer's `Delivery`.

The only room that imports uvicorn. It must not know Flask, the engine, or what an answer means: the
application comes as a WSGI callable, and the words it shares with it are keys of the environ:

- `mockserver.transport`: True, this server can perform every `Delivery`, faults of the connection included;
- `mockserver.release`: callable(predicate=None) → int, ends pending delays and hangs, see `Server.release`;
- `mockserver.overlong`: True, the body was over the limit, and `wsgi.input` is empty; `mockserver.length`: its announced bytes;
- `mockserver.delivery`: set by the application, the answer's `Delivery` (none: plain).

`limits.py` says what is put up with, `listening.py` accepts connections, `connection.py` bounds the life of one and
`protocol.py` its requests (`heads.py` mends what its parser cannot read), `asgi.py` carries one request through the
application, `delivery.py` plays one answer onto its `exchange.py`, `running.py` is one run from start to stop, `server.py`
owns its thread, `process.py` the signals of a process that only serves, `tls.py` makes certificates.
"""

from mockserver.transport.limits import Limits
from mockserver.transport.server import Server
from mockserver.transport.tls import TLS

__all__ = ["TLS", "Limits", "Server"]
