"""What is known of hosts between requests.

Nova reads all host rows anew at every request and parses their topologies, so
objects are never the same twice. A host is taken for unchanged if its row is:
same time of update, same totals, same release of nova-compute. Times in a
database may count whole seconds only, so a row that was read soon after its
update may change once more without showing it. Such a host is converted again
and compared.

Where topologies are left unread (:mod:`numa_sched.nova.unread`) there is no
need to guess: a host is unchanged if the text is, and the little else that a
host is made of.
"""

import datetime
import re
import time
import weakref
from collections.abc import Callable
from typing import Any

from oslo_log import log as logging

from numa_sched.exceptions import TopologyError
from numa_sched.fit import Placer
from numa_sched.fit.claim import Claim
from numa_sched.nova import convert, releases, unread
from numa_sched.score import Strategy
from numa_sched.topology import Guest, Host

LOG = logging.getLogger(__name__)

# Longer than a database rounds and clocks of two hosts differ.
SETTLED_AFTER_SECONDS = 60
# A host that nobody asks for any more is forgotten after a while.
FORGOTTEN_AFTER_SECONDS = 3600
MAX_HOSTS = 100_000
MAX_GUESTS = 64
MAX_VERDICTS_PER_HOST = 4


def _drop_oldest(kept):
    """Drop the first entry of a dict that other threads may be changing."""
    oldest, *_ = kept.copy()
    kept.pop(oldest, None)


class Verdict:
    """What came of one guest on one host; ``claim`` is None if nothing.

    ``score`` is worth what ``scored_by`` is: nothing before there is one.
    """

    __slots__ = ('claim', 'score', 'scored_by')

    def __init__(self, claim: Claim | None):
        self.claim = claim
        self.score = 0.0
        self.scored_by: Strategy | None = None


Chosen = tuple[tuple[str, ...], ...] | None
"""For each request for devices the providers that placement has chosen."""

Asked = Placer | tuple[Placer, Chosen]
"""What there may be a verdict on: a guest, one with devices as chosen."""


class View:
    """One host as a value, and the verdicts about guests on it.

    ``error`` tells why there is no value, if the host's data make no sense.
    These are words: an exception would keep all that it was raised over.
    """

    __slots__ = (
        '_warned',
        'error',
        'host',
        'key',
        'read_from',
        'seen',
        'settled',
        'verdicts',
    )

    def __init__(self, key, host: Host | None, error: str | None):
        self.key, self.host, self.error = key, host, error
        self.verdicts: dict[Asked, Verdict] = {}
        self.settled = self._warned = False
        self.seen = 0.0
        # Refers to the host state last looked at.
        self.read_from: weakref.ref[Any] | None = None

    def warn(self) -> bool:
        """Whether to warn of the host: once, until its row has changed."""
        first, self._warned = not self._warned, True
        return first

    def verdict(self, placer: Placer) -> Verdict:
        """Give what comes of a guest on this host."""
        verdict = self.verdicts.pop(placer, None)
        if verdict is None:
            claim = None if self.host is None else placer.place(self.host)
            return self.keep(placer, claim)
        # The one asked for least lately stands first, and goes first.
        self.verdicts[placer] = verdict
        return verdict

    def keep(self, asked: Asked, claim: Claim | None) -> Verdict:
        """Give the verdict, newly made, that a guest's claim leads to."""
        while len(self.verdicts) >= MAX_VERDICTS_PER_HOST:
            _drop_oldest(self.verdicts)
        verdict = self.verdicts[asked] = Verdict(claim)
        return verdict


class Views:
    """The views of all hosts that a scheduler worker has seen lately."""

    def __init__(self, clock: Callable[[], float] = time.time):
        self._clock = clock
        self._views: dict[object, View] = {}
        self._placers: dict[tuple[Guest, bool], Placer] = {}
        self._swept = clock()

    def __len__(self):
        return len(self._views)

    def placer(self, guest: Guest, *, packing: bool) -> Placer:
        """Give the placer of a guest, the same one for equal guests."""
        key = guest, packing
        placer = self._placers.pop(key, None) or Placer(guest, packing=packing)
        # The one asked for least lately stands first, and goes first.
        self._placers[key] = placer
        while len(self._placers) > MAX_GUESTS:
            _drop_oldest(self._placers)
        return placer

    def begin(self) -> float:
        """Give the time of a request, having forgotten what is too old."""
        now = self._clock()
        if (
            now - self._swept > FORGOTTEN_AFTER_SECONDS
            or len(self._views) > MAX_HOSTS
        ):
            self._swept = now
            oldest = now - FORGOTTEN_AFTER_SECONDS
            kept = {
                name: view
                for name, view in self._views.copy().items()
                if view.seen >= oldest
            }
            while len(kept) > MAX_HOSTS:
                kept.pop(next(iter(kept)))
            self._views = kept
        return now

    def of(self, host_state, now: float) -> View:
        """Give the view of a host state, at the time of the request."""
        name = host_state.uuid or (host_state.host, host_state.nodename)
        text = unread.text_of(host_state.numa_topology)
        if text is not None:
            return self._of_text(name, text, host_state, now)
        updated = host_state.updated
        key = (
            updated if isinstance(updated, datetime.datetime) else None,
            host_state.vcpus_used,
            host_state.free_ram_mb,
            host_state.num_instances,
            releases.service_version(host_state),
        )
        view = self._views.get(name)
        if view is None or view.key != key or not view.settled:
            view = self._look(host_state, key, view, now)
            self._views[name] = view
        view.seen = now
        return view

    def _of_text(self, name, text: str, host_state, now: float) -> View:
        pci_stats = host_state.pci_stats
        key = (
            text,
            host_state.host,
            host_state.cpu_allocation_ratio,
            host_state.ram_allocation_ratio,
            releases.service_version(host_state),
            # Copies: Nova counts down those of a host that it has chosen.
            list(map(dict, pci_stats.pools)) if pci_stats else None,
        )
        view = self._views.get(name)
        if view is None or view.key != key:
            view = View(key, *_converted(host_state))
            self._views[name] = view
        view.seen = now
        return view

    def _look(self, host_state, key, known: View | None, now: float) -> View:
        host, error = _converted(host_state)
        seconds = 0.0
        if error is None:
            try:
                seconds = _seconds_since_update(host_state, now)
            except TopologyError as bad:
                host, error = None, _words(bad)
        if (
            known is not None
            and known.key == key
            and known.host == host
            and known.error == error
        ):
            view = known
        else:
            view = View(key, host, error)
        # Only a row that was read late enough can be trusted, and a host state
        # that was here before was read before.
        view.settled = (
            view.read_from is None or view.read_from() is not host_state
        ) and seconds > SETTLED_AFTER_SECONDS
        view.read_from = None if view.settled else weakref.ref(host_state)
        return view


def _converted(host_state) -> tuple[Host | None, str | None]:
    """Give a host state as a value, and what is wrong if it makes no sense."""
    try:
        return convert.host(host_state), None
    except Exception as bad:
        LOG.debug(
            'Host %(host)s, node %(node)s makes no sense',
            {'host': host_state.host, 'node': host_state.nodename},
            exc_info=True,
        )
        return None, _words(bad)


def _seconds_since_update(host_state, now: float) -> float:
    """Give how old a row is; 0.0 if that is not told."""
    updated = host_state.updated
    if updated is None:
        return 0.0
    if not isinstance(updated, datetime.datetime):
        raise TopologyError(f'it was updated at {updated!r}, which is no time')
    return now - updated.timestamp()


def _words(error: Exception) -> str:
    """Give what an error says; the same again of the same data."""
    words = str(error)
    if not isinstance(error, TopologyError):
        words = f'{type(error).__name__}: {words}'
    return _ADDRESS.sub('', words)


_ADDRESS = re.compile(r' at 0x[0-9a-f]+')


VIEWS = Views()
"""Those of this process, shared by filter and weigher."""
