"""Servers that write to their memory all the time move with post-copy."""

import os
import time

HOSTS = ('compute1', 'compute2')
SERVERS = 4
# As many as there is time for in a run of all.
MIGRATIONS = int(os.environ.get('MIGRATIONS', 12))


def test_no_server_is_lost(create, configure, tell):
    configure({}, {})
    servers = [
        create(post_copy='true', on=HOSTS[number % 2])
        for number in range(SERVERS)
    ]
    for server in servers:
        assert server.settled().status == 'ACTIVE'
    begin = time.monotonic()
    switched = 0
    for number in range(0, MIGRATIONS, SERVERS):
        # All at once, half of them to either host.
        moves = [each.migrate() for each in servers[: MIGRATIONS - number]]
        for move in moves:
            move.under_way().complete()
        for move in moves:
            shown = move.ended()
            assert (move.status, shown.status) == ('completed', 'ACTIVE')
            (there,) = set(HOSTS) - {move.source}
            assert shown.compute_host == there
            assert move.server.runs_on(there)
            switched += move.has_switched
    tell(
        f'{MIGRATIONS} live migrations, {switched} switched to post-copy, '
        f'none lost, {time.monotonic() - begin:.0f} seconds'
    )
    assert switched == MIGRATIONS
