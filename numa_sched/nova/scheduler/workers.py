"""How many scheduler workers there are."""

import functools
import threading
import time
from collections.abc import Callable

import nova.conf
from nova import context as nova_context
from nova import objects, servicegroup
from oslo_concurrency import processutils
from oslo_log import log as logging

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)

REFRESH_S = 600.0


class Workers:
    """How many workers share the requests, learned once in a while.

    Looked up in a thread of its own: no request waits for it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        """Begin with the workers of this host."""
        self._clock = clock
        self._hosts = 1
        self._looked: float | None = None
        self._lock = threading.Lock()

    def count(self) -> int:
        """Give the number of workers, this one included."""
        if CONF.numa_sched.scheduler_workers:
            return CONF.numa_sched.scheduler_workers
        self._refresh()
        # As nova.cmd.scheduler has it, and taken to be so on all hosts.
        return self._hosts * (
            CONF.scheduler.workers or processutils.get_worker_count()
        )

    def _refresh(self) -> None:
        with self._lock:
            now = self._clock()
            if self._looked is not None and now - self._looked < REFRESH_S:
                return
            self._looked = now
        threading.Thread(
            target=self._look, name='numa_sched workers', daemon=True
        ).start()

    def _look(self) -> None:
        try:
            self._hosts = max(_hosts_alive(), 1)
        except Exception as error:
            LOG.debug(
                'How many nova-scheduler are alive cannot be read, %(hosts)d '
                'is taken for it: %(error)s',
                {'hosts': self._hosts, 'error': error},
            )


def _hosts_alive() -> int:
    """Give on how many hosts nova-scheduler is up, by their heartbeats."""
    services = objects.ServiceList.get_by_binary(
        nova_context.get_admin_context(), 'nova-scheduler'
    )
    up = servicegroup.API().service_is_up
    return sum(map(up, services))


@functools.cache
def of_this_process() -> Workers:
    """Give what this worker has learned."""
    return Workers()
