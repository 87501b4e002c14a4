"""Each command against a real cloud, and as a process without one."""

import json
import pathlib
import subprocess
import sys

import pytest

from numa_sched.fleet import snapshot
from tests.cloud import asking, loopback, machines, on_disk

TRAIT = 'COMPUTE_MIGRATE_POST_COPY'
PINNED = {'hw__cpu_policy': 'dedicated'}


@pytest.fixture(scope='module', autouse=True)
def _hosts(cloud):
    for name, cores, traits in (
        ('first', 4, [TRAIT]),
        ('second', 6, [TRAIT]),
        ('third', 8, []),
        ('tiny', 1, [TRAIT]),
    ):
        machine = machines.symmetric(2, cores, memory_mb=4096)
        cloud.add_host(name, machine, traits=traits)


@pytest.fixture
def flavor(cloud):
    return cloud.add_flavor(
        vcpus=3, compute__live_migration_post_copy='true', **PINNED
    )


@pytest.fixture
def run(capsys):
    """Run a command on the cloud, whose configuration is read already."""

    def run(*arguments):
        status, told = asking.ask(*arguments)
        assert status == 0, capsys.readouterr().err
        return told

    return run


@pytest.fixture
def ask(run):
    """Give what a command tells to programs."""
    return lambda *arguments: json.loads(run(*arguments, '-f', 'json'))


def name_of(cloud, flavor):
    return cloud.api.get_flavor(flavor)['name']


def test_what_is_explained_is_what_a_live_migration_does(cloud, flavor, ask):
    server = cloud.boot(flavor, host='first')
    rows = {row['Host']: row for row in ask('explain', server['id'])}
    assert {name for name, row in rows.items() if row['Passes']} == {'second'}
    assert rows['first']['Reasons'] == ['the server is there']
    assert rows['third']['Reasons'] == [f'without the trait {TRAIT}']
    assert rows['tiny']['Reasons'] == [
        'needs 3 PCPU of placement, 2 free',
        'guest cell 0 fits no host cell: needs 3 dedicated CPUs, the cell has '
        '1 (cell 0, 1)',
    ]
    assert cloud.live_migrate(server) == 'second'


def test_where_it_is_said_to_go_a_server_goes(cloud, ask):
    flavor = cloud.add_flavor(vcpus=3, **PINNED)
    server = cloud.boot(flavor, host='third')
    # As the cloud of these tests is configured, but for what it has learned.
    rows = ask('rank', server['id'])
    assert [row['Host'] for row in rows] == ['first', 'second']
    assert cloud.live_migrate(server) == rows[0]['Host']
    ((ranked, _), *_) = cloud.rankings[-1]
    assert ranked == rows[0]['Host']
    claimed = cloud.topology_of(server)
    assert rows[0]['Cells'] == [str(cell.id) for cell in claimed.cells]


def test_a_cold_migration_may_go_elsewhere(cloud, flavor, ask):
    server = cloud.boot(flavor, host='first')
    rows = ask('rank', server['id'], '--cold')
    assert [row['Host'] for row in rows] == ['second']
    assert cloud.cold_migrate(server) == 'second'


def test_as_many_servers_fit_as_are_counted(cloud, ask):
    flavor = cloud.add_flavor(vcpus=6, **PINNED)
    name = name_of(cloud, flavor)
    (row,) = ask('capacity', '--flavor', name)
    assert (row['Servers'], row['Hosts']) == (2 + 2, 2)
    for _ in range(row['Servers']):
        cloud.boot(flavor)
    (row,) = ask('capacity', '--flavor', name)
    assert (row['Servers'], row['Hosts']) == (0, 0)
    cloud.boot(flavor, state='ERROR')


def test_room_is_told_to_prometheus(cloud, run):
    cloud.add_flavor(vcpus=1, **PINNED)
    told = run('capacity', '-f', 'prometheus')
    assert 'numa_sched_free_dedicated_cpus{host="first"} 8' in told


def test_the_policy_of_a_server_is_told(cloud, flavor, ask):
    server = cloud.boot(
        flavor,
        image=cloud.add_image(
            compute_live_migration_post_copy='true', os_distro='x'
        ),
        host='first',
    )
    row = ask('policy', server['id'])[1]
    assert row['Wanted'] == 'true'
    assert row['From'] == [
        'flavor compute:live_migration_post_copy=true',
        'image compute_live_migration_post_copy=true',
    ]
    assert sorted(row['Names']) == ['first', 'second', 'tiny']


def test_an_image_is_read_as_nova_reads_it(cloud, ask):
    name = name_of(cloud, cloud.add_flavor(vcpus=10))
    plain = ask('explain', '--flavor', name)
    assert [row['Passes'] for row in plain] == [False] * 4  # no shared CPUs
    rows = ask(
        *('explain', '--flavor', name),
        *('--image-property', 'hw_numa_nodes=2'),
        *('--image-property', 'hw_cpu_policy=dedicated'),
    )
    assert {row['Host'] for row in rows if row['Passes']} == {
        'second',
        'third',
    }


def test_traits_of_an_image_count(cloud, ask):
    name = name_of(cloud, cloud.add_flavor(vcpus=1, **PINNED))
    rows = ask(
        *('explain', '--flavor', name),
        *('--image-property', f'trait:{TRAIT}=required'),
    )
    reasons = {row['Host']: row['Reasons'] for row in rows}
    assert reasons['third'] == [f'without the trait {TRAIT}']
    assert reasons['first'] == []


def test_what_nova_refuses_of_an_image_is_one_line(cloud, run):
    name = name_of(cloud, cloud.add_flavor(vcpus=1, hw__cpu_policy='shared'))
    with pytest.raises(AssertionError, match='Nova makes nothing of flavor'):
        run(
            *('explain', '--flavor', name),
            *('--image-property', 'hw_cpu_policy=dedicated'),
        )


def test_a_snapshot_gives_the_same_answers(cloud, flavor, run, ask, tmp_path):
    server = cloud.boot(flavor, host='first')
    path = str(tmp_path / 'fleet.json.gz')
    assert f'{path}: 4 hosts, 1 servers' in run('snapshot', path)
    for command in (
        ('explain', server['id']),
        ('rank', server['id']),
        ('policy', server['id']),
        ('capacity', '--by', 'host'),
    ):
        assert ask(*command) == ask(*command, '--snapshot', path)
    hidden = str(tmp_path / 'hidden.json')
    run('snapshot', '--from', path, '--anonymise', hidden)
    whole, other = (snapshot.read(each) for each in (path, hidden))
    assert [host.host.pinned for host in other.hosts] == [
        host.host.pinned for host in whole.hosts
    ]


def test_where_a_server_goes_nova_s_weighers_say_too(cloud, ask):
    flavor = cloud.add_flavor(vcpus=3, **PINNED)
    server = cloud.boot(flavor, host='third')
    rows = ask('rank', server['id'], '--by', 'weigher')
    weighers = {row['Weigher'] for row in rows}
    assert {'NUMAFitWeigher', 'RAMWeigher', 'CPUWeigher'} <= weighers
    rows = ask('rank', server['id'])
    cloud.live_migrate(server)
    assert [(row['Host'], row['Total']) for row in rows] == [
        (host, round(weight, 4)) for host, weight in cloud.rankings[-1]
    ]


def test_how_a_server_would_be_migrated_is_told(cloud, flavor, ask):
    server = cloud.boot(flavor, host='first')
    (row,) = ask('policy', server['id'], '--by', 'driver')
    assert row['Driver'] == "Nova's own driver"
    assert (row['Auto-Converge'], row['Post-Copy']) == ('as configured',) * 2


PROGRAM = pathlib.Path(sys.prefix, 'bin', 'numa-sched')


def started(*command):
    """Run a program as in the shell of an operator."""
    return subprocess.run(
        command, capture_output=True, text=True, env=on_disk.environment()
    )


def test_a_process_answers_from_nova_conf_and_writes_nothing(
    cloud, flavor, ask, tmp_path
):
    server = cloud.boot(flavor, host='first')
    paths = on_disk.copy_databases(tmp_path)
    before = [path.read_bytes() for path in paths.values()]
    with loopback.of_cloud(cloud) as placement:
        nova_conf = on_disk.configuration(cloud, placement, tmp_path)
        nova_conf['DEFAULT'] = {'transport_url': 'nowhere'}
        ended = started(
            PROGRAM,
            *('explain', server['id'], '-f', 'json', '--config-file'),
            nova_conf.write(tmp_path / 'nova.conf'),
        )
    assert (ended.returncode, ended.stderr) == (0, ''), ended.stderr
    assert json.loads(ended.stdout) == ask('explain', server['id'])
    assert [path.read_bytes() for path in paths.values()] == before
    assert {method for method, _ in placement.asked} == {'GET'}


@pytest.mark.parametrize(
    ('content', 'error'),
    [
        (None, 'the configuration cannot be read: Failed to find some config'),
        (
            '[api_database]\nconnection = sqlite:////no/such/file',
            'the API database of Nova ([api_database] connection in '
            'nova.conf) cannot be read: ',
        ),
    ],
)
def test_without_a_cloud_one_line_says_so(content, error, tmp_path):
    path = tmp_path / 'nova.conf'
    if content is not None:
        path.write_text(content)
    ended = started(PROGRAM, 'capacity', '--config-file', path)
    assert (ended.returncode, ended.stdout) == (1, '')
    assert ended.stderr.startswith(error)
    assert ended.stderr.count('\n') == 1
