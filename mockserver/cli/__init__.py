"""The command line: every command is a thin handle on a room below. Exit 0 fine, 1 findings, 2 wrong usage or files.

130 is Ctrl-C. A reader that goes away (`mockserver errors | head -1`) is no failure of anybody's.
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
from mockserver.cli.options import chosen_language
from mockserver.cli.report import report
from mockserver.cli.requests import call, curl, sample, sign
from mockserver.cli.serve import serve
from mockserver.cli.tables import errors, operations, readings, scenarios, settings
from mockserver.cli.world import world
from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Text

_INTERRUPTED = 130
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What hinders writing output."""


class _Commands(click.Group):
    """A group whose commands end as a shell expects: click would tell Ctrl-C and a closed pipe as findings."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sys.exit(_INTERRUPTED)
        except BrokenPipeError:
            _leave_quietly()


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="mockserver")
def cli() -> None:
    """A contract-testing stand-in for YouMe's signed REST API for call records and statistics.

    Exit codes: 0 fine, 1 findings (a failed answer, a file that is wrong), 2 wrong usage or configuration, 130 Ctrl-C.
    """


for command in (
    serve,
    curl,
    call,
    sample,
    sign,
    explain,
    check,
    export,
    world,
    report,
    operations,
    scenarios,
    errors,
    faults,
    readings,
    settings,
):
    cli.add_command(command)


def main() -> None:
    """The entry point: a wrong setting or file is told in one line a problem, and the exit code is 2."""
    try:
        try:
            cli.main(prog_name="mockserver")
        finally:
            # A full disk is found out here, where it can be told, and not at Python's very end.
            if sys.stdout is not None:
                sys.stdout.flush()
    except ConfigurationError as error:
        print(error.show(chosen_language()), file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    except UnicodeEncodeError:
        text = Text("an argument holds bytes that are no UTF-8", "参数中含有不是 UTF-8 的字节")
        _leave(2, text.to(chosen_language()))
    except BrokenPipeError:
        _leave_quietly()
    except OSError as error:
        if error.errno not in _FULL:
            raise
        why = error.strerror or str(error)
        text = Text(f"standard output cannot be written: {why}", f"无法写入标准输出：{why}")
        _leave(2, text.to(chosen_language()))


def _leave_quietly() -> NoReturn:
    """Nobody is left to tell anything."""
    _leave(0, "")


def _leave(code: int, text: str) -> NoReturn:
    """End with what is still to be written thrown away: Python would try again, and fail again, at its very end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if text:
        print(text, file=sys.stderr)
    sys.exit(code)
