"""The command line. Each command parses its options and calls the packages below; all of them may be imported.

Start reading at `cli` and `main` here; `options` and `output` hold what the commands share. Exit codes: 0 success,
1 findings, 2 wrong usage or configuration, 130 Ctrl-C. A closed pipe (`mockserver errors | head -1`) does not change
the exit code.
"""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from typing import Any

import click

from mockserver import __version__
from mockserver.cli.options import message_language
from mockserver.cli.output import message
from mockserver.cli.streams import discard, standard_streams
from mockserver.core.errors import ConfigurationError
from mockserver.core.settings import environment_warnings
from mockserver.core.suggestions import nearest
from mockserver.core.text import Text

_NOT_WRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Errors while writing the output, such as a full disk."""


_COMMANDS = {
    **{name: (name, name) for name in ("explain", "export", "record", "report", "serve", "world")},
    **{name: ("backend", name) for name in ("learn", "verify")},
    **{name: ("check", name) for name in ("check", "init")},
    **{name: ("requests", name) for name in ("call", "curl", "sample", "sign")},
    **{name: ("running", name) for name in ("requests", "reset", "wait")},
    **{name: ("tables", name) for name in ("errors", "faults", "operations", "readings", "scenarios", "settings")},
    "open": ("running", "open_command"),
}  # The module of each command and its name there.


class _Commands(click.Group):
    """The commands. Each is imported when it is used, so that `serve` starts without the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(_COMMANDS)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Return the command that the arguments begin with; a misspelt name is an error with the likely one."""
        name = args[0]
        if name not in _COMMANDS and not name.startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"No such command {name!r}{nearest(name, _COMMANDS).en}")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; None for an unknown name."""
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"mockserver.cli.{module}"), name)
        # click would truncate a sentence that is longer than a line.
        command.short_help = (command.help or "").partition("\n")[0].removesuffix(".")
        return command


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True},
)
@click.version_option(__version__, prog_name="mockserver")
@click.pass_context
def cli(context: click.Context) -> None:
    """Contract-testing mock server for YouMe's signed REST API of call records and statistics.

    Exit codes: 0 success, 1 findings (the API reports a failure, or a file has problems), 2 wrong usage or
    configuration, 130 Ctrl-C.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        context.color = False
    # `serve` writes them to its log.
    if context.invoked_subcommand not in ("serve", "record"):
        for warning in environment_warnings():
            _complain(warning)


def main() -> None:
    """Run the command line; print each configuration problem on a line of stderr and exit with 2."""
    with standard_streams():
        if "_MOCKSERVER_COMPLETE" in os.environ:
            cli.main(prog_name="mockserver")
        sys.exit(_run())


def _run() -> int:
    # Not `cli.main`, which uses other exit codes for Ctrl-C and closed pipes.
    try:
        try:
            with cli.make_context("mockserver", sys.argv[1:]) as context:
                cli.invoke(context)
        finally:
            # Report a full disk here rather than while Python shuts down.
            sys.stdout.flush()
        return 0
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except ConfigurationError as error:
        click.echo(error.show(message_language()), err=True)
        return 2
    except KeyboardInterrupt:
        return 130
    except UnicodeEncodeError:
        _complain(message("arguments_not_utf_8"))
        return 2
    except OSError as error:
        if error.errno not in _NOT_WRITABLE:
            raise
        discard(sys.stdout)
        reason = error.strerror or str(error)
        _complain(message("no_output", reason=reason))
        return 2


def _complain(text: Text) -> None:
    click.echo(text.to(message_language()), err=True)
