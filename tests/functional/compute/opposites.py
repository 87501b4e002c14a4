"""Two servers of opposite policies that migrate at the same time.

A program of its own, as how a process does threads is settled when Nova is
first imported. Prints, as JSON, the flags of each server's migrations and
what the hypervisor was told when they were to be completed::

    OS_NOVA_DISABLE_EVENTLET_PATCHING=false \\
        python -m tests.functional.compute.opposites 10
"""

from tests.functional.compute import migrating  # isort: skip

import contextlib
import json
import sys
import threading
from unittest import mock

import nova.utils
from nova.virt.libvirt.driver import LibvirtDriver

from tests.cloud.servers import PATIENCE_SECONDS

WISHES = {'converging': (True, False), 'copying': (False, True)}


def main():
    """Move both to and fro, so often, on a host that permits both features."""
    seen = {name: [] for name in WISHES}
    with migrating.two_hosts() as cloud:
        migrating.permit(cloud, True, True)
        servers = {
            name: migrating.boot(cloud, *wishes, host='one')
            for name, wishes in WISHES.items()
        }
        for _ in range(int(sys.argv[1])):
            for name, move in moved_at_once(cloud, servers).items():
                seen[name].append([*move.features, *move.told])
    # Nova 31 knows one kind only.
    is_native = getattr(
        nova.utils, 'concurrency_mode_threading', lambda: False
    )
    threads = 'native' if is_native() else 'eventlet'
    print(json.dumps({'threads': threads, 'seen': seen}))


def moved_at_once(cloud, servers):
    """Give the move of each server; all begin and end together."""
    moves = cloud.moves
    held = {name: moves.hold(each['id']) for name, each in servers.items()}
    with meeting(len(servers)):
        for server in servers.values():
            cloud.start_live_migration(server)
        for each in held.values():
            assert each.began.wait(PATIENCE_SECONDS)
    for server in servers.values():
        migrating.wait_until(cloud, server, 'running')
        migrating.complete(cloud, server)
    for each in held.values():
        migrating.eventually(lambda each=each: each.move.told)
    for server in servers.values():
        moves.let_go(server['id'])
    for server in servers.values():
        cloud.wait_for_migration(server)
        cloud.wait_for(server, 'ACTIVE')
    return {name: each.move for name, each in held.items()}


@contextlib.contextmanager
def meeting(number):
    """Have migrations wait for each other once their flags are settled."""
    stock = LibvirtDriver._live_migration
    barrier = threading.Barrier(number, timeout=PATIENCE_SECONDS)

    def met(driver, *args, **kwargs):
        barrier.wait()
        stock(driver, *args, **kwargs)

    with mock.patch.object(LibvirtDriver, '_live_migration', met):
        yield


if __name__ == '__main__':
    main()
