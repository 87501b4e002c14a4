import dataclasses
import json

import pytest

from numa_sched.exceptions import NotFoundError
from numa_sched.fit.reasons import NoThreads, NoTopology, TooFewCells
from numa_sched.history import refused
from numa_sched.history.refused import (
    MAX_GROUPS,
    MAX_HOSTS,
    MAX_LINE,
    MAX_NAMES,
    MAX_TEXT,
    Dropped,
    Filtered,
    Group,
    Refused,
    describe_cells,
    dumps,
    loads,
    newest,
    told_of,
)
from tests.builders import GIANT_KB, make_guest_cell

WHEN = 1795305600.125


def make_refused(server='web', when=WHEN, **told):
    fields = {'why': 'no host is left', 'first': server, **told}
    return Refused(server, when, **fields)


WHOLE = make_refused(
    project='p',
    flavor='pinned.8',
    wanted=('8 CPUs', 'zone north'),
    filters=(Filtered('NUMAFitFilter', 2, 0),),
    groups=(Group(2, 'no threads', ('a', 'b')),),
    hosts=(Dropped('a', 'node', 'no threads here'),),
)


def test_what_is_written_is_read():
    assert loads(dumps(WHOLE)) == WHOLE


def test_a_line_is_one_and_has_no_end():
    line = dumps(make_refused(why='two\nlines\r', flavor='\x1b[31m\u2028'))
    assert len(line.splitlines()) == 1
    assert line.isascii() and line.decode().isprintable()


def test_the_time_can_be_read_by_people():
    assert json.loads(dumps(WHOLE))['when'] == '2026-11-22T00:00:00.125+00:00'


@pytest.mark.parametrize('end', range(len(dumps(WHOLE))))
def test_no_part_of_a_line_is_a_refusal(end):
    assert loads(dumps(WHOLE)[:end]) is None


def test_the_rest_of_a_torn_line_is_no_refusal():
    line = dumps(WHOLE)
    assert loads(line[:40] + line) is None
    assert loads(line[40:]) is None


def changed(**fields):
    return json.dumps({**json.loads(dumps(WHOLE)), **fields}).encode()


@pytest.mark.parametrize(
    'line',
    [
        b'',
        b'null',
        b'[]',
        b'{}',
        b'\xff\xfe',
        b'[' * 100_000,
        changed(version=2),
        changed(version=0),
        changed(version=None),
        changed(when='yesterday'),
        changed(when=5),
        changed(when='0001-01-01T00:00:00'),
        changed(server=None),
        changed(server=['web']),
        changed(wanted=5),
        changed(wanted=[{}]),
        changed(groups=[5]),
        changed(groups=[{'hosts': 'many', 'why': 'x', 'names': []}]),
        changed(groups=[{'hosts': 1e999, 'why': 'x', 'names': []}]),
        changed(filters=[{'name': 'x', 'hosts': 'x', 'left': 0}]),
        changed(hosts=[['a', 'b', 'c']]),
        changed(hosts=[{'host': 'a'}]),
    ],
    ids=lambda line: repr(line[:40]),
)
def test_what_is_no_refusal_is_taken_for_nothing(line):
    assert loads(line) is None


def test_keys_of_a_later_version_are_passed_over():
    assert loads(changed(colour='red')) == WHOLE


@pytest.mark.parametrize('char', ['x', '\x00', '\U0001f600', '\udc80'])
def test_a_line_is_no_longer_than_allowed(char):
    text = char * 10_000
    told = make_refused(
        text,
        why=text,
        project=text,
        flavor=text,
        wanted=(text,) * 1000,
        filters=(Filtered(text, 1, 1),) * 1000,
        groups=(Group(9, text, (text,) * MAX_NAMES),) * MAX_GROUPS,
        hosts=(Dropped(text, text, text),) * 1000,
    )
    line = dumps(told)
    assert len(line) <= MAX_LINE
    found = loads(line)
    assert found.flavor == text[: MAX_TEXT - 3] + '...'
    assert len(found.hosts) <= MAX_HOSTS


def test_no_more_hosts_are_written_than_are_to_be():
    told = make_refused(hosts=(Dropped('a', 'a', 'x'),) * (MAX_HOSTS + 1))
    assert len(loads(dumps(told)).hosts) == MAX_HOSTS


def test_a_line_that_is_too_long_loses_half_of_its_hosts(monkeypatch):
    hosts = tuple(Dropped(name, name, 'x') for name in 'abcdefgh')
    told = make_refused(hosts=hosts)
    monkeypatch.setattr(refused, 'MAX_LINE', len(dumps(told)))
    assert loads(dumps(told)) == told
    monkeypatch.setattr(refused, 'MAX_LINE', len(dumps(told)) - 1)
    assert loads(dumps(told)).hosts == hosts[:4]


def test_the_version_is_told():
    assert json.loads(dumps(WHOLE))['version'] == 1


def test_hosts_are_left_out_before_groups():
    text = 'x' * MAX_TEXT
    told = make_refused(
        groups=(Group(9, text, ()),) * MAX_GROUPS,
        hosts=(Dropped(text, text, text),) * MAX_HOSTS,
    )
    found = loads(dumps(told))
    assert found.groups == told.groups
    assert found.hosts == told.hosts[: len(found.hosts)]
    assert 0 < len(found.hosts) < MAX_HOSTS


def test_hosts_are_grouped_by_what_it_comes_to_the_most_first():
    groups, hosts = told_of(
        [
            ('a', 'a1', NoThreads()),
            ('b', 'b1', TooFewCells(4, 1)),
            ('c', 'c1', TooFewCells(4, 2)),
        ]
    )
    assert groups == (
        Group(2, 'fewer than 4 NUMA cells', ('b', 'c')),
        Group(1, 'needs sibling threads, the host has none', ('a',)),
    )
    assert [each.why for each in hosts] == [
        'needs sibling threads, the host has none',
        'needs 4 NUMA cells, the host has 1',
        'needs 4 NUMA cells, the host has 2',
    ]
    assert hosts[0][:2] == ('a', 'a1')


def test_of_reasons_as_frequent_the_first_by_name_comes_first():
    reasons = TooFewCells(4, 1), TooFewCells(2, 1), TooFewCells(3, 1)
    groups, _ = told_of(('host', '', each) for each in reasons)
    assert [group.why for group in groups] == [
        f'fewer than {cells} NUMA cells' for cells in (2, 3, 4)
    ]


def test_all_hosts_count_and_the_first_are_named():
    groups, hosts = told_of(
        (f'host{number}', 'node', NoTopology()) for number in range(500)
    )
    ((count, _, names),) = groups
    assert (count, len(names), len(hosts)) == (500, MAX_NAMES, MAX_HOSTS)
    assert names[0] == hosts[0].host == 'host0'


def test_hosts_that_nobody_looked_into_are_counted():
    groups, _ = told_of([('a', 'a', NoTopology())], 7)
    assert groups[-1] == Group(7, 'not looked into', ())


def test_reasons_that_are_too_many_are_told_as_one():
    groups, _ = told_of(
        (f'host{number}', '', TooFewCells(number, 1))
        for number in range(MAX_GROUPS + 5)
    )
    assert len(groups) == MAX_GROUPS + 1
    assert groups[-1] == Group(5, 'other reasons', ())


def test_all_hosts_dropped_are_counted():
    told = make_refused(groups=(Group(3, 'x', ()), Group(4, 'y', ())))
    assert told.dropped == 7


@pytest.mark.parametrize(
    ('cells', 'told'),
    [
        ([make_guest_cell(1)], '1 NUMA cell of 1 dedicated CPU and 512 MiB'),
        (
            [make_guest_cell(4, page_size=GIANT_KB)] * 2,
            '2 NUMA cells of 4 dedicated CPUs and 512 MiB in 1 GiB pages',
        ),
        (
            [make_guest_cell(1, shared=2), make_guest_cell(shared=1)],
            '2 NUMA cells: 1 dedicated CPU and 2 shared CPUs and 512 MiB; '
            '1 shared CPU and 512 MiB',
        ),
    ],
    ids=['one', 'alike', 'unlike'],
)
def test_cells_are_told_in_words(cells, told):
    assert describe_cells(cells) == told


OLD = make_refused('0123-web', WHEN - 10)
NEW = make_refused('4567-db', WHEN)
OTHER = make_refused('4599-db', WHEN - 20)


def test_the_newest_is_found_in_whatever_order():
    for kept in ([OLD, NEW, OTHER], [NEW, OTHER, OLD]):
        assert newest(kept) is NEW


def test_the_later_of_two_at_the_same_time_is_the_newest():
    again = dataclasses.replace(NEW)
    assert newest([NEW, again]) is again


@pytest.mark.parametrize('server', ['0123-web', '01'])
def test_a_server_is_known_by_its_uuid_or_the_beginning(server):
    assert newest([OLD, NEW], server) is OLD


def test_a_server_is_known_by_the_first_that_was_asked_for_with_it():
    third = make_refused('8901-web', first='0123-web')
    assert newest([third, NEW], '0123') is third


def test_a_beginning_of_several_servers_is_an_error_that_names_them():
    with pytest.raises(
        NotFoundError, match=r'2 servers .* 45: 4567-db, 4599-'
    ):
        newest([NEW, OTHER], '45')


def test_a_whole_uuid_is_that_of_one_server():
    longer = make_refused('4567-db-2', WHEN + 1)
    assert newest([NEW, longer], '4567-db') is NEW


def test_there_may_be_none():
    assert newest([OLD], 'ff') is None
    assert newest([]) is None
