import json

import pytest

from numa_sched.fleet import Fleet, snapshot
from tests.fleets import make_flavor, make_fleet_host


def test_a_table_has_a_row_for_each_host_and_what_would_help(ask):
    told = ask('explain', 'web')
    assert told.splitlines()[0] == (
        'Live migration of server web (0123-web): 2 of 5 hosts pass.'
    )
    assert 'Requires COMPUTE_MIGRATE_POST_COPY (flavor key' in told
    assert told.splitlines()[-2:] == [
        '1 host would pass but for this: without the trait '
        'COMPUTE_MIGRATE_POST_COPY.',
        '1 host would pass but for this: service is down.',
    ]


def test_programs_get_each_host_with_all_reasons(ask):
    rows = json.loads(ask('explain', 'web', '-f', 'json'))
    assert [(row['Host'], row['Passes'], row['Cells']) for row in rows] == [
        ('full', False, []),
        ('large', True, ['0']),
        ('exact', True, ['0']),
        ('unable', False, ['0']),
        ('down', False, ['0']),
    ]
    assert [row['Reasons'] for row in rows] == [
        ['the server is there'],
        [],
        [],
        ['without the trait COMPUTE_MIGRATE_POST_COPY'],
        ['its service is down'],
    ]


def test_hosts_can_be_grouped_by_reason(ask):
    rows = json.loads(ask('explain', 'web', '--by', 'reason', '-f', 'json'))
    assert rows[0] == {
        'Hosts': 2,
        'Reasons': ['(passes)'],
        'Names': ['large', 'exact'],
    }
    assert [row['Hosts'] for row in rows] == [2, 1, 1, 1]


def test_changes_can_be_listed(ask):
    told = ask('explain', '--flavor', 'wide', '--by', 'change', '-f', 'json')
    assert json.loads(told) == [
        {
            'Hosts': 1,
            'Change': 'would fit if the flavor asked for 1 NUMA cell '
            '(hw:numa_nodes=1)',
            'Names': ['large'],
        }
    ]


def test_one_host_is_looked_at_cell_by_cell(ask):
    told = ask(
        *('explain', '--flavor', 'wide', '--by', 'cell'),
        *('--host', 'exact', '-f', 'json'),
    )
    assert json.loads(told)[0] == {
        'Host': 'exact',
        'Guest Cell': 0,
        'Host Cell': 0,
        'Fits': False,
        'Reason': 'needs 4 dedicated CPUs, the cell has 2',
    }


def test_a_zone_can_be_asked_for(ask):
    told = ask('explain', 'web', '--zone', 'south', '-f', 'json')
    assert not any(row['Passes'] for row in json.loads(told))


def test_what_is_odd_about_a_server_is_told_above(ask):
    told = ask('explain', 'busy').splitlines()
    assert told[1].startswith('Wrong: flavor key compute:live_migration_auto')
    assert told[2:4] == [
        'The server is locked: only an administrator can move it.',
        'The server is busy: migrating.',
    ]


def test_nodes_are_named_where_they_are_not_their_hosts(run, tmp_path):
    path = tmp_path / 'fleet.json'
    host = make_fleet_host('host', 4, nodename='node')
    path.write_bytes(
        snapshot.dumps(Fleet((host,), flavors=(make_flavor('f', 1),)))
    )
    _, out, _ = run('explain', '--flavor', 'f', '--snapshot', str(path))
    assert '| Host | Node |' in out


def test_many_hosts_are_grouped(run, tmp_path):
    path = tmp_path / 'fleet.json'
    hosts = tuple(make_fleet_host(f'host-{n:02}', 4) for n in range(21))
    path.write_bytes(
        snapshot.dumps(Fleet(hosts, flavors=(make_flavor('f', 1),)))
    )
    _, out, _ = run('explain', '--flavor', 'f', '--snapshot', str(path))
    assert 'host-00, host-01, host-02, host-03 and 17 more' in out


def test_a_name_cannot_command_the_terminal(ask):
    told = ask('explain', '4567')
    assert '\x1b' not in told
    assert '<b>' in told


@pytest.mark.parametrize(
    ('arguments', 'status', 'error'),
    [
        (['nobody'], 1, 'there is no server nobody'),
        (['--flavor', 'none'], 1, 'there is no flavor none'),
        (['web', '--host', 'none'], 1, 'there is no host none'),
        (['web', '--aggregate', 'x'], 1, 'there is no aggregate x'),
        (
            ['--flavor', 'broken'],
            1,
            'Nova makes nothing of flavor broken: no such policy',
        ),
        (
            ['--flavor', 'small', '--image-property', 'hw_numa_nodes=2'],
            1,
            'what a flavor asks for together with image properties is for '
            'Nova to say, which cannot be imported here',
        ),
        ([], 2, 'name a SERVER, or a flavor with --flavor NAME'),
        (['web', '--flavor', 'x'], 2, 'name a SERVER, or a flavor'),
        (['--flavor', 'small', '--cold'], 2, '--cold goes with a SERVER'),
        (
            ['web', '--image-property', 'a=b'],
            2,
            '--image-property goes with --flavor only',
        ),
        (
            ['--flavor', 'small', '--image-property', 'a'],
            2,
            '--image-property a: KEY=VALUE is wanted',
        ),
        (['web', '--by', 'luck'], 2, "invalid choice: 'luck'"),
    ],
)
def test_what_is_wrong_is_one_line(run, file, arguments, status, error):
    ended, out, err = run('explain', *arguments, '--snapshot', file)
    assert (ended, out) == (status, '')
    assert error in err.splitlines()[-1]
    assert 'Traceback' not in err
    if status == 1:
        assert err.count('\n') == 1
