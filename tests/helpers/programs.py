"""External programs that some tests need: `.ci/run` installs them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

JVM_OPTIONS = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""Options for a short run of Java: the compiler for long runs would take most of the time."""


def need(*programs: str) -> None:
    """Skip the test when a program (a name on the PATH, or a file) is missing; fail it in CI, which has all of them."""
    missing = [name for name in programs if shutil.which(name) is None and not Path(name).is_file()]
    if missing:
        reason = f"{', '.join(missing)} missing; .ci/run installs what the tests need"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
