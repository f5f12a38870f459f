"""The HTTP side: the transport, the Flask app with the API, the admin API, the console, the docs page, and hot reload.

May import the engine and every package below it. No other package may import Flask or httptools. Start reading at
`app.py`, the Flask app, and `server.py`, which runs it on a socket.
"""
