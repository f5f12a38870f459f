"""Entry point of `mockserver` and `python -m mockserver`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. Ctrl-C during the import ends it without a traceback, too."""
    try:
        from mockserver.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
