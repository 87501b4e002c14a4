"""Several connections for a migration, which QEMU has not with post-copy."""

import pytest

from tests.real.cloud.servers import SEVERAL_CONNECTIONS

FIRST, SECOND = 'compute1', 'compute2'


@pytest.fixture(scope='module', autouse=True)
def _several(configure):
    """Have the first host migrate over several connections."""
    configure({'live_migration_parallel_connections': 2}, {})


@pytest.mark.parametrize('post_copy', [True, False])
def test_a_server_has_several_connections_or_post_copy(create, post_copy):
    server = create(post_copy=str(post_copy).lower(), on=FIRST)
    assert server.settled().status == 'ACTIVE'
    move = server.migrate().under_way()
    assert move.capabilities() == (False, post_copy)
    assert move.capabilities(SEVERAL_CONNECTIONS) == (not post_copy,)
    shown = move.complete().ended()
    assert (move.status, shown.compute_host) == ('completed', SECOND)
    assert move.has_switched == post_copy
    assert server.runs_on(SECOND)
