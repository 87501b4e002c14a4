"""What Nova stands on: MariaDB, RabbitMQ, Keystone, Glance and Placement."""

import configparser
import pathlib
import sys

import pymysql

from tests.services.processes import (
    BIN,
    HERE,
    Process,
    listens,
    run,
    served,
)

REGION = 'RegionOne'
PASSWORD = 'secret'
DATABASE_PORT = 3306
QUEUE_PORT = 5672
PORTS = {
    'keystone': 5000,
    'placement': 8778,
    'nova': 8774,
    'glance': 9292,
    'neutron': 9696,
}
QUEUE = f'rabbit://guest:guest@{HERE}:{QUEUE_PORT}/'
KEYSTONE = f'http://{HERE}:{PORTS["keystone"]}/v3'
# How services and users get their tokens: as one who may do everything.
CREDENTIALS = {
    'auth_type': 'password',
    'auth_url': KEYSTONE,
    'username': 'admin',
    'password': PASSWORD,
    'project_name': 'admin',
    'user_domain_id': 'default',
    'project_domain_id': 'default',
    'region_name': REGION,
}
RABBITMQ = '/usr/lib/rabbitmq/bin/rabbitmq-server'
DATABASES = (
    *('keystone', 'glance', 'placement'),
    *('nova_api', 'nova_cell0', 'nova'),
)
# Small, and as fast as what is thrown away afterwards may be.
MARIADB = (
    *('--innodb-buffer-pool-size=128M', '--innodb-log-file-size=32M'),
    *('--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=0'),
    *('--skip-log-bin', '--skip-name-resolve', '--max-connections=400'),
)
ERLANG = '+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none'


def database_url(name):
    """Give where a database is, for SQLAlchemy."""
    return (
        f'mysql+pymysql://cloud:{PASSWORD}@{HERE}:{DATABASE_PORT}/{name}'
        '?charset=utf8'
    )


def write(path, sections):
    """Write a configuration file, with options by section."""
    parser = configparser.RawConfigParser()
    parser.read_dict(sections)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open('w') as file:
        parser.write(file)
    return path


def mariadb(directory, listening=None, ready=None):
    """Give MariaDB with no database in it.

    :param listening: options that say where, beside its socket in the
        directory; those of a cloud if none are given
    :param ready: whether it is, if it is not to be asked there
    """
    if listening is None:
        listening = f'--port={DATABASE_PORT}', f'--bind-address={HERE}'
    data = directory / 'mariadb'
    run(
        *('mariadb-install-db', '--no-defaults', '--user=root'),
        *('--auth-root-authentication-method=normal', '--skip-test-db'),
        f'--datadir={data}',
        directory=directory,
    )
    return Process(
        'mariadb',
        *('mariadbd', '--no-defaults', '--user=root', f'--datadir={data}'),
        *listening,
        *(f'--socket={data}/socket', f'--pid-file={data}/pid', *MARIADB),
        directory=directory,
        ready=ready or (lambda: listens(DATABASE_PORT)),
    )


def make_databases(directory):
    """Make the databases of all services, empty."""
    connection = pymysql.connect(
        user='root', unix_socket=f'{directory}/mariadb/socket'
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"CREATE USER cloud@'{HERE}' IDENTIFIED BY '{PASSWORD}'"
        )
        for name in DATABASES:
            cursor.execute(f'CREATE DATABASE {name} CHARACTER SET utf8')
            cursor.execute(f"GRANT ALL ON {name}.* TO cloud@'{HERE}'")


def rabbitmq(directory):
    """Give RabbitMQ, all of it in a directory of its own."""
    home = directory / 'rabbitmq'
    home.mkdir()
    configuration = home / 'rabbitmq.conf'
    configuration.write_text(
        f'listeners.tcp.default = {HERE}:{QUEUE_PORT}\n'
        # Whoever comes from another address may be anybody.
        'loopback_users = none\n'
    )
    plugins = home / 'plugins'
    plugins.write_text('[].\n')
    return Process(
        'rabbitmq',
        RABBITMQ,
        directory=directory,
        ready=lambda: listens(QUEUE_PORT),
        HOME=str(home),
        RABBITMQ_NODENAME='rabbit@localhost',
        RABBITMQ_MNESIA_BASE=str(home / 'mnesia'),
        RABBITMQ_LOG_BASE=str(home / 'log'),
        RABBITMQ_CONFIG_FILE=str(configuration),
        RABBITMQ_CONF_ENV_FILE=str(home / 'none'),
        RABBITMQ_ENABLED_PLUGINS_FILE=str(plugins),
        RABBITMQ_PID_FILE=str(home / 'pid'),
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=ERLANG,
    )


def keystone(directory):
    """Give Keystone, with an administrator in it."""
    home = directory / 'keystone'
    keys = {
        'fernet_tokens': {'key_repository': f'{home}/fernet'},
        'credential': {'key_repository': f'{home}/credential'},
    }
    configuration = write(
        home / 'keystone.conf',
        {
            'database': {'connection': database_url('keystone')},
            **keys,
        },
    )
    for repository in ('fernet', 'credential'):
        (home / repository).mkdir(mode=0o700)

    def manage(*arguments):
        run(
            *(BIN / 'keystone-manage', '--config-file', configuration),
            *arguments,
            directory=directory,
        )

    manage('db_sync')
    for which in ('fernet_setup', 'credential_setup'):
        manage(which, '--keystone-user=root', '--keystone-group=root')
    manage(
        *('bootstrap', '--bootstrap-password', PASSWORD),
        *('--bootstrap-region-id', REGION),
        *('--bootstrap-public-url', KEYSTONE),
        *('--bootstrap-internal-url', KEYSTONE),
        *('--bootstrap-admin-url', KEYSTONE),
    )
    return served(
        'keystone',
        'keystone.wsgi.api',
        PORTS['keystone'],
        directory=directory,
        processes=2,
        OS_KEYSTONE_CONFIG_DIR=str(home),
        OS_KEYSTONE_CONFIG_FILES='keystone.conf',
    )


def token_settings():
    """Give how a service has Keystone look at the tokens of others."""
    return {'www_authenticate_uri': KEYSTONE, **CREDENTIALS}


def glance(directory):
    """Give Glance, with images as files."""
    home = directory / 'glance'
    configuration = write(
        home / 'glance-api.conf',
        {
            'DEFAULT': {'enabled_backends': 'files:file'},
            'database': {'connection': database_url('glance')},
            'glance_store': {'default_backend': 'files'},
            'files': {'filesystem_store_datadir': home / 'images'},
            'os_glance_staging_store': {
                'filesystem_store_datadir': home / 'staging'
            },
            'os_glance_tasks_store': {
                'filesystem_store_datadir': home / 'tasks'
            },
            'keystone_authtoken': token_settings(),
            'paste_deploy': {
                'flavor': 'keystone',
                'config_file': pathlib.Path(
                    sys.prefix, 'etc/glance/glance-api-paste.ini'
                ),
            },
        },
    )
    run(
        *(BIN / 'glance-manage', '--config-file', configuration),
        *('db', 'sync'),
        directory=directory,
    )
    return served(
        'glance',
        'glance.wsgi.api',
        PORTS['glance'],
        directory=directory,
        OS_GLANCE_CONFIG_DIR=str(home),
    )


def placement(directory):
    """Give Placement, with nothing in it."""
    home = directory / 'placement'
    configuration = write(
        home / 'placement.conf',
        {
            'placement_database': {'connection': database_url('placement')},
            'keystone_authtoken': token_settings(),
        },
    )
    run(
        *(BIN / 'placement-manage', '--config-file', configuration),
        *('db', 'sync'),
        directory=directory,
    )
    return served(
        'placement',
        'placement.wsgi.api',
        PORTS['placement'],
        directory=directory,
        processes=2,
        OS_PLACEMENT_CONFIG_DIR=str(home),
    )


def neutron(directory):
    """Give a network service that has no network."""
    return served(
        'neutron',
        'tests.services.network',
        PORTS['neutron'],
        directory=directory,
        PYTHONPATH=str(pathlib.Path(__file__).parents[2]),
    )
