"""A host with Nova's own driver beside one with ours, as in a roll-out."""

import openstack
import pytest

OURS, STOCK = 'compute1', 'compute2'
PERMITTED = {
    'live_migration_permit_auto_converge': True,
    'live_migration_permit_post_copy': True,
}


@pytest.fixture(scope='module', autouse=True)
def _half(cloud, configure):
    """Have the second host without us, and what it could do taken away."""
    configure(PERMITTED, PERMITTED, ours=(True, False))
    cloud.openstack(
        *('numa', 'host', 'unset', '--auto-converge', '--post-copy', STOCK)
    )


@pytest.mark.parametrize('feature', ['auto_converge', 'post_copy'])
def test_servers_with_a_wish_go_where_it_can_be_honoured(create, feature):
    servers = [create(**{feature: 'true'}) for _ in range(3)]
    for server in servers:
        shown = server.settled()
        assert (shown.status, shown.compute_host) == ('ACTIVE', OURS)
        assert server.runs_on(OURS)
    with pytest.raises(openstack.exceptions.BadRequestException) as refused:
        servers[0].migrate()
    assert 'No valid host' in str(refused.value)
    assert servers[0].settled().status == 'ACTIVE'
    assert servers[0].runs_on(OURS)


def test_novas_own_driver_uses_post_copy_though_the_server_refuses(create):
    server = create(post_copy='false', on=STOCK)
    assert server.settled().status == 'ACTIVE'
    move = server.migrate().under_way()
    assert move.capabilities() == (False, True)
    assert move.complete().ended().compute_host == OURS
    assert move.has_switched
    assert server.runs_on(OURS)
    # From our host it goes back without, though that is permitted there too.
    move = server.migrate().under_way()
    assert move.capabilities() == (True, False)
    assert move.complete().ended().compute_host == STOCK
    assert not move.has_switched
    assert server.runs_on(STOCK)
