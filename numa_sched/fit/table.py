"""The numbers of many hosts as one array."""

from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy
from numpy.typing import NDArray

from numa_sched.topology import Host

Floats = NDArray[numpy.float64]
Ints = NDArray[numpy.int64]
Flags = NDArray[numpy.bool_]

Number = TypeVar('Number', numpy.float64, numpy.int64)


class Table(Generic[Number]):
    """What hosts of one form have, and what is in use of it.

    ``numbers`` are whole and not negative, in a row for each host.
    """

    def __init__(self, hosts: Sequence[Host], kind: type[Number]):
        """Take at least one host; all of one form.

        :param kind: of numbers, as NumPy names it
        """
        packed = b''.join([host.packed for host in hosts])
        rows = numpy.frombuffer(packed, numpy.uint64)
        table = rows.reshape(len(hosts), -1)
        self.numbers: NDArray[Number] = table.astype(kind)
        self._columns = hosts[0].layout.form.columns

    def __getitem__(self, name: str) -> NDArray[Number]:
        """Give a column of the hosts; of ``pinned``, how many CPUs.

        It has a row for each host and there what the host has in that column.
        """
        return self.numbers[:, self._columns[name]]
