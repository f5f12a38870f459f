"""A client of the admin API over HTTP, using the standard library only."""

from __future__ import annotations

import contextlib
import copy
import http.client
import json
import ssl
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mockserver.core.addresses import certificate_advice, parse_server_url, scheme_advice
from mockserver.core.errors import AdminError, ConfigurationError
from mockserver.core.http import header_text
from mockserver.core.messages import messages
from mockserver.core.settings import parse_admin_token
from mockserver.core.text import Text

Json = dict[str, Any]
message = messages(Path(__file__).with_name("texts.yaml"))
__tracebackhide__ = True  # Errors are shown at the line of the test that called these methods.


class AdminClient:
    """The admin API of the server at `url`. Raises ConfigurationError if that is not the URL of a server.

    `ca` is a file with the certificates to trust over https.
    """

    def __init__(self, url: str, token: str | None = None, timeout: float = 70.0, *, ca: str | None = None) -> None:
        self.address = parse_server_url(url, ca)
        self.url = url.rstrip("/")
        # Check it here, because an error of http.client would show the token.
        self._token = parse_admin_token(token) if token else None
        self._timeout = timeout
        self._ca = ca
        # Raises ConfigurationError if the file contains no certificates.
        self.address.connection(ca, timeout=timeout)

    @contextlib.contextmanager
    def connection(self, reason: Callable[[Exception], Text]) -> Iterator[http.client.HTTPConnection]:
        """Yield a connection. Turns its errors into a ConfigurationError with the reason that the function returns."""
        connection = self.address.connection(self._ca, timeout=self._timeout)
        try:
            yield connection
        except ssl.SSLCertVerificationError as error:
            raise ConfigurationError.at(self.url, certificate_advice(error)) from None
        # ValueError: a host that cannot be looked up.
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise ConfigurationError.at(self.url, scheme_advice(self.address, error) or reason(error)) from None
        finally:
            connection.close()

    def with_timeout(self, seconds: float) -> AdminClient:
        """Return a client of the same server with another timeout."""
        other = copy.copy(self)
        other._timeout = seconds
        return other

    def get(self, path: str, **query: Any) -> Json:
        """Return the answer to a GET. Raises AdminError if refused, ConfigurationError if no mock server answers."""
        return self._request("GET", path, query, None)

    def send(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Json:
        """Return the answer to a write. Raises the same errors as `get`."""
        return self._request(method, path, query, body or {})

    def _request(self, method: str, path: str, query: Mapping[str, Any], body: Mapping[str, Any] | None) -> Json:
        given = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
        target = f"/__admin/{path}" + (f"?{given}" if given else "")
        status, content = self._exchange(method, target, None if body is None else json.dumps(body).encode())
        answer = _parse_object(content)
        if status >= 400 and {"error", "message"} <= answer.keys():
            text = message("no_token") if status == 401 else Text(answer["message"], answer["message"])
            raise AdminError(status, answer["error"], text)
        # `ready` answers 503 with the problems in the server's files.
        if not answer or (status >= 300 and status != 503):
            advice = scheme_advice(self.address, content) if status == 400 else None
            raise ConfigurationError.at(self.url, advice or message("no_mock_server", status=status))
        return answer

    def _exchange(self, method: str, target: str, content: bytes | None) -> tuple[int, bytes]:
        """Return status and body of the answer. Raises ConfigurationError if there is none."""
        with self.connection(_no_answer) as connection:
            # Do not keep the headers in a variable: a traceback with local variables would show the token.
            connection.request(method, target, content, self._headers(write=content is not None))
            answer = connection.getresponse()
            return answer.status, answer.read()

    def _headers(self, *, write: bool) -> dict[str, str]:
        authorization = {"Authorization": header_text(f"Bearer {self._token}")} if self._token else {}
        write_headers = {"Content-Type": "application/json", "X-Mock-Admin": "1"} if write else {}
        return {"Accept": "application/json", **authorization, **write_headers}


def _no_answer(error: Exception) -> Text:
    return message("no_answer", reason=str(error) or type(error).__name__)


def _parse_object(content: bytes) -> Json:
    """Return the JSON object in `content`; empty if it is anything else."""
    try:
        parsed = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}
