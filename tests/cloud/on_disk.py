"""A cloud for programs in processes of their own: databases and nova.conf."""

import contextlib
import os
import sqlite3

from nova import context as nova_context
from nova import objects, version
from nova.db.api import api as api_db_api
from nova.db.main import api as main_db_api

from numa_sched.nova import releases
from tests.cloud import SCHEDULER_OPTIONS, loopback

# What the tests are run with, and operators' shells are not. Libraries of the
# older releases warn of themselves.
UNSET = ('OS_NOVA_DISABLE_EVENTLET_PATCHING',)
if version.version_string() == releases.TESTED[-1]:
    UNSET += ('PYTHONWARNINGS',)


def copy_databases(directory):
    """Copy the databases of the cloud; give the path of each cell's, by uuid.

    That of the API is ``api.sqlite``, with cells that a program can reach.
    """
    context = nova_context.get_admin_context()
    _copy(api_db_api.get_engine(), directory / 'api.sqlite')
    paths = {}
    for cell in objects.CellMappingList.get_all(context):
        paths[cell.uuid] = directory / f'{cell.uuid}.sqlite'
        with nova_context.target_cell(context, cell) as targeted:
            _copy(main_db_api.get_engine(targeted), paths[cell.uuid])
    with contextlib.closing(sqlite3.connect(directory / 'api.sqlite')) as api:
        for uuid, path in paths.items():
            api.execute(
                'UPDATE cell_mappings SET database_connection = ?, '
                "transport_url = 'fake://' WHERE uuid = ?",
                (f'sqlite:///{path}', uuid),
            )
        api.commit()
    return paths


def _copy(engine, path):
    """Copy a database that the cloud has open."""
    # Before 2026.2 those of Nova's tests are in memory.
    with (
        engine.connect() as source,
        contextlib.closing(sqlite3.connect(path)) as target,
    ):
        source.connection.driver_connection.backup(target)


class Configuration(dict):
    """A nova.conf: options by section, to be changed before it is used."""

    def write(self, path):
        """Write it, and give the path."""
        lines = []
        for section, options in self.items():
            lines.append(f'[{section}]')
            for name, value in options.items():
                values = value if name == 'available_filters' else [value]
                for each in values:
                    shown = ','.join(each) if isinstance(each, list) else each
                    lines.append(f'{name} = {shown}')
        path.write_text('\n'.join(lines))
        return path


def configuration(cloud, server, directory):
    """Give what the README tells to write, and where everything is.

    :param server: placement over HTTP, of :mod:`tests.cloud.loopback`
    :param directory: where the databases have been copied to
    """
    return Configuration(
        {
            'filter_scheduler': dict(SCHEDULER_OPTIONS),
            'wsgi': {'api_paste_config': cloud.paste_files[True]},
            'api_database': {
                'connection': f'sqlite:///{directory}/api.sqlite'
            },
            'database': {'connection': 'sqlite://'},
            'placement': {
                'auth_type': 'admin_token',
                'endpoint': f'{server.url}/placement',
                'token': loopback.TOKEN,
            },
        }
    )


def environment():
    """Give the environment as in the shell of an operator."""
    return {
        name: value for name, value in os.environ.items() if name not in UNSET
    }
