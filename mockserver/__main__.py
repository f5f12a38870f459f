"""`python -m mockserver` is the command line, and so is `mockserver`."""

from __future__ import annotations

import sys


def main() -> None:
    """The command line; Ctrl-C before it is even loaded ends it as quietly as later."""
    try:
        from mockserver.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
