"""The servers that the mock server is compared with: `python -m tests.bench.servers asgi | hello | flask SCENARIO`."""

from __future__ import annotations

import socket
import sys
from typing import Any

BODY = b'{"Status":"OK","ErrorCode":0,"ErrorInfo":""}'


def asgi() -> None:
    """uvicorn with an ASGI application that does nothing: the yardstick."""
    import uvicorn

    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": BODY})

    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    config = uvicorn.Config(app, log_level="error", access_log=False, http="httptools", loop="uvloop", lifespan="off")
    print(f"ready on http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run([listener])


def hello() -> None:
    """A minimal Flask app on the transport of the mock server."""
    from flask import Flask

    from mockserver.server.server import Server

    app = Flask("hello")
    app.add_url_rule("/v2/video/<command>", "hello", lambda command: BODY, methods=["POST"])
    Server(app).run(lambda url: print(f"hello ready on {url}", flush=True))


def flask(scenario: str) -> None:
    """The mock server without its fast path: every request goes through Flask."""
    from mockserver.engine.build import make_engine
    from mockserver.server.app import build_app
    from mockserver.server.server import Server

    app = build_app(make_engine(scenario=scenario))
    Server(app).run(lambda url: print(f"ready on {url}", flush=True))


if __name__ == "__main__":
    {"asgi": asgi, "hello": hello, "flask": flask}[sys.argv[1]](*sys.argv[2:])
