"""What a request asks for, in words that are made when they are wanted."""

from typing import Any

import nova.conf

from numa_sched.exceptions import TopologyError
from numa_sched.history.refused import describe_cells
from numa_sched.nova import convert

CONF = nova.conf.CONF

OUR_FILTERS = {'NUMAFitFilter', 'MigrationDestinationFilter'}
MOST_HOSTS = 10


class Asked:
    """Parts of a request, which itself goes when it is over.

    Request filters that come later change them, which shows here.
    """

    def __init__(self, request_spec):
        """Take what is there; that costs nothing worth speaking of."""
        self.server = request_spec.instance_uuid
        self.project = _field(request_spec, 'project_id') or ''
        self._flavor = request_spec.flavor
        self._topology = request_spec.numa_topology
        self._devices = convert.pci_requests(request_spec)
        self._required = request_spec.root_required
        self._forbidden = request_spec.root_forbidden
        self._zone = _field(request_spec, 'availability_zone')
        self._destination = _field(request_spec, 'requested_destination')
        self._forced = _field(request_spec, 'force_hosts') or _field(
            request_spec, 'force_nodes'
        )
        self._ignored = tuple(_field(request_spec, 'ignore_hosts') or ())
        self._servers = _field(request_spec, 'num_instances') or 1

    @property
    def flavor(self) -> str:
        """The name of the flavor."""
        return _field(self._flavor, 'name') or ''

    @property
    def is_filtered(self) -> bool:
        """Whether one of our filters is asked if any host is there.

        Where an administrator forces a host, Nova asks none.
        """
        enabled = CONF.filter_scheduler.enabled_filters
        return not self._forced and not OUR_FILTERS.isdisjoint(enabled)

    def wanted(self) -> tuple[str, ...]:
        """Give what is wanted, a line each."""
        told = [f'{self._flavor.vcpus} CPUs, {self._flavor.memory_mb} MiB']
        if self._topology:
            told.append(self._cells())
        devices = sum(each.count for each in self._devices)
        if devices:
            told.append(f'PCI devices: {devices}')
        told += [f'trait {each}' for each in sorted(self._required)]
        told += [f'no trait {each}' for each in sorted(self._forbidden)]
        if self._zone:
            told.append(f'zone {self._zone}')
        host = self._destination and _field(self._destination, 'host')
        if host:
            told.append(f'host {host}')
        if self._ignored:
            told.append(f'not on {_listed(self._ignored)}')
        if self._servers > 1:
            told.append(f'{self._servers} servers at once')
        return tuple(told)

    def _cells(self) -> str:
        try:
            return describe_cells(convert.guest_cells(self._topology))
        except TopologyError as error:
            return f'NUMA cells that make no sense: {error}'


def _field(thing, name: str) -> Any:
    return getattr(thing, name) if name in thing else None


def _listed(hosts) -> str:
    told = ', '.join(hosts[:MOST_HOSTS])
    more = len(hosts) - MOST_HOSTS
    return f'{told} and {more} more' if more > 0 else told
