"""The cells that the scheduler predicts are those that the claim takes."""

import pytest

from tests import amount
from tests.cloud import machines

# What servers that stay use of each cell of a host. So the cells that a claim
# tries first are neither the first ones nor the same on any two hosts, and
# some are refused.
RESIDENTS = {
    'tight': {
        'dedicated': (6, 7, 2, 6),
        'shared': (4, 2, 3, 1),
        'huge_mb': (256, 384, 512, 2048),
    },
    'middle': {
        'dedicated': (9, 4, 11, 7),
        'shared': (1, 4, 5, 2),
        'huge_mb': (2048, 384, 256, 512),
    },
    'roomy': {
        'dedicated': (7, 12, 4, 6),
        'shared': (8, 6, 8, 7),
        'huge_mb': (512, 2048, 384, 256),
    },
}

# vCPUs, then extra specs.
GUESTS = {
    'pinned on one cell': (4, {'hw__cpu_policy': 'dedicated'}),
    'pinned on two cells': (
        4,
        {
            'hw__cpu_policy': 'dedicated',
            'hw__numa_nodes': '2',
            'hw__cpu_thread_policy': 'require',
        },
    ),
    'in large pages': (2, {'hw__mem_page_size': 'large'}),
    'pinned on two cells in pages of 2 MiB': (
        2,
        {
            'hw__cpu_policy': 'dedicated',
            'hw__numa_nodes': '2',
            'hw__mem_page_size': '2MB',
        },
    ),
    'sharing CPUs on two cells': (4, {'hw__numa_nodes': '2'}),
    'pinned on cells of 1 and 3 CPUs': (
        4,
        {
            'hw__cpu_policy': 'dedicated',
            'hw__numa_nodes': '2',
            'hw__numa_cpus.0': '0',
            'hw__numa_mem.0': '384',
            'hw__numa_cpus.1': '1,2,3',
            'hw__numa_mem.1': '128',
        },
    ),
    'pinned on two cells with isolated emulator threads': (
        4,
        {
            'hw__cpu_policy': 'dedicated',
            'hw__numa_nodes': '2',
            'hw__emulator_threads_policy': 'isolate',
        },
    ),
}
RESIZES = list(zip(GUESTS, [*GUESTS][1:] + [*GUESTS][:1], strict=True))


# Each kind of guest is created in each run.
MOVED_IN_EACH_RUN = [*GUESTS][1::3]


def each_guest(guests=GUESTS, in_each_run=GUESTS):
    return pytest.mark.parametrize('guest', amount.each(guests, in_each_run))


def each_resize(resizes=RESIZES):
    return pytest.mark.parametrize(
        ('guest', 'other'),
        amount.each(resizes, RESIZES[1::2]),
        ids=[f'from {before} to {after}' for before, after in resizes],
    )


@pytest.fixture(scope='module', autouse=True)
def _hosts(cloud):
    """Hosts of four cells of 12, 18 and 24 CPUs, a third of them shared."""
    for cores, (name, used) in zip((6, 9, 12), RESIDENTS.items(), strict=True):
        machine = machines.symmetric(4, cores, threads=2, memory_mb=8192)
        cloud.add_host(
            name,
            machine,
            shared=[
                cpu
                for cpu in machine.cpus
                if cpu % (2 * cores) < 2 * cores // 3
            ],
            huge_pages={2048: 1024},
        )
        reside(
            cloud,
            name,
            used['dedicated'],
            used['huge_mb'],
            hw__cpu_policy='dedicated',
            hw__mem_page_size='2MB',
        )
        reside(cloud, name, used['shared'], (64, 64, 64, 64))


def reside(cloud, host, cpus, memory_mb, **specs):
    """Boot a server that stays, with so much on each cell of a host."""
    start = 0
    for cell, (count, memory) in enumerate(zip(cpus, memory_mb, strict=True)):
        ids = range(start, start + count)
        specs[f'hw__numa_cpus.{cell}'] = ','.join(map(str, ids))
        specs[f'hw__numa_mem.{cell}'] = str(memory)
        start = ids.stop
    flavor = cloud.add_flavor(
        vcpus=start,
        ram=sum(memory_mb),
        hw__numa_nodes=str(len(cpus)),
        **specs,
    )
    cloud.residents.add(cloud.boot(flavor, host=host)['id'])


def flavor_of(cloud, guest):
    vcpus, specs = GUESTS[guest]
    return cloud.add_flavor(vcpus=vcpus, **specs)


def predictions(cloud, server):
    """Give host to what the weigher last said of a server on it."""
    return {
        record.args['host']: record.args
        for record in cloud.log
        if record.name == 'numa_sched.nova.scheduler.weighers'
        and record.args.get('server') == server['id']
        and 'cells' in record.args
    }


def check_claim(cloud, server):
    """Check that a server is on the best host, on the cells predicted."""
    found = predictions(cloud, server)
    host = cloud.host_of(server)
    assert len(found) > 1
    assert host == max(found, key=lambda name: found[name]['score'])
    cells = [cell.id for cell in cloud.topology_of(server).cells]
    assert cells == list(found[host]['cells'])
    assert cells != list(range(len(cells))), 'the residents make no odds'


def claim_of(cloud, server):
    return [
        (
            cell.id,
            cell.memory,
            cell.pagesize,
            cell.cpuset,
            cell.cpu_pinning,
            cell.cpuset_reserved,
        )
        for cell in cloud.topology_of(server).cells
    ]


def usage_of(cloud):
    """Give what is in use of the cells of all hosts."""
    return {
        host: [
            (
                cell.id,
                cell.memory_usage,
                cell.cpu_usage,
                cell.pinned_cpus,
                [(page.size_kb, page.used) for page in cell.mempages],
            )
            for cell in cloud.host_topology(host).cells
        ]
        for host in RESIDENTS
    }


@each_guest()
def test_a_new_server_takes_the_cells_predicted(cloud, guest):
    server = cloud.boot(flavor_of(cloud, guest))
    check_claim(cloud, server)


@each_guest(in_each_run=MOVED_IN_EACH_RUN)
def test_a_live_migrated_server_takes_the_cells_predicted(cloud, guest):
    server = cloud.boot(flavor_of(cloud, guest), host='tight')
    cloud.forget()
    assert cloud.live_migrate(server) != 'tight'
    check_claim(cloud, server)


@each_guest(in_each_run=MOVED_IN_EACH_RUN)
def test_an_evacuated_server_takes_the_cells_predicted(cloud, guest):
    server = cloud.boot(flavor_of(cloud, guest), host='roomy')
    cloud.forget()
    assert cloud.evacuate(server) != 'roomy'
    check_claim(cloud, server)


@each_resize()
def test_a_resized_server_takes_the_cells_predicted(cloud, guest, other):
    server = cloud.boot(flavor_of(cloud, guest), host='middle')
    cloud.forget()
    assert cloud.resize(server, flavor_of(cloud, other)) != 'middle'
    check_claim(cloud, server)


# What follows takes the way of the resizes: every other guest will do.


@each_guest([*GUESTS][1::2])
def test_a_cold_migrated_server_takes_the_cells_predicted(cloud, guest):
    server = cloud.boot(flavor_of(cloud, guest), host='roomy')
    cloud.forget()
    assert cloud.cold_migrate(server) != 'roomy'
    check_claim(cloud, server)


@each_resize(RESIZES[1::2])
def test_a_reverted_resize_gives_the_source_cells_back(cloud, guest, other):
    server = cloud.boot(flavor_of(cloud, guest), host='roomy')
    claim, usage = claim_of(cloud, server), usage_of(cloud)
    target = cloud.resize(server, flavor_of(cloud, other))
    assert usage_of(cloud)[target] != usage[target]
    assert cloud.revert(server) == 'roomy'
    cloud._run_periodics()
    assert claim_of(cloud, server) == claim
    assert usage_of(cloud) == usage


def test_a_confirmed_resize_keeps_the_cells_predicted_only(cloud):
    guest, other = RESIZES[-2]
    idle = usage_of(cloud)
    server = cloud.boot(flavor_of(cloud, guest), host='roomy')
    cloud.forget()
    target = cloud.resize(server, flavor_of(cloud, other))
    cloud.confirm(server)
    cloud._run_periodics()
    check_claim(cloud, server)
    used = usage_of(cloud)
    assert [host for host in used if used[host] != idle[host]] == [target]
