"""All hosts in one: what no ranking can beat."""

from collections.abc import Sequence

from benchmarks.simulation import Shape
from numa_sched.topology import Host


class BigHost:
    """One host with all CPUs and all memory; a :class:`Cloud`.

    It has no cells, so whatever is free is of use, and schedulers know all.
    """

    NAME = 'all'

    def __init__(self, hosts: Sequence[Host]):
        """Take the hosts; what is in use of them is not free."""
        self._cpus = sum(
            cell.free.bit_count() for host in hosts for cell in host.cells
        )
        self._memory_mb = sum(
            cell.memory_free_mb for host in hosts for cell in host.cells
        )
        self._claims: dict[str, Shape] = {}

    def ranked(self, scheduler, server, shape, ignored, disabled=()):
        """Give the one host, if it has room."""
        return [self.NAME] if self._has_room(shape) else []

    def allocate(self, claim, shape, host):
        """Take CPUs and memory; whether there was enough."""
        if not self._has_room(shape):
            return False
        self._cpus -= shape.vcpus
        self._memory_mb -= shape.memory_mb
        self._claims[claim] = shape
        return True

    def chosen(self, server, host):
        """Note nothing: there is no choice."""

    def claim(self, claim, shape, host):
        """Take what is allocated already."""
        return True

    def release(self, claim):
        """Give back what was allocated under a name."""
        shape = self._claims.pop(claim)
        self._cpus += shape.vcpus
        self._memory_mb += shape.memory_mb

    def _has_room(self, shape):
        return shape.vcpus <= self._cpus and shape.memory_mb <= self._memory_mb
