"""The three ways to a destination, and what we have to say in each.

Chosen by the scheduler; named by the admin and checked; forced past the
scheduler (API before microversion 2.68; a cold migration cannot be forced).
"""

import os_traits
import pytest

from numa_sched.policy import WISHES
from tests import amount
from tests.cloud import machines

AC, _ = WISHES

TRAIT = os_traits.COMPUTE_MIGRATE_AUTO_CONVERGE

# Name to cells, and CPUs on each. For packing, fewer CPUs on a cell are better
# as long as the guest fits. "plain" would be better than "tight", but lacks
# the trait; "narrow" has as many CPUs as "tight", but its cells are too small.
HOSTS = {
    'source': (2, 12),
    'roomy': (2, 10),
    'tight': (2, 6),
    'plain': (2, 5),
    'narrow': (6, 2),
    'fours': (4, 4),
    'threes': (4, 3),
}
WITH_TRAIT = 'source', 'roomy', 'tight', 'narrow'


@pytest.fixture(scope='module', autouse=True)
def _hosts(cloud):
    for name, (cells, cpus) in HOSTS.items():
        cloud.add_host(
            name,
            machines.symmetric(cells, cpus),
            traits=[TRAIT] if name in WITH_TRAIT else [],
        )


@pytest.fixture
def server(cloud):
    """A server of 4 CPUs pinned to one cell, which wants auto-converge."""
    flavor = cloud.add_flavor(
        vcpus=4,
        hw__cpu_policy='dedicated',
        compute__live_migration_auto_converge='true',
    )
    server = cloud.boot(flavor, host='source')
    cloud.forget()
    return server


MOVES = {
    'live migration': 'live_migrate',
    'cold migration': 'cold_migrate',
    'evacuation': 'evacuate',
}
EACH_MOVE = pytest.mark.parametrize(
    'kind', amount.each(MOVES, ['live migration'])
)
EACH_FORCED_MOVE = pytest.mark.parametrize(
    'kind', ['live migration', 'evacuation']
)
# What is left of a server that cannot be moved is up to Nova.
REFUSED = {
    'live migration': {},
    'cold migration': {'state': 'ACTIVE'},
    'evacuation': {'state': 'ERROR'},
}


def move(cloud, server, kind, host=None, **how):
    return getattr(cloud, MOVES[kind])(server, host, **how)


def hosts_ranked(cloud):
    return [[host for host, _ in ranking] for ranking in cloud.rankings]


def our_lines(cloud, level):
    return [
        record.getMessage()
        for record in cloud.log
        if record.name.startswith('numa_sched') and record.levelname == level
    ]


def trait_is_required(cloud):
    """Whether every request to placement asked for the trait."""
    return cloud.placement_queries and all(
        TRAIT in query['root_required'][0].split(',')
        for query in cloud.placement_queries
    )


def check_nothing_is_claimed(cloud, server, host):
    """Check that a server has left no trace on a host that refused it."""
    cloud._run_periodics()
    assert cloud.host_of(server) == 'source'
    assert cloud.allocated_on(server) == ['source']
    assert not any(
        cell.pinned_cpus or cell.memory_usage
        for cell in cloud.host_topology(host).cells
    )
    assert len(cloud.host_topology('source').cells[0].pinned_cpus) == 4


@EACH_MOVE
def test_a_chosen_destination_has_the_trait_fits_and_is_the_best(
    cloud, server, kind
):
    assert move(cloud, server, kind) == 'tight'
    assert trait_is_required(cloud)
    (ranking,) = hosts_ranked(cloud)
    assert [host for host in ranking if host != 'source'] == ['tight', 'roomy']
    assert any(
        line.startswith('Host narrow, node narrow: ')
        and 'needs 4 dedicated CPUs, the cell has 2' in line
        for line in our_lines(cloud, 'DEBUG')
    )
    assert not any('Host plain' in line for line in our_lines(cloud, 'DEBUG'))


@EACH_MOVE
def test_a_named_destination_is_taken_if_it_fits_though_not_the_best(
    cloud, server, kind
):
    assert move(cloud, server, kind, 'roomy') == 'roomy'
    assert trait_is_required(cloud)
    assert hosts_ranked(cloud) == [['roomy']]


@EACH_MOVE
def test_a_named_destination_that_does_not_fit_is_refused_with_the_reason(
    cloud, server, kind
):
    move(cloud, server, kind, 'narrow', **REFUSED[kind])
    assert cloud.wait_for_migration(server)['status'] == 'error'
    assert 'No valid host was found' in cloud.fault_of(server)
    required, refused = our_lines(cloud, 'INFO')
    assert f'{AC.trait} (flavor key {AC.flavor_key}' in required
    assert refused == (
        f'No host is left for server {server["id"]}: 1 host: cells with too '
        f'few dedicated CPUs'
    )
    check_nothing_is_claimed(cloud, server, 'narrow')


@EACH_MOVE
def test_a_named_destination_without_the_trait_is_refused_by_placement(
    cloud, server, kind
):
    move(cloud, server, kind, 'plain', **REFUSED[kind])
    assert cloud.wait_for_migration(server)['status'] == 'error'
    assert trait_is_required(cloud)
    assert hosts_ranked(cloud) == []
    (required,) = our_lines(cloud, 'INFO')
    assert f'{AC.trait} (flavor key {AC.flavor_key}' in required
    check_nothing_is_claimed(cloud, server, 'plain')


@EACH_FORCED_MOVE
def test_a_forced_destination_is_not_asked_for_the_trait(cloud, server, kind):
    assert move(cloud, server, kind, 'plain', force=True) == 'plain'
    assert cloud.placement_queries == cloud.rankings == []
    assert our_lines(cloud, 'DEBUG') == []
    (cell,) = cloud.topology_of(server).cells
    assert len(cell.cpu_pinning) == 4


@EACH_FORCED_MOVE
def test_a_forced_destination_that_does_not_fit_is_refused_by_the_claim(
    cloud, server, kind
):
    move(cloud, server, kind, 'narrow', force=True)
    assert cloud.wait_for_migration(server)['status'] in ('error', 'failed')
    assert cloud.placement_queries == cloud.rankings == cloud.log == []
    assert 'NUMA topology cannot fit the given host' in cloud.fault_of(server)
    check_nothing_is_claimed(cloud, server, 'narrow')


def test_a_forced_guest_with_unlike_cells_may_be_left_unpinned(cloud):
    """What the claim gets wrong is not caught where we are not asked."""
    cells = {f'hw__numa_mem.{cell}': '128' for cell in range(4)}
    for cell, cpus in enumerate(('0', '1', '2', '3,4,5,6')):
        cells[f'hw__numa_cpus.{cell}'] = cpus
    flavor = cloud.add_flavor(
        vcpus=7, hw__cpu_policy='dedicated', hw__numa_nodes='4', **cells
    )
    server = cloud.boot(flavor, host='fours')
    assert cloud.live_migrate(server, 'threes') == 'fours'
    assert cloud.live_migrate(server, 'threes', force=True) == 'threes'
    assert [
        len(cell.cpu_pinning or ()) for cell in cloud.topology_of(server).cells
    ] == [1, 1, 1, 0]
