"""Certificates for HTTPS, the only scheme of the real service (§1.1.1)."""

from __future__ import annotations

import os
import shutil
import ssl
import tempfile
import weakref
from collections.abc import Iterable
from pathlib import Path

from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Text
from mockserver.server.limits import TEXTS

_UNTRUSTED = ("unknown ca", "bad certificate", "certificate unknown")
"""The alerts of clients that do not trust a certificate, or that expect another name."""


class TLS:
    """An SSL context, and the CA file that clients have to trust if the certificate was generated."""

    def __init__(self, context: ssl.SSLContext, ca_file: Path | None = None, names: Iterable[str] = ()) -> None:
        self.context, self.ca_file, self._names = context, ca_file, tuple(names)

    def explain(self, error: ssl.SSLError) -> Text | None:
        """Return why a handshake failed and what to do; None if the client merely disconnected."""
        reason = (error.reason or "").replace("_", " ").lower()
        if not reason or isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            return None
        if any(alert in reason for alert in _UNTRUSTED):
            ca = Text(str(self.ca_file), f" {self.ca_file}") if self.ca_file else Text("its CA", "其 CA")
            names = f" ({', '.join(self._names)})" if self._names else ""
            return TEXTS["rejected_certificate"].format(reason=reason, ca=ca, names=names)
        return TEXTS["handshake_failed"].format(reason=reason)

    @classmethod
    def from_files(cls, cert: str | os.PathLike[str], key: str | os.PathLike[str] | None = None) -> TLS:
        """Return TLS with the given PEM files; the key may be in the certificate's file.

        Raises ConfigurationError if they are missing, unreadable, or do not match.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # Without a password, OpenSSL would prompt on the terminal and block.
            context.load_cert_chain(cert, key, password="")  # nosec B106
        except (OSError, ValueError) as error:
            files = f"{os.fspath(cert)}, {os.fspath(key)}" if key is not None else os.fspath(cert)
            text = TEXTS["not_a_certificate"].format(files=files, error=error)
            raise ConfigurationError.at("--tls-cert", text) from None
        return cls(context)

    @classmethod
    def throwaway(cls, hosts: Iterable[str] = (), folder: str | os.PathLike[str] | None = None) -> TLS:
        """Return TLS for localhost, 127.0.0.1, ::1 and `hosts`, signed by a CA generated for this run.

        The CA certificate, `ca_file`, is written to `folder`, or to a temporary folder that is removed at
        exit. No private key is written. Raises ConfigurationError if the `tls` extra is not installed.
        """
        try:
            import trustme
        except ImportError:
            raise ConfigurationError.at("--tls", TEXTS["no_trustme"]) from None
        authority = trustme.CA()
        names = dict.fromkeys(("localhost", "127.0.0.1", "::1", *hosts))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            authority.issue_cert(*names).configure_cert(context)
        except ValueError as error:
            text = TEXTS["not_names"].format(names=", ".join(names), error=error)
            raise ConfigurationError.at("--tls-name", text) from None
        target = Path(tempfile.mkdtemp(prefix="mockserver-tls-") if folder is None else folder)
        ca_file = target / "ca.pem"
        authority.cert_pem.write_to_path(str(ca_file))
        tls = cls(context, ca_file, names)
        if folder is None:
            weakref.finalize(tls, _remove, target, os.getpid())
        return tls


def _remove(folder: Path, process: int) -> None:
    """Remove a temporary folder, unless this is a forked child of the process that created it."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
