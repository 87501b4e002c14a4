"""Having plans carried out: what is asked before, and told meanwhile."""

import argparse
import contextlib
import datetime
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from numa_sched.cli import watchers
from numa_sched.cli.exits import INCOMPLETE, NOT_ALL
from numa_sched.cli.watchers import tell
from numa_sched.exceptions import JournalError, RequestError

if TYPE_CHECKING:
    from numa_sched.carry import (
        Avoid,
        Cloud,
        Means,
        Planned,
        Report,
        Session,
        Tasks,
    )
    from numa_sched.carry.journal import Record
    from numa_sched.cli.journals import JournalFile
    from numa_sched.cli.plans import Planner

WITH_EXECUTE = ('yes', 'os_cloud', 'journal', 'replans')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of carrying a plan out."""
    group = parser.add_argument_group(
        'carrying it out',
        'by the compute API; without --execute or --resume, nothing is moved',
    )
    group.add_argument(
        '--execute',
        action='store_true',
        help='carry the plan out, once it has been shown and agreed to',
    )
    group.add_argument(
        '--yes', action='store_true', help='carry it out without asking'
    )
    group.add_argument(
        '--os-cloud',
        metavar='NAME',
        help='the cloud of clouds.yaml whose API is asked; by default that of '
        'OS_CLOUD, or of OS_AUTH_URL and the others',
    )
    group.add_argument(
        '--journal',
        metavar='FILE',
        help='where to write what is done; by default a new file here, named '
        'after the command and the time',
    )
    group.add_argument(
        '--resume',
        metavar='JOURNAL',
        help='go on with what the same command has begun before, where its '
        'journal ends',
    )
    group.add_argument(
        '--replans',
        metavar='N',
        type=int,
        help='how many other plans may take the place of this one, if things '
        'turn out to be otherwise; 3 by default',
    )


def wrong_usage(parsed_args: argparse.Namespace) -> str | None:
    """Give what of these options does not go together, None if all does."""
    executes = parsed_args.execute or parsed_args.resume
    for name in WITH_EXECUTE:
        if getattr(parsed_args, name) not in (None, False) and not executes:
            option = name.replace('_', '-')
            return f'--{option} goes with --execute or --resume'
    if executes and parsed_args.commands:
        return '--commands are to be run by somebody else: no --execute'
    if parsed_args.resume and parsed_args.journal:
        return '--resume goes on in the same file: no --journal'
    if (parsed_args.replans or 0) < 0:
        return f'--replans {parsed_args.replans} is below 0'
    return None


def run(command: 'Planner', parsed_args: argparse.Namespace) -> int:
    """Carry out a plan of a command; give the exit status.

    :raises NumaSchedError: if nothing has been done
    """
    from numa_sched.cli import compute_api, journals

    if not (parsed_args.yes or sys.stdin.isatty()):
        raise RequestError(
            'nobody can be asked, as this is no terminal: --yes has it '
            'carried out without'
        )
    goal = goal_of(command, parsed_args)
    cloud = compute_api.connect(parsed_args.os_cloud)
    if parsed_args.resume:
        return _go_on(command, parsed_args, cloud, goal)
    command.show(parsed_args)
    planned = planned_of(command)
    if not planned.waves:
        return command.status
    if not agreed(parsed_args):
        return NOT_ALL
    path = parsed_args.journal or default_journal(goal)
    with contextlib.closing(journals.create(path)) as journal:
        return _carried(
            command,
            parsed_args,
            cloud,
            journal,
            lambda session: session.begin(goal, planned),
        )


def _go_on(
    command: 'Planner',
    parsed_args: argparse.Namespace,
    cloud: 'Cloud',
    goal: dict[str, Any],
) -> int:
    """Go on where a journal ends; give the exit status."""
    journal, record = resumed(parsed_args.resume, goal)
    with contextlib.closing(journal):
        if not (record.begun or record.left):
            tell('All of it was done before.')
            return 0 if record.reached else INCOMPLETE
        for task, _ in record.begun:
            tell(f'may be under way: {task.told}')
        tell_waves(record.left)
        if not agreed(parsed_args):
            return NOT_ALL
        return _carried(
            command,
            parsed_args,
            cloud,
            journal,
            lambda session: session.resume(record),
        )


def _carried(
    command: 'Planner',
    parsed_args: argparse.Namespace,
    cloud: 'Cloud',
    journal: 'JournalFile',
    begin: 'Callable[[Session], Report]',
) -> int:
    """Carry it out, and tell what has come of it; give the exit status."""
    from numa_sched import carry

    with watchers.telling() as teller, letting_finish() as stopping:
        session = carry.Session(
            means(cloud, journal, teller, stopping),
            lambda avoid: another(command, parsed_args, teller, avoid),
            carry.MOST_PLANS
            if parsed_args.replans is None
            else parsed_args.replans,
        )
        try:
            report = begin(session)
        except KeyboardInterrupt:
            report = session.interrupt()
    tell_report(report, journal)
    if report.is_done:
        return 0 if report.reached else INCOMPLETE
    return 128 + stopping.signal if stopping.signal else NOT_ALL


def means(
    cloud: 'Cloud',
    journal: 'JournalFile',
    teller: watchers.Teller,
    stopping: 'Stopping',
    **more: Any,
) -> 'Means':
    """Give the means by which steps are carried out here."""
    from numa_sched import carry

    return carry.Means(
        cloud,
        journal,
        teller,
        patience=PATIENCE or carry.Patience(),
        stop=stopping.why,
        **more,
    )


PATIENCE: Any = None
"""That of :mod:`numa_sched.carry` unless it is set."""


def goal_of(
    command: 'Planner', parsed_args: argparse.Namespace
) -> dict[str, Any]:
    """Give what a command is to reach, as a journal keeps it."""
    import json

    about = {name: getattr(parsed_args, name) for name in command.about}
    goal: dict[str, Any] = json.loads(
        json.dumps({'command': command.cmd_name, **about})
    )
    return goal


def planned_of(command: 'Planner') -> 'Planned':
    """Give the last plan of a command as it is carried out."""
    from numa_sched import carry

    found = command.found
    return carry.Planned(carry.tasks(found.waves), found.reached)


def default_journal(goal: dict[str, Any]) -> str:
    """Give a name for a new journal."""
    now = datetime.datetime.now(datetime.UTC)
    return f'numa-sched-{goal["command"]}-{now:%Y%m%dT%H%M%SZ}.jsonl'


def resumed(path: str, goal: dict[str, Any]) -> 'tuple[JournalFile, Record]':
    """Give a journal to go on with, and what it tells.

    :raises JournalError: if it is none, or of something else
    """
    from numa_sched.carry import journal as lines
    from numa_sched.cli import journals

    journal, text = journals.resume(path)
    try:
        record = lines.read(text, path)
        if record.goal != goal:
            raise JournalError(
                f'{path}: is of something else: {_words(record.goal)}, and '
                f'not {_words(goal)}'
            )
    except JournalError:
        journal.close()
        raise
    return journal, record


def _words(goal: Any) -> str:
    return ' '.join(
        str(value) if key == 'command' else f'{key}={value}'
        for key, value in goal.items()
        if value not in (None, [])
    )


def tell_waves(waves: 'Tasks') -> None:
    """Tell steps that are to be carried out."""
    for number, wave in enumerate(waves, 1):
        for task in wave:
            how = 'live' if task.live else 'cold'
            tell(f'wave {number} of {len(waves)}: {task.told}, {how}')


def agreed(parsed_args: argparse.Namespace) -> bool:
    """Whether it is to be carried out: ask, unless that is known."""
    if parsed_args.yes:
        return True
    sys.stdout.flush()
    sys.stderr.write('Carry it out? [y/N] ')
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ('y', 'yes')


def another(
    command: 'Planner',
    parsed_args: argparse.Namespace,
    teller: watchers.Teller,
    avoid: 'Avoid',
) -> 'Planned | None':
    """Give another plan, of how things are now, once it is agreed to.

    There is none where the first was made of a snapshot, which is as it was.
    """
    if parsed_args.snapshot:
        teller.tell('Another plan needs another snapshot.')
        return None
    with teller.paused():
        found = command.look(parsed_args, avoid)
        tell('Things are not as planned. Another plan:')
        for line in found.heading:
            tell(line)
        planned = planned_of(command)
        tell_waves(planned.waves)
        return planned if not planned.waves or agreed(parsed_args) else None


def tell_report(report: 'Report', journal: 'JournalFile') -> None:
    """Tell what has come of it all."""
    if report.why:
        tell(f'It has ended early: {report.why}.')
    for task in report.unknown:
        tell(f'may be under way: {task.told}')
    for task in report.left:
        tell(f'left: {task.told}')
    count = len(report.done)
    tell(f'{count} migration{"" if count == 1 else "s"} done.')
    tell(
        f'The journal is {journal.path}.'
        if report.is_done
        else f'The same command with --resume {journal.path} goes on.'
    )


class Stopping:
    """Whether somebody wants it to end."""

    def __init__(self) -> None:
        """Begin without."""
        self.signal = 0

    def why(self) -> str | None:
        """Give why no step is to begin any more, None if it may."""
        return 'it was interrupted' if self.signal else None

    def take(self, number: int, frame: object) -> None:
        """Take a signal: the first has what is under way end well."""
        if self.signal:
            raise KeyboardInterrupt
        self.signal = number
        # Whatever else is being written: this is from within a signal.
        with contextlib.suppress(OSError):
            os.write(
                2,
                b'\nWhat is under way goes on to its end, and nothing more '
                b'is begun; once more (Ctrl-C) has nobody wait for it.\n',
            )


@contextlib.contextmanager
def letting_finish() -> Iterator[Stopping]:
    """Have signals stop it between steps."""
    stopping = Stopping()
    before = {
        number: signal.signal(number, stopping.take)
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
