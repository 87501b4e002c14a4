"""Schedulers as they are: processes that read a database, asked in turn.

Databases, host rows, host manager, filters, weighers and what follows are
Nova's own, and as an operator configures them. Two things are not there:
placement, which answers from memory, and the message queue, instead of which
requests come through a pipe. Nothing of Nova's tests is loaded.
"""

import pathlib

from nova import monkey_patch, objects

# As nova-scheduler does, before it loads anything else of Nova.
monkey_patch.patch(backend='threading')
objects.register_all()

NOVAS_FILTERS = (
    'ComputeFilter',
    'ComputeCapabilitiesFilter',
    'ImagePropertiesFilter',
    'ServerGroupAntiAffinityFilter',
    'ServerGroupAffinityFilter',
)

CONFIGURATION = """
[DEFAULT]
transport_url = fake://
state_path = {directory}
service_down_time = 1000000
[oslo_concurrency]
lock_path = {directory}
[api_database]
connection = {api}
sqlite_synchronous = false
[database]
connection = {main}
sqlite_synchronous = false
[placement]
auth_type = none
[scheduler]
workers = 1
[filter_scheduler]
track_instance_changes = {track}
available_filters = nova.scheduler.filters.all_filters
"""

OURS = """
available_filters = numa_sched.nova.all_filters
enabled_filters = {filters},NUMAFitFilter,MigrationDestinationFilter
weight_classes = nova.scheduler.weights.all_weighers,{weighers}
[numa_sched]
"""

SQLITE = 'sqlite:///{directory}/{name}.sqlite'
MARIADB = (
    'mysql+pymysql://root@localhost/{name}'
    '?unix_socket={directory}/mariadb/socket&charset=utf8'
)

STOCK = """
enabled_filters = {filters},NUMATopologyFilter
"""


def configuration(
    directory: pathlib.Path,
    *,
    ours: bool,
    name: str,
    track=True,
    connection=SQLITE,
    **options,
) -> pathlib.Path:
    """Write a nova.conf; give its path.

    :param directory: where the databases are
    :param ours: with this package, or as Nova comes
    :param connection: to a database, by its name
    :param options: those of this package
    """
    text = CONFIGURATION.format(
        directory=directory,
        api=connection.format(directory=directory, name='api'),
        main=connection.format(directory=directory, name='main'),
        track=track,
    )
    text += (OURS if ours else STOCK).format(
        filters=','.join(NOVAS_FILTERS),
        weighers='numa_sched.nova.all_weighers',
    )
    text += '\n'.join(f'{name} = {value}' for name, value in options.items())
    path = directory / f'{name}.conf'
    path.write_text(text + '\n')
    return path
