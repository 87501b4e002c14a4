"""Where a fleet comes from: a snapshot, or the cloud of ``nova.conf``."""

import argparse
import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from numa_sched.exceptions import SourceError

if TYPE_CHECKING:
    from rich.progress import TaskID

    from numa_sched.fleet import Fleet

LOG = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where a fleet comes from."""
    group = parser.add_argument_group(
        'source', 'the cloud that is asked about: nova.conf tells by default'
    )
    group.add_argument(
        '--snapshot',
        metavar='FILE',
        help='a file that numa-sched snapshot has written; neither nova.conf '
        'nor Nova is needed then',
    )
    add_configuration(group)


def add_configuration(group: 'argparse._ActionsContainer') -> None:
    """Add the options that say which configuration is read."""
    group.add_argument(
        '--config-file',
        metavar='FILE',
        action='append',
        default=[],
        help='a nova.conf, as that of nova-scheduler; may be repeated. By '
        'default those that Nova finds, such as /etc/nova/nova.conf',
    )
    group.add_argument(
        '--config-dir',
        metavar='DIRECTORY',
        action='append',
        default=[],
        help='a directory of such files; may be repeated',
    )


def fleet(parsed_args: argparse.Namespace) -> 'Fleet':
    """Give the fleet that the options name.

    :raises NumaSchedError: if it cannot be read
    """
    if parsed_args.snapshot:
        from numa_sched.fleet import snapshot

        return snapshot.read(parsed_args.snapshot)
    return live(parsed_args)


def live(parsed_args: argparse.Namespace) -> 'Fleet':
    """Give the fleet that is read from the cloud, with a bar on a terminal.

    :raises SourceError: if there is no Nova, or no cloud can be read
    """
    try:
        from numa_sched.nova import configured
        from numa_sched.nova import fleet as source
    except ImportError as error:
        raise SourceError(
            f'Nova cannot be imported here ({error}): name a snapshot with '
            f'--snapshot FILE'
        ) from error
    configured.by(parsed_args.config_file, parsed_args.config_dir)
    with progress() as show:
        return source.read(source.Listener(show, LOG.warning))


Shown = contextlib.AbstractContextManager[Progress]


@contextlib.contextmanager
def progress(patience_s: float = 0.0) -> Iterator[Progress]:
    """Give what shows how far it is; nothing where there is no terminal.

    :param patience_s: seconds after which the first bar is shown
    """
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bars

    begin = time.monotonic() + patience_s
    with contextlib.ExitStack() as shown:
        bars = Bars(console=Console(stderr=True), transient=True)
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if time.monotonic() < begin:
                return
            if not tasks:
                shown.enter_context(bars)
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield show
