"""Nova: its configuration without us and with us, and its processes."""

import pathlib
import shutil
import sys

from tests.services import compute, readme
from tests.services.common import (
    CREDENTIALS,
    PORTS,
    QUEUE,
    database_url,
    token_settings,
    write,
)
from tests.services.processes import BIN, HERE, Process, run, served

ROOT = pathlib.Path(__file__).parents[2]
STOCK_PASTE = pathlib.Path(sys.prefix, 'etc/nova/api-paste.ini')
SCHEDULERS = ('scheduler1', 'scheduler2')
# A machine that has much to do is slow, and nothing is down.
DOWN_SECONDS = 180
# Native threads, in which the newest Nova is tested.
THREADS = {'OS_NOVA_DISABLE_EVENTLET_PATCHING': 'true'}
# Services run what was installed; the checkout comes after that.
COMPUTE = (
    f'import sys; sys.path.append({str(ROOT)!r}); '
    'from tests.services import compute; compute.main()'
)


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
    """The processes of Nova; ``become`` says with which configuration."""

    def __init__(self, directory):
        self.directory = directory
        self.home = directory / 'nova'
        self.refusals = self.home / 'refusals'
        self.conf = self.home / 'nova.conf'
        self._hosts = {
            host: directory / host / 'nova.conf' for host in compute.HOSTS
        }
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
            self._process(name, BIN / 'nova-scheduler') for name in SCHEDULERS
        ]
        self.computes = [self._compute(host) for host in compute.HOSTS]

    @property
    def processes(self):
        """Give all of them."""
        return [self.api, self.conductor, *self.schedulers, *self.computes]

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
            host,
            *(sys.executable, '-P', '-c', COMPUTE, host),
            *('--config-file', self._hosts[host]),
            directory=self.directory,
            **{compute.SHARED: str(self.directory / 'shared')},
            **THREADS,
        )

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
        for name in ('conductor', *SCHEDULERS):
            write(self.home / f'{name}.conf', {'DEFAULT': {'host': name}})
        (self.directory / 'shared').mkdir(exist_ok=True)
        (self.directory / 'instances').mkdir(exist_ok=True)
        for host, path in self._hosts.items():
            settings = _settings(self.directory)
            settings['DEFAULT'] |= {
                'host': host,
                'state_path': path.parent,
                'compute_driver': 'libvirt.LibvirtDriver',
            }
            dedicated, shared = compute.cpu_sets(host)
            settings['compute'] = {
                'cpu_dedicated_set': _listed(dedicated),
                'cpu_shared_set': _listed(shared),
            }
            write(path, settings)
        paste = self.home / 'api-paste.ini'
        shutil.copy(STOCK_PASTE, paste)
        if not ours:
            _append(self.conf, stock_scheduler())
            return
        _append(self.conf, readme.scheduler())
        _append(self.conf, readme.refusals(self.refusals))
        for path in self._hosts.values():
            _append(path, readme.compute())
        run('sh', '-ec', readme.paste_edit(paste), directory=self.home)
        _append(paste, readme.paste_filter())


def _append(path, text):
    with path.open('a') as file:
        file.write(f'\n{text}\n')


def _listed(cpus):
    return ','.join(map(str, sorted(cpus)))
