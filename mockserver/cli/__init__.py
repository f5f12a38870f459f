"""The command line. Each command parses its options and calls the packages below, which this package may import all.

Start reading at `cli` and `main` here; `options` and `output` hold what the commands share. Exit codes: 0 success,
1 findings, 2 wrong usage or configuration, 130 Ctrl-C. A closed pipe (`mockserver errors | head -1`) is no failure.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import Any, NoReturn

import click

from mockserver import __version__
from mockserver.cli.check import check
from mockserver.cli.explain import explain
from mockserver.cli.export import export
from mockserver.cli.faults import faults
from mockserver.cli.options import message_language
from mockserver.cli.report import report
from mockserver.cli.requests import call, curl, sample, sign
from mockserver.cli.serve import serve
from mockserver.cli.tables import errors, operations, readings, scenarios, settings
from mockserver.cli.world import world
from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Text

_INTERRUPTED = 130
_NOT_WRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Errors of writing the output, such as a full disk."""


class _Commands(click.Group):
    """A group that exits as shells expect: click itself exits with 1 on Ctrl-C and on a closed pipe."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sys.exit(_INTERRUPTED)
        except BrokenPipeError:
            _exit_without_flush(0)


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="mockserver")
def cli() -> None:
    """Contract-testing mock server of YouMe's signed REST API for call records and statistics.

    Exit codes: 0 success, 1 findings (the API reports a failure, or a file has problems), 2 wrong usage or
    configuration, 130 Ctrl-C.
    """


_COMMANDS = (serve, curl, call, sample, sign, explain, check, export, world, report)
_TABLES = (operations, scenarios, errors, faults, readings, settings)
for _command in (*_COMMANDS, *_TABLES):
    cli.add_command(_command)


def main() -> None:
    """Run the command line; print each configuration problem on a line of stderr and exit with 2."""
    try:
        try:
            cli.main(prog_name="mockserver")
        finally:
            # A full disk is reported here and not while Python shuts down.
            if sys.stdout is not None:
                sys.stdout.flush()
    except ConfigurationError as error:
        print(error.show(message_language()), file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except UnicodeEncodeError:
        _exit_without_flush(
            2, Text("an argument contains bytes that are not UTF-8", "参数中含有不是 UTF-8 的字节")
        )
    except BrokenPipeError:
        _exit_without_flush(0)
    except OSError as error:
        if error.errno not in _NOT_WRITABLE:
            raise
        reason = error.strerror or str(error)
        _exit_without_flush(
            2, Text(f"cannot write to standard output: {reason}", f"无法写入标准输出：{reason}")
        )


def _exit_without_flush(code: int, message: Text | None = None) -> NoReturn:
    """Exit and discard buffered output, which Python would otherwise fail to write while shutting down."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if message:
        print(message.to(message_language()), file=sys.stderr)
    sys.exit(code)
