"""Makes file permissions count in a test, although root may read everything."""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator

_VERSION = 0x20080522
_READ_EVERYTHING = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH (linux/capability.h)."""


@contextlib.contextmanager
def permissions_count() -> Iterator[None]:
    """Make `chmod(0)` take access away from this thread inside the block, even if the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, data = (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)()

    def call(function: str) -> None:
        if getattr(libc, function)(header, data):
            raise OSError(ctypes.get_errno(), function)

    call("capget")
    effective = data[0]
    data[0] = effective & ~_READ_EVERYTHING
    call("capset")
    try:
        yield
    finally:
        data[0] = effective
        call("capset")
