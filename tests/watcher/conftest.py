from tests.functional import conftest as functional  # isort: skip

import sys
from pathlib import Path

import pytest

from tests.cloud import loopback, machines, on_disk
from tests.watcher import client

cloud, option = functional.cloud, functional.option
_clean, _directory = functional._clean, functional._directory

PROGRAM = Path(sys.executable).with_name('numa-sched')


@pytest.fixture(scope='module', autouse=True)
def _hosts(cloud):
    # As many as some plans here have leave a host at the same time.
    cloud.flags(max_concurrent_live_migrations=2)
    machines.add_three(cloud)


@pytest.fixture(scope='module')
def api(cloud):
    """The API of Nova over HTTP."""
    with loopback.of_cloud(cloud) as running:
        yield running


@pytest.fixture(scope='module')
def databases(tmp_path_factory):
    return tmp_path_factory.mktemp('databases')


@pytest.fixture(scope='module')
def engine(cloud, api, databases, tmp_path_factory):
    """Watcher beside the cloud, as the page has it set up."""
    directory = tmp_path_factory.mktemp('watcher')
    log = directory / 'log'
    on_disk.copy_databases(databases)
    nova = on_disk.configuration(cloud, api, databases)
    nova = nova.write(directory / 'nova.conf')
    command = f'{PROGRAM} snapshot - --config-file {nova}'
    watcher = on_disk.Configuration(
        {
            'DEFAULT': {
                'transport_url': 'fake:/',
                'enable_authentication': False,
                'host': 'here',
                'log_file': log,
            },
            'database': {
                'connection': f'sqlite:///{directory}/watcher.sqlite'
            },
            'watcher_clients_auth': {
                name.lower().removeprefix('os_'): value
                for name, value in api.environment.items()
                if name != 'OS_REGION_NAME'
            },
            'collector': {'collector_plugins': ''},
            # What has been done is to stay so even then.
            'watcher_applier': {'rollback_when_actionplan_failed': True},
            'watcher_workflow_engines.taskflow': {'max_workers': 4},
            'nova': {'migration_interval': 0.1, 'migration_max_retries': 600},
            'watcher_strategies.numa_drain': {'snapshot_command': command},
            'watcher_strategies.numa_make_room': {'snapshot_command': command},
        }
    )
    path = watcher.write(directory / 'watcher.conf')
    with client.started(path, log, directory / 'errors') as running:
        yield running


@pytest.fixture
def ask(cloud, engine, databases):
    """Have Watcher make an audit of the cloud as it is now."""

    def ask(goal, strategy, **parameters):
        cloud._run_periodics()
        on_disk.copy_databases(databases)
        return engine.audit(
            goal=goal, strategy=strategy, parameters=parameters
        )

    return ask


@pytest.fixture
def drain(ask):
    def drain(*hosts, **parameters):
        return ask(
            'numa_empty_hosts', 'numa_drain', hosts=list(hosts), **parameters
        )

    return drain


@pytest.fixture
def make_room(ask):
    def make_room(**parameters):
        return ask('numa_room', 'numa_make_room', **parameters)

    return make_room


@pytest.fixture
def enable(cloud):
    """Enable all services again."""
    yield
    for service in cloud.api.get_services(binary='nova-compute'):
        cloud.api.put_service(service['id'], {'status': 'enabled'})
