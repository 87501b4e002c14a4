"""Drawings as files of SVG: well-formed, labelled, and of nobody's making."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from numa_sched.draw import geometry, page
from numa_sched.draw.build import picture, pictures
from numa_sched.draw.marks import PALETTE
from tests.builders import make_cell, make_host
from tests.unit.draw.fleets import (
    make_cloud,
    make_compute,
    make_fleet_host,
    make_server,
    zoo,
)

SVG = '{http://www.w3.org/2000/svg}'
ZOO = zoo()
EVIL = '<script>alert("1")</script>&\x1b\ud800\'"'


def classes(element):
    return element.get('class', '').split()


def find(tree, name):
    return [each for each in tree.iter() if name in classes(each)]


def host_of(*servers, pinned=(0,), **fields):
    host = make_host(make_cell(pinned=pinned))
    return picture(make_fleet_host(host, **fields), servers)


@pytest.mark.parametrize('name', ZOO)
def test_every_host_is_drawn_with_all_of_its_cpus(name):
    drawn = picture(ZOO[name])
    tree = ElementTree.fromstring(page.host_svg([drawn]))
    assert tree.tag == f'{SVG}svg'
    labels = [each.get('aria-label') for each in find(tree, 'cpu')]
    assert [label for label in labels if 'in no cell' not in label] == [
        cpu.words
        for cell in drawn.cells
        for core in cell.cores
        for cpu in core
    ]
    bars = [each.get('aria-label') for each in find(tree, 'bar')]
    assert bars == [bar.words for cell in drawn.cells for bar in cell.bars]


def test_who_can_be_reached_is_told_twice():
    tree = ElementTree.fromstring(page.host_svg([picture(*make_compute())]))
    reached = [each for each in tree.iter() if each.get('tabindex')]
    assert len(reached) == 2 * (1 + 40 + 4) + 10
    for each in reached:
        assert each.get('tabindex') == '0'
        assert each.get('aria-label')
        assert each.get('role') in ('img', 'group')
        if each.get('role') == 'img':
            # What a pointer shows; a group is told by what is in it.
            assert each.find(f'{SVG}title').text


def test_focus_goes_cell_by_cell_and_cpu_by_cpu():
    drawn = picture(*make_compute())
    tree = ElementTree.fromstring(page.host_svg([drawn]))
    labels = [
        each.get('aria-label')
        for each in tree.iter()
        if each.get('tabindex') and 'server' not in classes(each)
    ]
    assert labels == [
        label
        for cell in drawn.cells
        for label in (
            f'{cell.title}: {", ".join(cell.cpus)}',
            *(cpu.words for core in cell.cores for cpu in core),
            *(bar.words for bar in cell.bars),
        )
    ]


def test_servers_have_their_letters_and_colours():
    servers = [
        make_server(f's{number:02}', [(0, [number])]) for number in range(10)
    ]
    host = make_fleet_host(make_host(make_cell(cpus=11, pinned=range(11))))
    text = page.host_svg([picture(host, servers)])
    found = find(ElementTree.fromstring(text), 'cpu')
    assert [classes(each)[-1] for each in found] == [
        *(f'c{number % len(PALETTE)}' for number in range(10)),
        'unknown',
    ]
    assert [find(each, 'mark')[0].text for each in found] == list(
        'ABCDEFGHJK?'
    )
    for number, fill in enumerate(PALETTE):
        assert f'svg .c{number} .box {{ fill: {fill}; }}' in text


def test_states_differ_by_more_than_colour():
    host = make_fleet_host(
        make_host(
            make_cell(0, cpus=1, first=1),
            make_cell(1, cpus=1, first=2, shared=True),
            make_cell(2, cpus=1, first=3, legacy=True),
            make_cell(3, cpus=1, first=4, pinned=[4]),
        )
    )
    cpus = find(ElementTree.fromstring(page.host_svg([picture(host)])), 'cpu')
    looks = {
        each.get('aria-label').split(':')[0]: (
            ''.join(mark.text for mark in find(each, 'mark')),
            bool(find(each, 'filling')),
            classes(each)[1] if find(each, 'filling') else '',
        )
        for each in cpus
    }
    assert looks == {
        'CPU 0': ('×', True, 'outside'),  # noqa: RUF001
        'CPU 1': ('', False, ''),
        'CPU 2': ('', True, 'shared'),
        'CPU 3': (':', False, ''),
        'CPU 4': ('?', False, ''),
    }


@pytest.mark.parametrize('render', [page.host_svg, page.fleet_svg])
def test_names_stay_text(render):
    drawn = host_of(
        make_server(EVIL, [(0, [0])]), name=EVIL, zone=EVIL, disabled=EVIL
    )
    text = render([drawn])
    tree = ElementTree.fromstring(text)
    assert not list(tree.iter(f'{SVG}script'))
    assert '<script>alert("1")</script>&\\x1b\\ud800' in ''.join(
        tree.itertext()
    )


@pytest.mark.parametrize('render', [page.host_svg, page.fleet_svg])
def test_nothing_is_loaded_from_anywhere(render):
    cloud = make_cloud(3)
    text = render(pictures(cloud, cloud.hosts))
    urls = set(re.findall(r'url\(([^)]*)\)', text))
    assert all(url.startswith('#') for url in urls)
    assert set(re.findall(r'\bhttps?://[^"\s]*', text)) == {
        'http://www.w3.org/2000/svg'
    }
    assert '@import' not in text
    assert 'href' not in text


def test_patterns_that_are_used_are_there():
    text = page.host_svg([host_of()])
    assert set(re.findall(r'url\(#(\w+)\)', text)) == set(
        re.findall(r'<pattern id="(\w+)"', text)
    )


def test_a_fleet_has_a_tile_for_each_host():
    cloud = make_cloud(7)
    tree = ElementTree.fromstring(page.fleet_svg(pictures(cloud, cloud.hosts)))
    tiles = find(tree, 'tile')
    assert [each.get('aria-label').split(':')[0] for each in tiles] == [
        f'node{number}' for number in range(1, 8)
    ]
    assert all(each.get('tabindex') == '0' for each in tiles)


def test_a_tile_has_a_square_for_each_cpu():
    for host in ZOO.values():
        drawn = picture(host)
        tree = ElementTree.fromstring(page.fleet_svg([drawn]))
        (tile,) = find(tree, 'tile')
        squares = {
            classes(path)[0]: path.get('d').count('M')
            for path in tile.iter(f'{SVG}path')
            if 'frames' not in classes(path)
        }
        assert squares == {
            page.CLASSES[state]: mask.bit_count()
            for state, mask in _states(drawn)
        }


def _states(drawn):
    masks = {}
    for cell in drawn.cells:
        for state, mask in cell.states:
            masks[state] = masks.get(state, 0) | mask
    return masks.items()


def test_what_is_drawn_is_within_the_drawing():
    for host in ZOO.values():
        for cell in picture(host).cells:
            plan = geometry.plan(cell)
            for core in plan.cores:
                assert core.x + core.width <= plan.width
                for box in core.boxes:
                    assert core.x <= box.x
                    assert box.x + geometry.CPU_SIZE <= core.x + core.width
                    assert box.y + geometry.CPU_SIZE <= core.y + core.height
            places = [
                (box.x, box.y) for core in plan.cores for box in core.boxes
            ]
            assert len(set(places)) == len(places)
            # Bars stand below the cores, and all above the lower edge.
            low = max((core.y + core.height for core in plan.cores), default=0)
            assert all(bar.y >= low for bar in plan.bars)
            ends = [
                *(bar.y + geometry.BAR for bar in plan.bars),
                *(line.y for line in plan.lines),
            ]
            assert max(ends) <= plan.height


def test_the_same_data_give_the_same_drawing():
    cloud = make_cloud(4)
    drawn = pictures(cloud, cloud.hosts)
    assert page.host_svg(drawn) == page.host_svg(pictures(cloud, cloud.hosts))
    assert page.fleet_svg(drawn) == page.fleet_svg(
        pictures(cloud, cloud.hosts)
    )


@pytest.mark.parametrize('render', [page.host_svg, page.fleet_svg])
def test_there_may_be_nothing_to_draw(render):
    ElementTree.fromstring(render([]))
