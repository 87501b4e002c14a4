"""How migrations end that would go on for ever."""

import libvirt
import pytest

from tests.services.processes import wait_for

FIRST, SECOND = 'compute1', 'compute2'
# Nova counts 4 times as many seconds for the smallest of servers.
PATIENCE = {'live_migration_completion_timeout': 4}
PERMITTED = {'live_migration_permit_post_copy': True}


@pytest.fixture(scope='module', autouse=True)
def _timeouts(configure):
    """Have one host force migrations in the end, and one give them up."""
    configure(
        {
            **PERMITTED,
            **PATIENCE,
            'live_migration_timeout_action': 'force_complete',
        },
        {
            **PERMITTED,
            **PATIENCE,
            'live_migration_timeout_action': 'abort',
        },
    )


def active(server):
    found = server.settled()
    assert found.status == 'ACTIVE', found.fault
    return server


def test_a_timeout_completes_as_the_server_wishes(create):
    servers = {
        wish: active(create(post_copy=wish, on=FIRST))
        for wish in ('true', 'false')
    }
    moves = {wish: server.migrate() for wish, server in servers.items()}
    for wish, move in moves.items():
        shown = move.ended()
        assert (move.status, shown.status) == ('completed', 'ACTIVE')
        assert move.server.runs_on(SECOND)
        assert move.has_switched == (wish == 'true')


@pytest.mark.parametrize('who', ['timeout', 'user'])
def test_an_abort_leaves_the_server_running_where_it_is(cloud, create, who):
    server = active(create(post_copy='true', on=SECOND))
    move = server.migrate()
    if who == 'user':
        move.under_way().abort()
    shown = move.ended()
    assert not move.has_switched
    assert shown.compute_host == SECOND
    assert server.runs_on(SECOND)
    # Nova rolls back, takes it for an error all the same, and can be told
    # otherwise.
    wait_for(
        'the error',
        lambda: (move.status, server.show().status) == ('error', 'ERROR'),
    )
    cloud.connection.compute.reset_server_state(server.id, 'active')
    active(server)


def test_a_paused_server_moves_without_post_copy_and_stays_paused(
    cloud, create
):
    server = active(create(post_copy='true', on=FIRST))
    cloud.connection.compute.pause_server(server.id)
    assert server.settled().status == 'PAUSED'
    move = server.migrate()
    shown = move.ended()
    assert (move.status, shown.status) == ('completed', 'PAUSED')
    assert not move.has_switched
    ((host, (state, _)),) = server.states().items()
    assert (host, state) == (SECOND, libvirt.VIR_DOMAIN_PAUSED)
    cloud.connection.compute.unpause_server(server.id)
    active(server)
    assert server.runs_on(SECOND)
