"""What the server remembers between requests, kept per app. Nothing of HTTP or of the contract."""
