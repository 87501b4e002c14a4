"""Word that is left of requests for which no host was found.

Nova tells no plugin how a request ends. What can be seen of it: request
filters are asked when it begins, filters are given the hosts that are there,
and what Nova makes of it stands in its log, at INFO.
"""

import functools
import logging as std_logging
import re
import threading
import time
import weakref
from collections.abc import Sequence
from typing import Any

import nova.conf
from oslo_log import log as logging

from numa_sched.history.refused import Filtered, Refused, dumps, told_of
from numa_sched.history.ring import Ring
from numa_sched.nova.scheduler.asked import Asked
from numa_sched.nova.scheduler.drops import Drops

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

ROUND_S = 0.5
"""How often is looked what is to be written."""

GIVEN_UP_S = 60.0
"""After how long a request of which nothing is heard is told of, unless it is
known to be over before: as Nova has let go of it, or its thread has another.
"""

MAX_OPEN = 1000
"""How many requests may have come no further, far more than ever do."""

MAX_WAITING = 100
"""How many refusals wait to be written, where that takes long."""

NO_CANDIDATES = (
    'placement gave no allocation candidates: no host has both the traits and '
    'the room asked for, or placement did not answer'
)
NOT_ASKED = (
    'no host came as far as the filters of numa_sched: all that placement '
    'gave are to be ignored, or the request failed, or takes long'
)

# Source: nova.scheduler.manager.SchedulerManager.select_destinations
_NO_CANDIDATES = re.compile('Got no allocation candidates')
# Source: nova.filters.BaseFilterHandler.get_filtered_objects
_NONE_LEFT = re.compile(
    "Filtering removed all hosts .* instance ID '(.*?)'.*Filter results:(.*)"
)
_FILTERED = re.compile(r'(\w+): \(start: (\d+), end: (\d+)\)')
LOGGERS = 'nova.scheduler.manager', 'nova.filters'


class _Case:
    """One request, and what came of it so far."""

    def __init__(self, request_spec):
        # Nova gives the same object to all that it asks about a request.
        self.request = weakref.ref(request_spec)
        self.asked = Asked(request_spec)
        self.when = time.time()
        self.why: str | None = None
        self.turn_to(request_spec.instance_uuid)

    def turn_to(self, server: str) -> None:
        """Begin with a server of those that are asked for."""
        self.server = server
        self.asked_of: set[str] = set()
        self.drops: list[Drops] = []
        self.is_placed = False
        self.filtered_by: tuple[Filtered, ...] = ()

    def filtered(self, name: str, drops: Drops, left: Sequence[Any]) -> bool:
        """Note what a filter has left over; give whether that is the end."""
        if name in self.asked_of:
            # Nova looks for alternates once all servers have a host.
            self.is_placed = True
        if self.is_placed:
            return False
        self.asked_of.add(name)
        self.drops.append(drops)
        return not left and self.refused(f'{name} left no host')

    def none_left(self, server: str, by: tuple[Filtered, ...]) -> bool:
        """Note what Nova says of all filters; give whether that is the end."""
        if server != self.server:
            self.turn_to(server)
        if self.is_placed or self.asked_of - {each.name for each in by}:
            return False  # alternates again, and no host came to ours
        self.filtered_by = by
        if self.why is not None or not self.asked.is_filtered or not by:
            return False
        return self.refused(f'{by[-1].name} left no host')

    def refused(self, why: str) -> bool:
        """Note that it has come to an end."""
        self.why, self.when = why, time.time()
        return True

    def told(self) -> Refused:
        """Give what is to be told."""
        asked = self.asked
        groups, hosts = told_of(
            (each for drops in self.drops for each in drops.explained()),
            sum(drops.more for drops in self.drops),
        )
        return Refused(
            server=self.server,
            when=self.when,
            why=self.why or NOT_ASKED,
            first=asked.server,
            project=asked.project,
            flavor=asked.flavor,
            wanted=asked.wanted(),
            filters=self.filtered_by,
            groups=groups,
            hosts=hosts,
        )


def _harmless(hook):
    """Have a hook do nothing if the option is off, and never fail."""

    @functools.wraps(hook)
    def called(self, *args):
        try:
            if CONF.numa_sched.refusals_file:
                hook(self, *args)
        except Exception as error:
            self._warn_of(error)

    return called


class Word:
    """What a worker knows of its requests, and leaves of those refused.

    Hooks only take note. What is to be told is worked out and written by a
    thread of its own, which begins with the first request.
    """

    def __init__(self) -> None:
        """Begin with no request."""
        self._lock = threading.Lock()
        self._this_thread = threading.local()
        # Of which no filter of ours was asked yet.
        self._open: dict[int, _Case] = {}
        self._over: list[_Case] = []
        self._thread: threading.Thread | None = None
        self._ring: Ring | None = None
        self._trouble: str | None = None

    @_harmless
    def begin(self, request_spec) -> None:
        """Take note of a request; the last one of this thread is over."""
        case = self._new_case(request_spec)
        if case.asked.is_filtered:
            with self._lock:
                self._open[id(case)] = case
                if len(self._open) > MAX_OPEN:
                    del self._open[next(iter(self._open))]
                self._start()

    @_harmless
    def filtered(
        self, request_spec, name: str, drops: Drops, left: Sequence[Any]
    ) -> None:
        """Take note of the hosts that a filter has dropped and left over."""
        case = self._case(request_spec)
        if case.server != request_spec.instance_uuid:
            case.turn_to(request_spec.instance_uuid)
        self._settle(case, is_over=case.filtered(name, drops, left))

    @_harmless
    def refused(self, request_spec, why: str) -> None:
        """Take note that a request is refused."""
        case = self._case(request_spec)
        self._settle(case, is_over=case.refused(why))

    @_harmless
    def heard(self, message: str) -> None:
        """Take note of what Nova logs about the request of this thread."""
        case = self._last_case()
        if case is None or (request_spec := case.request()) is None:
            return
        if _NO_CANDIDATES.match(message):
            self._settle(case, is_over=case.refused(NO_CANDIDATES))
        told = _NONE_LEFT.match(message)
        if told and told[1] == request_spec.instance_uuid:
            by = tuple(
                Filtered(name, int(hosts), int(left))
                for name, hosts, left in _FILTERED.findall(told[2])
            )
            self._settle(case, is_over=case.none_left(told[1], by))

    def _last_case(self) -> _Case | None:
        """Give that of this thread."""
        return getattr(self._this_thread, 'case', None)

    def _case(self, request_spec) -> _Case:
        case = self._last_case()
        if case is None or case.request() is not request_spec:
            case = self._new_case(request_spec)
        return case

    def _new_case(self, request_spec) -> _Case:
        with self._lock:
            before = self._open.pop(id(self._last_case()), None)
        if before is not None:
            self._settle(before, is_over=True)
        self._this_thread.case = None
        case = self._this_thread.case = _Case(request_spec)
        return case

    def _settle(self, case: _Case, *, is_over: bool) -> None:
        with self._lock:
            self._open.pop(id(case), None)
            if is_over:
                self._over.append(case)
                del self._over[:-MAX_WAITING]
                self._start()

    def _start(self) -> None:
        # Once: to start one takes longer than all the rest. It does not
        # survive a fork.
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(
                target=self._work, name='numa_sched word', daemon=True
            )
            self._thread.start()

    def _work(self) -> None:
        while self._thread is threading.current_thread():
            time.sleep(ROUND_S)
            self.round()

    def round(self) -> None:
        """Write what is to be told of the requests that are over by now."""
        given_up = time.time() - GIVEN_UP_S
        with self._lock:
            over, self._over = self._over, []
            for key, case in list(self._open.items()):
                if case.request() is None or case.when < given_up:
                    over.append(self._open.pop(key))
        for case in over:
            try:
                self._write(case.told())
            except Exception as error:
                self._warn_of(error)

    def _write(self, told: Refused) -> None:
        if self._ring is None:
            options = CONF.numa_sched
            self._ring = Ring(options.refusals_file, options.refusals_kept)
        self._ring.add(dumps(told))
        if self._trouble is not None:
            self._trouble = None
            LOG.info('Requests that find no host are written down again')

    def _warn_of(self, error: Exception) -> None:
        """Warn of what is wrong, once until it changes."""
        trouble = f'{type(error).__name__}: {error}'
        if trouble != self._trouble:
            self._trouble = trouble
            LOG.warning(
                'Requests that find no host cannot be written down '
                '(%(trouble)s). See [numa_sched] refusals_file.',
                {'trouble': trouble},
                exc_info=not isinstance(error, OSError),
            )


class Listener(std_logging.Handler):
    """Hears what Nova logs about requests that find no host."""

    def __init__(self, word: Word | None = None):
        """Take a ``Word``, that of this process if none is given."""
        super().__init__(std_logging.INFO)
        self._word = word or of_this_process()

    def emit(self, record: std_logging.LogRecord) -> None:
        """Hear a record."""
        self._word.heard(str(record.msg))


@functools.cache
def of_this_process() -> Word:
    """Give what filters and request filters share."""
    return Word()


def listen() -> None:
    """Hear from now on what Nova logs, if the option is set."""
    if not CONF.numa_sched.refusals_file:
        return
    for name in LOGGERS:
        logger = std_logging.getLogger(name)
        if not any(isinstance(each, Listener) for each in logger.handlers):
            logger.addHandler(Listener())


def begin(context, request_spec) -> bool:
    """Take note of a request, for the case that it finds no host.

    A request filter, because Nova runs these at the start of every request
    but a rebuild.

    :returns: False, as nothing is asked of placement
    """
    of_this_process().begin(request_spec)
    return False
