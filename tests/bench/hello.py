"""The baseline: a minimal Flask app on the same transport as the mock server."""

from __future__ import annotations

from flask import Flask

from mockserver.server.server import Server

app = Flask("hello")


@app.post("/v2/video/<command>")
def hello(command: str) -> str:
    """Return the shortest answer."""
    return "hello"


if __name__ == "__main__":
    Server(app).run(lambda url: print(f"hello ready on {url}", flush=True))
