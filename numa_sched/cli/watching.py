"""``numa-sched keep-room --watch``: room looked after, again and again."""

import argparse
import contextlib
import datetime
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from numa_sched.cli import carrying
from numa_sched.cli.base import positive
from numa_sched.exceptions import NumaSchedError

if TYPE_CHECKING:
    from numa_sched.carry import (
        Budget,
        Cloud,
        LastHour,
        Quiet,
        Report,
        Session,
    )
    from numa_sched.cli.carrying import Stopping
    from numa_sched.cli.journals import JournalFile
    from numa_sched.cli.plans import Planner
    from numa_sched.cli.watchers import Teller

LIMITS = ('hourly', 'hourly_per_host', 'hourly_memory', 'quiet')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of watching."""
    group = parser.add_argument_group(
        'watching', 'room looked after again and again, within limits'
    )
    group.add_argument(
        '--watch',
        metavar='SECONDS',
        type=positive,
        help='look again after so many seconds, until it is interrupted; with '
        '--execute and --yes, restore what is missing each time',
    )
    group.add_argument(
        '--hourly',
        metavar='N',
        type=positive,
        help='how many migrations may begin in an hour',
    )
    group.add_argument(
        '--hourly-per-host',
        metavar='N',
        type=positive,
        help='how many of them may be from or to the same host',
    )
    group.add_argument(
        '--hourly-memory',
        metavar='MIB',
        type=positive,
        help='how much memory may be copied by migrations that begin in an '
        'hour, in MiB',
    )
    group.add_argument(
        '--quiet-hours',
        dest='quiet',
        metavar='HH:MM-HH:MM',
        action='append',
        type=_quiet,
        help='hours of each day, local time, in which no migration begins; '
        'may be repeated',
    )


def _quiet(text: str) -> 'Quiet':
    from numa_sched.carry import Quiet

    try:
        begin, end = (
            datetime.datetime.strptime(each, '%H:%M').time()
            for each in text.split('-')
        )
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'{text}: HH:MM-HH:MM is wanted'
        ) from None
    return Quiet(begin, end)


def wrong_usage(parsed_args: argparse.Namespace) -> str | None:
    """Give what of these options does not go together, None if all does."""
    executes = parsed_args.execute or parsed_args.resume
    if not parsed_args.watch:
        for name in LIMITS:
            if getattr(parsed_args, name):
                return 'limits of an hour or a day go with --watch'
        return None
    if executes and not parsed_args.yes:
        return '--watch asks nobody: --execute goes with --yes there'
    if parsed_args.replans is not None:
        return 'each round of --watch makes a plan: no --replans'
    if parsed_args.svg or parsed_args.html:
        return '--watch draws nothing: no --svg or --html'
    if parsed_args.snapshot:
        return 'a snapshot stays as it is: no --watch'
    if parsed_args.formatter != 'table' or parsed_args.commands:
        return '--watch tells people: no other format'
    return None


def now() -> datetime.datetime:
    """Give the time of day, where this is."""
    return datetime.datetime.now().astimezone()


def run(command: 'Planner', parsed_args: argparse.Namespace) -> int:
    """Look after room until a signal comes; give the exit status.

    :raises NumaSchedError: if the first look fails
    """
    from numa_sched import carry
    from numa_sched.cli import compute_api, watchers

    executes = parsed_args.execute or parsed_args.resume
    cloud = compute_api.connect(parsed_args.os_cloud) if executes else None
    with contextlib.ExitStack() as stack:
        hour = carry.LastHour(_budget(parsed_args), now)
        teller = stack.enter_context(watchers.telling())
        stopping = stack.enter_context(carrying.letting_finish())
        rounds = Rounds(command, parsed_args, teller, hour, stopping)
        if cloud is not None:
            rounds.execute_by(cloud, stack)
        rounds.go()
    return 128 + stopping.signal


def _budget(parsed_args: argparse.Namespace) -> 'Budget':
    from numa_sched import carry

    return carry.Budget(
        parsed_args.hourly,
        parsed_args.hourly_per_host,
        parsed_args.hourly_memory,
        tuple(parsed_args.quiet or ()),
    )


class Rounds:
    """Looks after room, round by round."""

    def __init__(
        self,
        command: 'Planner',
        parsed_args: argparse.Namespace,
        teller: 'Teller',
        hour: 'LastHour',
        stopping: 'Stopping',
    ):
        """Take what a round needs that carries nothing out."""
        self._command, self._args = command, parsed_args
        self._teller, self._hour = teller, hour
        self._stopping = stopping
        self._cloud: Cloud | None = None
        self._journal: JournalFile | None = None
        self._told: list[str] = []
        self._unsettled = False

    def execute_by(self, cloud: 'Cloud', stack: contextlib.ExitStack) -> None:
        """Have plans carried out from now on.

        :raises NumaSchedError: if there cannot be a journal
        """
        from numa_sched.cli import journals

        self._cloud = cloud
        goal = carrying.goal_of(self._command, self._args)
        if self._args.resume:
            self._journal, record = carrying.resumed(self._args.resume, goal)
            self._unsettled = bool(record.begun)
            for then, task in record.starts:
                self._hour.count(then, task)
        else:
            self._journal = journals.create(
                self._args.journal or carrying.default_journal(goal)
            )
        stack.callback(self._journal.close)

    def go(self) -> None:
        """Go round until a signal comes.

        :raises NumaSchedError: if the first round fails
        """
        first = True
        while not self._stopping.signal:
            try:
                self._round()
            except NumaSchedError as error:
                if first:
                    raise
                self._say([f'{error}'])
            first = False
            self._rest(self._args.watch)

    def _rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._stopping.signal and time.monotonic() < end:
            time.sleep(min(0.5, max(end - time.monotonic(), 0)))

    def _round(self) -> None:
        if self._unsettled and self._journal is not None:
            self._settle(self._journal)
            if self._unsettled:
                return
        with self._teller.paused():
            found = self._command.look(self._args, self._hour.avoid)
        planned = carrying.planned_of(self._command)
        if not planned.waves or self._cloud is None:
            self._say(found.heading)
            return
        why = self._hour.why_not(planned.waves[0][0])
        if why:
            self._say([*found.heading, f'Not now: {why}.'])
            return
        self._say(found.heading)
        goal = carrying.goal_of(self._command, self._args)
        session = self._session()
        self._after(session.begin(goal, planned))

    def _settle(self, journal: 'JournalFile') -> None:
        """Follow what an earlier round, or process, has left under way."""
        from numa_sched.carry import journal as lines

        record = lines.read(journal.read(), journal.path)
        self._after(self._session().settle(record))

    def _session(self) -> 'Session':
        from numa_sched import carry

        assert self._cloud is not None and self._journal is not None
        return carry.Session(
            carrying.means(
                self._cloud,
                self._journal,
                self._teller,
                self._stopping,
                hold=self._hour.why_not,
                spend=self._hour.spend,
            )
        )

    def _after(self, report: 'Report') -> None:
        self._unsettled = bool(report.unknown)
        self._hour.turn_down(report.avoid)
        if report.why:
            self._teller.tell(f'This round has ended early: {report.why}.')
        # What is said next is news again.
        self._told = []

    def _say(self, lines: Sequence[str]) -> None:
        """Tell how things are, unless they are as they were."""
        if list(lines) != self._told:
            self._told = list(lines)
            for line in lines:
                self._teller.tell(f'{now():%Y-%m-%d %H:%M:%S} {line}')
