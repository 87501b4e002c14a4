import io
import re
import textwrap

import pytest
from rich.console import Console

from numa_sched.draw import terminal
from numa_sched.draw.build import picture
from tests.builders import HUGE_KB, make_cell, make_host
from tests.unit.draw.fleets import (
    make_fleet_host,
    make_server,
    zoo,
)

ZOO = zoo()


def shown(drawn, width=80, encoding='utf-8', **console):
    """Give what comes out of a console, without blanks at the ends of lines.

    It is written as the encoding has it, and read again.
    """
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline='\n')
    terminal.show(Console(file=file, width=width, **console), drawn)
    file.flush()
    lines = raw.getvalue().decode(encoding).splitlines()
    return '\n'.join(line.rstrip() for line in lines)


def drawing(text):
    return textwrap.dedent(text).strip()


def small():
    host = make_host(
        make_cell(
            0,
            cpus=8,
            threads=2,
            pinned=[2, 3, 6],
            memory_used_mb=1024,
            pages=[(4, 524288), (HUGE_KB, 512, 128, 64)],
            socket=0,
        ),
        make_cell(
            1,
            cpus=2,
            first=8,
            shared=True,
            shared_used=1,
            physnets=frozenset({'physnet1'}),
        ),
        cpu_allocation_ratio=4.0,
    )
    return picture(
        make_fleet_host(host, zone='az1', up=True),
        [
            make_server('db-1', [(0, [2, 3], HUGE_KB)]),
            make_server('web', [(1, ())], shared=1),
        ],
    )


def test_a_host_with_box_characters():
    assert shown([small()]) == drawing(
        """
        node1  zone az1, up
        5 of 8 CPUs free to pin; 7 of 8 shared CPUs free; 7Gi of 8Gi memory free; 640Mi
        of 1Gi in huge pages free; 0 of 2 cells free
        ╭─ cell 0, socket 0 ───────────────────╮╭─ cell 1 ─────────────────────────────╮
        │ 5 of 8 CPUs free to pin              ││ 1 of 8 shared CPUs used              │
        │  0 1   2 3   4 5   6 7               ││  8   9                               │
        │ [· ·] [A A] [· ·] [? ·]              ││ [░] [░]                              │
        │                                      ││                                      │
        │                  used reserved  free ││                            used free │
        │ memory ██──────   1Gi        0   3Gi ││ memory ───────────────────    0  4Gi │
        │ 4 KiB  ────────     0        0   2Gi ││ networks: physnet1                   │
        │ 2 MiB  ██▒───── 256Mi    128Mi 640Mi ││                                      │
        ╰──────────────────────────────────────╯╰──────────────────────────────────────╯
        A pinned, by server   ? pinned, by no server known here   · free   ░ shared

           server  cells  CPUs      memory  pages  flavor
        A  db-1    0      2-3          1Gi  2 MiB  c2
        -  web     1      1 shared     1Gi  -      c1

        ! no server is known that holds CPUs 6
        """  # noqa: E501
    )


def test_a_host_without_them():
    assert shown([small()], width=60, encoding='ascii') == drawing(
        """
        node1  zone az1, up
        5 of 8 CPUs free to pin; 7 of 8 shared CPUs free; 7Gi of 8Gi
        memory free; 640Mi of 1Gi in huge pages free; 0 of 2 cells
        free
        +- cell 0, socket 0 -------------------------------------+
        | 5 of 8 CPUs free to pin                                |
        |  0 1   2 3   4 5   6 7                                 |
        | [. .] [A A] [. .] [? .]                                |
        |                                                        |
        |                                    used reserved  free |
        | memory ######--------------------   1Gi        0   3Gi |
        | 4 KiB  --------------------------     0        0   2Gi |
        | 2 MiB  ######===----------------- 256Mi    128Mi 640Mi |
        +--------------------------------------------------------+
        +- cell 1 -----------------------------------------------+
        | 1 of 8 shared CPUs used                                |
        |  8   9                                                 |
        | [s] [s]                                                |
        |                                                        |
        |                                              used free |
        | memory -------------------------------------    0  4Gi |
        | networks: physnet1                                     |
        +--------------------------------------------------------+
        A pinned, by server   ? pinned, by no server known here
        . free   s shared

           server  cells  CPUs      memory  pages  flavor
        A  db-1    0      2-3          1Gi  2 MiB  c2
        -  web     1      1 shared     1Gi  -      c1

        ! no server is known that holds CPUs 6
        """
    )


def test_colours_add_nothing_that_characters_do_not_say():
    plain = shown([small()])
    coloured = shown([small()], force_terminal=True, color_system='truecolor')
    assert '\x1b[' in coloured
    assert (
        strip_codes(coloured).replace('▐A', '[A').replace('A▌', 'A]') == plain
    )


def test_what_is_seen_first_is_the_name():
    text = shown([small()], force_terminal=True, color_system='truecolor')
    assert text.startswith('\x1b[1mnode1\x1b[0m  zone az1, up')


def test_letters_are_not_dim_where_there_are_no_colours(monkeypatch):
    monkeypatch.setenv('NO_COLOR', '1')
    text = shown([small()], force_terminal=True, color_system='truecolor')
    assert '\x1b[2m[\x1b[0mA A\x1b[2m]\x1b[0m' in text


@pytest.mark.parametrize('system', ['standard', '256', 'truecolor'])
def test_letters_are_black_wherever_there_are_colours(system):
    text = shown([small()], force_terminal=True, color_system=system)
    (codes,) = set(re.findall(r'\x1b\[([0-9;]*)m *A\x1b', text))
    # Bold black is grey in many a terminal.
    assert '1' not in codes.split(';')[:1]
    assert re.match('30;|38;5;16;|38;2;0;0;0;', codes)


def strip_codes(text):
    lines = re.sub(r'\x1b\[[0-9;]*m', '', text).splitlines()
    return '\n'.join(line.rstrip() for line in lines)


def test_no_color_is_heeded(monkeypatch):
    monkeypatch.setenv('NO_COLOR', '1')
    text = shown([small()], force_terminal=True, color_system='truecolor')
    assert '[A A]' in strip_codes(text)
    # Bold and dim are no colours.
    assert '38;' not in text
    assert '48;' not in text


def test_a_dumb_terminal_gets_no_codes(monkeypatch):
    monkeypatch.setenv('TERM', 'dumb')
    assert '\x1b' not in shown([small()], force_terminal=True)


@pytest.mark.parametrize('encoding', ['utf-8', 'ascii', 'latin-1'])
@pytest.mark.parametrize('width', [40, 80, 200])
@pytest.mark.parametrize('name', ZOO)
def test_every_host_is_drawn_within_the_width(name, width, encoding):
    text = shown([picture(ZOO[name])], width, encoding)
    assert text.startswith(name)
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize('encoding', ['utf-8', 'ascii'])
@pytest.mark.parametrize('width', [1, 5, 10, 20])
@pytest.mark.parametrize('name', ZOO)
def test_no_terminal_is_too_narrow(name, width, encoding):
    servers = [make_server('s', [(0, [n])], number=n) for n in range(30)]
    assert shown([picture(ZOO[name], servers)], width, encoding)


def test_the_name_of_a_cell_may_be_longer_than_it_is_wide():
    host = picture(make_fleet_host(make_host(make_cell(99, socket=8442))))
    for width in (10, 12, 16, 20, 24):
        text = shown([host], width, 'ascii')
        words = ' '.join(text.replace('|', ' ').replace('+-', ' ').split())
        assert 'cell 99,' in words
        assert '8442' in words


def test_every_cpu_is_there_by_its_number():
    host = picture(ZOO['eight threads a core'])
    for width in (20, 40, 80):
        words = shown([host], width).replace('│', ' ').split()
        assert {str(number) for number in range(96)} <= set(words)


def test_cells_stand_evenly_in_rows():
    host = picture(make_fleet_host(make_host(2, 2, 2, 2)))
    for width, rows in ((40, 4), (80, 2), (125, 2), (160, 1)):
        tops = [line.count('╭') for line in shown([host], width).splitlines()]
        assert [count for count in tops if count] == [4 // rows] * rows


def test_hosts_stand_below_each_other():
    names = [
        line
        for line in shown([small(), small()]).splitlines()
        if line.startswith('node1')
    ]
    assert len(names) == 2


def test_names_neither_steer_the_terminal_nor_are_markup():
    server = make_server('\x1b[31m[bold]x[/bold]\u202e', [(0, [0])])
    host = make_fleet_host(make_host(make_cell(pinned=[0])))
    text = shown([picture(host, [server])])
    assert r'\x1b[31m[bold]x[/bold]\u202e' in text
    assert '\x1b' not in text


def test_names_are_written_in_what_the_terminal_knows():
    host = make_fleet_host(make_host(2), 'Köln-漢')
    assert shown([picture(host)]).startswith('Köln-漢')
    assert shown([picture(host)], encoding='ascii').startswith(
        r'K\xf6ln-\u6f22'
    )


def test_long_words_are_all_there():
    name = 'n' * 300
    host = make_fleet_host(make_host(make_cell(pinned=[0])), name)
    text = shown([picture(host, [make_server('s' * 300, [(0, [0])])])])
    assert text.count('n') >= 300
    assert text.count('s') >= 300


def test_what_is_in_other_scripts_is_folded_by_its_width():
    nets = frozenset({'漢' * 40})
    host = make_fleet_host(make_host(make_cell(physnets=nets)))
    lines = shown([picture(host)]).splitlines()
    assert sum(line.count('漢') for line in lines) == 40
    frames = {line.index('│', 1) for line in lines if '漢' in line}
    # Fewer letters to a line, as each takes two columns.
    assert max(frames) < 40


def test_many_servers_have_marks_of_two_letters():
    cpus = [make_server(f's{n:02}', [(0, [n])]) for n in range(30)]
    host = make_fleet_host(make_host(make_cell(cpus=30, pinned=range(30))))
    text = shown([picture(host, cpus)], 100)
    assert '[AA] [AB] [AC]' in text
    assert '[BF]' in text


def test_a_host_that_cannot_be_drawn_says_why():
    assert shown([picture(ZOO['no topology'])]) == (
        'no topology\nno NUMA topology told'
    )
