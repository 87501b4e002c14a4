"""The commands that plan, on a snapshot."""

import csv
import io
import json
import shlex

import pytest

from numa_sched.fleet import Fleet, Seat, snapshot
from tests.builders import make_cell, mask
from tests.fleets import make_flavor, make_fleet_host, make_server


def cloud():
    """Give a host with three servers, of which two find a place."""
    small, large = make_flavor('small', 2), make_flavor('large', 6)
    full = make_cell(cpus=12, pinned=range(12))
    servers = [
        make_server(
            name, flavor, 'full', uuid=f'{name}-uuid', seats=(seat,), **fields
        )
        for name, flavor, seat, fields in (
            ('web', small, Seat(0, mask(0, 1)), {}),
            ('off', small, Seat(0, mask(2, 3)), {'vm_state': 'stopped'}),
            ('big', large, Seat(0, mask(*range(4, 10))), {}),
            ('odd\x1b', small, Seat(0, mask(10, 11)), {'locked': True}),
        )
    ]
    hosts = make_fleet_host('full', full), make_fleet_host('free', 5)
    return Fleet(hosts, tuple(servers), (small, large))


@pytest.fixture
def file(tmp_path):
    path = tmp_path / 'fleet.json'
    path.write_bytes(snapshot.dumps(cloud()))
    return str(path)


def test_people_see_waves_and_below_who_stays(ask):
    told = ask('drain', 'full', all=False)
    assert told.startswith(
        'full: 1 migration in 1 wave, 512 MiB of memory to be copied.\n'
        '2 servers cannot be moved.\n'
        '1 server would be left: no plan exists that moves the servers of '
        'these hosts alone.\n+--'
    )
    assert (
        '|    1 | web    | live | full | free | 0     |        512 |' in told
    )
    assert told.endswith(
        'odd\\x1b (odd\\x1b-uuid) stays on full: it is locked.\n'
        'big (big-uuid) stays on full: fits nowhere: cells with too few '
        'dedicated CPUs (1 host).\n'
    )


def test_programs_see_a_row_for_each_server(ask):
    rows = json.loads(ask('drain', 'full', '-f', 'json', all=False))
    assert rows[0] == {
        'Wave': 1,
        'Server': 'web',
        'UUID': 'web-uuid',
        'Move': 'live',
        'From': 'full',
        'To': 'free',
        'Cells': ['0'],
        'Memory MiB': 512,
        'Reason': '',
    }
    assert [(row['Wave'], row['Server'], row['To']) for row in rows[1:]] == [
        (None, 'off', None),
        (None, 'odd\x1b', None),
        (None, 'big', None),
    ]
    assert rows[2]['Reason'] == 'it is locked'


def test_a_plan_can_be_written_as_commands(ask):
    *told, last = ask('drain', 'full', '--commands', all=False).splitlines()
    assert last == (
        'openstack --os-compute-api-version 2.30 server migrate --host free '
        '--wait --live-migration web-uuid'
    )
    *told, stops, wave = told
    assert (stops, wave) == ('set -e', '# wave 1 of 1')
    assert all(line.startswith('# ') for line in told)
    assert '# odd\\x1b (odd\\x1b-uuid) stays on full: it is locked.' in told


def test_a_cold_migration_is_confirmed(ask):
    told = ask(
        'drain', 'full', '--cold', '--pin', 'web', '--commands', all=False
    )
    assert [shlex.split(line) for line in told.splitlines()[-2:]] == [
        [
            *('openstack', '--os-compute-api-version', '2.56', 'server'),
            *('migrate', '--host', 'free', '--wait', 'off-uuid'),
        ],
        ['openstack', 'server', 'migration', 'confirm', 'off-uuid'],
    ]


def test_servers_can_be_pinned(ask):
    told = ask(
        'drain',
        'full',
        '--pin',
        'web',
        '--pin',
        'big-',
        '-f',
        'csv',
        all=False,
    )
    rows = csv.DictReader(io.StringIO(told))
    why = {row['Server']: row['Reason'] for row in rows}
    assert why['web'] == why['big'] == 'it is to stay (--pin)'


def test_who_is_to_stay_is_not_missed(run, file):
    pins = [f'--pin={name}' for name in ('off', 'big', 'odd\x1b')]
    assert run('drain', 'full', *pins, '--snapshot', file)[0] == 0
    assert run('drain', 'full', *pins[1:], '--snapshot', file)[0] == 3


def test_a_host_without_servers_has_nothing_to_move(ask):
    assert ask('drain', 'free') == 'free: nothing is to be moved.\n'


def test_what_goes_wrong_is_one_line_with_commands_too(run, monkeypatch):
    def fail(*args):
        raise KeyError('first\nsecond')

    monkeypatch.setattr('numa_sched.cli.source.fleet', fail)
    status, out, err = run('drain', 'full', '--commands')
    assert (status, out) == (1, '')
    assert err == "KeyError: 'first\\nsecond' (--debug tells where)\n"


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (('drain', 'no'), 'there is no host no'),
        (('drain', 'free', '--pin', 'no'), 'there is no server no'),
    ],
)
def test_what_is_not_there_is_one_line_and_status_1(
    run, file, arguments, words
):
    status, out, err = run(*arguments, '--snapshot', file)
    assert (status, out, err) == (1, '', f'{words}\n')


@pytest.mark.parametrize('count', ['0', '-1', 'x'])
@pytest.mark.parametrize('option', ['--per-host', '--at-once', '--seconds'])
def test_a_limit_that_is_none_is_wrong_usage(run, file, option, count):
    status, out, err = run('drain', 'x', f'{option}={count}')
    assert (status, out) == (2, '')
    assert option in err


def test_why_no_plan_exists_is_told(ask):
    assert ask('make-room', '--flavor', 'large', '--cold', all=False) == (
        '1 new server of flavor large: no plan exists: 6 dedicated CPUs are '
        'wanted, and all hosts together have 5 free.\n'
    )


def test_room_that_is_there_is_told_with_its_hosts(ask):
    assert ask('make-room', '--flavor', 'small', '--count', '2') == (
        '2 new servers of flavor small: there is room already, on free (2).\n'
    )
    assert ask('make-room', '--like', 'web', '--commands') == (
        '# 1 new server of flavor small, like web (web-uuid): there is room '
        'already, on free.\n'
    )


@pytest.fixture
def crowded(tmp_path):
    """Give the file of a cloud in which one migration makes room."""
    small, large = make_flavor('small', 2), make_flavor('large', 4)
    hosts = (
        make_fleet_host('half', make_cell(cpus=4, pinned=(0, 1))),
        make_fleet_host('free', 2),
    )
    seats = (Seat(0, mask(0, 1)),)
    server = make_server('web', small, 'half', seats=seats)
    path = tmp_path / 'crowded.json'
    fleet = Fleet(hosts, (server,), (small, large))
    path.write_bytes(snapshot.dumps(fleet))
    return str(path)


def test_what_makes_room_is_told_wave_by_wave(run, crowded):
    asked = ('make-room', '--flavor', 'large', '--snapshot', crowded)
    status, out, err = run(*asked)
    assert (status, err) == (0, '')
    assert out.startswith(
        '1 new server of flavor large: 1 migration in 1 wave, 512 MiB of '
        'memory to be copied.\nThen there is room on half.\n+--'
    )
    (row,) = json.loads(run(*asked, '-f', 'json')[1])
    assert (row['Server'], row['To'], row['Cells']) == ('web', 'free', ['0'])


def test_that_a_plan_may_not_be_the_shortest_is_told(
    run, crowded, monkeypatch
):
    monkeypatch.setattr('numa_sched.plan.all_moves.MOST_MOVES', -1)
    monkeypatch.setattr('numa_sched.plan.room._is_fewest', lambda *_: False)
    told = run('make-room', '--flavor=large', f'--snapshot={crowded}')[1]
    assert 'Whether fewer migrations would do is not known.\n' in told


def test_that_no_plan_was_found_is_told(run, crowded, monkeypatch):
    monkeypatch.setattr('numa_sched.plan.all_moves.MOST_MOVES', -1)
    monkeypatch.setattr(
        'numa_sched.plan.evictions.Evictions.best', lambda _: None
    )
    asked = ('make-room', '--flavor=large', f'--snapshot={crowded}')
    status, told, _ = run(*asked)
    assert status == 3
    assert told.startswith(
        '1 new server of flavor large: no plan was found in 10 s: '
    )


@pytest.mark.parametrize(
    ('asked', 'words'),
    [
        (
            ('make-room', '--flavor=larger'),
            '1 new server of flavor larger: no plan of at most 1 migration '
            'was found: ',
        ),
        (
            ('keep-room', '--want=larger=1'),
            'flavor larger: room for 0 of 1 server.\n'
            'No plan for all of at most 1 migration was found.\n',
        ),
    ],
)
def test_a_plan_is_held_to_few_migrations(run, tmp_path, asked, words):
    small, larger = make_flavor('small', 2), make_flavor('larger', 4)
    full = make_cell(cpus=4, pinned=range(4))
    servers = [
        make_server(
            name, small, 'full', uuid=name, seats=(Seat(0, mask(*cpus)),)
        )
        for name, cpus in (('one', (0, 1)), ('two', (2, 3)))
    ]
    hosts = [make_fleet_host('full', full)]
    hosts += [make_fleet_host(name, 2) for name in ('b', 'c')]
    fleet = Fleet(tuple(hosts), tuple(servers), (small, larger))
    path = tmp_path / 'fleet.json'
    path.write_bytes(snapshot.dumps(fleet))
    status, out, _ = run(*asked, f'--snapshot={path}', '--most=1')
    assert (status, out[: len(words)]) == (3, words)
    assert run(*asked, f'--snapshot={path}', '--most=2')[0] == 0


@pytest.mark.parametrize(
    'arguments',
    [
        (),
        ('--flavor', 'small', '--like', 'web'),
        ('--like', 'web', '--image-property', 'a=b'),
        ('--flavor', 'small', '--image-property', 'a'),
        ('--flavor', 'small', '--count', '0'),
    ],
)
def test_a_new_server_is_told_in_one_way(run, file, arguments):
    status, out, _ = run('make-room', *arguments, '--snapshot', file)
    assert (status, out) == (2, '')


def test_targets_are_told_with_the_plan_that_reaches_them(run, crowded):
    asked = ('keep-room', '--want=large=1', '--want=small=1')
    status, out, err = run(*asked, '--snapshot', crowded)
    assert (status, err) == (0, '')
    assert out.startswith(
        'flavor large: room for 0 of 1 server.\n'
        'flavor small: room for 1 of 1 server.\n'
        '1 migration in 1 wave, 512 MiB of memory to be copied.\n'
        'Then there is room for 1 server of flavor large.\n+--'
    )


def test_targets_can_be_rows(run, crowded):
    asked = ('keep-room', '--want=large=1', '--by=target', '-f=json')
    (row,) = json.loads(run(*asked, '--snapshot', crowded)[1])
    assert row == {
        'Flavor': 'large',
        'Wanted': 1,
        'Now': 0,
        'After': 1,
        'Reason': '',
    }


def test_what_keeps_targets_from_being_reached_is_told(run, crowded):
    asked = ('keep-room', '--want=large=2', '--snapshot', crowded)
    status, told, _ = run(*asked)
    assert status == 3
    assert told == (
        'flavor large: room for 0 of 2 servers.\n'
        'No plan makes room for so many: only 1 would have room if all '
        'servers were gone that may be moved.\n'
    )


@pytest.mark.parametrize('want', ['small', 'small=0', '=1', 'small=x'])
def test_a_target_is_a_flavor_and_a_number(run, file, want):
    status, out, err = run('keep-room', f'--want={want}')
    assert (status, out) == (2, '')
    assert '--want' in err


@pytest.mark.parametrize(
    ('outcome', 'words'),
    [
        ('NONE', 'No plan exists that makes room for all of them.'),
        ('NOT_FOUND', 'No plan for all was found in 10 s.'),
    ],
)
def test_how_the_search_for_all_has_ended_is_told(
    run, crowded, monkeypatch, outcome, words
):
    from numa_sched import plan

    found = plan.KeptRoom((), plan.Outcome[outcome])
    monkeypatch.setattr(plan, 'keep_room', lambda *_: found)
    told = run('keep-room', '--want=small=1', '--snapshot', crowded)[1]
    assert told == f'{words}\n'


def test_the_name_of_a_server_stays_within_its_comment(run, tmp_path):
    named = make_server('a\nrm -rf b', make_flavor('small', 2), 'full')
    path = tmp_path / 'named.json'
    hosts = make_fleet_host('full', 4), make_fleet_host('free', 1)
    path.write_bytes(snapshot.dumps(Fleet(hosts, (named,))))
    status, told, _ = run(
        'drain', 'full', '--commands', '--snapshot', str(path)
    )
    assert status == 3
    assert 'a\\nrm -rf b' in told
    assert all(line.startswith('# ') for line in told.splitlines())
