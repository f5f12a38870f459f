"""The HTTP side: our own transport, the Flask app with the API and the admin API, the docs page, and hot reload.

It may import the engine and every package below it, and only it may import Flask and httptools. Start with `app.py`, the
Flask app, and `server.py`, which runs it on a socket.
"""
