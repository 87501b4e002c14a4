"""What the checks read: databases and placement, read-only."""

import functools

from nova import config as nova_config
from nova import context as nova_context
from nova import objects, utils
from nova.conf import CONF
from nova.db.api import api as api_db_api
from nova.db.main import api as main_db_api
from nova.objects import fields
from oslo_config import cfg
from oslo_messaging import opts as messaging

from numa_sched import policy
from numa_sched.nova.status.findings import first_line
from numa_sched.nova.status.hosts import Compute

BINARY = 'nova-compute'
TRAITS_VERSION = 'placement 1.18'


class UnreadableError(Exception):
    """Something cannot be read; the message says what, in one line."""


class Cloud:
    """The databases and placement, each read once, when it is asked for."""

    def configure(self) -> None:
        """Have Nova use the databases that ``nova.conf`` names."""
        for group in ('database', 'api_database'):
            # An answer that it is not there is wanted now, and not after
            # the ten attempts that a service makes.
            for name, value in (('max_retries', 0), ('retry_interval', 0)):
                try:
                    CONF.set_override(name, value, group=group)
                except cfg.NoSuchOptError:
                    continue
        # Of the queue: the mappings of cells may be made of it.
        for group, options in messaging.list_opts():
            if group in (None, 'DEFAULT'):
                CONF.register_opts(options)
        # Where osprofiler is, Nova's databases have it watch them if asked to.
        if nova_config.profiler:
            nova_config.profiler.set_defaults(CONF)
        main_db_api.configure(CONF)
        api_db_api.configure(CONF)
        objects.register_all()

    @functools.cached_property
    def _hosts(self) -> tuple[list[Compute], dict[str, int]]:
        """Give the hosts, and the version of nova-compute on each."""
        context = nova_context.get_admin_context()
        computes: list[Compute] = []
        versions: dict[str, int] = {}
        for cell in _read(
            'the API database', objects.CellMappingList.get_all, context
        ):
            if cell.is_cell0():
                continue
            where = f'the database of cell {cell.name or cell.uuid}'
            services, nodes = _read(where, _hosts_of, context, cell)
            versions |= {each.host: each.version for each in services}
            computes += [
                Compute(
                    each.hypervisor_hostname,
                    each.uuid,
                    (each.hypervisor_type or '').lower() == fields.HVType.QEMU,
                )
                for each in nodes
            ]
        return computes, versions

    @property
    def computes(self) -> list[Compute]:
        """The hosts of all cells.

        :raises UnreadableError: if a database cannot be read
        """
        return self._hosts[0]

    @property
    def versions(self) -> dict[str, int]:
        """The service version of nova-compute, by host.

        :raises UnreadableError: if a database cannot be read
        """
        return self._hosts[1]

    @functools.cached_property
    def having(self) -> dict[str, set[str]]:
        """The uuids of the providers that have a trait, by trait.

        :raises UnreadableError: if placement cannot be read
        """
        return {
            wish.trait: _read('placement', _providers_with, wish.trait)
            for wish in policy.WISHES
        }


def _hosts_of(context, cell):
    # Its queue is left alone, and need not be there.
    cell.transport_url = 'none://'
    with nova_context.target_cell(context, cell) as targeted:
        return (
            objects.ServiceList.get_by_binary(
                targeted, BINARY, include_disabled=True
            ),
            objects.ComputeNodeList.get_all(targeted),
        )


def _providers_with(trait):
    placement = utils.get_ksa_adapter('placement')
    answer = placement.get(
        f'/resource_providers?required={trait}',
        headers={'OpenStack-API-Version': TRAITS_VERSION},
        raise_exc=True,
    )
    return {each['uuid'] for each in answer.json()['resource_providers']}


def _read(what, function, *args, **kwargs):
    try:
        return function(*args, **kwargs)
    except Exception as error:
        raise UnreadableError(f'{what}: {first_line(error)}') from error
