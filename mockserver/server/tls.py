"""Certificates for https, because the real service (§1.1.1) speaks nothing else; it knows no socket."""

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


class TLS:
    """What a server needs to speak https: a context, and the CA file to trust, if we made one."""

    def __init__(self, context: ssl.SSLContext, ca_file: Path | None = None) -> None:
        self.context, self.ca_file = context, ca_file

    @classmethod
    def from_files(cls, cert: str | os.PathLike[str], key: str | os.PathLike[str] | None = None) -> TLS:
        """TLS with the user's PEM files (the key may be in the certificate's file).

        ConfigurationError when they are missing, unreadable, or do not belong together.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            # An empty password instead of a question on the terminal, which would hang a service.
            context.load_cert_chain(cert, key, password="")  # nosec B106
        except (OSError, ValueError) as error:
            named = f"{os.fspath(cert)}, {os.fspath(key)}" if key is not None else os.fspath(cert)
            raise ConfigurationError.at(
                "--tls-cert",
                Text(
                    f"{named}: no usable certificate with its unencrypted key in PEM form: {error}",
                    f"{named}：不是可用的 PEM 证书及其未加密私钥：{error}",
                ),
            ) from None
        return cls(context)

    @classmethod
    def throwaway(cls, hosts: Iterable[str] = (), folder: str | os.PathLike[str] | None = None) -> TLS:
        """TLS for localhost, 127.0.0.1, ::1 and `hosts`, signed by a CA made for this run.

        The CA's certificate, `ca_file`, is written into `folder`, else into a temporary one that is
        removed at exit; no private key stays on disk. ConfigurationError without the `tls` extra.
        """
        try:
            import trustme
        except ImportError:
            raise ConfigurationError.at(
                "--tls",
                Text(
                    "needs the package trustme: pip install 'mockserver[tls]'",
                    "需要 trustme 包：pip install 'mockserver[tls]'",
                ),
            ) from None
        authority = trustme.CA()
        names = dict.fromkeys(("localhost", "127.0.0.1", "::1", *hosts))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(*names).configure_cert(context)
        place = Path(tempfile.mkdtemp(prefix="mockserver-tls-") if folder is None else folder)
        ca_file = place / "ca.pem"
        authority.cert_pem.write_to_path(str(ca_file))
        tls = cls(context, ca_file)
        if folder is None:
            weakref.finalize(tls, shutil.rmtree, place, ignore_errors=True)
        return tls
