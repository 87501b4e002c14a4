"""The numbers of many hosts as one array."""

from collections.abc import Sequence

import numpy

from numa_sched.topology import Host


class Table:
    """What hosts of one form have, and what is in use of it.

    ``numbers`` are whole and not negative, in a row for each host.
    """

    def __init__(self, hosts: Sequence[Host], kind: type):
        """Take at least one host; all of one form.

        :param kind: of numbers, as NumPy names it
        """
        packed = b''.join([host.packed for host in hosts])
        rows = numpy.frombuffer(packed, numpy.uint64)
        self.numbers = rows.reshape(len(hosts), -1).astype(kind)
        self._columns = hosts[0].layout.form.columns

    def __getitem__(self, name: str) -> numpy.ndarray:
        """Give a column of the hosts; of ``pinned``, how many CPUs.

        It has a row for each host and there what the host has in that column.
        """
        return self.numbers[:, self._columns[name]]
