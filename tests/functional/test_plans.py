"""Plans of a live cloud, carried out through its API."""

import shlex
from unittest import mock

import pytest
from openstackclient.compute.v2 import server as of_client

from numa_sched.answers import Move, find_flavor, find_host, of_flavor
from numa_sched.cli import plans
from numa_sched.nova import fleet as live
from numa_sched.plan import Outcome, Step, Terms, drain, make_room
from numa_sched.score.pack import Pack
from tests.cloud import machines
from tests.fleets import make_server


@pytest.fixture(scope='module', autouse=True)
def _hosts(cloud):
    machines.add_three(cloud)


def flavor(cloud, vcpus, **more):
    return cloud.add_flavor(
        vcpus=vcpus, ram=1024, hw__cpu_policy='dedicated', **more
    )


def read():
    return live.read(live.Listener())


def carry_out(cloud, plan):
    """Have each step done by the API, on the cells that were expected."""
    for step in plan.steps:
        server = {'id': step.server.uuid}
        assert cloud.host_of(server) == step.source
        assert cloud.live_migrate(server, step.destination) == (
            step.destination
        )
        cells = [cell.id for cell in cloud.topology_of(server).cells]
        assert tuple(cells) == step.cells
    cloud._run_periodics()


# As carried out by ``--execute`` in each run.
@pytest.mark.long
def test_a_plan_empties_a_host(cloud):
    wide = flavor(cloud, 12, hw__numa_nodes='2')
    cloud.boot(wide, host='big')
    for vcpus in (10, 4):
        cloud.boot(flavor(cloud, vcpus), host='big')
    fleet = read()
    plan = drain(fleet, [find_host(fleet, 'big')], Pack(), Terms())
    assert len(plan.steps) == 2
    (left,) = plan.left
    assert left.server.flavor.vcpus == 12
    assert 'NUMA cells' in left.why
    assert plan.proven
    carry_out(cloud, plan)
    assert [each.host for each in read().servers].count('big') == 1


@pytest.mark.long
def test_a_plan_makes_room(cloud):
    small = flavor(cloud, 6)
    for host in ('half', 'odd', 'big', 'big'):
        cloud.boot(small, host=host)
    wanted = flavor(cloud, 16)
    fleet = read()
    name = next(each.name for each in fleet.flavors if each.vcpus == 16)
    plan = make_room(fleet, of_flavor(find_flavor(fleet, name)))
    assert plan.outcome is Outcome.FOUND
    assert (len(plan.steps), plan.fewest) == (1, True)
    carry_out(cloud, plan)
    server = cloud.boot(wanted)
    assert cloud.host_of(server) in plan.hosts


@pytest.mark.parametrize('move', [Move.LIVE, Move.COLD])
def test_the_client_of_openstack_takes_the_commands(move):
    step = Step(make_server('a', uuid='u'), move, 'one', 'an other')
    stops, first, *rest = [
        shlex.split(line)
        for line in plans.commands([[step]])
        if not line.startswith('#')
    ]
    assert stops == ['set', '-e']
    assert first[:2] == ['openstack', '--os-compute-api-version']
    command = of_client.MigrateServer(mock.Mock(), None)
    told = command.get_parser('x').parse_args(first[5:])
    assert (told.host, told.server, told.wait) == ('an other', 'u', True)
    assert bool(told.live_migration) == (move is Move.LIVE)
    for each in rest:
        assert each[:4] == ['openstack', 'server', 'migration', 'confirm']
        confirm = of_client.ConfirmMigration(mock.Mock(), None)
        told = confirm.get_parser('x').parse_args(each[4:])
        assert told.server == 'u'
    assert bool(rest) == (move is Move.COLD)
