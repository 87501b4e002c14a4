import pytest

from numa_sched.draw.build import picture
from numa_sched.draw.picture import Room, in_all
from tests.builders import HUGE_KB, make_cell, make_host
from tests.unit.draw.fleets import make_fleet_host, make_server


def test_the_room_of_a_host_is_that_of_its_cells():
    drawn = picture(
        make_fleet_host(
            make_host(
                make_cell(
                    0,
                    cpus=6,
                    pinned=[0, 1],
                    memory_mb=1000,
                    memory_used_mb=300,
                    pages=[(4, 100), (HUGE_KB, 10, 4, 1)],
                ),
                make_cell(1, cpus=4, shared=True, shared_used=3),
                make_cell(2, cpus=2, memory_mb=24),
                make_cell(3, cpus=0, memory_mb=24),
                cpu_allocation_ratio=1.5,
            )
        )
    )
    assert drawn.room == Room(
        cpus=6,
        cpus_total=8,
        shared=3,
        shared_total=6,
        memory_mb=700 + 4096 + 48,
        memory_total_mb=1000 + 4096 + 48,
        huge_kb=5 * HUGE_KB,
        huge_total_kb=10 * HUGE_KB,
        # Not that without CPUs, which no guest can have to itself.
        cells=1,
        cells_total=4,
    )
    assert drawn.words == (
        '6 of 8 CPUs free to pin',
        '3 of 6 shared CPUs free',
        '4.7Gi of 5Gi memory free',
        '10Mi of 20Mi in huge pages free',
        '1 of 4 cells free',
    )


def test_a_cell_with_less_than_nothing_takes_nothing_from_the_others():
    drawn = picture(
        make_fleet_host(
            make_host(
                make_cell(
                    memory_mb=1000,
                    memory_used_mb=3000,
                    pages=[(HUGE_KB, 1, 9)],
                ),
                make_cell(1, memory_mb=500, pages=[(HUGE_KB, 5, 2)]),
            )
        )
    )
    assert drawn.room.memory_mb == 500
    assert drawn.room.huge_kb == 3 * HUGE_KB


def test_the_key_tells_the_signs_that_there_are():
    host = make_host(
        make_cell(0, cpus=4, first=1, pinned=[1, 2, 3]),
        make_cell(1, cpus=1, first=6, shared=True),
        make_cell(2, cpus=1, first=7, legacy=True),
    )
    servers = [
        make_server('a', [(0, [2])]),
        make_server('b', [(0, [2, 3])]),
        make_server('c', []),
    ]
    key = picture(make_fleet_host(host), servers).key
    assert [(sign.words, sign.mark, sign.colour) for sign in key] == [
        ('pinned, by server', 'B', 1),
        ('pinned, by no server known here', '?', None),
        ('pinned, by several servers', '!', None),
        ('free', '', None),
        ('free, for pinned and for shared CPUs', '', None),
        ('shared', '', None),
        ('in no cell: not for guests, or offline', '', None),
    ]
    assert picture(make_fleet_host()).key == ()


def test_a_cpu_that_is_held_is_not_free_whatever_the_host_says():
    host = make_fleet_host(make_host(4))
    drawn = picture(host, [make_server('a', [(0, [2])])])
    assert drawn.room.cpus == 3


def test_the_key_tells_no_others():
    host = make_fleet_host(make_host(make_cell(cpus=2, pinned=[0])))
    for servers, words in (
        ([], ['pinned, by no server known here', 'free']),
        (
            [make_server('a', [(0, [0])]), make_server('far', [(9, [9])])],
            ['pinned, by server', 'free'],
        ),
        (
            [make_server('a', [(0, [0])]), make_server('b', [(0, [0])])],
            ['pinned, by several servers', 'free'],
        ),
        (
            [make_server('a', [(0, [0, 1])])],
            ['pinned, by server'],
        ),
    ):
        key = picture(host, servers).key
        assert [sign.words for sign in key] == words


def test_the_first_cpu_is_taken_for_what_it_is():
    host = make_fleet_host(make_host(make_cell(cpus=2, pinned=[1])))
    key = picture(host, [make_server('a', [(0, [1])])]).key
    assert [sign.words for sign in key] == ['pinned, by server', 'free']


def test_more_shared_cpus_than_there_are_take_none_from_other_cells():
    drawn = picture(
        make_fleet_host(
            make_host(
                make_cell(0, cpus=2, shared=True, shared_used=9),
                make_cell(1, cpus=2, shared=True),
            )
        )
    )
    assert (drawn.room.shared, drawn.room.shared_total) == (2, 4)


def test_pages_that_are_huge():
    drawn = picture(
        make_fleet_host(
            make_host(make_cell(pages=[(4, 7), (64, 10), (65, 3), (1024, 1)]))
        )
    )
    assert drawn.room.huge_total_kb == 3 * 65 + 1024


@pytest.mark.parametrize(
    ('memory_mb', 'used_mb', 'words'),
    [
        (1000, 490, '510Mi of 1000Mi memory'),
        # All but one MiB of a TiB.
        (2**20 - 1, 0, '1023Gi of 1023Gi memory'),
    ],
)
def test_words_are_exact(memory_mb, used_mb, words):
    cell = make_cell(memory_mb=memory_mb, memory_used_mb=used_mb)
    drawn = picture(make_fleet_host(make_host(cell)))
    assert drawn.words == (
        '4 of 4 CPUs free to pin',
        f'{words} free',
        f'{int(not used_mb)} of 1 cell free',
    )
    assert in_all([drawn]) == (
        f'Free, in 1 host: 4 of 4 CPUs to pin, {words}, '
        f'{int(not used_mb)} of 1 cell'
    )
