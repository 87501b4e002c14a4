"""The memory of refusals of a scheduler worker."""

import functools
import time
from collections.abc import Callable

import nova.conf
from oslo_log import log as logging

from numa_sched.history.refusals import Refusals

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)


class Memory:
    """What a worker remembers: a request filter writes, the weigher reads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        """Begin without any refusal; ``clock`` gives the time in seconds."""
        self.refusals, self.clock = Refusals(), clock

    def note(self, context, request_spec) -> bool:
        """Take note of the hosts that have refused a server.

        A request filter, because Nova runs these once for every request:
        weighers are not asked where one host is left or none, and that a host
        has refused is to be known to the servers that come next even then.

        :returns: False, as nothing is asked of placement
        """
        if not CONF.numa_sched.refusal_penalty:
            return False
        ignored = 'ignore_hosts' in request_spec and request_spec.ignore_hosts
        server = request_spec.instance_uuid
        project = 'project_id' in request_spec and request_spec.project_id
        for host in self.refusals.note(
            server, ignored or (), self.clock(), project or None
        ):
            LOG.debug(
                'Host %(host)s has refused server %(server)s, and is trusted '
                'less for a while',
                {'host': host, 'server': server},
            )
        return False

    def trust_now(self) -> Callable[[str], float]:
        """Give what tells the trust in a host, from 0.0 to 1.0, by now."""
        return functools.partial(
            self.refusals.trust,
            now=self.clock(),
            penalty=CONF.numa_sched.refusal_penalty,
            half_life=CONF.numa_sched.refusal_half_life,
        )


@functools.cache
def of_this_process() -> Memory:
    """Give the memory that request filter and weigher share."""
    return Memory()


def note_refusals(context, request_spec) -> bool:
    """Take note of the hosts that have refused a server; ask for nothing.

    The request filter of this process; see :meth:`Memory.note`.
    """
    return of_this_process().note(context, request_spec)
