"""Nova: its configuration without us and with us, and its processes."""

import pathlib
import shutil
import sys

from tests.services import readme
from tests.services.common import (
    CREDENTIALS,
    PORTS,
    QUEUE,
    database_url,
    token_settings,
    write,
)
from tests.services.processes import BIN, HERE, Process, run, served

STOCK_PASTE = pathlib.Path(sys.prefix, 'etc/nova/api-paste.ini')
# A machine that has much to do is slow, and nothing is down.
DOWN_SECONDS = 180
# Native threads, in which the newest Nova is tested.
THREADS = {'OS_NOVA_DISABLE_EVENTLET_PATCHING': 'true'}


def _settings(directory):
    """Give what every nova.conf says."""
    home = directory / 'nova'
    credentials = {**CREDENTIALS, 'valid_interfaces': 'public'}
    return {
        'DEFAULT': {
            'transport_url': QUEUE,
            'my_ip': HERE,
            'state_path': home,
            'instances_path': directory / 'instances',
            'service_down_time': DOWN_SECONDS,
        },
        'api_database': {'connection': database_url('nova_api')},
        'database': {'connection': database_url('nova')},
        'keystone_authtoken': token_settings(),
        'placement': credentials,
        'glance': credentials,
        'neutron': credentials,
        'oslo_concurrency': {'lock_path': home / 'locks'},
        'conductor': {'workers': 1},
        'scheduler': {'workers': 1},
        'quota': {'cores': -1, 'ram': -1, 'instances': -1},
    }


def stock_scheduler():
    """Give what nova.conf of nova-scheduler says without us.

    With the filter that the README has ours stand in the place of.
    """
    lines = []
    for line in readme.scheduler().splitlines():
        name, _, value = line.partition(' = ')
        if name == 'enabled_filters':
            value = value.replace('NUMAFitFilter', 'NUMATopologyFilter')
            value = value.removesuffix(',MigrationDestinationFilter')
            line = f'{name} = {value}'
        if line.startswith('[') or name == 'enabled_filters':
            lines.append(line)
    return '\n'.join(lines)


class Nova:
    """The processes of Nova; ``configure`` says how they are to be.

    :param hosts: those that run nova-compute
    :param schedulers: how many there are
    """

    def __init__(self, directory, hosts, schedulers):
        self.directory = directory
        self.hosts = {host.name: host for host in hosts}
        self.scheduler_names = [
            f'scheduler{number}' for number in range(1, schedulers + 1)
        ]
        self.home = directory / 'nova'
        self.refusals = self.home / 'refusals'
        self.conf = self.home / 'nova.conf'
        self.api = served(
            'nova-api',
            'nova.wsgi.osapi_compute',
            PORTS['nova'],
            directory=directory,
            processes=2,
            OS_NOVA_CONFIG_DIR=str(self.home),
            **THREADS,
        )
        self.conductor = self._process('conductor', BIN / 'nova-conductor')
        self.schedulers = [
            self._process(name, BIN / 'nova-scheduler')
            for name in self.scheduler_names
        ]
        self.computes = [self._compute(host) for host in hosts]

    @property
    def controllers(self):
        """Give those that are not on a host."""
        return [self.api, self.conductor, *self.schedulers]

    @property
    def processes(self):
        """Give all of them."""
        return [*self.controllers, *self.computes]

    def _process(self, name, *command):
        return Process(
            name,
            *(*command, '--config-file', self.conf),
            *('--config-file', self.home / f'{name}.conf'),
            directory=self.directory,
            **THREADS,
        )

    def _compute(self, host):
        return Process(
            host.name,
            *(*host.command, '--config-file', self._conf_of(host)),
            directory=self.directory,
        )

    def environment_of(self, host):
        """Give what nova-compute of a host needs in its environment."""
        return THREADS | host.environment

    def _conf_of(self, host):
        """Give where the nova.conf of a host is."""
        return self.directory / host.name / 'nova.conf'

    def manage(self, *arguments):
        """Run nova-manage, and give what it prints."""
        return run(
            *(BIN / 'nova-manage', '--config-file', self.conf, *arguments),
            directory=self.directory,
            **THREADS,
        )

    def make_databases(self):
        """Have the tables made, and one cell."""
        self.configure(ours=False)
        self.manage('api_db', 'sync')
        self.manage(
            *('cell_v2', 'map_cell0', '--database_connection'),
            database_url('nova_cell0'),
        )
        self.manage('db', 'sync')
        self.manage('cell_v2', 'create_cell', '--name=cell1')

    def configure(self, *, ours):
        """Write all configuration files, as the README says or without us."""
        write(self.conf, _settings(self.directory))
        for name in ('conductor', *self.scheduler_names):
            write(self.home / f'{name}.conf', {'DEFAULT': {'host': name}})
        (self.directory / 'instances').mkdir(exist_ok=True)
        for host in self.hosts.values():
            self.configure_host(host, ours=ours)
        paste = self.home / 'api-paste.ini'
        shutil.copy(STOCK_PASTE, paste)
        if not ours:
            _append(self.conf, stock_scheduler())
            return
        _append(self.conf, readme.scheduler())
        _append(self.conf, readme.refusals(self.refusals))
        run('sh', '-ec', readme.paste_edit(paste), directory=self.home)
        _append(paste, readme.paste_filter())

    def configure_host(self, host, *, ours):
        """Write the nova.conf of a host."""
        path = self._conf_of(host)
        settings = _settings(self.directory)
        settings['DEFAULT'] |= {
            'host': host.name,
            'state_path': path.parent,
            'compute_driver': 'libvirt.LibvirtDriver',
        }
        # nova-compute asks the conductor.
        del settings['api_database'], settings['database']
        for section, options in host.settings().items():
            settings[section] = settings.get(section, {}) | options
        write(path, settings)
        if ours and host.runs_ours:
            _append(path, readme.compute())


def _append(path, text):
    with path.open('a') as file:
        file.write(f'\n{text}\n')
