"""Pages, as a browser reads them: escaped, labelled, in order, alone."""

import base64
import hashlib
import html.parser
import re

import pytest

from numa_sched.draw import page
from numa_sched.draw.build import picture, pictures
from numa_sched.draw.order import Order, in_order
from tests.builders import make_cell, make_host
from tests.unit.draw.fleets import (
    make_cloud,
    make_compute,
    make_fleet_host,
    make_server,
    zoo,
)

EVIL = '</script></style></title><script>alert("1")</script>&amp;\x1b\ud800\'"'
SHOWN = EVIL.replace('\x1b', r'\x1b').replace('\ud800', r'\ud800')
VOID = {'meta', 'input', 'br'}


class Page(html.parser.HTMLParser):
    """All elements in their order, each with its attributes and its text."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.text = [], [], text
        self.feed(text)
        self.close()
        assert self.open == [], 'elements are left open'

    def handle_starttag(self, tag, attrs):
        element = {'tag': tag, 'text': '', **dict(attrs)}
        assert len(dict(attrs)) == len(attrs), f'{tag} has an attribute twice'
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append({'tag': tag, 'text': '', **dict(attrs)})

    def handle_endtag(self, tag):
        assert self.open.pop()['tag'] == tag

    def handle_data(self, data):
        for element in self.open:
            element['text'] += data

    def all(self, tag=None, **attributes):
        return [
            element
            for element in self.elements
            if tag in (None, element['tag'])
            and all(
                value in (element.get(name.rstrip('_')) or '').split()
                for name, value in attributes.items()
            )
        ]

    def reached(self):
        return [
            element
            for element in self.elements
            if element['tag'] in ('button', 'input', 'a', 'summary')
            or element.get('tabindex') == '0'
        ]


def host_page(*drawn, **options):
    return Page(page.host_page(drawn, **options))


def fleet_page(drawn, order=Order.NAME, **options):
    return Page(page.fleet_page(in_order(drawn, order), order, **options))


def evil():
    server = make_server(EVIL, [(0, [0])], number=1)
    host = make_fleet_host(
        make_host(make_cell(pinned=[0])),
        EVIL,
        zone=EVIL,
        disabled=EVIL,
        up=False,
    )
    return picture(host, [server, make_server(EVIL, [(7, ())], number=2)])


def cloud(hosts=5):
    fleet = make_cloud(hosts)
    return pictures(fleet, fleet.hosts)


PAGES = {
    'a host': lambda: host_page(picture(*make_compute())),
    'all kinds of hosts': lambda: host_page(*map(picture, zoo().values())),
    'a fleet': lambda: fleet_page(cloud()),
    'a fleet of all kinds': lambda: fleet_page(
        list(map(picture, zoo().values()))
    ),
    'evil names': lambda: host_page(evil(), taken_at=EVIL),
    'a fleet of evil names': lambda: fleet_page([evil()], taken_at=EVIL),
    'no host': lambda: host_page(),
    'a fleet of none': lambda: fleet_page([]),
}
every_page = pytest.mark.parametrize('make', PAGES.values(), ids=PAGES)


@every_page
def test_a_page_is_complete_and_stands_alone(make):
    found = make()
    assert found.text.startswith('<!doctype html>')
    assert found.all('html')[0]['lang'] == 'en'
    assert found.all('title')[0]['text'].strip() or make is PAGES['no host']
    # Only the two parts of a page that are its own, and no address.
    assert len(found.all('script')) == 1
    for element in found.elements:
        assert not {'src', 'xlink:href', 'style', 'onclick'} & set(element)
        assert element.get('href', '#').startswith('#')
    assert '@import' not in found.text
    assert re.findall(r'https?:', found.text) == []
    assert all(
        url.startswith('#') for url in re.findall(r'url\((.*?)\)', found.text)
    )


@every_page
def test_nothing_but_its_own_may_run(make):
    found = make()
    (policy,) = (
        each['content'] for each in found.all('meta') if 'http-equiv' in each
    )
    rules = dict(rule.strip().split(' ', 1) for rule in policy.split(';'))
    assert rules['default-src'] == "'none'"
    for tag, rule in (('style', 'style-src'), ('script', 'script-src')):
        # As a browser takes it: what stands between the tags.
        (own,) = re.findall(f'<{tag}>(.*?)</{tag}>', found.text, re.S)
        digest = base64.b64encode(hashlib.sha256(own.encode()).digest())
        assert rules[rule] == f"'sha256-{digest.decode()}'"
        assert own.isascii()


@every_page
def test_ids_are_there_once_and_what_is_meant_is_there(make):
    found = make()
    ids = [each['id'] for each in found.elements if 'id' in each]
    assert len(set(ids)) == len(ids)
    meant = [
        each[name].lstrip('#')
        for each in found.elements
        for name in ('href', 'for', 'aria-labelledby')
        if name in each
    ]
    assert set(meant) <= set(ids)
    assert set(re.findall(r'url\(#(\w+)\)', found.text)) <= set(ids)


@every_page
def test_whatever_is_reached_by_keyboard_has_a_name(make):
    for element in make().reached():
        assert (
            element.get('aria-label')
            or element['text'].strip()
            or (element.get('id') == 'filter')
        )
        # Never out of the order of the document.
        assert element.get('tabindex', '0') == '0'


@pytest.mark.parametrize(
    'make', [PAGES['evil names'], PAGES['a fleet of evil names']]
)
def test_names_stay_text(make):
    found = make()
    (headline, *_) = found.all('h1')
    (name, *_) = [
        each
        for each in found.all('h1') + found.all('h2')
        if SHOWN in each['text']
    ]
    assert name
    assert headline
    assert 'alert' not in found.all('script')[0]['text']
    assert '\x1b' not in found.text
    found.text.encode()


def test_every_cpu_can_be_reached_in_order():
    drawn = picture(*make_compute())
    labels = [
        each['aria-label'] for each in host_page(drawn).all(class_='cpu')
    ]
    assert labels == [
        cpu.words
        for cell in drawn.cells
        for core in cell.cores
        for cpu in core
    ]


def test_each_server_has_a_row_and_a_button_that_says_what_it_does():
    host, servers = make_compute(servers=12)
    servers.append(make_server('floats', [(0, ())], shared=1))
    found = host_page(picture(host, servers))
    rows = [each for each in found.all('tr') if 'data-s' in each]
    assert len(rows) == len(servers)
    buttons = found.all('button', class_='server')
    assert [each['aria-label'] for each in buttons] == [
        f'Show the CPUs of {server.name} ({server.mark})'
        for server in picture(host, servers).servers
        if server.mark
    ]
    assert {each['aria-pressed'] for each in buttons} == {'false'}
    assert {each['type'] for each in found.all('button')} == {'button'}


def test_a_host_tells_what_does_not_match():
    host = make_fleet_host(make_host(make_cell(pinned=[1])))
    (notes,) = host_page(picture(host)).all(class_='notes')
    assert notes['text'].strip() == 'no server is known that holds CPUs 1'


def test_when_the_data_are_from_is_told():
    told = host_page(*cloud(1), taken_at='2026-11-21T19:00:00Z')
    assert 'as of 2026-11-21T19:00:00Z' in told.all('main')[0]['text']
    told = fleet_page(cloud(1), taken_at='2026-11-21T19:00:00Z')
    assert 'as of 2026-11-21T19:00:00Z' in told.all('header')[0]['text']
    assert 'as of' not in fleet_page(cloud(1)).text


@pytest.mark.parametrize('order', Order)
def test_tiles_are_in_the_order_that_is_asked_for_and_told(order):
    drawn = cloud(12)
    found = fleet_page(drawn, order)
    names = [each['text'] for each in found.all('h2')]
    assert names == [each.name for each in in_order(drawn, order)]
    pressed = [
        each['data-sort']
        for each in found.all('button')
        if each['aria-pressed'] == 'true'
    ]
    assert pressed == [order.value]


@pytest.mark.parametrize('order', Order)
def test_a_browser_sorts_as_we_do(order):
    drawn = cloud(12)
    tiles = fleet_page(drawn).all(class_='tile')
    keys = {
        Order.NAME: lambda tile: int(tile['data-name']),
        Order.ROOM: lambda tile: int(tile['data-room']),
        Order.CELLS: lambda tile: (
            -int(tile['data-cells']),
            int(tile['data-room']),
        ),
    }
    assert [
        tile['aria-label'].split(':')[0]
        for tile in sorted(tiles, key=keys[order])
    ] == [each.name for each in in_order(drawn, order)]


def test_what_a_fleet_is_sorted_and_filtered_by_comes_before_it():
    reached = fleet_page(cloud(2)).reached()
    assert [each['tag'] for each in reached] == [
        *('a', 'input', 'button', 'button', 'button'),
        *('li', 'summary') * 2,
    ]


def test_a_host_that_is_off_is_marked_by_words():
    host = make_fleet_host(make_host(1), up=False, disabled='fan')
    found = fleet_page([picture(host)])
    assert [each['text'] for each in found.all(class_='off')] == [
        'down',
        'disabled: fan',
    ]


def test_a_page_of_a_thousand_hosts_is_not_too_large():
    text = page.fleet_page(cloud(100), Order.NAME)
    assert len(text) * 10 < 5_000_000
