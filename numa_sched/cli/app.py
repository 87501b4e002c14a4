"""The application: its commands, how it logs, how it ends.

Its modules import no more than cliff until a command is run.
"""

import importlib.metadata
import logging
import os
import sys
import warnings

from cliff.app import App
from cliff.commandmanager import CommandManager

COMMANDS = 'numa_sched.cli'
BROKEN_PIPE = 141  # as a shell tells of SIGPIPE

DESCRIPTION = """
Why does a server not fit, where would it go, how much room is left: answers
about the NUMA guests of a cloud, from the cloud itself (where nova.conf is)
or from a snapshot of it.
"""

# What libraries log is for those who debug; what matters of it is told.
QUIET = ('nova', 'keystoneauth', 'stevedore', 'alembic', 'sqlalchemy')


class Application(App):
    """``numa-sched``."""

    NAME = 'numa-sched'
    LOG = logging.getLogger('numa_sched.cli')

    def __init__(self) -> None:
        """Find the commands."""
        super().__init__(
            description=' '.join(DESCRIPTION.split()),
            version=importlib.metadata.version('numa-sched'),
            command_manager=CommandManager(COMMANDS),
            # So that --help behind a command is about that one.
            deferred_help=True,
        )

    def configure_logging(self) -> None:
        """Have warnings on stderr, more if asked for."""
        super().configure_logging()
        root = logging.getLogger()
        if self.options.verbose_level <= 1 and not self.options.debug:
            warnings.simplefilter('ignore')
            root.setLevel(logging.WARNING)
            for name in QUIET:
                logging.getLogger(name).setLevel(logging.CRITICAL)

    def run(self, argv: list[str]) -> int:
        """Run a command; without any, give the help and status 2."""
        try:
            return super().run(argv or ['--help'])
        except SystemExit:
            if argv:
                raise
            return 2


def run(arguments: list[str]) -> int:
    """Run a command; give the exit status."""
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would flush once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return status


def _run(arguments: list[str]) -> int:
    root = logging.getLogger()
    handlers = root.handlers[:]
    loggers = [root, *map(logging.getLogger, QUIET)]
    levels = [logger.level for logger in loggers]
    try:
        with warnings.catch_warnings():
            return Application().run(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(bool(end.code))
    finally:
        root.handlers[:] = handlers
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
