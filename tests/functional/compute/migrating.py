"""Servers under way between two hosts that run our driver, and until when."""

from tests.cloud import machines, started_cloud  # isort: skip

import contextlib
import itertools
import time

from nova.conf import CONF

from numa_sched.policy import WISHES
from numa_sched.policy.features import Features
from tests.cloud.servers import PATIENCE_SECONDS, POLL_SECONDS

AC, PC = WISHES
TRAITS = {wish.trait for wish in WISHES}
DRIVER = 'numa_sched.LibvirtDriver'
# Nova has one overtake the other.
FAILED = ('failed', 'error')
STOCK_DRIVER = 'libvirt.LibvirtDriver'
PERMITS = tuple(itertools.product((False, True), repeat=2))
# All pairs of wishes but the one that is refused.
POLICIES = tuple(
    pair
    for pair in itertools.product((None, True, False), repeat=2)
    if pair != (True, True)
)


@contextlib.contextmanager
def two_hosts():
    """Give a cloud of two hosts that run our driver."""
    with started_cloud(compute_driver=DRIVER, fit_strategy='pack') as running:
        running.flags(max_concurrent_live_migrations=0)
        for name in ('one', 'two'):
            running.add_host(name, machines.symmetric(2, 16))
        yield running


def permit(cloud, auto_converge, post_copy):
    configure(
        cloud,
        live_migration_permit_auto_converge=auto_converge,
        live_migration_permit_post_copy=post_copy,
    )


def configure(cloud, **options):
    cloud.flags(group='libvirt', **options)


def boot(cloud, auto_converge=None, post_copy=None, *, host=None, **specs):
    """Start a server; the flavor tells one wish, the image the other."""
    wishes = {}
    if auto_converge is not None:
        specs['compute__live_migration_auto_converge'] = str(auto_converge)
    if post_copy is not None:
        wishes[PC.image_key] = str(post_copy)
    return cloud.boot(
        cloud.add_flavor(hw__cpu_policy='dedicated', **specs),
        image=cloud.add_image(**wishes),
        host=host,
    )


def migrate(cloud, *servers):
    """Live-migrate servers at the same time; give the moves."""
    before = len(cloud.moves.made)
    for server in servers:
        cloud.start_live_migration(server)
    # An earlier migration of a server may be the newest for a moment.
    eventually(lambda: len(cloud.moves.made) == before + len(servers))
    for server in servers:
        assert cloud.wait_for_migration(server)['status'] == 'completed'
    return [cloud.moves.of(server['id']) for server in servers]


def features_of(cloud, *servers):
    return [Features(*move.features) for move in migrate(cloud, *servers)]


def pause(cloud, server):
    cloud.api.post_server_action(server['id'], {'pause': None})
    cloud.wait_for(server, 'PAUSED')


@contextlib.contextmanager
def under_way(cloud, server, **end):
    """Have a live migration go on meanwhile, and end as told."""
    held = cloud.moves.hold(server['id'])
    cloud.start_live_migration(server)
    assert held.began.wait(PATIENCE_SECONDS)
    try:
        wait_until(cloud, server, 'running')
        yield held
    finally:
        if server['id'] in cloud.moves.held:
            cloud.moves.let_go(server['id'], **end)
        configure(cloud, **NO_TIMEOUT)


NO_TIMEOUT = {
    'live_migration_completion_timeout': 0,
    'live_migration_timeout_action': 'abort',
}


def time_out(cloud, action='force_complete'):
    """Have migrations that are under way take too long from now on."""
    configure(
        cloud,
        live_migration_completion_timeout=1,
        live_migration_timeout_action=action,
    )


def eventually(holds):
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, 'it never came to hold'
        time.sleep(POLL_SECONDS)


def migrations(cloud, server):
    return cloud.api.api_get(
        f'/os-migrations?instance_uuid={server["id"]}'
    ).body['migrations']


def newest_migration(cloud, server):
    """Give the status of the newest migration of a server."""
    return max(migrations(cloud, server), key=lambda each: each['id'])[
        'status'
    ]


def wait_until(cloud, server, status):
    """Wait until the newest migration of a server has a status."""
    eventually(lambda: newest_migration(cloud, server) == status)


def path_of_migration(cloud, server):
    newest = max(each['id'] for each in migrations(cloud, server))
    return f'/servers/{server["id"]}/migrations/{newest}'


def complete(cloud, server):
    """Ask for the migration to be completed."""
    cloud.api.api_post(
        f'{path_of_migration(cloud, server)}/action', {'force_complete': None}
    )


@contextlib.contextmanager
def restarted(cloud, *hosts, driver=DRIVER, **options):
    """Have computes run with other options in their nova.conf.

    The others, if only some are named, have not been told yet.
    """
    hosts = hosts or sorted(cloud.computes)
    stock = {name: getattr(CONF.libvirt, name) for name in options}
    try:
        restart(cloud, hosts, driver, options)
        yield
    finally:
        restart(cloud, hosts, DRIVER, stock)


def restart(cloud, hosts, driver, options):
    cloud.flags(compute_driver=driver)
    configure(cloud, **options)
    for host in hosts:
        cloud.restart_compute_service(host)
