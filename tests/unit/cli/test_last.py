"""``numa-sched explain --last``: what the scheduler has left word of."""

import json

import pytest

from numa_sched.history.refused import (
    Dropped,
    Filtered,
    Group,
    Refused,
    dumps,
)
from numa_sched.history.ring import Ring

NOON = 1795348800.5  # 2026-11-22 12:00 UTC


def web(when=NOON, **told):
    """Give a refusal of a server for which two hosts were looked at."""
    fields = {
        'why': 'NUMAFitFilter left no host',
        'first': '0123-web',
        'project': 'p1',
        'flavor': 'pinned.8',
        'wanted': ('8 CPUs, 512 MiB', 'zone north'),
        'filters': (
            Filtered('ComputeFilter', 3, 2),
            Filtered('NUMAFitFilter', 2, 0),
        ),
        'groups': (Group(2, 'too few cells', ('a', 'b')),),
        'hosts': (
            Dropped('a', 'a', 'needs 4 cells, the host has 1'),
            Dropped('b', 'b', 'needs 4 cells, the host has 2'),
        ),
        **told,
    }
    return Refused('0123-web', when, **fields)


def early():
    return Refused('4567-db', NOON - 60, why='placement gave none')


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / 'refusals')


@pytest.fixture
def keep(path):
    """Write refusals, each as a worker of its own."""
    rings = []

    def keep(*refusals):
        for each in refusals:
            rings.append(Ring(path, 5))
            rings[-1].add(dumps(each))

    return keep


@pytest.fixture
def ask(run, path):
    """Ask for the last refusal; gives what was written if that was well."""

    def ask(*arguments):
        status, out, err = run(
            'explain', '--last', '--refusals-file', path, *arguments
        )
        assert (status, err) == (0, '')
        return out

    return ask


def test_the_newest_of_all_workers_is_told(ask, keep):
    keep(web(), early())
    assert ask().splitlines() == [
        '2026-11-22 12:00:00 UTC: no host was found for server 0123-web.',
        'Asked for: flavor pinned.8; project p1; 8 CPUs, 512 MiB; zone north.',
        'Why: NUMAFitFilter left no host.',
        'Filters: ComputeFilter left 2 of 3, NUMAFitFilter left 0 of 2.',
        '+------+-------------------------------+',
        '| Host | Reasons                       |',
        '+------+-------------------------------+',
        '| a    | needs 4 cells, the host has 1 |',
        '| b    | needs 4 cells, the host has 2 |',
        '+------+-------------------------------+',
    ]


def test_that_of_a_server_is_told(ask, keep):
    keep(web(), early())
    assert 'for server 4567-db.' in ask('45')


def test_programs_are_told_the_request_in_each_row(ask, keep):
    keep(web())
    assert json.loads(ask('-f', 'json'))[1] == {
        'When': '2026-11-22T12:00:00.500+00:00',
        'Server': '0123-web',
        'Why': 'NUMAFitFilter left no host',
        'Host': 'b',
        'Node': 'b',
        'Reasons': ['needs 4 cells, the host has 2'],
    }


def test_hosts_can_be_grouped_by_reason(ask, keep):
    keep(web())
    (row,) = json.loads(ask('--by', 'reason', '-f', 'json'))
    assert (row['Hosts'], row['Reasons'], row['Names']) == (
        2,
        ['too few cells'],
        ['a', 'b'],
    )


@pytest.mark.parametrize('by', ['host', 'reason'])
def test_programs_get_a_row_where_no_host_was_looked_at(ask, keep, by):
    keep(early())
    (row,) = json.loads(ask('--by', by, '-f', 'json'))
    assert (row['Server'], row['Why']) == ('4567-db', 'placement gave none')
    assert row['Reasons'] == []


def test_people_get_what_is_known_where_no_host_was_looked_at(ask, keep):
    keep(early())
    assert ask().splitlines()[:2] == [
        '2026-11-22 11:59:00 UTC: no host was found for server 4567-db.',
        'Why: placement gave none.',
    ]


def many():
    """Give a refusal by 5000 hosts, of which three are told."""
    hosts = tuple(Dropped(f'host{n}', f'node{n}', 'x') for n in range(3))
    names = tuple(f'host{n}' for n in range(10))
    return web(groups=(Group(5000, 'x', names),), hosts=hosts)


def test_many_hosts_are_grouped_in_a_table_and_all_of_them_counted(ask, keep):
    keep(many())
    assert ask().splitlines()[-2] == (
        '|  5000 | x       | host0, host1, host2, host3 and 4996 more |'
    )


def test_it_is_told_where_not_all_hosts_are(ask, keep):
    keep(many())
    told = ask('--by', 'host').splitlines()
    assert told[-1] == (
        'These are the first of 5000 hosts that were dropped; --by reason '
        'counts all of them.'
    )
    assert '| host0 | node0 | x       |' in told


def test_a_server_asked_for_with_others_is_told_with_the_first(ask, keep):
    keep(web(first='89ab-web'))
    assert ask('89').splitlines()[1] == (
        'It was asked for together with server 89ab-web.'
    )


@pytest.mark.parametrize('by', ['host', 'reason'])
def test_a_name_cannot_command_the_terminal(ask, keep, by):
    evil = '\x1b[31m\nroot\u202e'
    keep(
        web(
            flavor=evil,
            project=evil,
            why=evil,
            wanted=(evil,),
            first=evil,
            filters=(Filtered(evil, 1, 0),),
            groups=(Group(1, evil, (evil,)),),
            hosts=(Dropped(evil, evil, evil),),
        )
    )
    for form in ('table', 'value'):
        told = ask('--by', by, '-f', form)
        assert '\x1b' not in told and '\u202e' not in told
    assert not any(
        line.startswith('root') for line in ask('--by', by).splitlines()
    )


def test_a_torn_line_is_passed_over(ask, keep, path):
    keep(web())
    with open(f'{path}.0', 'ab') as file:
        file.write(dumps(web(NOON + 1, why='later'))[:-1])
    assert 'Why: NUMAFitFilter left no host.' in ask()


@pytest.fixture
def nova_conf(tmp_path):
    """Write a nova.conf; gives its path."""

    def write(*lines):
        file = tmp_path / 'nova.conf'
        file.write_text('\n'.join(['[numa_sched]', *lines, '']))
        return str(file)

    return write


def test_nova_conf_says_where_it_is(run, keep, path, nova_conf):
    keep(web())
    file = nova_conf(f'refusals_file = {path}')
    status, out, _ = run('explain', '--last', '--config-file', file)
    assert status == 0
    assert '0123-web' in out


@pytest.mark.parametrize(
    ('lines', 'error'),
    [
        ([], 'nova.conf has no [numa_sched] refusals_file'),
        (['refusals_file = here'], "'here' is not the path of a file"),
        (['refusals_file = /x', '['], 'the configuration cannot be read'),
    ],
    ids=['not set', 'wrong', 'no configuration'],
)
def test_a_configuration_that_does_not_say_is_one_line(
    run, nova_conf, lines, error
):
    file = nova_conf(*lines)
    status, out, err = run('explain', '--last', '--config-file', file)
    assert (status, out, err.count('\n')) == (1, '', 1)
    assert error in err


def test_a_configuration_that_is_not_there_is_one_line(run, tmp_path):
    missing = str(tmp_path / 'none.conf')
    status, out, err = run('explain', '--last', '--config-file', missing)
    assert (status, out, err.count('\n')) == (1, '', 1)
    assert 'none.conf' in err


def test_nothing_written_is_one_line(run, path):
    asked = ('explain', '--last', '--refusals-file', path)
    status, out, err = run(*asked)
    assert (status, out, err) == (1, '', f'{path}.0: there is no such file\n')


@pytest.mark.parametrize(
    ('arguments', 'error'),
    [
        (['none'], 'tells no refusal of a server whose UUID begins with none'),
        (['4567-'], 'the UUIDs of 2 servers begin with 4567-: 4567-a, 4567-b'),
    ],
)
def test_a_server_that_is_not_there_is_one_line(
    run, keep, path, arguments, error
):
    keep(*(Refused(name, NOON, 'x') for name in ('4567-a', '4567-b')))
    asked = ('explain', '--last', '--refusals-file', path)
    status, out, err = run(*asked, *arguments)
    assert (status, out, err.count('\n')) == (1, '', 1)
    assert error in err


def test_a_file_without_refusals_is_one_line(run, path, tmp_path):
    (tmp_path / 'refusals.0').write_text('\n')
    asked = ('explain', '--last', '--refusals-file', path)
    status, out, err = run(*asked)
    assert (status, out, err) == (1, '', f'{path}.*: tells no refusal\n')


@pytest.mark.parametrize(
    ('arguments', 'error'),
    [
        (['--last', '--flavor', 'x'], '--last does not go with --flavor'),
        (
            ['--last', '--image-property', 'a=b'],
            '--last does not go with --image-property',
        ),
        (['--last', '--cold'], '--last does not go with --cold'),
        (['--last', '--zone', 'x'], '--last does not go with --zone'),
        (['--last', '--aggregate', 'x'], 'does not go with --aggregate'),
        (['--last', '--host', 'x'], '--last does not go with --host'),
        (['--last', '--snapshot', 'x'], 'does not go with --snapshot'),
        (['--last', '--by', 'cell'], '--last does not go with --by cell'),
        (['--last', '--by', 'change'], 'does not go with --by change'),
        (
            ['web', '--refusals-file', 'x'],
            '--refusals-file goes with --last',
        ),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(run, arguments, error):
    status, out, err = run('explain', *arguments)
    assert (status, out) == (2, '')
    assert error in err.splitlines()[-1]
