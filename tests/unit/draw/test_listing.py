import io

from rich.console import Console

from numa_sched.draw import listing
from numa_sched.draw.build import picture, pictures
from tests.builders import HUGE_KB, make_cell, make_host
from tests.unit.draw.fleets import make_cloud, make_fleet_host, zoo


def shown(drawn, width=80, encoding='utf-8'):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline='\n')
    listing.show(Console(file=file, width=width), drawn)
    file.flush()
    return raw.getvalue().decode(encoding).splitlines()


def fleet():
    return [
        picture(make_fleet_host(host, name, **facts))
        for name, host, facts in (
            (
                'node1',
                make_host(
                    make_cell(0, cpus=8, pages=[(HUGE_KB, 1024, 256, 0)]),
                    make_cell(1, cpus=8, pinned=range(64, 70)),
                ),
                {'up': True},
            ),
            (
                'node2',
                make_host(
                    make_cell(cpus=4, shared=True, shared_used=3),
                    cpu_allocation_ratio=2.0,
                ),
                {'up': False, 'disabled': 'fan'},
            ),
            ('node3', None, {}),
        )
    ]


def test_each_host_has_a_line():
    assert shown(fleet(), 80) == [
        'host   in use              CPUs  shared   memory       huge  cells',
        'node1  ──────── ██████──  10/16       -  8Gi/8Gi  1.5Gi/2Gi    1/2',
        'node2  ███─────               -     5/8  4Gi/4Gi          -    0/1  '
        'down, disabled: fan',
        'node3  no NUMA topology told',
        'Free, in 3 hosts: 10 of 16 CPUs to pin, 12Gi of 12Gi memory, 1 of 3 '
        'cells',
    ]


def test_a_line_is_as_long_as_it_is():
    name = 'n' * 120
    lines = shown([picture(make_fleet_host(make_host(2), name))], 40)
    assert lines[1].startswith(f'{name}  ')
    assert lines[1].endswith('  1/1')


def test_many_cells_are_levels():
    many = picture(
        make_fleet_host(
            make_host(
                *(
                    make_cell(id, cpus=8, pinned=range(id * 64, id * 64 + id))
                    for id in range(9)
                )
            )
        )
    )
    assert '·▁▂▃▄▅▆▇█' in shown([many], 60)[1]
    assert '.12345678' in shown([many], 60, 'ascii')[1]


def test_numbers_stand_below_each_other():
    cloud = make_cloud(30)
    lines = shown(pictures(cloud, cloud.hosts), 120)[:-1]
    assert len({len(line) for line in lines}) == 1


def test_every_host_has_its_line_in_every_encoding():
    drawn = [picture(host) for host in zoo().values()]
    for encoding in ('utf-8', 'ascii'):
        lines = shown(drawn, 100, encoding)
        assert len(lines) == len(drawn) + 2
        for each, line in zip(drawn, lines[1:], strict=False):
            assert line.startswith(each.name)


def test_there_may_be_no_host():
    assert shown([])[-1] == (
        'Free, in 0 hosts: 0 of 0 CPUs to pin, 0 of 0 memory, 0 of 0 cells'
    )
